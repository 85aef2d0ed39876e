//! A proxy in front of the emulator that sees every request, and answers some as the real service does where
//! the emulator cannot: throttled, expired, denied, late.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A request that came by.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// `X-Amz-Target`, else method and path.
    pub operation: String,
    /// The header `User-Agent`.
    pub user_agent: String,
    /// The header `Authorization`, with region and service.
    pub authorization: String,
    /// The body, as text.
    pub body: String,
}

/// An answer that the proxy gives instead of the server.
#[derive(Clone, Debug)]
pub struct StubAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Headers, as on the wire.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
    /// How long it takes.
    pub delay: Duration,
}

impl StubAnswer {
    /// An error of a service that speaks AWS JSON, with the headers that the real one sends.
    #[must_use]
    pub fn aws_json(status: u16, code: &str, message: &str) -> Self {
        let body = if message.is_empty() {
            format!("{{\"__type\":\"{code}\"}}")
        } else {
            format!("{{\"__type\":\"{code}\",\"message\":{message:?}}}")
        };
        Self {
            status,
            headers: vec![
                (
                    "x-amzn-RequestId".to_owned(),
                    "7b1c4a52-7f3e-4a53-9b6e-5d1f0e1f2a3b".to_owned(),
                ),
                (
                    "Content-Type".to_owned(),
                    "application/x-amz-json-1.1".to_owned(),
                ),
            ],
            body,
            delay: Duration::ZERO,
        }
    }

    /// The same answer with another header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same answer, later.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }
}

#[derive(Debug, Default)]
struct State {
    connections: AtomicUsize,
    seen: Mutex<Vec<Seen>>,
    /// Operation, how often it is still answered so, and the answer.
    stubs: Mutex<Vec<(String, usize, StubAnswer)>>,
    closing: AtomicBool,
}

/// The running proxy.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    state: Arc<State>,
    accepting: Option<JoinHandle<()>>,
}

impl FaultProxy {
    /// Starts a proxy in front of a server at `http://host:port`.
    ///
    /// # Errors
    /// Where no port can be had.
    pub fn start(server: &str) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let server = server.trim_start_matches("http://").to_owned();
        let accepting = thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.closing.load(Ordering::Acquire) {
                    return;
                }
                shared.connections.fetch_add(1, Ordering::AcqRel);
                let (state, server) = (Arc::clone(&shared), server.clone());
                // A client that goes away is its own business.
                thread::spawn(move || drop(serve(client, &server, &state)));
            }
        });
        Ok(Self {
            address,
            state,
            accepting: Some(accepting),
        })
    }

    /// `http://127.0.0.1:port`
    #[must_use]
    pub fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers the next `times` requests of an operation (`Sign`, `GetPublicKey`, …) so.
    pub fn answer(&self, operation: &str, times: usize, answer: StubAnswer) {
        lock(&self.state.stubs).push((operation.to_owned(), times, answer));
    }

    /// What came by so far.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.state.seen).clone()
    }

    /// How many connections were opened so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::Acquire)
    }

    /// The operations that came by so far, without the service's prefix.
    #[must_use]
    pub fn operations(&self) -> Vec<String> {
        let last = |text: &str| text.rsplit('.').next().unwrap_or_default().to_owned();
        self.seen()
            .iter()
            .map(|seen| last(&seen.operation))
            .collect()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.state.closing.store(true, Ordering::Release);
        // Wakes the thread that waits for a client.
        drop(TcpStream::connect(self.address));
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves the requests of one connection.
fn serve(client: TcpStream, server: &str, state: &State) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut client = client;
    while let Some((head, body)) = read_message(&mut reader)? {
        let seen = describe(&head, &body);
        let stub = take_stub(state, &seen.operation);
        lock(&state.seen).push(seen);
        match stub {
            Some(stub) => {
                thread::sleep(stub.delay);
                client.write_all(&render(&stub))?;
            }
            None => {
                let answer = forward(&head, &body, server)?;
                client.write_all(&answer)?;
            }
        }
    }
    Ok(())
}

/// What the server answers, as part of a connection that stays open.
fn forward(head: &str, body: &[u8], server: &str) -> io::Result<Vec<u8>> {
    let mut upstream = TcpStream::connect(server)?;
    let head = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    upstream.write_all(head.as_bytes())?;
    upstream.write_all(body)?;
    let mut reader = BufReader::new(upstream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head)? > 0 {}
    let mut body = Vec::new();
    reader.read_to_end(&mut body)?;
    let kept = head.lines().filter(|line| {
        let name = line.split(':').next().unwrap_or_default();
        !name.eq_ignore_ascii_case("connection")
    });
    let mut answer = kept.collect::<Vec<_>>().join("\r\n");
    answer.push_str("\r\n");
    Ok([answer.into_bytes(), body].concat())
}

fn take_stub(state: &State, operation: &str) -> Option<StubAnswer> {
    let mut stubs = lock(&state.stubs);
    let (_, left, answer) = stubs
        .iter_mut()
        .find(|(wanted, left, _)| *left > 0 && operation.ends_with(wanted.as_str()))?;
    *left -= 1;
    Some(answer.clone())
}

/// The head with its empty line, and as many bytes as `Content-Length` says.
fn read_message(reader: &mut BufReader<TcpStream>) -> io::Result<Option<(String, Vec<u8>)>> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(None);
        }
    }
    let length = header(&head, "content-length").parse().unwrap_or_default();
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some((head, body)))
}

fn describe(head: &str, body: &[u8]) -> Seen {
    let first = head.lines().next().unwrap_or_default();
    let target = header(head, "x-amz-target");
    Seen {
        operation: match target.is_empty() {
            false => target,
            true => first.trim_end_matches(" HTTP/1.1").to_owned(),
        },
        user_agent: header(head, "user-agent"),
        authorization: header(head, "authorization"),
        body: String::from_utf8_lossy(body).into_owned(),
    }
}

fn header(head: &str, name: &str) -> String {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim().to_owned())
        .unwrap_or_default()
}

fn render(stub: &StubAnswer) -> Vec<u8> {
    let mut text = format!(
        "HTTP/1.1 {} Stub\r\nContent-Length: {}\r\n",
        stub.status,
        stub.body.len()
    );
    for (name, value) in &stub.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.push_str(&stub.body);
    text.into_bytes()
}
