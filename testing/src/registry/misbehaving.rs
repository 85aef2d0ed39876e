//! A registry that misbehaves: a proxy in front of a real one that answers as the test says.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::RegistryServerError;

/// Nobody may wait longer for a byte; a test that hangs is to fail.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request that arrived at the proxy.
#[derive(Clone, Debug, Default)]
pub struct ProxiedRequest {
    /// `GET`, `PUT`, …
    pub method: String,
    /// The path with its query, as it stood in the request line.
    pub target: String,
    /// The lines of the head after the first one.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl ProxiedRequest {
    /// A header's value; the name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// What the proxy does with a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Passes it on to the real registry, and the answer back.
    Forward,
    /// Passes it on, and replaces the answer's body; status and headers stay (but for the length).
    ReplaceBody(Vec<u8>),
    /// Passes it on, and sets a header of the answer; the name in lower case.
    ReplaceHeader(&'static str, String),
    /// Passes it on, and closes without a word: the registry has done it, and the client does not know.
    CutAfterForwarding,
    /// Passes it on, and sends only so many bytes of the answer's body before it closes.
    CutBodyAfter(usize),
    /// Passes it on, and sends the answer's body so slowly: one byte per pause.
    SlowBody(Duration),
    /// Answers by itself: status, headers, body.
    Respond(u16, Vec<(String, String)>, Vec<u8>),
    /// Sends these bytes, which need not be HTTP, and closes.
    Raw(Vec<u8>),
    /// Sends a head that announces no length, and then zeros until the client has enough.
    EndlessBody(Vec<(String, String)>),
    /// Closes the connection without a word.
    Cut,
}

impl Answer {
    /// Answers by itself, with headers given as string literals.
    #[must_use]
    pub fn respond(status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Self {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self::Respond(status, headers.collect(), body.into())
    }
}

type Rule = Box<dyn Fn(&ProxiedRequest) -> Answer + Send + Sync>;

struct Shared {
    upstream: Option<SocketAddr>,
    rule: Rule,
    requests: Mutex<Vec<ProxiedRequest>>,
    stopping: AtomicBool,
}

/// A proxy in front of a real registry. It keeps every request, so that a test can say which were made
/// and what they carried.
pub struct MisbehavingProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for MisbehavingProxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MisbehavingProxy")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl MisbehavingProxy {
    /// Starts a proxy in front of the registry at `upstream` (`127.0.0.1:port`), or in front of none,
    /// where the rule forwards nothing. The rule is asked for every request.
    ///
    /// # Errors
    /// [`RegistryServerError::Io`] if no port can be had.
    pub fn start(
        upstream: Option<&str>,
        rule: impl Fn(&ProxiedRequest) -> Answer + Send + Sync + 'static,
    ) -> Result<Self, RegistryServerError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .map_err(RegistryServerError::io("bind the proxy"))?;
        let address = listener
            .local_addr()
            .map_err(RegistryServerError::io("bind the proxy"))?;
        let shared = Arc::new(Shared {
            upstream: upstream.and_then(|upstream| upstream.parse().ok()),
            rule: Box::new(rule),
            requests: Mutex::default(),
            stopping: AtomicBool::new(false),
        });
        let listening = shared.clone();
        let listener = thread::spawn(move || accept(&listener, &listening));
        Ok(Self {
            address,
            shared,
            listener: Some(listener),
        })
    }

    /// The proxy's host and port, as references name it.
    #[must_use]
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Every request so far, in the order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<ProxiedRequest> {
        self.shared
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for MisbehavingProxy {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        // Wakes the listener up; connections end with their clients.
        let _ = TcpStream::connect(self.address);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for connection in listener.incoming() {
        if shared.stopping.load(Ordering::Relaxed) {
            return;
        }
        let Ok(connection) = connection else { return };
        let shared = shared.clone();
        // What goes wrong with a connection is what the client sees; that is the point.
        thread::spawn(move || {
            let _ = serve(connection, &shared);
        });
    }
}

fn serve(mut client: TcpStream, shared: &Shared) -> io::Result<()> {
    client.set_read_timeout(Some(PATIENCE))?;
    let request = read_request(&mut client)?;
    shared
        .requests
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(request.clone());
    match (shared.rule)(&request) {
        Answer::Forward => client.write_all(&forward(shared, &request)?),
        Answer::ReplaceBody(body) => {
            let (head, _) = split(forward(shared, &request)?)?;
            client.write_all(&with_length(&head, body.len()))?;
            client.write_all(&body)
        }
        Answer::ReplaceHeader(name, value) => {
            let (head, body) = split(forward(shared, &request)?)?;
            client.write_all(&with_header(&head, name, &value))?;
            client.write_all(&body)
        }
        Answer::CutAfterForwarding => forward(shared, &request).map(drop),
        Answer::CutBodyAfter(bytes) => {
            let (head, body) = split(forward(shared, &request)?)?;
            client.write_all(&with_length(&head, body.len()))?;
            client.write_all(body.get(..bytes).unwrap_or(&body))
        }
        Answer::SlowBody(pause) => {
            let (head, body) = split(forward(shared, &request)?)?;
            client.write_all(&with_length(&head, body.len()))?;
            for byte in body {
                client.write_all(&[byte])?;
                thread::sleep(pause);
            }
            Ok(())
        }
        Answer::Respond(status, headers, body) => {
            client.write_all(head(status, &headers, Some(body.len())).as_bytes())?;
            if request.method != "HEAD" {
                client.write_all(&body)?;
            }
            Ok(())
        }
        Answer::Raw(bytes) => client.write_all(&bytes),
        Answer::EndlessBody(headers) => {
            client.write_all(head(200, &headers, None).as_bytes())?;
            loop {
                client.write_all(&[b' '; 64 * 1024])?;
            }
        }
        Answer::Cut => Ok(()),
    }
}

fn head(status: u16, headers: &[(String, String)], length: Option<usize>) -> String {
    let mut text = format!("HTTP/1.1 {status} x\r\nConnection: close\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(length) = length {
        text.push_str(&format!("Content-Length: {length}\r\n"));
    }
    text.push_str("\r\n");
    text
}

fn read_request(client: &mut TcpStream) -> io::Result<ProxiedRequest> {
    let (head, mut body) = read_head(client)?;
    let mut lines = head.lines();
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (method, target) = (
        words.next().unwrap_or_default().to_owned(),
        words.next().unwrap_or_default().to_owned(),
    );
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_lowercase(), value.trim().to_owned()))
        .collect();
    let request = ProxiedRequest {
        method,
        target,
        headers,
        body: Vec::new(),
    };
    let length: usize = request
        .header("content-length")
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    let missing = length.saturating_sub(body.len());
    client.take(missing as u64).read_to_end(&mut body)?;
    Ok(ProxiedRequest { body, ..request })
}

/// Reads up to the empty line; what came with it of the body is returned too.
fn read_head(client: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut chunk = [0_u8; 4096];
    loop {
        let read = client.read(&mut chunk)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(chunk.get(..read).unwrap_or_default());
        if find_body(&bytes).is_some() {
            return split(bytes)
                .map(|(head, body)| (String::from_utf8_lossy(&head).into_owned(), body));
        }
    }
}

fn find_body(bytes: &[u8]) -> Option<usize> {
    bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .map(|at| at + 4)
}

fn split(mut message: Vec<u8>) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let at = find_body(&message).ok_or(io::ErrorKind::InvalidData)?;
    let body = message.split_off(at);
    Ok((message, body))
}

/// The head of an answer, for another length of body.
fn with_length(head: &[u8], length: usize) -> Vec<u8> {
    with_line(
        head,
        &["content-length", "transfer-encoding"],
        &format!("Content-Length: {length}"),
    )
}

/// The head of an answer, with another value of one header.
fn with_header(head: &[u8], name: &str, value: &str) -> Vec<u8> {
    with_line(head, &[name], &format!("{name}: {value}"))
}

/// The head of an answer without some headers, and with another line.
fn with_line(head: &[u8], dropped: &[&str], line: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(head);
    let kept = text.trim_end().lines().filter(|line| {
        let name = line.split(':').next().unwrap_or_default().to_lowercase();
        !dropped.contains(&name.as_str())
    });
    let mut lines: Vec<&str> = kept.collect();
    lines.push(line);
    format!("{}\r\n\r\n", lines.join("\r\n")).into_bytes()
}

fn forward(shared: &Shared, request: &ProxiedRequest) -> io::Result<Vec<u8>> {
    let upstream = shared.upstream.ok_or(io::ErrorKind::NotConnected)?;
    let mut registry = TcpStream::connect(upstream)?;
    registry.set_read_timeout(Some(PATIENCE))?;
    let mut text = format!(
        "{} {} HTTP/1.1\r\nConnection: close\r\n",
        request.method, request.target
    );
    for (name, value) in request
        .headers
        .iter()
        .filter(|(name, _)| name != "connection")
    {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    registry.write_all(text.as_bytes())?;
    registry.write_all(&request.body)?;
    let mut answer = Vec::new();
    registry.read_to_end(&mut answer)?;
    Ok(answer)
}
