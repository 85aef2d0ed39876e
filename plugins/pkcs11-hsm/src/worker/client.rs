//! The plugin's end: starts a worker, asks it, and makes an error of everything that may happen to it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use notary_plugin_protocol::ErrorCode;
use notary_plugin_sdk::{Deadline, PluginError};
use tokio::sync::oneshot;

use super::message::{Answer, Failure, Operation, Request, Response};
use super::server::ARGUMENT;
use crate::token::TokenAddress;

/// How long a worker may take to log out and finalise the module after its last request.
const FAREWELL: Duration = Duration::from_secs(2);

/// A running worker that is connected to one token. Dropping it ends the process: in an orderly way if
/// it is idle, at once if it is still busy.
pub(crate) struct Client {
    module: PathBuf,
    child: Mutex<Child>,
    requests: Mutex<Option<ChildStdin>>,
    pending: Arc<Mutex<Pending>>,
}

#[derive(Default)]
struct Pending {
    next: u64,
    /// The worker answers no more; whoever came later would wait for ever.
    ended: bool,
    waiting: BTreeMap<u64, oneshot::Sender<Result<Answer, Failure>>>,
}

impl Client {
    /// Starts a worker and lets it connect to a token.
    ///
    /// # Errors
    /// What the token said, `TIMEOUT` when it said nothing, `ERROR` when the module took the process
    /// down.
    pub(crate) async fn connect(
        address: TokenAddress,
        writable: bool,
        deadline: Deadline,
    ) -> Result<Self, PluginError> {
        let client = Self::start(&address.module).map_err(|error| {
            PluginError::error(format!(
                "cannot start the process that loads the PKCS#11 module: {error}"
            ))
        })?;
        client
            .ask(Operation::Connect { address, writable }, deadline)
            .await?;
        Ok(client)
    }

    fn start(module: &Path) -> std::io::Result<Self> {
        let mut child = Command::new(own_executable()?)
            .arg(ARGUMENT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let requests = child.stdin.take();
        let pending = Arc::new(Mutex::new(Pending::default()));
        if let Some(answers) = child.stdout.take() {
            let pending = Arc::clone(&pending);
            thread::Builder::new()
                .name("answers".to_owned())
                .spawn(move || {
                    for line in BufReader::new(answers).split(b'\n') {
                        let response = line
                            .ok()
                            .and_then(|line| serde_json::from_slice::<Response>(&line).ok());
                        let Some(Response { number, result }) = response else {
                            break;
                        };
                        if let Some(waiting) = lock(&pending).waiting.remove(&number) {
                            // Nobody waits any more if the deadline has passed.
                            let _ = waiting.send(result);
                        }
                    }
                    // The worker has ended: whoever waits learns it by the loss of the sender.
                    let mut pending = lock(&pending);
                    pending.ended = true;
                    pending.waiting.clear();
                })?;
        }
        Ok(Self {
            module: module.to_owned(),
            child: Mutex::new(child),
            requests: Mutex::new(requests),
            pending,
        })
    }

    /// Has the worker do something.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub(crate) async fn ask(
        &self,
        operation: Operation,
        deadline: Deadline,
    ) -> Result<Answer, PluginError> {
        let doing = operation.doing();
        let (sender, receiver) = oneshot::channel();
        let number = {
            let mut pending = lock(&self.pending);
            pending.next += 1;
            let number = pending.next;
            if !pending.ended {
                pending.waiting.insert(number, sender);
            }
            number
        };
        if self.send(&Request { number, operation }).is_err() {
            return Err(self.ended(doing));
        }
        match tokio::time::timeout_at(deadline.at().into(), receiver).await {
            Ok(Ok(Ok(answer))) => Ok(answer),
            Ok(Ok(Err(failure))) => Err(failure.into()),
            Ok(Err(_)) => Err(self.ended(doing)),
            Err(_) => {
                self.kill();
                Err(PluginError::timeout(format!(
                    "the PKCS#11 module {} did not answer in time while {doing}, and its process was ended: is the token reachable? \
                     The configuration key `deadline` allows it more time",
                    self.module.display()
                )))
            }
        }
    }

    /// Whether the worker can still be asked.
    pub(crate) fn is_alive(&self) -> bool {
        !lock(&self.pending).ended && matches!(lock(&self.child).try_wait(), Ok(None))
    }

    /// The error for an answer to another question, which only a bug of ours can give.
    pub(crate) fn confused() -> PluginError {
        PluginError::error(
            "the token's process gave an answer of the wrong kind: please report this as a bug",
        )
    }

    fn send(&self, request: &Request) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        match lock(&self.requests).as_mut() {
            Some(requests) => requests.write_all(&line),
            None => Err(std::io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// The error for a worker that ended without an answer.
    fn ended(&self, doing: &str) -> PluginError {
        let how = match self.wait(FAREWELL) {
            Some(status) => describe(status),
            None => "closed its output".to_owned(),
        };
        self.kill();
        PluginError::error(format!(
            "the PKCS#11 module {} took its process down while {doing} ({how}): try again, and report it to the \
             module's vendor if it happens again",
            self.module.display()
        ))
    }

    fn kill(&self) {
        let mut child = lock(&self.child);
        // It may have ended by itself, which is as good.
        let _ = child.kill();
        let _ = child.wait();
    }

    fn wait(&self, limit: Duration) -> Option<ExitStatus> {
        let end = Instant::now() + limit;
        let mut pause = Duration::from_micros(100);
        loop {
            if let Ok(Some(status)) = lock(&self.child).try_wait() {
                return Some(status);
            }
            if Instant::now() >= end {
                return None;
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(5));
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        lock(&self.requests).take();
        let idle = lock(&self.pending).waiting.is_empty();
        if !idle || self.wait(FAREWELL).is_none() {
            self.kill();
        }
    }
}

impl From<Failure> for PluginError {
    fn from(failure: Failure) -> Self {
        Self::new(ErrorCode::from(failure.code.as_str()), failure.message)
    }
}

fn describe(status: ExitStatus) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt as _;
        if let Some(signal) = status.signal() {
            let name =
                rustix::process::Signal::from_named_raw(signal).map(|signal| format!("{signal:?}"));
            return format!(
                "signal {signal}{}",
                name.map(|name| format!(", {name}")).unwrap_or_default()
            );
        }
    }
    status.to_string()
}

/// This program, even when the file at its path has been replaced since it started.
fn own_executable() -> std::io::Result<PathBuf> {
    let running = Path::new("/proc/self/exe");
    if running.exists() {
        Ok(running.to_owned())
    } else {
        std::env::current_exe()
    }
}

/// A lock whose holder panicked still holds consistent data: every change under it is a single step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
