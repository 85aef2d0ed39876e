//! Files: read with a limit, replaced in one step, and the lock of a layout.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::RegistryError;

/// The most bytes of the `oci-layout` file, which holds one version number.
const MAX_VERSION_FILE_LEN: u64 = 4 * 1024;

/// How long to wait for another process that is replacing the index. It holds the lock for
/// milliseconds; one that hangs must not make everybody else hang.
const LOCK_PATIENCE: Duration = Duration::from_secs(30);
const LOCK_POLL: Duration = Duration::from_millis(10);

const VERSION_FILE: &str = "oci-layout";

/// The content of `oci-layout` for a new layout.
pub(crate) const VERSION: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

pub(crate) fn check_version(root: &Path) -> Result<(), RegistryError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Version {
        image_layout_version: String,
    }
    let not_a_layout = |reason: &str| RegistryError::NotALayout {
        path: root.to_owned(),
        reason: reason.to_owned(),
    };
    if !root.is_dir() {
        return Err(not_a_layout(if root.exists() {
            "it is not a directory"
        } else {
            "there is no such directory"
        }));
    }
    let bytes = read_optional(&root.join(VERSION_FILE), MAX_VERSION_FILE_LEN)?
        .ok_or_else(|| not_a_layout("it has no oci-layout file"))?;
    let version: Version = serde_json::from_slice(&bytes)
        .map_err(|_| not_a_layout("its oci-layout file is not of the expected form"))?;
    if version.image_layout_version == "1" || version.image_layout_version.starts_with("1.") {
        Ok(())
    } else {
        Err(not_a_layout("its layout version is not 1.x"))
    }
}

pub(crate) fn write_version(root: &Path) -> Result<(), RegistryError> {
    replace(&root.join(VERSION_FILE), VERSION)
}

/// Reads a regular file, or gives nothing if there is none.
pub(crate) fn read_optional(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, RegistryError> {
    let failed = |source| RegistryError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    };
    // Opening a named pipe would wait for its writer.
    match path.metadata() {
        Ok(metadata) if !metadata.is_file() => {
            return Err(failed(io::Error::other("it is not a regular file")));
        }
        Ok(_) => {}
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(failed(error)),
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > limit {
        let what = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let place = path.parent().unwrap_or(path).display().to_string();
        return Err(RegistryError::TooLarge { what, place, limit });
    }
    Ok(Some(bytes))
}

/// Puts `bytes` at `path` in one step: a reader sees what was there before or all of `bytes`.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), RegistryError> {
    write_beside_and_rename(path, bytes).map_err(|source| RegistryError::Io {
        action: "write",
        path: path.to_owned(),
        source,
    })
}

fn write_beside_and_rename(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path
        .parent()
        .ok_or_else(|| io::Error::other("it has no directory"))?;
    std::fs::create_dir_all(directory)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".apostille-");
    // Layouts are read by other users' tools: the permissions of the old file, or the usual ones.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = path
            .metadata()
            .map_or(0o644, |metadata| metadata.permissions().mode() | 0o200);
        builder.permissions(std::fs::Permissions::from_mode(mode & 0o777));
    }
    let mut file = builder.tempfile_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Holds the layout's lock until it is dropped.
pub(crate) struct Lock {
    _file: File,
}

/// Locks the layout against other writers.
///
/// The `oci-layout` file carries the lock: it is always there and is never replaced, and the layout
/// gets no file that its specification does not know.
pub(crate) fn lock(root: &Path) -> Result<Lock, RegistryError> {
    let path = root.join(VERSION_FILE);
    let failed = |source| RegistryError::Io {
        action: "lock",
        path: path.clone(),
        source,
    };
    let file = File::open(&path).map_err(failed)?;
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::sleep(LOCK_POLL)
            }
            Err(TryLockError::WouldBlock) => {
                return Err(RegistryError::Locked {
                    path: root.to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
}
