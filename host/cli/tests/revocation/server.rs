//! A web server of files.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Serves what `look_up` finds by the first segment of the path, whether by GET or POST, as long as it is there.
pub(crate) struct Server {
    asked: Arc<Mutex<Vec<String>>>,
}

type LookUp = Box<dyn Fn(&str) -> Option<Vec<u8>> + Send>;

impl Server {
    pub(crate) fn new(listener: TcpListener, look_up: LookUp) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = serve(stream, &look_up, &log);
            }
        });
        Self { asked }
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
    reader.take(length).read_to_end(&mut Vec::new())?;
    let name = request
        .split(['/', ' '])
        .nth(2)
        .unwrap_or_default()
        .to_owned();
    let (status, body) = match look_up(&name) {
        Some(body) => ("200 OK", body),
        None => ("404 Not Found", Vec::new()),
    };
    log.lock().unwrap().push(name);
    let length = body.len();
    stream.write_all(
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")
            .as_bytes(),
    )?;
    stream.write_all(&body)
}
