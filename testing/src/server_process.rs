//! A server process that lives as long as its handle.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(5);

/// Another process may take the port between our finding it and the server's binding it.
const ATTEMPTS: usize = 5;

/// Why a server process is not there.
#[derive(Debug)]
pub(crate) enum StartError {
    /// The system refused a step.
    Io(&'static str, std::io::Error),
    /// The server ended or did not answer; with what it wrote.
    NotReady(String),
}

impl StartError {
    pub(crate) fn io(action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io(action, source)
    }
}

#[derive(Debug)]
pub(crate) struct ServerProcess {
    child: Child,
    pub(crate) port: u16,
}

impl ServerProcess {
    /// Starts the command that `command` makes for a free port, and waits until the port answers. What
    /// the server writes goes to `directory/log`.
    pub(crate) fn start(
        directory: &Path,
        command: impl Fn(u16) -> Result<Command, StartError>,
    ) -> Result<Self, StartError> {
        let mut result = Err(StartError::NotReady(String::new()));
        for _ in 0..ATTEMPTS {
            result = Self::start_at(directory, free_port()?, &command);
            if !matches!(result, Err(StartError::NotReady(_))) {
                break;
            }
        }
        result
    }

    /// As [`start`](Self::start), for a server that makes the file `sign` once its port is its own.
    pub(crate) fn start_with_sign(
        directory: &Path,
        sign: &Path,
        command: impl Fn(u16) -> Result<Command, StartError>,
    ) -> Result<Self, StartError> {
        for _ in 0..ATTEMPTS {
            let mut server = Self::start(directory, &command)?;
            if server.shows(sign) {
                return Ok(server);
            }
        }
        let log = std::fs::read_to_string(directory.join("log")).unwrap_or_default();
        Err(StartError::NotReady(log))
    }

    /// As [`start`](Self::start), at a port that is given.
    pub(crate) fn start_at(
        directory: &Path,
        port: u16,
        command: impl Fn(u16) -> Result<Command, StartError>,
    ) -> Result<Self, StartError> {
        let log_path = directory.join("log");
        let log = File::create(&log_path).map_err(StartError::io("create the server's log"))?;
        let errors = log
            .try_clone()
            .map_err(StartError::io("create the server's log"))?;
        let child = command(port)?
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map_err(StartError::io("start the server"))?;
        let mut server = Self { child, port };
        if server.becomes_ready() {
            return Ok(server);
        }
        drop(server);
        let log = std::fs::read_to_string(&log_path).unwrap_or_default();
        Err(StartError::NotReady(log))
    }

    /// Waits until `sign` is there. The port alone can deceive: it may be another process that answers there,
    /// while the server is about to end because the port is taken.
    pub(crate) fn shows(&mut self, sign: &Path) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
            if sign.exists() {
                return true;
            }
            std::thread::sleep(POLL);
        }
        false
    }

    fn becomes_ready(&mut self) -> bool {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return false;
            }
            if TcpStream::connect_timeout(&address, POLL * 20).is_ok() {
                return true;
            }
            std::thread::sleep(POLL);
        }
        false
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing to do about it here.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nothing listens on now.
pub(crate) fn free_port() -> Result<u16, StartError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(StartError::io("find a free port"))
}
