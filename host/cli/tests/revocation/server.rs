//! A web server of files.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Serves what `look_up` finds by the first segment of the path, whether by GET or POST, as long as it is there.
pub(crate) struct Server {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

/// Content type and content, from the name and the body of the request.
type LookUp = Box<dyn Fn(&str, &[u8]) -> Option<(&'static str, Vec<u8>)> + Send>;

impl Server {
    pub(crate) fn new(listener: TcpListener, look_up: LookUp) -> Self {
        let url = url_of(&listener);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = serve(stream, &look_up, &log);
            }
        });
        Self { url, asked }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// What was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

pub(crate) fn url_of(listener: &TcpListener) -> String {
    format!("http://{}", listener.local_addr().unwrap())
}

fn serve(mut stream: TcpStream, look_up: &LookUp, log: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        match header.trim_end().to_ascii_lowercase() {
            end if end.is_empty() => break,
            header => {
                if let Some(text) = header.strip_prefix("content-length: ") {
                    length = text.parse().unwrap_or(0);
                }
            }
        }
    }
    let mut posted = Vec::new();
    reader.take(length).read_to_end(&mut posted)?;
    let name = request
        .split(['/', ' '])
        .nth(2)
        .unwrap_or_default()
        .to_owned();
    let (status, (kind, body)) = match look_up(&name, &posted) {
        Some(found) => ("200 OK", found),
        None => ("404 Not Found", ("text/plain", Vec::new())),
    };
    log.lock().unwrap().push(name);
    let length = body.len();
    stream.write_all(
        format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")
            .as_bytes(),
    )?;
    stream.write_all(&body)
}
