//! The digest of what was installed, to compare with what is there.

use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// The file in the plugin's directory, in the form of `sha256sum`, which can check it too (`sha256sum -c`).
const FILE: &str = ".installed.sha256";

/// What the record says about an executable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestRecord {
    /// There is none: the plugin was put there by other means.
    Missing,
    /// It is what was installed.
    Unchanged,
    /// It is something else.
    Changed,
}

impl DigestRecord {
    /// The word for scripts: `missing`, `unchanged` or `changed`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unchanged => "unchanged",
            Self::Changed => "changed",
        }
    }

    /// Compares an executable with the record beside it.
    ///
    /// # Errors
    /// The executable or the record cannot be read.
    pub(crate) fn of(executable: &Path) -> io::Result<Self> {
        let mut record = String::new();
        match File::open(path_beside(executable)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::Missing),
            Err(error) => return Err(error),
            // Two names and a digest fit into this; a longer record is none of ours.
            Ok(file) => file.take(1024).read_to_string(&mut record)?,
        };
        if record == line(executable)? {
            return Ok(Self::Unchanged);
        }
        Ok(Self::Changed)
    }
}

/// Writes the record of an executable that is being installed.
pub(crate) fn write(executable: &Path) -> io::Result<()> {
    let mut file = File::create(path_beside(executable))?;
    file.write_all(line(executable)?.as_bytes())?;
    file.sync_all()
}

fn path_beside(executable: &Path) -> PathBuf {
    executable.with_file_name(FILE)
}

fn line(executable: &Path) -> io::Result<String> {
    let name = executable.file_name().unwrap_or_default();
    Ok(format!(
        "{}  {}\n",
        sha256(executable)?,
        name.to_string_lossy()
    ))
}

/// The SHA-256 of a file, in lower-case hex.
pub(crate) fn sha256(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut file = File::open(path)?;
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut buffer)?;
        match buffer.get(..read) {
            Some([]) | None => return Ok(hex::encode(hasher.finalize())),
            Some(piece) => hasher.update(piece),
        }
    }
}
