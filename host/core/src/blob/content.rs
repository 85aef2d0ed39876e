//! The content of a blob: hashed once, with constant memory, and never believed to stand still.

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

use apostille_artifact::{Descriptor, Digest, DigestAlgorithm};
use notary_plugin_protocol::HashAlgorithm;
use thiserror::Error;

use super::overlapped;

/// Something to sign or to verify: a file that is open, or a stream.
pub struct Blob {
    name: String,
    source: Source,
}

enum Source {
    File(File),
    Stream(Box<dyn Read + Send>),
}

/// What a blob was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobDigest {
    /// The digest of all of it.
    pub digest: Digest,
    /// How many bytes there are.
    pub size: u64,
}

/// Why a blob cannot be hashed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BlobError {
    /// It cannot be opened.
    #[error("cannot open {name}: {source}")]
    Open {
        /// The path.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// It is a directory, a terminal or something else without an end.
    #[error("{name} is {kind}, and only files and pipes can be signed or verified")]
    NotAFile {
        /// The path.
        name: String,
        /// What it is.
        kind: &'static str,
    },
    /// Reading failed.
    #[error("cannot read {name}: {source}")]
    Read {
        /// The path.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// Somebody wrote to the file meanwhile: the digest would be that of no state it ever was in.
    #[error("{name} changed while it was read; try again when nobody writes to it")]
    Changed {
        /// The path.
        name: String,
    },
}

impl Blob {
    /// Opens a file. Links are followed; a pipe is read to its end.
    ///
    /// # Errors
    /// [`BlobError::Open`], [`BlobError::NotAFile`].
    pub fn open(path: &Path) -> Result<Self, BlobError> {
        let name = path.display().to_string();
        let failed = |source| BlobError::Open {
            name: name.clone(),
            source,
        };
        // What it is is looked at first: to open a device can do something already.
        refuse_others(&name, &std::fs::metadata(path).map_err(failed)?)?;
        let file = File::open(path).map_err(failed)?;
        // And once more on what was opened in the end.
        Self::from_file(name, file)
    }

    /// The blob in a file that is open already, such as standard input; `name` is what errors call it.
    ///
    /// # Errors
    /// [`BlobError::Open`], [`BlobError::NotAFile`].
    pub fn from_file(name: impl Into<String>, file: File) -> Result<Self, BlobError> {
        let name = name.into();
        match file.metadata() {
            Ok(metadata) => refuse_others(&name, &metadata)?,
            Err(source) => return Err(BlobError::Open { name, source }),
        }
        let source = Source::File(file);
        Ok(Self { name, source })
    }

    /// The blob that comes out of `stream` until its end; `name` is what errors call it.
    pub fn from_stream(name: impl Into<String>, stream: impl Read + Send + 'static) -> Self {
        Self {
            name: name.into(),
            source: Source::Stream(Box::new(stream)),
        }
    }

    /// The path, or what else it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Hashes all of it, reading ahead on a thread of its own. Memory is constant, at most 2 MiB.
    ///
    /// This blocks; see [`Blob::digest_aside`].
    ///
    /// # Errors
    /// [`BlobError::Read`], [`BlobError::Changed`].
    pub fn digest(self, algorithm: HashAlgorithm) -> Result<BlobDigest, BlobError> {
        let Self { name, source } = self;
        let algorithm = digest_algorithm(algorithm);
        let (result, changed) = match source {
            Source::Stream(stream) => (overlapped::digest(stream, algorithm), false),
            Source::File(file) => digest_file(&file, algorithm),
        };
        let (digest, size) = match result {
            Ok(found) => found,
            Err(source) => return Err(BlobError::Read { name, source }),
        };
        if changed {
            return Err(BlobError::Changed { name });
        }
        Ok(BlobDigest { digest, size })
    }

    /// The same beside an asynchronous task, which stays able to be interrupted.
    ///
    /// # Errors
    /// As [`Blob::digest`].
    pub async fn digest_aside(self, algorithm: HashAlgorithm) -> Result<BlobDigest, BlobError> {
        let name = self.name.clone();
        let work = tokio::task::spawn_blocking(move || self.digest(algorithm));
        work.await.unwrap_or_else(|error| {
            let source = io::Error::other(error);
            Err(BlobError::Read { name, source })
        })
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blob")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl BlobDigest {
    /// The descriptor of the blob, with a media type of the user's choice.
    #[must_use]
    pub fn descriptor(&self, media_type: &str) -> Descriptor {
        Descriptor::new(media_type, self.digest.clone(), self.size)
    }
}

fn digest_algorithm(algorithm: HashAlgorithm) -> DigestAlgorithm {
    match algorithm {
        HashAlgorithm::Sha256 => DigestAlgorithm::Sha256,
        HashAlgorithm::Sha384 => DigestAlgorithm::Sha384,
        HashAlgorithm::Sha512 => DigestAlgorithm::Sha512,
    }
}

/// The digest, and whether somebody wrote to the file meanwhile.
fn digest_file(file: &File, algorithm: DigestAlgorithm) -> (io::Result<(Digest, u64)>, bool) {
    let before = match file.metadata() {
        Ok(before) => before,
        Err(error) => return (Err(error), false),
    };
    let result = overlapped::digest(file, algorithm);
    let changed = match (&result, file.metadata()) {
        // Only a regular file has a length and a time of change that mean its content.
        (Ok((_, size)), Ok(after)) if before.is_file() => {
            *size != before.len()
                || after.len() != before.len()
                || after.modified().ok() != before.modified().ok()
        }
        (Ok(_), Ok(_)) => false,
        _ => true,
    };
    (result, changed)
}

#[cfg(unix)]
fn refuse_others(name: &str, metadata: &Metadata) -> Result<(), BlobError> {
    use std::os::unix::fs::FileTypeExt as _;
    let kind = metadata.file_type();
    let kind = if kind.is_dir() {
        "a directory"
    } else if kind.is_char_device() {
        "a character device"
    } else if kind.is_socket() {
        "a socket"
    } else {
        return Ok(());
    };
    let name = name.to_owned();
    Err(BlobError::NotAFile { name, kind })
}

#[cfg(not(unix))]
fn refuse_others(name: &str, metadata: &Metadata) -> Result<(), BlobError> {
    if metadata.is_file() {
        return Ok(());
    }
    let name = name.to_owned();
    let kind = "no file";
    Err(BlobError::NotAFile { name, kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_and_a_stream_of_the_same_bytes_are_the_same_blob() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("blob");
        std::fs::write(&path, b"content").unwrap();
        let file = Blob::open(&path).unwrap();
        let stream = Blob::from_stream("stdin", &b"content"[..]);
        let found = file.digest(HashAlgorithm::Sha512).unwrap();
        assert_eq!(stream.digest(HashAlgorithm::Sha512).unwrap(), found);
        let expected = Descriptor::of("a/b", DigestAlgorithm::Sha512, b"content");
        assert_eq!(found.descriptor("a/b"), expected);
    }

    #[cfg(unix)]
    #[test]
    fn directories_and_devices_are_refused_before_they_are_opened() {
        let directory = tempfile::tempdir().unwrap();
        for (path, kind) in [
            (directory.path(), "a directory"),
            (Path::new("/dev/zero"), "a character device"),
        ] {
            let error = Blob::open(path).unwrap_err().to_string();
            assert!(error.contains(kind), "{error}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Blob::open(Path::new("/no/such/blob")).unwrap_err();
        assert!(error.to_string().starts_with("cannot open /no/such/blob: "));
    }

    /// The file grows between the two looks at it: a sparse file is long enough that the writer comes first.
    #[test]
    fn a_file_that_changes_while_it_is_read_has_no_digest() {
        use std::sync::atomic::{AtomicBool, Ordering};
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("blob");
        let file = File::create(&path).unwrap();
        file.set_len(8 * 1024 * 1024).unwrap();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut len = 8 * 1024 * 1024;
                while !done.load(Ordering::Relaxed) {
                    len += 1;
                    file.set_len(len).unwrap();
                }
            });
            let error = Blob::open(&path)
                .unwrap()
                .digest(HashAlgorithm::Sha256)
                .unwrap_err();
            done.store(true, Ordering::Relaxed);
            assert!(matches!(error, BlobError::Changed { .. }), "{error}");
        });
    }
}
