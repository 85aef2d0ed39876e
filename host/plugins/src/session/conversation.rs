//! One process and the frames to and from it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use notary_plugin_protocol::Command;
use notary_plugin_protocol::session::{ARGUMENT, Answer, AnswerFrame, MAX_FRAME_LEN, RequestFrame};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::timeout;

use super::pace::Place;
use crate::environment::PluginEnvironment;
use crate::error::Failure;
use crate::process::{self, ProcessGroup};
use crate::sanitise::printable_bytes;

/// How much of standard error is kept for the case that the process dies: `docs/design/sessions.md`.
const KEPT_STDERR_LEN: usize = 64 * 1024;

/// How long to read on in standard error after the process has ended; only what it left behind could still write.
const STDERR_GRACE: Duration = Duration::from_millis(200);

/// What a request came to.
#[derive(Debug)]
pub(super) enum Outcome {
    Answered(Answer),
    /// The process ended, or had to be ended, before it answered.
    Died(String),
}

/// A process that answers frames.
#[derive(Debug)]
pub(super) struct Conversation {
    requests: Mutex<Option<mpsc::UnboundedSender<Vec<u8>>>>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    next_id: AtomicU64,
    waiting: Mutex<Waiting>,
    answered: AtomicBool,
    kill: Notify,
    ended: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    by_id: HashMap<u64, Waiter>,
    /// Set when the process answers no more; whoever comes later is not let in.
    closed: bool,
}

/// Who waits for an answer. The place is held until the plugin has answered, even if nobody waits any more: the plugin
/// still works on it.
#[derive(Debug)]
struct Waiter {
    answer: oneshot::Sender<Outcome>,
    _place: Place,
}

impl Conversation {
    /// Starts the process. Nothing is sent yet.
    pub(super) async fn start(
        executable: &Path,
        environment: &PluginEnvironment,
    ) -> Result<Self, Failure> {
        let directory = process::private_directory().map_err(Failure::WorkingDirectory)?;
        let mut child = process::start(executable, ARGUMENT, environment, directory.path()).await?;
        let (requests, to_write) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared::default());
        if let Some(stdin) = child.stdin.take() {
            tokio::spawn(write_requests(stdin, to_write));
        }
        let group = ProcessGroup::of(&child);
        let process = Process {
            child,
            group,
            _directory: directory,
        };
        tokio::spawn(process.serve(shared.clone()));
        Ok(Self {
            requests: Mutex::new(Some(requests)),
            shared,
        })
    }

    /// Sends a request, or gives nothing if the session has ended or the request makes no frame.
    pub(super) fn send(
        &self,
        command: Command,
        request: &[u8],
        place: Place,
    ) -> Option<oneshot::Receiver<Outcome>> {
        let id = self.shared.next_id.fetch_add(1, Ordering::Relaxed);
        let frame = RequestFrame {
            id,
            command,
            request: request.to_vec(),
        };
        let line = frame.to_line().ok()?;
        let (answer, receiver) = oneshot::channel();
        self.shared.admit(
            id,
            Waiter {
                answer,
                _place: place,
            },
        )?;
        let requests = lock(&self.requests);
        // If the writer is gone, so is the process, and the waiter is told by whoever watches it.
        requests.as_ref()?.send(line).ok()?;
        Some(receiver)
    }

    pub(super) fn is_alive(&self) -> bool {
        !lock(&self.shared.waiting).closed
    }

    /// Whether it answered anything so far.
    pub(super) fn has_answered(&self) -> bool {
        self.shared.answered.load(Ordering::Relaxed)
    }

    /// Kills the process group.
    pub(super) fn kill(&self) {
        self.shared.kill.notify_one();
    }

    /// Ends the input, waits for the process, and kills it at the deadline.
    pub(super) async fn end(&self, deadline: Duration) {
        let ended = self.shared.ended.notified();
        lock(&self.requests).take();
        if timeout(deadline, ended).await.is_err() {
            self.kill();
        }
    }
}

impl Shared {
    fn admit(&self, id: u64, waiter: Waiter) -> Option<()> {
        let mut waiting = lock(&self.waiting);
        if waiting.closed {
            return None;
        }
        waiting.by_id.insert(id, waiter);
        Some(())
    }

    /// Hands an answer to whoever waits for it, or says why the session cannot go on.
    fn deliver(&self, line: &[u8]) -> Result<(), String> {
        let frame = AnswerFrame::from_line(line).map_err(|error| error.to_string())?;
        let Some(id) = frame.id else {
            return Err(match frame.answer {
                Answer::Error(error) => {
                    format!(
                        "it ended the session: {}",
                        printable_bytes(error.message.as_bytes())
                    )
                }
                Answer::Response(_) => "it answered without saying what".to_owned(),
            });
        };
        let Some(waiter) = lock(&self.waiting).by_id.remove(&id) else {
            return Err(format!("it answered request {id}, which nobody sent"));
        };
        self.answered.store(true, Ordering::Relaxed);
        // Whoever asked may have gone away.
        let _ = waiter.answer.send(Outcome::Answered(frame.answer));
        Ok(())
    }

    /// Lets nobody in any more.
    fn close(&self) -> Vec<Waiter> {
        let mut waiting = lock(&self.waiting);
        waiting.closed = true;
        std::mem::take(&mut waiting.by_id).into_values().collect()
    }
}

/// The process with everything that must go when it goes.
struct Process {
    child: Child,
    group: ProcessGroup,
    _directory: tempfile::TempDir,
}

impl Process {
    /// Reads answers until the process ends or has to be ended; then tells everybody who still waits.
    async fn serve(mut self, shared: Arc<Shared>) {
        let stdout = self.child.stdout.take();
        let stderr = self.child.stderr.take();
        let tail = Arc::new(Mutex::new(Vec::new()));
        let listening = tokio::spawn(keep_tail(stderr, tail.clone()));
        let broken = tokio::select! {
            broken = read_answers(stdout, &shared) => broken,
            () = shared.kill.notified() => Err("it did not answer in time".to_owned()),
        };
        let unanswered = shared.close();
        let reason = match broken {
            Err(reason) => {
                self.group.kill();
                reason
            }
            Ok(()) => {
                let reason = self.ended(&shared).await;
                let _ = timeout(STDERR_GRACE, listening).await;
                let said = printable_bytes(&lock(&tail));
                if said.is_empty() {
                    reason
                } else {
                    format!("{reason} and says on standard error: {said}")
                }
            }
        };
        for waiter in unanswered {
            let _ = waiter.answer.send(Outcome::Died(reason.clone()));
        }
        shared.ended.notify_one();
    }

    /// Its output has ended, and it follows or is killed.
    async fn ended(&mut self, shared: &Shared) -> String {
        let status = tokio::select! {
            status = self.child.wait() => status,
            () = shared.kill.notified() => {
                self.group.kill();
                return "it closed its output and went on".to_owned();
            }
        };
        self.group.leave();
        match status {
            Ok(status) => format!("it ended in the middle of the session ({status})"),
            Err(error) => error.to_string(),
        }
    }
}

async fn write_requests(mut stdin: ChildStdin, mut lines: mpsc::UnboundedReceiver<Vec<u8>>) {
    while let Some(line) = lines.recv().await {
        if stdin.write_all(&line).await.is_err() || stdin.flush().await.is_err() {
            return;
        }
    }
}

/// Hands answers out until the end of the output.
async fn read_answers(
    stdout: Option<impl AsyncRead + Unpin>,
    shared: &Shared,
) -> Result<(), String> {
    let Some(stdout) = stdout else { return Ok(()) };
    let mut reader = BufReader::new(stdout);
    // One byte for the newline, one to see that the line is too long.
    let limit = u64::try_from(MAX_FRAME_LEN).unwrap_or(u64::MAX - 2) + 2;
    loop {
        let mut line = Vec::new();
        (&mut reader)
            .take(limit)
            .read_until(b'\n', &mut line)
            .await
            .map_err(|error| error.to_string())?;
        match line.last() {
            None => return Ok(()),
            Some(b'\n') => shared.deliver(&line)?,
            Some(_) if line.len() > MAX_FRAME_LEN => {
                return Err(format!(
                    "it wrote a line of more than {MAX_FRAME_LEN} bytes"
                ));
            }
            Some(_) => return Err("its output ends in the middle of a line".to_owned()),
        }
    }
}

async fn keep_tail(pipe: Option<impl AsyncRead + Unpin>, tail: Arc<Mutex<Vec<u8>>>) {
    let Some(mut pipe) = pipe else { return };
    let mut chunk = vec![0; 8 * 1024];
    while let Ok(read @ 1..) = pipe.read(&mut chunk).await {
        let mut tail = lock(&tail);
        tail.extend_from_slice(chunk.get(..read).unwrap_or_default());
        let surplus = tail.len().saturating_sub(KEPT_STDERR_LEN);
        tail.drain(..surplus);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
