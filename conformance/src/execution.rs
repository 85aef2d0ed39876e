//! One run of a plugin: raw bytes in, raw bytes out, bounded in time and size.

use crate::HarnessError;
use serde_json::Value;
use std::io::{Read, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The contract's own limit for each of a plugin's two output streams.
pub(crate) const OUTPUT_LIMIT: u64 = 64 * 1024 * 1024;

/// How often a running plugin is looked at.
const POLL: Duration = Duration::from_millis(2);

/// What a plugin finds on its standard input.
#[derive(Clone, Copy, Debug)]
pub enum Stdin<'a> {
    /// These bytes, then the end.
    Bytes(&'a [u8]),
    /// The end at once.
    Empty,
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

    /// The error code on standard error, or what is there instead.
    ///
    /// # Errors
    /// A sentence.
    pub fn error_code(&self) -> Result<String, String> {
        match self.status {
            None => return Err("it did not end within the time limit".to_owned()),
            Some(status) if status.success() => return Err("it exited with 0".to_owned()),
            Some(status) if status.code() != Some(1) => {
                return Err(format!("it ended with {status}, not with exit code 1"));
            }
            Some(_) => {}
        }
        serde_json::from_slice::<Value>(&self.stderr)
            .ok()
            .as_ref()
            .and_then(|error| error.get("errorCode")?.as_str().map(str::to_owned))
            .ok_or_else(|| {
                format!(
                    "standard error holds no error object: {}",
                    excerpt(&self.stderr)
                )
            })
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

/// Runs an executable in an empty temporary directory.
pub(crate) fn execute(
    executable: &Path,
    arguments: &[&str],
    environment: &[(String, String)],
    stdin: Stdin<'_>,
    time_limit: Duration,
) -> Result<Execution, HarnessError> {
    let start_error = |source| HarnessError::Start {
        path: executable.to_owned(),
        source,
    };
    let executable = executable.canonicalize().map_err(start_error)?;
    let directory = tempfile::tempdir().map_err(HarnessError::Process)?;
    let mut command = Command::new(&executable);
    command
        .args(arguments)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .current_dir(directory.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    in_its_own_group(&mut command);
    let start = Instant::now();
    let mut child = command.spawn().map_err(start_error)?;
    let stdout = child.stdout.take().map(collect);
    let stderr = child.stderr.take().map(collect);
    let writer = child.stdin.take().map(|mut pipe| {
        let bytes = match stdin {
            Stdin::Bytes(bytes) => bytes.to_vec(),
            Stdin::Empty => Vec::new(),
        };
        // A plugin that ends without reading closes the pipe: that is its right, not an error.
        thread::spawn(move || drop(pipe.write_all(&bytes)))
    });
    let status = wait(&mut child, start, time_limit)?;
    let elapsed = start.elapsed();
    end_group(&child);
    if let Some(writer) = writer {
        // The writer cannot panic, and the plugin's end closed its pipe.
        drop(writer.join());
    }
    let collected = |stream: Option<thread::JoinHandle<Vec<u8>>>| {
        stream
            .and_then(|handle| handle.join().ok())
            .unwrap_or_default()
    };
    Ok(Execution {
        status,
        stdout: collected(stdout),
        stderr: collected(stderr),
        elapsed,
    })
}

fn collect(stream: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // A broken pipe ends the stream; what came before it counts.
        let _ = stream.take(OUTPUT_LIMIT + 1).read_to_end(&mut bytes);
        bytes
    })
}

fn wait(
    child: &mut Child,
    start: Instant,
    time_limit: Duration,
) -> Result<Option<ExitStatus>, HarnessError> {
    loop {
        if let Some(status) = child.try_wait().map_err(HarnessError::Process)? {
            return Ok(Some(status));
        }
        if start.elapsed() > time_limit {
            end_group(child);
            child.wait().map_err(HarnessError::Process)?;
            return Ok(None);
        }
        thread::sleep(POLL);
    }
}

#[cfg(unix)]
fn in_its_own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0);
}

#[cfg(not(unix))]
fn in_its_own_group(_command: &mut Command) {}

/// Ends whatever the plugin left running, so that no pipe stays open.
#[cfg(unix)]
fn end_group(child: &Child) {
    let group = i32::try_from(child.id())
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        // Nothing left in the group is the usual case.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}

#[cfg(not(unix))]
fn end_group(_child: &Child) {}
