//! How a command fails: what went wrong, on what, why, and what to do next.
//!
//! Every library error becomes a [`Failure`] exactly once, where the command that called the library knows what it was
//! trying to do. The kind decides the exit code; the hints tell the user the next step.

use std::error::Error;
use std::fmt;

/// What sort of failure ended a command. Each kind has its own documented exit code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FailureKind {
    /// Something on this machine: a file, a directory, a configuration.
    General,
    /// The command line itself is wrong.
    Usage,
    /// Signatures were evaluated, or none was found, and the artifact is refused.
    Refused,
    /// The trust policy or the trust store is missing, malformed or does not cover the artifact.
    Policy,
    /// A registry or an OCI layout did not give or take what was asked.
    Registry,
    /// The signer could not sign: a plugin, a key or what came back from them.
    Signer,
    /// The user pressed Ctrl-C, or the system told the program to end.
    Interrupted,
}

impl FailureKind {
    /// Every kind, in the order of its exit code.
    pub const ALL: [Self; 7] = [
        Self::General,
        Self::Usage,
        Self::Refused,
        Self::Policy,
        Self::Registry,
        Self::Signer,
        Self::Interrupted,
    ];

    /// The process exit code. It is never 0, since scripts rely on 0 meaning success.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::General => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Policy => 4,
            Self::Registry => 5,
            Self::Signer => 6,
            Self::Interrupted => 130,
        }
    }

    /// One line for the command reference.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::General => "a file, a directory or the configuration on this machine",
            Self::Usage => "the command line is wrong",
            Self::Refused => "verification refused the artifact, or it has no signature",
            Self::Policy => {
                "trust policy or trust store missing, malformed or not covering the artifact"
            }
            Self::Registry => "a registry or an OCI layout failed",
            Self::Signer => "the signer failed: a plugin, a key, or what came back from it",
            Self::Interrupted => "interrupted by Ctrl-C or `SIGTERM`",
        }
    }
}

/// The exit code with several references is this plus how many failed; smaller codes are the kinds.
pub const EXIT_CODE_OF_MANY: u8 = 10;
/// The exit code if more references failed than fit below it; larger codes belong to signals.
pub const MAX_EXIT_CODE_OF_MANY: u8 = 120;

/// A failed command, ready to be shown.
#[derive(Debug)]
pub struct Failure {
    kind: FailureKind,
    message: String,
    hints: Vec<String>,
    silent: bool,
    failed_of_many: Option<u64>,
}

impl Failure {
    /// A failure with its whole message.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hints: Vec::new(),
            silent: false,
            failed_of_many: None,
        }
    }

    /// A failure of the machine: files, directories, configuration.
    pub fn general(message: impl Into<String>) -> Self {
        Self::new(FailureKind::General, message)
    }

    /// A wrong command line.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Usage, message)
    }

    /// A failure that has been shown already, or that nobody is left to read (a closed pipe).
    #[must_use]
    pub fn already_shown(kind: FailureKind) -> Self {
        Self {
            silent: true,
            ..Self::new(kind, "")
        }
    }

    /// Some of many references failed; what each one failed of was shown already.
    #[must_use]
    pub fn of_many(failed: u64) -> Self {
        Self {
            failed_of_many: Some(failed),
            ..Self::already_shown(FailureKind::General)
        }
    }

    /// The process exit code: that of the kind, or [`EXIT_CODE_OF_MANY`] plus how many references failed, at most
    /// [`MAX_EXIT_CODE_OF_MANY`].
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.failed_of_many {
            None => self.kind.exit_code(),
            Some(failed) => u8::try_from(failed)
                .unwrap_or(MAX_EXIT_CODE_OF_MANY)
                .saturating_add(EXIT_CODE_OF_MANY)
                .min(MAX_EXIT_CODE_OF_MANY),
        }
    }

    /// What was being done when `error` came, followed by the error and its causes.
    pub fn because(kind: FailureKind, doing: impl fmt::Display, error: &dyn Error) -> Self {
        Self::new(kind, format!("{doing}: {}", chain_of(error)))
    }

    /// Adds what the user can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The kind, which decides the exit code.
    #[must_use]
    pub fn kind(&self) -> FailureKind {
        self.kind
    }

    /// The text after `Error: `, without the hints.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The lines for standard error; empty when nothing is to be shown.
    #[must_use]
    pub fn render(&self) -> String {
        if self.silent {
            return String::new();
        }
        let mut text = format!("Error: {}\n", self.message);
        for hint in &self.hints {
            text.push_str(hint);
            text.push('\n');
        }
        text
    }
}

/// An error and its causes on one line, leaving out a cause that the text before it has quoted already.
#[must_use]
pub fn chain_of(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_kind_of_failure_exits_with_zero_and_no_two_share_a_code() {
        let mut codes: Vec<u8> = FailureKind::ALL
            .iter()
            .map(|kind| kind.exit_code())
            .collect();
        codes.dedup();
        assert_eq!(codes.len(), FailureKind::ALL.len());
        assert!(!codes.contains(&0));
    }

    #[test]
    fn a_cause_that_the_message_already_quotes_is_not_repeated() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot read it: {0}")]
        struct Outer(#[source] std::fmt::Error);
        let inner = std::fmt::Error;
        let expected = format!("cannot read it: {inner}");
        assert_eq!(chain_of(&Outer(inner)), expected);
    }

    #[test]
    fn the_exit_code_of_many_says_how_many_failed_as_far_as_it_goes() {
        let code = |failed| Failure::of_many(failed).exit_code();
        assert_eq!((code(1), code(109), code(110)), (11, 119, 120));
        assert_eq!((code(111), code(255), code(u64::MAX)), (120, 120, 120));
    }

    #[test]
    fn hints_follow_the_message_on_lines_of_their_own() {
        let failure = Failure::general("no key").hint("Add one.");
        assert_eq!(failure.render(), "Error: no key\nAdd one.\n");
    }
}
