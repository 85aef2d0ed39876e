//! Finding and reading policy files in a configuration directory.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::error::PolicyError;
use super::json::MAX_POLICY_SIZE;
use super::{BlobTrustPolicy, OciTrustPolicy};

/// The file of the policy for OCI artifacts.
pub const OCI_POLICY_FILE: &str = "trustpolicy.oci.json";
/// The older name of that file; read when [`OCI_POLICY_FILE`] does not exist.
pub const LEGACY_OCI_POLICY_FILE: &str = "trustpolicy.json";
/// The file of the policy for blobs.
pub const BLOB_POLICY_FILE: &str = "trustpolicy.blob.json";

impl OciTrustPolicy {
    /// Loads the policy from a configuration directory: `trustpolicy.oci.json`, or
    /// `trustpolicy.json` if the first does not exist. Anything else that is wrong with the first
    /// file is final.
    ///
    /// # Errors
    /// [`PolicyError`] with the file's path.
    pub fn load(config_directory: &Path) -> Result<Self, PolicyError> {
        let names = [OCI_POLICY_FILE, LEGACY_OCI_POLICY_FILE];
        let (path, bytes) = first_present(config_directory, &names)?;
        Self::parse(&bytes, &path.display().to_string())
    }
}

impl BlobTrustPolicy {
    /// Loads the policy from `trustpolicy.blob.json` in a configuration directory.
    ///
    /// # Errors
    /// [`PolicyError`] with the file's path.
    pub fn load(config_directory: &Path) -> Result<Self, PolicyError> {
        let (path, bytes) = first_present(config_directory, &[BLOB_POLICY_FILE])?;
        Self::parse(&bytes, &path.display().to_string())
    }
}

fn first_present(directory: &Path, names: &[&str]) -> Result<(PathBuf, Vec<u8>), PolicyError> {
    let searched: Vec<PathBuf> = names.iter().map(|name| directory.join(name)).collect();
    for path in &searched {
        if let Some(bytes) = read_policy_file(path)? {
            return Ok((path.clone(), bytes));
        }
    }
    Err(PolicyError::NotPresent { searched })
}

/// The bytes of a policy file, at most [`MAX_POLICY_SIZE`], or `None` if there is no such file.
///
/// # Errors
/// [`PolicyError::NotARegularFile`], [`PolicyError::TooLarge`] or [`PolicyError::Unreadable`].
pub fn read_policy_file(path: &Path) -> Result<Option<Vec<u8>>, PolicyError> {
    let unreadable = |source| PolicyError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        other => other.map_err(unreadable)?,
    };
    if !metadata.is_file() {
        return Err(PolicyError::NotARegularFile {
            path: path.to_owned(),
        });
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_POLICY_SIZE)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    if bytes.len() > MAX_POLICY_SIZE {
        return Err(PolicyError::TooLarge {
            file: path.display().to_string(),
        });
    }
    Ok(Some(bytes))
}
