//! Where the PIN comes from, and how it is kept from everybody else.
//!
//! A PIN is read in the worker process directly before it is used, lives in memory that is wiped when
//! it is dropped, and appears in no argument list, message or core dump (the worker switches those off).

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The environment variable that may hold the PIN.
pub(crate) const PIN_VARIABLE: &str = "NOTATION_PKCS11_PIN";

/// Most bytes of a PIN. Tokens accept up to 255; a larger source is not a PIN file.
pub(crate) const MAX_PIN_LENGTH: usize = 1024;

/// Where to read the PIN from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum PinSource {
    /// A file that nobody but its owner can read.
    File(PathBuf),
    /// A descriptor that the process inherits, so that the PIN is never on a disk.
    Descriptor(u32),
    /// [`PIN_VARIABLE`].
    Environment,
    /// A program and its arguments, separated by spaces; it prints the PIN.
    Command(String),
}

/// Why there is no PIN.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PinError {
    /// The file, descriptor or output could not be read.
    #[error("cannot read the PIN from {from}: {source}")]
    Read {
        from: String,
        source: std::io::Error,
    },
    /// Somebody else may read the file.
    #[error(
        "the PIN file {} can be read by others (mode {mode:04o}): run `chmod 600 {}`", .path.display(), .path.display()
    )]
    Exposed { path: PathBuf, mode: u32 },
    /// Not a regular file.
    #[error("the PIN file {} is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// The program failed.
    #[error(
        "the PIN command `{program}` failed ({status}): it has to print the PIN and exit with 0"
    )]
    Command {
        program: String,
        status: std::process::ExitStatus,
    },
    /// Nothing there.
    #[error("the PIN from {0} is empty")]
    Empty(String),
    /// More than [`MAX_PIN_LENGTH`] bytes.
    #[error("{0} holds more than {MAX_PIN_LENGTH} bytes, so it is not a PIN")]
    TooLong(String),
    /// No text.
    #[error("the PIN from {0} is not UTF-8, as PKCS#11 wants it")]
    NotText(String),
}

/// A PIN: no `Debug`, no `Display`, wiped when it is dropped.
pub(crate) struct Pin(Zeroizing<String>);

impl Pin {
    fn new(text: &str) -> Self {
        let pin = Zeroizing::new(text.to_owned());
        keep_out_of_swap(&pin);
        Self(pin)
    }

    /// The PIN itself, for the one call that needs it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl PinSource {
    /// Reads the PIN. The line end that editors put at the end of a file is not part of it.
    ///
    /// # Errors
    /// [`PinError`], which names the source and never its content.
    pub(crate) fn read(&self) -> Result<Pin, PinError> {
        let bytes = match self {
            Self::File(path) => read_limited(open_private(path)?, self)?,
            Self::Descriptor(number) => {
                let path = format!("/dev/fd/{number}");
                let file = File::open(path).map_err(|source| self.unreadable(source))?;
                read_limited(file, self)?
            }
            Self::Environment => Zeroizing::new(
                std::env::var_os(PIN_VARIABLE)
                    .unwrap_or_default()
                    .into_encoded_bytes(),
            ),
            Self::Command(line) => self.run(line)?,
        };
        self.pin_from(&bytes)
    }

    fn pin_from(&self, bytes: &[u8]) -> Result<Pin, PinError> {
        let text = std::str::from_utf8(bytes).map_err(|_| PinError::NotText(self.to_string()))?;
        let line = text.strip_suffix('\n').unwrap_or(text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            return Err(PinError::Empty(self.to_string()));
        }
        Ok(Pin::new(line))
    }

    fn run(&self, line: &str) -> Result<Zeroizing<Vec<u8>>, PinError> {
        let mut words = line.split_ascii_whitespace();
        let program = words.next().unwrap_or_default();
        let mut child = Command::new(program)
            .args(words)
            .env_remove(PIN_VARIABLE)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(|source| self.unreadable(source))?;
        let output = child.stdout.take().map(|pipe| read_limited(pipe, self));
        let status = child.wait().map_err(|source| self.unreadable(source))?;
        if !status.success() {
            return Err(PinError::Command {
                program: program.to_owned(),
                status,
            });
        }
        output.unwrap_or_else(|| Err(PinError::Empty(self.to_string())))
    }

    fn unreadable(&self, source: std::io::Error) -> PinError {
        PinError::Read {
            from: self.to_string(),
            source,
        }
    }
}

impl std::fmt::Display for PinSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Descriptor(number) => write!(f, "file descriptor {number}"),
            Self::Environment => write!(f, "the environment variable {PIN_VARIABLE}"),
            Self::Command(line) => {
                let program = line.split_ascii_whitespace().next().unwrap_or_default();
                write!(f, "the command `{program}`")
            }
        }
    }
}

/// Opens a PIN file and refuses it if its group or others may read or write it. The check is made on
/// the open file, so that it cannot be exchanged in between.
fn open_private(path: &Path) -> Result<File, PinError> {
    let unreadable = |source| PinError::Read {
        from: format!("the file {}", path.display()),
        source,
    };
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    // A pipe (process substitution, /dev/stdin) belongs to whoever made it and has no reader list.
    if metadata.is_dir() {
        return Err(PinError::NotAFile(path.to_owned()));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = metadata.permissions().mode() & 0o7777;
        if metadata.is_file() && mode & 0o077 != 0 {
            return Err(PinError::Exposed {
                path: path.to_owned(),
                mode,
            });
        }
    }
    Ok(file)
}

/// Asks the system not to write the memory of `secret` to a swap device. The limit on locked memory may
/// forbid it, and a PIN in swap is no reason not to sign, so the result does not matter.
#[cfg(unix)]
fn keep_out_of_swap(secret: &str) {
    // SAFETY: the range is one live allocation. Locking its pages changes nothing that can be observed,
    // and they stay locked after it is freed, which is harmless for the rest of this short process.
    let _ = unsafe { rustix::mm::mlock(secret.as_ptr().cast_mut().cast(), secret.len()) };
}

#[cfg(not(unix))]
fn keep_out_of_swap(_: &str) {}

fn read_limited(source: impl Read, from: &PinSource) -> Result<Zeroizing<Vec<u8>>, PinError> {
    // With the whole capacity reserved the vector never grows and leaves no copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_PIN_LENGTH + 1));
    source
        .take(MAX_PIN_LENGTH as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| from.unreadable(source))?;
    if bytes.len() > MAX_PIN_LENGTH {
        return Err(PinError::TooLong(from.to_string()));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn file(content: &[u8], mode: u32) -> (tempfile::TempDir, PinSource) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pin");
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        (directory, PinSource::File(path))
    }

    #[test]
    fn the_line_end_of_a_file_is_not_part_of_the_pin() {
        for content in ["12 34", "12 34\n", "12 34\r\n"] {
            let (_directory, source) = file(content.as_bytes(), 0o600);
            assert_eq!(
                source.read().map(|pin| pin.expose().to_owned()).unwrap(),
                "12 34"
            );
        }
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        for mode in [0o640, 0o604, 0o620, 0o644] {
            let (_directory, source) = file(b"1234", mode);
            let error = source.read().err().unwrap();
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
        assert!(file(b"1234", 0o400).1.to_string().contains("the file"));
    }

    #[test]
    fn an_empty_or_oversized_or_binary_source_is_refused() {
        let read = |content: &[u8]| file(content, 0o600).1.clone();
        let (_directory, source) = file(b"\n", 0o600);
        assert!(matches!(source.read().err(), Some(PinError::Empty(_))));
        let (_directory, source) = file(&[b'1'; MAX_PIN_LENGTH + 1], 0o600);
        assert!(matches!(source.read().err(), Some(PinError::TooLong(_))));
        let (_directory, source) = file(&[b'1'; MAX_PIN_LENGTH], 0o600);
        assert!(source.read().is_ok());
        let (_directory, source) = file(b"\xff\xfe", 0o600);
        assert!(matches!(source.read().err(), Some(PinError::NotText(_))));
        assert!(matches!(
            read(b"x").read().err(),
            Some(PinError::Read { .. })
        ));
    }

    #[test]
    fn a_command_prints_the_pin_and_its_failure_is_an_error() {
        let pin = PinSource::Command("printf 1234".to_owned()).read();
        assert_eq!(pin.map(|pin| pin.expose().to_owned()).unwrap(), "1234");
        let failed = PinSource::Command("false".to_owned()).read();
        assert!(matches!(failed.err(), Some(PinError::Command { .. })));
        let absent = PinSource::Command("/no/such/program".to_owned()).read();
        assert!(matches!(absent.err(), Some(PinError::Read { .. })));
    }
}
