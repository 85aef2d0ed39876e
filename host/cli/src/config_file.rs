//! `config.json`: registries that are reached over plain HTTP, the default envelope format, and where registry
//! credentials are kept. Apostille reads it and does not write it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;

use crate::durable_file;

/// Why `config.json` cannot be used.
#[derive(Debug, Error)]
pub enum ConfigFileError {
    /// It cannot be read.
    #[error("cannot read the configuration file {path}")]
    File {
        /// Where it is.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not the JSON document that it should be.
    #[error("malformed configuration file {path}")]
    Malformed {
        /// Where it is.
        path: PathBuf,
        /// Where in it, and why.
        source: serde_json::Error,
    },
}

/// The members that Apostille uses.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ConfigFile {
    /// Registries (host, or host and port) that are reached over plain HTTP.
    pub insecure_registries: Vec<String>,
    /// The envelope format of new signatures, `jws` or `cose`.
    pub signature_format: Option<String>,
    /// Whether a plugin is refused that is not what `plugin install` installed. `notation` does not know this member.
    pub refuse_changed_plugins: bool,
    /// The credential helper for all registries.
    pub creds_store: Option<String>,
    /// Credential helpers for single registries.
    pub cred_helpers: BTreeMap<String, String>,
}

impl ConfigFile {
    /// Reads the file; an absent file is an empty one.
    ///
    /// # Errors
    /// Unreadable, not a regular file, too large, or malformed.
    pub fn load(path: &Path) -> Result<Self, ConfigFileError> {
        let read = durable_file::read_regular(path, durable_file::LARGEST_CONFIGURATION);
        let contents = read.map_err(|source| ConfigFileError::File {
            path: path.to_owned(),
            source,
        })?;
        match contents {
            None => Ok(Self::default()),
            Some(contents) => {
                serde_json::from_slice(&contents).map_err(|source| ConfigFileError::Malformed {
                    path: path.to_owned(),
                    source,
                })
            }
        }
    }

    /// Whether the user has listed `registry` (with its port, if it has one) as one for plain HTTP.
    #[must_use]
    pub fn allows_plain_http(&self, registry: &str) -> bool {
        self.insecure_registries
            .iter()
            .any(|listed| listed.eq_ignore_ascii_case(registry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_insecure_registry_is_compared_whole_and_in_any_case() {
        let config = ConfigFile {
            insecure_registries: vec!["Registry.test:5000".to_owned()],
            ..ConfigFile::default()
        };
        assert!(config.allows_plain_http("registry.TEST:5000"));
        assert!(!config.allows_plain_http("registry.test"));
        assert!(!config.allows_plain_http("registry.test:50001"));
    }

    #[test]
    fn members_that_are_not_ours_are_let_be() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        std::fs::write(
            &path,
            r#"{"auths":{"a":{}},"signatureFormat":"cose","HttpHeaders":{}}"#,
        )
        .unwrap();
        assert_eq!(
            ConfigFile::load(&path).unwrap().signature_format.as_deref(),
            Some("cose")
        );
        std::fs::write(&path, "[").unwrap();
        assert!(matches!(
            ConfigFile::load(&path),
            Err(ConfigFileError::Malformed { .. })
        ));
    }
}
