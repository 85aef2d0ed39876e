//! A proxy for HTTPS: it lets clients through to one server, whatever name they ask for.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::RegistryServerError;

/// The longest head of a request that is read.
const MAX_HEAD_LEN: usize = 16 * 1024;

struct Shared {
    upstream: SocketAddr,
    asked: Mutex<Vec<String>>,
    stopping: AtomicBool,
}

/// A proxy that answers `CONNECT` by a connection to its server. With it, tests reach a server on loopback under
/// another name, and see what a client tells a proxy.
pub struct TunnelProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for TunnelProxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TunnelProxy")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl TunnelProxy {
    /// Starts a proxy to the server at `upstream` (`127.0.0.1:port`).
    ///
    /// # Errors
    /// [`RegistryServerError::Io`] if no port can be had, or `upstream` is no address.
    pub fn start(upstream: &str) -> Result<Self, RegistryServerError> {
        let failed = RegistryServerError::io("start the proxy");
        let upstream = upstream
            .parse()
            .map_err(|error| failed(io::Error::other(error)))?;
        let failed = RegistryServerError::io("start the proxy");
        let (listener, address) = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr().map(|address| (listener, address)))
            .map_err(failed)?;
        let shared = Arc::new(Shared {
            upstream,
            asked: Mutex::default(),
            stopping: AtomicBool::new(false),
        });
        let listening = shared.clone();
        Ok(Self {
            address,
            shared,
            listener: Some(thread::spawn(move || accept(&listener, &listening))),
        })
    }

    /// The proxy's URL, as the variable `HTTPS_PROXY` names it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The heads of all requests so far.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.shared
            .asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for TunnelProxy {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        if shared.stopping.load(Ordering::Relaxed) {
            return;
        }
        let Ok(client) = client else { return };
        let shared = shared.clone();
        // What goes wrong with a connection is what the client sees.
        thread::spawn(move || {
            let _ = tunnel(client, &shared);
        });
    }
}

fn tunnel(mut client: TcpStream, shared: &Shared) -> io::Result<()> {
    let head = read_head(&mut client)?;
    let connects = head.starts_with("CONNECT ");
    shared
        .asked
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(head);
    if !connects {
        return client.write_all(b"HTTP/1.1 405 x\r\nContent-Length: 0\r\n\r\n");
    }
    let server = TcpStream::connect(shared.upstream)?;
    client.write_all(b"HTTP/1.1 200 x\r\n\r\n")?;
    let (from_client, to_server) = (client.try_clone()?, server.try_clone()?);
    let there = thread::spawn(move || pass_on(from_client, to_server));
    pass_on(server, client);
    let _ = there.join();
    Ok(())
}

/// Passes everything on until one side ends.
fn pass_on(mut from: TcpStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

/// Reads up to the empty line. A client of a tunnel sends nothing behind it before the answer.
fn read_head(client: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        head.extend_from_slice(&byte);
        if head.len() > MAX_HEAD_LEN {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
