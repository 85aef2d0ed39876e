//! What a command prints: results on standard output, warnings and progress on standard error, questions to a person.

use std::io::{BufRead, ErrorKind, Read as _, Write};

use serde::Serialize;

use crate::failure::{Failure, FailureKind};
use crate::hidden_line::{self, Muted};
use crate::secret::Secret;

/// Longer than any name, password or token that a registry takes.
const LONGEST_LINE: u64 = 64 * 1024;

/// The three standard streams.
///
/// Results go to `out`, so that a script can read them; everything else goes to `err`.
pub struct Console<'a> {
    input: &'a mut dyn BufRead,
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    debug: bool,
    warnings: usize,
}

impl std::fmt::Debug for Console<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Console")
            .field("debug", &self.debug)
            .finish_non_exhaustive()
    }
}

impl<'a> Console<'a> {
    /// A console on these streams.
    pub fn new(input: &'a mut dyn BufRead, out: &'a mut dyn Write, err: &'a mut dyn Write) -> Self {
        Self {
            input,
            out,
            err,
            debug: false,
            warnings: 0,
        }
    }

    /// Switches the lines of [`Console::debug`] on.
    pub fn show_debug(&mut self, on: bool) {
        self.debug |= on;
    }

    /// One line of result.
    ///
    /// # Errors
    /// Standard output cannot be written. A reader that has gone away ends the command without a word.
    pub fn line(&mut self, text: impl AsRef<str>) -> Result<(), Failure> {
        let mut text = text.as_ref().to_owned();
        text.push('\n');
        self.write_out(text.as_bytes())
    }

    /// Result bytes as they are.
    ///
    /// # Errors
    /// As for [`Console::line`].
    pub fn raw(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.write_out(bytes)
    }

    /// One JSON document, indented by two spaces as `notation inspect` does.
    ///
    /// # Errors
    /// As for [`Console::line`].
    pub fn json(&mut self, document: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(document).map_err(|error| {
            Failure::because(
                FailureKind::General,
                "cannot write the result as JSON",
                &error,
            )
        })?;
        self.line(text)
    }

    /// One JSON document on one line, as one of many.
    ///
    /// # Errors
    /// As for [`Console::line`].
    pub fn json_line(&mut self, document: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(document).map_err(|error| {
            let doing = "cannot write the result as JSON";
            Failure::because(FailureKind::General, doing, &error)
        })?;
        self.line(text)
    }

    fn write_out(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.out
            .write_all(bytes)
            .and_then(|()| self.out.flush())
            .map_err(|error| match error.kind() {
                ErrorKind::BrokenPipe => Failure::already_shown(FailureKind::General),
                _ => Failure::because(
                    FailureKind::General,
                    "cannot write to standard output",
                    &error,
                ),
            })
    }

    /// A warning. That it cannot be written is no reason to stop.
    pub fn warn(&mut self, text: impl AsRef<str>) {
        self.warnings += 1;
        let _ = writeln!(self.err, "Warning: {}", text.as_ref());
    }

    /// How many warnings were shown so far.
    #[must_use]
    pub fn warnings(&self) -> usize {
        self.warnings
    }

    /// A line that only `--debug` shows. The caller sees to it that no secret is in it.
    pub fn debug(&mut self, text: impl AsRef<str>) {
        if self.debug {
            let _ = writeln!(self.err, "debug: {}", text.as_ref());
        }
    }

    /// Text for people on standard error, as it is.
    pub fn explain(&mut self, text: impl AsRef<str>) {
        let _ = self.err.write_all(text.as_ref().as_bytes());
    }

    /// Asks a question that is answered by `y` or `yes`. Anything else, and the end of input, is a no.
    ///
    /// # Errors
    /// The streams fail.
    pub fn confirm(&mut self, question: &str) -> Result<bool, Failure> {
        self.write_out(format!("{question} [y/N] ").as_bytes())?;
        let Some(answer) = self.read_line()? else {
            return Ok(false);
        };
        let agreed = matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes");
        if !agreed {
            self.line("Operation cancelled.")?;
        }
        Ok(agreed)
    }

    /// Shows `prompt` and reads one line; `None` at the end of input.
    ///
    /// # Errors
    /// The streams fail.
    pub fn ask(&mut self, prompt: &str) -> Result<Option<String>, Failure> {
        self.write_out(prompt.as_bytes())?;
        self.read_line()
    }

    /// Shows `prompt` and reads a secret: one line that the terminal does not show, or all that comes through a pipe.
    ///
    /// # Errors
    /// The streams fail, or the user presses Ctrl-C.
    pub fn ask_secret(&mut self, prompt: &str) -> Result<Secret, Failure> {
        self.write_out(prompt.as_bytes())?;
        let read = match Muted::terminal() {
            Some(_muted) => {
                hidden_line::read_keys(self.input).map_err(|error| match error.kind() {
                    ErrorKind::Interrupted => Failure::new(FailureKind::Interrupted, "interrupted"),
                    _ => unreadable(&error),
                })
            }
            None => {
                return self
                    .rest()
                    .and_then(|secret| self.line("").map(|()| secret));
            }
        };
        self.line("")?;
        Ok(Secret::new(read?.as_str()))
    }

    /// All of standard input without the end of its last line, as a secret.
    ///
    /// # Errors
    /// Standard input fails, is no UTF-8, or is longer than any password can be.
    pub fn rest(&mut self) -> Result<Secret, Failure> {
        let mut text = zeroize::Zeroizing::new(String::new());
        let read = std::io::Read::take(&mut self.input, LONGEST_LINE + 1).read_to_string(&mut text);
        read.map_err(|error| unreadable(&error))?;
        if text.len() as u64 > LONGEST_LINE {
            return Err(Failure::general(
                "what comes through standard input is too long",
            ));
        }
        let line = text.strip_suffix('\n').unwrap_or(&text);
        Ok(Secret::new(line.strip_suffix('\r').unwrap_or(line)))
    }

    /// One line of standard input without its end; `None` at the end of input.
    ///
    /// # Errors
    /// Standard input fails, or a line is longer than any answer can be.
    pub fn read_line(&mut self) -> Result<Option<String>, Failure> {
        let mut line = String::new();
        let read = std::io::Read::take(&mut self.input, LONGEST_LINE)
            .read_line(&mut line)
            .map_err(|error| unreadable(&error))?;
        if read == 0 {
            return Ok(None);
        }
        if !line.ends_with('\n') && line.len() as u64 >= LONGEST_LINE {
            return Err(Failure::general("a line of standard input is too long"));
        }
        Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
    }
}

fn unreadable(error: &std::io::Error) -> Failure {
    Failure::because(
        FailureKind::General,
        "cannot read from standard input",
        error,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(input: &str) -> (bool, String) {
        let mut input = input.as_bytes();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let agreed = Console::new(&mut input, &mut out, &mut err)
            .confirm("Sure?")
            .unwrap();
        (agreed, String::from_utf8(out).unwrap())
    }

    #[test]
    fn only_yes_in_any_case_agrees() {
        for yes in ["y\n", "YES\n", "Yes\n"] {
            assert_eq!(answer(yes), (true, "Sure? [y/N] ".to_owned()));
        }
        assert_eq!(
            answer("n\n"),
            (false, "Sure? [y/N] Operation cancelled.\n".to_owned())
        );
    }

    #[test]
    fn the_end_of_input_is_a_silent_no() {
        assert_eq!(answer(""), (false, "Sure? [y/N] ".to_owned()));
    }
}
