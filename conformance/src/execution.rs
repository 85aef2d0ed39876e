//! One run of a plugin: raw bytes in, raw bytes out, bounded in time and size.

use crate::HarnessError;
use serde_json::Value;
use std::io::{ErrorKind, Read, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// The contract's own limit for each of a plugin's two output streams.
pub(crate) const OUTPUT_LIMIT: u64 = 64 * 1024 * 1024;

/// How often a running plugin is looked at.
const POLL: Duration = Duration::from_millis(2);

/// How long a plugin's output may stay open once the plugin itself has ended and what it left in its
/// process group was stopped: whoever holds it then is a process that fled.
const OUTPUT_GRACE: Duration = Duration::from_secs(5);

/// How long an executable may be busy before that is an error.
const BUSY_PATIENCE: Duration = Duration::from_secs(5);

/// What a plugin finds on its standard input.
#[derive(Clone, Copy, Debug)]
pub enum Stdin<'a> {
    /// These bytes, then the end.
    Bytes(&'a [u8]),
    /// The end at once.
    Empty,
    /// The null device: no pipe at all, as under many service managers.
    Null,
    /// These bytes, and the end only after this time.
    HeldOpen(&'a [u8], Duration),
}

/// Which variables a plugin finds in its environment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Environment {
    /// Those of the harness and those of the profile.
    #[default]
    Full,
    /// `PATH` only: no home directory, no credentials, no settings.
    Bare,
}

/// One run of a plugin that a check asks for.
#[derive(Clone, Copy, Debug)]
pub struct Invocation<'a> {
    /// The arguments after the program's name.
    pub arguments: &'a [&'a str],
    /// What is on standard input.
    pub stdin: Stdin<'a>,
    /// Which variables are set.
    pub environment: Environment,
    /// Variables that are set in addition.
    pub variables: &'a [(&'a str, &'a str)],
    /// The working directory; an empty temporary one where it is `None`.
    pub directory: Option<&'a Path>,
    /// A command that starts the plugin, such as `unshare --net`; empty to start it directly.
    pub wrapper: &'a [&'a str],
}

impl<'a> Invocation<'a> {
    /// A command with these bytes on standard input.
    #[must_use]
    pub fn new(arguments: &'a [&'a str], stdin: Stdin<'a>) -> Self {
        Self {
            arguments,
            stdin,
            environment: Environment::Full,
            variables: &[],
            directory: None,
            wrapper: &[],
        }
    }
}

/// What a run of a plugin left behind.
#[derive(Clone, Debug)]
pub struct Execution {
    /// The exit status; `None` where the time limit ended it.
    pub status: Option<ExitStatus>,
    /// Standard output, up to the contract's limit.
    pub stdout: Vec<u8>,
    /// Standard error, up to the contract's limit.
    pub stderr: Vec<u8>,
    /// How long it took.
    pub elapsed: Duration,
    /// Whether processes of its process group were still running when it had ended.
    pub left_running: bool,
    /// Whether somebody held its output open when it and its process group had ended.
    pub output_held: bool,
    /// The names of what it left in its working directory.
    pub files_left: Vec<String>,
}

impl Execution {
    /// Whether it ended by itself with exit code 0.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// Standard output as the one JSON value that it must be, or what is wrong with it.
    ///
    /// # Errors
    /// A sentence.
    pub fn answer(&self) -> Result<Value, String> {
        if !self.succeeded() {
            return Err(format!("the command failed: {}", self.described()));
        }
        serde_json::from_slice::<Value>(&self.stdout)
            .map_err(|error| format!("standard output is not one JSON value: {error}"))
            .and_then(|value| {
                if value.is_object() {
                    Ok(value)
                } else {
                    Err("standard output is JSON but not an object".to_owned())
                }
            })
    }

    /// The answer, even where the exit code is wrong or other text stands around it, so that one
    /// mistake does not hide what the other rules see.
    ///
    /// # Errors
    /// A sentence.
    pub fn answer_in_any_form(&self) -> Result<Value, String> {
        first_object(&self.stdout)
            .ok_or_else(|| format!("there is no answer: {}", self.described()))
    }

    /// The error object, even where the exit code is wrong or other text stands around it.
    ///
    /// # Errors
    /// A sentence.
    pub fn error_in_any_form(&self) -> Result<Value, String> {
        match self.status {
            None => return Err("it did not end within the time limit".to_owned()),
            Some(status) if status.success() => return Err("it exited with 0".to_owned()),
            Some(_) => {}
        }
        first_object(&self.stderr)
            .ok_or_else(|| format!("standard error holds no error object: {}", self.described()))
    }

    /// Whether it ended by itself, and not by a signal or the time limit.
    #[must_use]
    pub fn exited(&self) -> bool {
        self.status.is_some_and(|status| status.code().is_some())
    }

    /// Status and both streams, shortened.
    #[must_use]
    pub fn described(&self) -> String {
        let status = self.status.map_or_else(
            || "ended by the time limit".to_owned(),
            |status| status.to_string(),
        );
        format!(
            "{status}, stdout {}, stderr {}",
            excerpt(&self.stdout),
            excerpt(&self.stderr)
        )
    }
}

/// At most the first 200 characters, printable.
fn excerpt(bytes: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(bytes)
        .chars()
        .take(200)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.trim().is_empty() {
        "empty".to_owned()
    } else {
        format!("«{}»", text.trim())
    }
}

/// The first JSON object in what may hold other text as well.
fn first_object(bytes: &[u8]) -> Option<Value> {
    /// How many opening braces are tried; log lines in front of an answer rarely hold one.
    const ATTEMPTS: usize = 64;
    let text = String::from_utf8_lossy(bytes);
    text.match_indices('{')
        .take(ATTEMPTS)
        .filter_map(|(start, _)| text.get(start..))
        .filter_map(|rest| {
            serde_json::Deserializer::from_str(rest)
                .into_iter::<Value>()
                .next()
                .and_then(Result::ok)
        })
        .find(Value::is_object)
}

/// Runs an executable, by default in an empty temporary directory, and waits for its end.
pub(crate) fn execute(
    executable: &Path,
    environment: &[(String, String)],
    invocation: &Invocation<'_>,
    time_limit: Duration,
) -> Result<Execution, HarnessError> {
    let scratch = tempfile::tempdir().map_err(HarnessError::Process)?;
    let start = Instant::now();
    let mut running = Running::start(executable, environment, invocation, scratch.path())?;
    let bytes = match invocation.stdin {
        Stdin::Bytes(bytes) | Stdin::HeldOpen(bytes, _) => bytes,
        Stdin::Empty | Stdin::Null => &[],
    };
    let hold = match invocation.stdin {
        Stdin::HeldOpen(_, hold) => hold,
        _ => Duration::ZERO,
    };
    running.write(bytes, hold);
    let status = running.wait(time_limit)?;
    let elapsed = start.elapsed();
    Ok(running.collect(status, elapsed, scratch.path()))
}

/// A plugin that has been started.
pub(crate) struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Collector,
    stderr: Collector,
    started: Instant,
}

impl Running {
    pub(crate) fn start(
        executable: &Path,
        environment: &[(String, String)],
        invocation: &Invocation<'_>,
        scratch: &Path,
    ) -> Result<Self, HarnessError> {
        let start_error = |source| HarnessError::Start {
            path: executable.to_owned(),
            source,
        };
        let executable = std::path::absolute(executable).map_err(start_error)?;
        let mut command = match invocation.wrapper.split_first() {
            Some((wrapper, options)) => {
                let mut command = Command::new(wrapper);
                command.args(options).arg(&executable);
                command
            }
            None => Command::new(&executable),
        };
        if invocation.environment == Environment::Bare {
            command.env_clear();
            command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        } else {
            command.envs(environment.iter().map(|(name, value)| (name, value)));
        }
        command
            .args(invocation.arguments)
            .envs(invocation.variables.iter().copied())
            .current_dir(invocation.directory.unwrap_or(scratch))
            .stdin(match invocation.stdin {
                Stdin::Null => Stdio::null(),
                _ => Stdio::piped(),
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        in_its_own_group(&mut command);
        let mut child = spawn(&mut command).map_err(start_error)?;
        Ok(Self {
            stdin: child.stdin.take(),
            stdout: Collector::of(child.stdout.take()),
            stderr: Collector::of(child.stderr.take()),
            child,
            started: Instant::now(),
        })
    }

    /// Writes in the background, so that a plugin that does not read does not stop the harness, and
    /// closes the pipe after `hold`.
    pub(crate) fn write(&mut self, bytes: &[u8], hold: Duration) {
        if let Some(mut pipe) = self.stdin.take() {
            let bytes = bytes.to_vec();
            thread::spawn(move || {
                // A plugin that ends without reading closes the pipe: that is its right, not an error.
                let _ = pipe.write_all(&bytes);
                thread::sleep(hold);
            });
        }
    }

    /// Writes now and keeps the pipe open; waits until the plugin has read the bytes, or `patience`
    /// is over.
    #[cfg(unix)]
    pub(crate) fn write_and_hold(&mut self, bytes: &[u8], patience: Duration) {
        let Some(pipe) = self.stdin.as_mut() else {
            return;
        };
        let start = Instant::now();
        // As above: a plugin need not read.
        let _ = pipe.write_all(bytes);
        while rustix::io::ioctl_fionread(&*pipe).is_ok_and(|unread| unread > 0)
            && start.elapsed() < patience
        {
            thread::sleep(POLL);
        }
    }

    /// Closes standard input.
    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Asks the plugin to end.
    #[cfg(unix)]
    pub(crate) fn terminate(&self) {
        signal_group(&self.child, rustix::process::Signal::TERM);
    }

    /// Waits for the end, for at most `time_limit` since the start.
    pub(crate) fn wait(
        &mut self,
        time_limit: Duration,
    ) -> Result<Option<ExitStatus>, HarnessError> {
        loop {
            if let Some(status) = self.child.try_wait().map_err(HarnessError::Process)? {
                return Ok(Some(status));
            }
            if self.started.elapsed() > time_limit {
                end_group(&self.child);
                self.child.wait().map_err(HarnessError::Process)?;
                return Ok(None);
            }
            thread::sleep(POLL);
        }
    }

    /// Stops what is left and takes what was written.
    pub(crate) fn collect(
        mut self,
        status: Option<ExitStatus>,
        elapsed: Duration,
        scratch: &Path,
    ) -> Execution {
        self.close_stdin();
        let left_running = status.is_some() && end_group(&self.child);
        let (stdout, out_held) = self.stdout.finish();
        let (stderr, err_held) = self.stderr.finish();
        Execution {
            status,
            stdout,
            stderr,
            elapsed,
            left_running,
            output_held: out_held || err_held,
            files_left: names_in(scratch),
        }
    }
}

/// Starts a process; waits where the executable is still being written, as it is right after it was
/// installed: a process that another thread has just forked may hold the file for a moment.
fn spawn(command: &mut Command) -> std::io::Result<Child> {
    let start = Instant::now();
    loop {
        match command.spawn() {
            Err(error)
                if error.kind() == ErrorKind::ExecutableFileBusy
                    && start.elapsed() < BUSY_PATIENCE =>
            {
                thread::sleep(POLL);
            }
            other => return other,
        }
    }
}

/// The names of what lies in a directory, in order.
pub(crate) fn names_in(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Reads one of a plugin's output streams in the background.
struct Collector {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<thread::JoinHandle<()>>,
}

impl Collector {
    fn of(stream: Option<impl Read + Send + 'static>) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&bytes);
        let reader = stream.map(|stream| {
            thread::spawn(move || {
                let mut stream = stream.take(OUTPUT_LIMIT + 1);
                let mut part = vec![0; 64 * 1024];
                // A broken pipe ends the stream; what came before it counts.
                while let Ok(read @ 1..) = stream.read(&mut part) {
                    if let (Ok(mut kept), Some(new)) = (kept.lock(), part.get(..read)) {
                        kept.extend_from_slice(new);
                    }
                }
            })
        });
        Self { bytes, reader }
    }

    /// What was read, and whether the stream was still open after the grace period.
    fn finish(self) -> (Vec<u8>, bool) {
        let start = Instant::now();
        let still_open = self.reader.is_some_and(|reader| {
            while !reader.is_finished() && start.elapsed() < OUTPUT_GRACE {
                thread::sleep(POLL);
            }
            !reader.is_finished()
        });
        let bytes = self
            .bytes
            .lock()
            .map(|mut bytes| std::mem::take(&mut *bytes))
            .unwrap_or_default();
        (bytes, still_open)
    }
}

#[cfg(unix)]
fn in_its_own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0);
}

#[cfg(not(unix))]
fn in_its_own_group(_command: &mut Command) {}

/// Ends whatever the plugin left running, so that no pipe stays open; says whether there was anything.
#[cfg(unix)]
fn end_group(child: &Child) -> bool {
    signal_group(child, rustix::process::Signal::KILL)
}

#[cfg(not(unix))]
fn end_group(_child: &Child) -> bool {
    false
}

/// Whether a process of the group was there to receive the signal.
#[cfg(unix)]
fn signal_group(child: &Child, signal: rustix::process::Signal) -> bool {
    i32::try_from(child.id())
        .ok()
        .and_then(rustix::process::Pid::from_raw)
        .is_some_and(|group| rustix::process::kill_process_group(group, signal).is_ok())
}
