//! What can go wrong with a plugin's process.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use notary_plugin_protocol::{
    AnswerMismatch, Command, ErrorCode, ErrorResponse, MAX_MESSAGE_LEN, MessageError,
};

use crate::binary::Obstacle;
use crate::sanitise::printable;

/// A command of a plugin failed.
#[derive(Debug, thiserror::Error)]
#[error("plugin {plugin:?}: {command} failed: {failure}")]
pub struct PluginProcessError {
    /// The plugin's name.
    pub plugin: String,
    /// The command.
    pub command: Command,
    /// The executable.
    pub executable: PathBuf,
    /// What happened. Its words are part of this error's, so that it is not its source as well.
    pub failure: Box<Failure>,
}

impl PluginProcessError {
    /// The protocol's error code, if the plugin gave one the way the contract says.
    #[must_use]
    pub fn code(&self) -> Option<&ErrorCode> {
        match &*self.failure {
            Failure::Plugin(error) => Some(&error.code),
            _ => None,
        }
    }
}

/// How a command of a plugin failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The plugin itself said what failed: exit code 1 and an error object.
    #[error("{}", Explained(.0))]
    Plugin(ErrorResponse),
    /// The plugin ended with a code other than 0 without a proper error object.
    #[error("it ended with exit code {code}{}", Said { stderr, error: error.as_ref() })]
    Exited {
        /// The exit code.
        code: i32,
        /// The error object, if there is one beside an exit code other than 1.
        error: Option<ErrorResponse>,
        /// What is on standard error otherwise, made printable and cut to its end.
        stderr: String,
    },
    /// The plugin was killed.
    #[error("it was killed by {}{}", SignalName(*signal), Said { stderr, error: None })]
    Killed {
        /// The signal's number.
        signal: i32,
        /// What is on standard error, made printable and cut to its end.
        stderr: String,
    },
    /// The executable is there and the operating system does not run it.
    #[error("{obstacle} ({})", executable.display())]
    CannotStart {
        /// The executable.
        executable: PathBuf,
        /// Why, in words.
        obstacle: Obstacle,
        /// What the operating system says.
        #[source]
        source: io::Error,
    },
    /// The dynamic loader did not find a library.
    #[error(
        "a shared library that it needs is missing: {0}; install it, or use a statically linked build of the plugin"
    )]
    MissingLibrary(String),
    /// The plugin did not end in time and was killed.
    #[error("it did not end within {} s and was killed; raise the deadline if the service behind it is slow", .0.as_secs_f32())]
    DeadlineExceeded(Duration),
    /// The plugin wrote more than is read, and was killed.
    #[error("it wrote more than {} MiB to its {stream} and was killed", MAX_MESSAGE_LEN / 1024 / 1024)]
    OutputTooLarge {
        /// Where it wrote.
        stream: OutputStream,
    },
    /// Exit code 0, and standard output is not the response.
    #[error("its answer is not valid: {source}{}", Starts(output))]
    InvalidResponse {
        /// The rule that the response breaks, and where.
        source: Box<MessageError>,
        /// How the output starts if it is no JSON at all.
        output: String,
    },
    /// The response is valid and answers something else.
    #[error("its answer does not match the request: {0}")]
    WrongAnswer(#[from] AnswerMismatch),
    /// The metadata gives another name than the file system.
    #[error(
        "it calls itself {found:?}, so that its executable must be named \"notation-{found}\" in a directory {found:?}"
    )]
    NameMismatch {
        /// The name in the metadata.
        found: String,
    },
    /// The private working directory could not be made.
    #[error("no temporary working directory could be made for it: {0}")]
    WorkingDirectory(#[source] io::Error),
    /// Talking to the process failed.
    #[error("the connection to its process failed: {0}")]
    Pipe(#[source] io::Error),
}

/// Where a plugin writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputStream {
    /// Standard output, for the response.
    Stdout,
    /// Standard error, for the error object.
    Stderr,
}

impl fmt::Display for OutputStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stdout => "standard output",
            Self::Stderr => "standard error",
        })
    }
}

/// An error object in words: message, code and metadata.
struct Explained<'a>(&'a ErrorResponse);

impl fmt::Display for Explained<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ErrorResponse {
            code,
            message,
            metadata,
        } = self.0;
        let code = printable(code.as_str());
        if message.trim().is_empty() {
            write!(f, "{code} (the plugin gives no message)")?;
        } else {
            write!(f, "{} ({code})", printable(message))?;
        }
        for (index, (key, value)) in metadata.iter().enumerate() {
            let separator = if index == 0 { ": " } else { ", " };
            write!(f, "{separator}{}={}", printable(key), printable(value))?;
        }
        Ok(())
    }
}

/// What a plugin that failed left on standard error.
struct Said<'a> {
    stderr: &'a str,
    error: Option<&'a ErrorResponse>,
}

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.error, self.stderr) {
            (Some(error), _) => write!(f, " and says: {}", Explained(error)),
            (None, "") => f.write_str(" and says nothing on standard error"),
            (None, stderr) => write!(f, " and says on standard error: {stderr}"),
        }
    }
}

struct Starts<'a>(&'a str);

impl fmt::Display for Starts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        write!(
            f,
            "; standard output, which is for the JSON answer alone, starts with {:?}",
            self.0
        )
    }
}

struct SignalName(i32);

impl fmt::Display for SignalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.0;
        match signal_name(number) {
            Some(name) => write!(f, "{name} (signal {number})"),
            None => write!(f, "signal {number}"),
        }
    }
}

/// The signals that end a process, where every Unix gives them the same number or `rustix` knows
/// this one's.
#[cfg(unix)]
fn signal_name(number: i32) -> Option<&'static str> {
    use rustix::process::Signal;
    let names = [
        (Signal::HUP, "SIGHUP"),
        (Signal::INT, "SIGINT"),
        (Signal::QUIT, "SIGQUIT"),
        (Signal::ILL, "SIGILL"),
        (Signal::TRAP, "SIGTRAP"),
        (Signal::ABORT, "SIGABRT"),
        (Signal::BUS, "SIGBUS"),
        (Signal::FPE, "SIGFPE"),
        (Signal::KILL, "SIGKILL"),
        (Signal::SEGV, "SIGSEGV"),
        (Signal::PIPE, "SIGPIPE"),
        (Signal::ALARM, "SIGALRM"),
        (Signal::TERM, "SIGTERM"),
        (Signal::XCPU, "SIGXCPU"),
        (Signal::XFSZ, "SIGXFSZ"),
        (Signal::SYS, "SIGSYS"),
    ];
    let known = names.iter().find(|(signal, _)| signal.as_raw() == number);
    known.map(|(_, name)| *name)
}

#[cfg(not(unix))]
fn signal_name(_: i32) -> Option<&'static str> {
    None
}
