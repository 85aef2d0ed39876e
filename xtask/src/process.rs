//! Running programs: what is run is shown, and a failure names the command.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Why a task could not be carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TaskError {
    /// A program could not be started at all.
    #[error("`{command}` could not be started: {source}")]
    Start {
        /// The command line.
        command: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A program ran and said no.
    #[error("`{command}` failed ({status})")]
    Failed {
        /// The command line.
        command: String,
        /// Its exit status.
        status: std::process::ExitStatus,
    },
    /// Something that the task needs is not on this machine and was not to be installed.
    #[error("{what} is missing; install it with: {how}")]
    Missing {
        /// What is missing.
        what: String,
        /// The exact command that brings it.
        how: String,
    },
    /// A file or directory could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A check of the task itself failed.
    #[error("{0}")]
    Check(String),
}

impl TaskError {
    /// A closure that puts the path beside the system's answer.
    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> TaskError {
        let path = path.to_owned();
        move |source| TaskError::File { path, source }
    }
}

/// The command line as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| quoted(&word.to_string_lossy()))
        .collect::<Vec<_>>()
        .join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Shows a command, runs it, and fails if it does.
///
/// # Errors
/// [`TaskError::Start`] or [`TaskError::Failed`].
pub(crate) fn run(command: &mut Command) -> Result<(), TaskError> {
    println!("+ {}", shown(command));
    let status = command.status().map_err(|source| TaskError::Start {
        command: shown(command),
        source,
    })?;
    if status.success() {
        Ok(())
    } else {
        Err(TaskError::Failed {
            command: shown(command),
            status,
        })
    }
}

/// Whether a quiet command succeeds.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// `cargo`, the one that runs this task, in the workspace's root.
pub(crate) fn cargo<I, S>(arguments: I) -> Command
where
    I: IntoIterator<Item = S>,
    S: Into<OsString>,
{
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command
        .args(arguments.into_iter().map(Into::into))
        .current_dir(workspace_root());
    command
}

/// The root of the workspace, from where this program was built.
pub(crate) fn workspace_root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_command_can_be_pasted_into_a_shell() {
        let mut command = Command::new("apostille");
        command.args(["sign", "a b", "it's"]);
        assert_eq!(shown(&command), r"apostille sign 'a b' 'it'\''s'");
    }

    #[test]
    fn a_failing_command_is_named_in_the_error() {
        let error = run(Command::new("sh").args(["-c", "exit 3"])).unwrap_err();
        assert!(error.to_string().contains("exit 3"), "{error}");
    }
}
