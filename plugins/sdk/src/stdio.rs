//! Standard streams that only the SDK can write to.
//!
//! The protocol allows exactly one JSON value on standard output. A native library (a PKCS#11 module, say)
//! that prints would spoil it, and no lock in this process can stop it: it writes to file descriptor 1 by
//! number. So before any plugin code runs, the SDK keeps private duplicates of descriptors 1 and 2 and
//! points the numbers 1 and 2 elsewhere. Child processes inherit the harmless ones as well.

use std::{
    fs::File,
    io::{self, Read, Write},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use crate::{Deadline, PluginError};

/// Most that is read from standard input. The largest message of the protocol carries an envelope of up
/// to 32 MiB in base64, and both sides limit a stream to 64 MiB.
pub const INPUT_LIMIT: usize = 64 * 1024 * 1024;

/// The streams of the process that started us, out of reach for everybody else.
#[derive(Debug, Clone)]
pub(crate) struct PrivateStreams {
    output: Arc<File>,
    error: Arc<File>,
    outcome: Arc<AtomicU8>,
}

const PENDING: u8 = 0;
const ANSWERED: u8 = 1;
const FAILED: u8 = 2;

/// What the numbers 1 and 2 mean from now on.
#[derive(Debug)]
pub(crate) enum Noise<'a> {
    /// During protocol commands: the log file if there is one, else nowhere.
    ToLog(Option<&'a File>),
    /// During commands for people: standard error, where warnings are seen but spoil no output.
    ToStandardError,
}

impl PrivateStreams {
    /// Takes the streams over and redirects the descriptors. Call it before plugin code runs.
    #[cfg(unix)]
    pub(crate) fn take(noise: &Noise<'_>) -> io::Result<Self> {
        use rustix::{io::fcntl_dupfd_cloexec, stdio};

        /// First number for a duplicate: above the three standard ones even if some of those are closed.
        const ABOVE_STANDARD: i32 = 3;
        let output = fcntl_dupfd_cloexec(stdio::stdout(), ABOVE_STANDARD)?;
        let error = fcntl_dupfd_cloexec(stdio::stderr(), ABOVE_STANDARD)?;
        match noise {
            Noise::ToStandardError => stdio::dup2_stdout(&error)?,
            Noise::ToLog(Some(log)) => {
                stdio::dup2_stdout(log)?;
                stdio::dup2_stderr(log)?;
            }
            Noise::ToLog(None) => {
                let nowhere = File::options().read(true).write(true).open("/dev/null")?;
                stdio::dup2_stdout(&nowhere)?;
                stdio::dup2_stderr(&nowhere)?;
            }
        }
        Ok(Self::of(File::from(output), File::from(error)))
    }

    /// Takes the streams over. Windows has no descriptor numbers to point elsewhere: native code that
    /// prints through the C run-time keeps its own handle.
    #[cfg(not(unix))]
    pub(crate) fn take(_: &Noise<'_>) -> io::Result<Self> {
        use std::os::windows::io::AsHandle;
        let output = io::stdout().as_handle().try_clone_to_owned()?;
        let error = io::stderr().as_handle().try_clone_to_owned()?;
        Ok(Self::of(File::from(output), File::from(error)))
    }

    fn of(output: File, error: File) -> Self {
        Self {
            output: Arc::new(output),
            error: Arc::new(error),
            outcome: Arc::new(AtomicU8::new(PENDING)),
        }
    }

    /// Writes the one answer to standard output. Whoever comes second (the watchdog, say) is ignored.
    pub(crate) fn answer(&self, answer: &[u8]) -> io::Result<()> {
        self.once(ANSWERED, &self.output, answer)
    }

    /// Writes the one error object to standard error.
    pub(crate) fn fail(&self, error: &[u8]) -> io::Result<()> {
        self.once(FAILED, &self.error, error)
    }

    fn once(&self, outcome: u8, mut stream: &File, bytes: &[u8]) -> io::Result<()> {
        if self
            .outcome
            .compare_exchange(PENDING, outcome, Ordering::SeqCst, Ordering::SeqCst)
            .is_err()
        {
            return Ok(());
        }
        stream.write_all(bytes)?;
        stream.write_all(b"\n")
    }

    /// The exit code that belongs to what was written first.
    pub(crate) fn exit_code(&self) -> i32 {
        i32::from(self.outcome.load(Ordering::SeqCst) != ANSWERED)
    }

    /// Standard output for commands that write more than one answer.
    pub(crate) fn output(&self) -> &File {
        &self.output
    }

    /// Standard error for commands that write more than one message.
    pub(crate) fn error(&self) -> &File {
        &self.error
    }
}

/// Reads standard input to its end, in any number of pieces, up to [`INPUT_LIMIT`] and the deadline. A
/// terminal is not read: a person who types the command gets an answer, not a silent wait.
pub(crate) fn read_input(deadline: Deadline) -> Result<Vec<u8>, PluginError> {
    use std::io::IsTerminal;
    let input = io::stdin();
    if input.is_terminal() {
        return Ok(Vec::new());
    }
    read_to_end(input.lock(), INPUT_LIMIT, || wait_for_input(deadline))
}

fn read_to_end(
    mut input: impl Read,
    limit: usize,
    mut wait: impl FnMut() -> Result<(), PluginError>,
) -> Result<Vec<u8>, PluginError> {
    let mut request = Vec::new();
    let mut chunk = [0; 16 * 1024];
    loop {
        wait()?;
        match input.read(&mut chunk) {
            Ok(0) => return Ok(request),
            Ok(length) => request.extend_from_slice(chunk.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                return Err(PluginError::error(format!(
                    "cannot read the request from standard input: {error}"
                )));
            }
        }
        if request.len() > limit {
            return Err(PluginError::validation(format!(
                "the request on standard input is longer than {limit} bytes, the most that the protocol allows"
            )));
        }
    }
}

/// Waits until reading does not block, so that a host that never closes the pipe gets an answer and no
/// thread is needed for it.
#[cfg(unix)]
fn wait_for_input(deadline: Deadline) -> Result<(), PluginError> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    loop {
        let left = deadline.remaining();
        let timeout = Timespec {
            tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        let input = rustix::stdio::stdin();
        match poll(&mut [PollFd::new(&input, PollFlags::IN)], Some(&timeout)) {
            Ok(0) => {
                return Err(PluginError::timeout(
                    "the request never ended: the host has to close the plugin's standard input after it",
                ));
            }
            // Readable, or closed at the other end, or not pollable: reading says which.
            Ok(_) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return Ok(()),
        }
    }
}

#[cfg(not(unix))]
fn wait_for_input(_: Deadline) -> Result<(), PluginError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_up_to_the_limit_is_read_whole() {
        let request = vec![b' '; 40_000];
        assert_eq!(
            read_to_end(request.as_slice(), 40_000, || Ok(())).unwrap(),
            request
        );
    }

    #[test]
    fn input_beyond_the_limit_is_refused_without_reading_the_rest() {
        let error = read_to_end(io::repeat(b'x'), 40_000, || Ok(())).unwrap_err();
        assert!(
            error.message().contains("longer than 40000 bytes"),
            "{error}"
        );
    }
}
