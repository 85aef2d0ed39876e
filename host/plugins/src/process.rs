//! One process: started, fed, read within limits, and gone afterwards whatever happens.

use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use notary_plugin_protocol::MAX_MESSAGE_LEN;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::process::Child;
use tokio::time::{sleep, timeout};

use crate::binary::Obstacle;
use crate::environment::PluginEnvironment;
use crate::error::{Failure, OutputStream};

/// How long after the plugin has ended its output may go on. What it wrote is in the pipe already;
/// only a process that it left behind can still hold the pipe open.
const DRAIN_GRACE: Duration = Duration::from_millis(500);

/// How long to wait for whoever still has the executable open for writing (an installation, or the
/// child of another thread that has not reached its `exec` yet).
const BUSY_DELAYS: [Duration; 6] = [
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(20),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
];

/// What a process left behind.
pub(crate) struct Output {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

/// Runs the executable with one argument, `input` on its standard input, and returns what it wrote.
///
/// Dropping the future kills the process and its whole process group.
pub(crate) async fn run(
    executable: &Path,
    argument: &str,
    input: &[u8],
    environment: &PluginEnvironment,
    deadline: Duration,
) -> Result<Output, Failure> {
    let directory = private_directory().map_err(Failure::WorkingDirectory)?;
    let mut child = start(executable, argument, environment, directory.path()).await?;
    let mut group = ProcessGroup::of(&child);
    let output = match timeout(deadline, converse(&mut child, input, &mut group)).await {
        Ok(output) => output?,
        Err(_) => return Err(Failure::DeadlineExceeded(deadline)),
    };
    group.leave();
    Ok(output)
}

/// A new directory that nobody else may look into, removed when dropped.
pub(crate) fn private_directory() -> io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("notation-plugin-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir()
}

/// Starts the executable in a process group of its own.
pub(crate) async fn start(
    executable: &Path,
    argument: &str,
    environment: &PluginEnvironment,
    directory: &Path,
) -> Result<Child, Failure> {
    let mut process = tokio::process::Command::new(executable);
    environment.apply(&mut process);
    process
        .arg(argument)
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    #[cfg(unix)]
    process.process_group(0);
    let mut delays = BUSY_DELAYS.iter();
    loop {
        match process.spawn() {
            Ok(child) => return Ok(child),
            Err(error) => match delays.next() {
                Some(&delay) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                    sleep(delay).await
                }
                _ => {
                    return Err(Failure::CannotStart {
                        executable: executable.to_owned(),
                        obstacle: Obstacle::find(executable, &error),
                        source: error,
                    });
                }
            },
        }
    }
}

/// Feeds the process and reads it until both it and its output have ended.
async fn converse(
    child: &mut Child,
    input: &[u8],
    group: &mut ProcessGroup,
) -> Result<Output, Failure> {
    let (stdin, stdout_pipe, stderr_pipe) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let status = {
        let streams = async {
            tokio::try_join!(
                feed(stdin, input),
                read_limited(stdout_pipe, &mut stdout, OutputStream::Stdout),
                read_limited(stderr_pipe, &mut stderr, OutputStream::Stderr),
            )
        };
        tokio::pin!(streams);
        tokio::select! {
            done = &mut streams => {
                done?;
                child.wait().await.map_err(Failure::Pipe)?
            }
            status = child.wait() => {
                let status = status.map_err(Failure::Pipe)?;
                match timeout(DRAIN_GRACE, &mut streams).await {
                    Ok(done) => { done?; }
                    // A process that the plugin left behind holds the pipes: it is not waited for.
                    Err(_) => group.kill(),
                }
                status
            }
        }
    };
    Ok(Output {
        status,
        stdout,
        stderr,
    })
}

/// Writes the request and closes the pipe. A plugin that does not read its input is tolerated.
async fn feed(pipe: Option<impl AsyncWrite + Unpin>, input: &[u8]) -> Result<(), Failure> {
    let Some(mut pipe) = pipe else { return Ok(()) };
    let written = async {
        pipe.write_all(input).await?;
        pipe.shutdown().await
    };
    match written.await {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::Pipe(error)),
        _ => Ok(()),
    }
}

async fn read_limited(
    pipe: Option<impl AsyncRead + Unpin>,
    into: &mut Vec<u8>,
    stream: OutputStream,
) -> Result<(), Failure> {
    let Some(pipe) = pipe else { return Ok(()) };
    let limit = u64::try_from(MAX_MESSAGE_LEN).unwrap_or(u64::MAX);
    pipe.take(limit.saturating_add(1))
        .read_to_end(into)
        .await
        .map_err(Failure::Pipe)?;
    if into.len() > MAX_MESSAGE_LEN {
        return Err(Failure::OutputTooLarge { stream });
    }
    Ok(())
}

/// A process group that is killed when this is dropped, unless it is left alone on purpose.
pub(crate) struct ProcessGroup {
    leader: Option<u32>,
}

impl ProcessGroup {
    pub(crate) fn of(child: &Child) -> Self {
        Self { leader: child.id() }
    }

    /// The plugin has ended in order: whatever it started on purpose may go on.
    pub(crate) fn leave(&mut self) {
        self.leader = None;
    }

    pub(crate) fn kill(&mut self) {
        #[cfg(unix)]
        if let Some(leader) = self.leader.take()
            && let Ok(leader) = i32::try_from(leader)
            && let Some(group) = rustix::process::Pid::from_raw(leader)
        {
            // It may have ended already, which is as good.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        self.kill();
    }
}
