//! CRLs kept on disk between verifications.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::crl::{Crl, MAX_CRL_LEN};

/// The largest cache file that is read, in bytes: a base and a delta CRL of the largest size in
/// base64, and the JSON around them.
pub const MAX_CACHE_FILE_LEN: u64 = 2 * (MAX_CRL_LEN as u64).div_ceil(3) * 4 + 1024;

/// A base CRL and the delta CRL that goes with it.
#[derive(Clone, Debug)]
pub struct CrlSet {
    /// The base CRL.
    pub base: Crl,
    /// The delta CRL, if the base names one.
    pub delta: Option<Crl>,
}

/// What the cache could not do. It never decides anything: the CRL is fetched then.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CacheError {
    /// A file could not be read or replaced.
    #[error("the CRL cache {} failed: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file that is not what the cache writes.
    #[error("the CRL cache file {} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// A directory of CRLs in the layout of `notation`: `crl/{SHA-256 of the URL in lower-case hex}`
/// below the cache directory, each a JSON object with `baseCRL` and perhaps `deltaCRL` in base64.
///
/// Files are replaced atomically, by way of a temporary file in the same directory, so several
/// processes may share the cache, and it may be on another file system than anything else. What is
/// read from it is checked like what comes from the network.
#[derive(Clone, Debug)]
pub struct CrlCache {
    directory: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Content {
    #[serde(rename = "baseCRL")]
    base: String,
    #[serde(rename = "deltaCRL", default, skip_serializing_if = "Option::is_none")]
    delta: Option<String>,
}

impl CrlCache {
    /// The cache below `cache_directory`, `notation`'s cache directory. Nothing is made before
    /// something is stored.
    #[must_use]
    pub fn new(cache_directory: &Path) -> Self {
        Self {
            directory: cache_directory.join("crl"),
        }
    }

    /// The file for the CRL at `url`.
    #[must_use]
    pub fn path(&self, url: &str) -> PathBuf {
        self.directory
            .join(hex::encode(digest::digest(&digest::SHA256, url.as_bytes())))
    }

    /// The CRLs from `url`, if they are there. Nothing about them is checked but that they decode.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn load(&self, url: &str) -> Result<Option<CrlSet>, CacheError> {
        let path = self.path(url);
        let io = |source| CacheError::Io {
            path: path.clone(),
            source,
        };
        let damaged = |reason: String| CacheError::Damaged {
            path: path.clone(),
            reason,
        };
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => {}
            // Reading a pipe would never end.
            Ok(_) => return Err(damaged("it is not a regular file".to_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io(error)),
        }
        let file = std::fs::File::open(&path).map_err(io)?;
        let mut json = Vec::new();
        file.take(MAX_CACHE_FILE_LEN + 1)
            .read_to_end(&mut json)
            .map_err(io)?;
        if json.len() as u64 > MAX_CACHE_FILE_LEN {
            return Err(damaged(format!(
                "it is larger than {MAX_CACHE_FILE_LEN} bytes"
            )));
        }
        let content: Content =
            serde_json::from_slice(&json).map_err(|error| damaged(error.to_string()))?;
        let decode = |base64: String| {
            let der = STANDARD
                .decode(base64)
                .map_err(|error| damaged(error.to_string()))?;
            Crl::from_der(der).map_err(|error| damaged(error.to_string()))
        };
        Ok(Some(CrlSet {
            base: decode(content.base)?,
            delta: content.delta.map(decode).transpose()?,
        }))
    }

    /// Keeps `crls` as what is at `url`.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn store(&self, url: &str, crls: &CrlSet) -> Result<(), CacheError> {
        let path = self.path(url);
        let io = |source| CacheError::Io {
            path: path.clone(),
            source,
        };
        let content = Content {
            base: STANDARD.encode(crls.base.as_der()),
            delta: crls
                .delta
                .as_ref()
                .map(|delta| STANDARD.encode(delta.as_der())),
        };
        let json = serde_json::to_vec(&content).map_err(|error| io(error.into()))?;
        self.make_directory().map_err(io)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.directory).map_err(io)?;
        std::io::Write::write_all(&mut file, &json).map_err(io)?;
        file.persist(&path).map_err(|error| io(error.error))?;
        Ok(())
    }

    /// For its owner only: which CRLs are there tells what was verified.
    fn make_directory(&self) -> std::io::Result<()> {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.directory)
    }
}
