//! Which fault this process has, and the faults of the process itself.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The fault, by the name of the executable.
pub(crate) struct Fault {
    executable: PathBuf,
    name: String,
}

impl Fault {
    pub(crate) fn of_this_process() -> Self {
        let executable = PathBuf::from(std::env::args_os().next().unwrap_or_default());
        let file = executable
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let name = file.strip_prefix("notation-").unwrap_or(&file).to_owned();
        Self { executable, name }
    }

    /// The plugin's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// A place for state, beside the executable and so of this test alone.
    pub(crate) fn place(&self, file: &str) -> PathBuf {
        self.executable
            .parent()
            .unwrap_or(Path::new("."))
            .join(file)
    }

    /// Whether the fault is this one.
    pub(crate) fn is(&self, rule: &str) -> bool {
        self.name.eq_ignore_ascii_case(rule)
    }

    /// Whether the fault is this one or a variant of it, such as `NP-GS-109-reversed`.
    pub(crate) fn is_any_of(&self, rule: &str) -> bool {
        self.name
            .get(..rule.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(rule))
    }

    /// Never returns for this fault.
    pub(crate) fn hang_if(&self, rule: &str) {
        if self.is(rule) {
            std::thread::sleep(Duration::from_secs(3600));
        }
    }

    /// Dies by a signal for this fault.
    pub(crate) fn crash_if(&self, rule: &str) {
        if self.is(rule) {
            std::process::abort();
        }
    }
}

/// What goes wrong before an unknown command is refused.
pub(crate) fn misbehave_for_unknown_command(fault: &Fault) {
    if fault.is("NP-PD-029") {
        let block = vec![b' '; 1024 * 1024];
        for _ in 0..65 {
            // The harness stops reading at the limit.
            let _ = std::io::stderr().write_all(&block);
        }
    }
    if fault.is("NP-PD-030") {
        println!("usage: notation-mutant COMMAND");
    }
    if fault.is("NP-PD-046") {
        let _ = Command::new("sleep")
            .arg("60")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
    }
    if fault.is("NP-PD-047") {
        let _ = std::fs::write("mutant.log", "unknown command");
    }
    if fault.is("NP-PD-211") {
        eprintln!("environment: {:?}", std::env::vars());
    }
    if fault.is("NP-PD-212") {
        flee_with_the_output();
    }
}

/// Starts a process that holds standard output, in a session of its own and so in another process
/// group; waits until it is there.
fn flee_with_the_output() {
    let child = Command::new("setsid")
        .args(["sh", "-c", "echo gone >&2; exec sleep 60 2>&-"])
        .stdin(Stdio::null())
        .stdout(Stdio::inherit())
        .stderr(Stdio::piped())
        .spawn();
    if let Some(mut stderr) = child.ok().and_then(|mut child| child.stderr.take()) {
        let mut word = [0; 4];
        let _ = stderr.read_exact(&mut word);
    }
}

/// Starts this program again in a process in which SIGTERM is ignored.
#[cfg(not(unix))]
pub(crate) fn ignore_termination(_: &Fault) {}

/// Starts this program again in a process in which SIGTERM is ignored.
#[cfg(unix)]
pub(crate) fn ignore_termination(fault: &Fault) {
    use std::os::unix::process::CommandExt as _;
    const IGNORED: &str = "MUTANT_IGNORES_TERM";
    if fault.is("NP-PD-048") && std::env::var_os(IGNORED).is_none() {
        let error = Command::new("sh")
            .args(["-c", "trap '' TERM; exec \"$0\" \"$@\""])
            .args(std::env::args_os())
            .env(IGNORED, "1")
            .exec();
        eprintln!("{error}");
    }
}
