//! `signingkeys.json`: the names under which a user keeps signing keys, the same file as `notation`'s.
//!
//! The file holds references only: paths of local keys, or a plugin with a key id. Members that this version does not
//! know are kept when it is written again.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::durable_file::{self, Lock};

/// What may be wrong with the file or with a change to it.
#[derive(Debug, Error)]
pub enum SigningKeysError {
    /// The file cannot be read or written.
    #[error("cannot access the signing key list {path}")]
    File {
        /// Where it is.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not the JSON document that it should be.
    #[error("malformed signing key list {path}")]
    Malformed {
        /// Where it is.
        path: PathBuf,
        /// Where in it, and why.
        source: serde_json::Error,
    },
    /// The document breaks a rule.
    #[error("invalid signing key list {path}: {rule}")]
    Invalid {
        /// Where it is.
        path: PathBuf,
        /// The rule.
        rule: String,
    },
    /// No key has this name.
    #[error("signing key {0} not found")]
    NotFound(String),
    /// A key has this name already.
    #[error("signing key with name {0:?} already exists")]
    Exists(String),
    /// A key needs a name.
    #[error("key name cannot be empty")]
    EmptyName,
    /// No key was named, and there is no default.
    #[error("default signing key not set. Please set default signing key or specify a key name")]
    NoDefault,
}

/// A named key.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SigningKey {
    /// The name, unique in the list.
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key_path: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cert_path: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plugin_name: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    plugin_config: BTreeMap<String, String>,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

/// Where a key is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeySource {
    /// A key pair in local files, for tests.
    Local {
        /// The private key (PKCS#8, PEM).
        key_path: PathBuf,
        /// The certificate chain (PEM), leaf first.
        cert_path: PathBuf,
    },
    /// A key that a plugin reaches.
    Plugin {
        /// The plugin's name for the key.
        id: String,
        /// The plugin.
        plugin_name: String,
        /// What the plugin is told with every command.
        plugin_config: BTreeMap<String, String>,
    },
}

impl SigningKey {
    /// A key with this name.
    #[must_use]
    pub fn new(name: String, source: KeySource) -> Self {
        let mut key = Self {
            name,
            key_path: None,
            cert_path: None,
            id: None,
            plugin_name: None,
            plugin_config: BTreeMap::new(),
            unknown: Map::new(),
        };
        match source {
            KeySource::Local {
                key_path,
                cert_path,
            } => {
                key.key_path = Some(key_path);
                key.cert_path = Some(cert_path);
            }
            KeySource::Plugin {
                id,
                plugin_name,
                plugin_config,
            } => {
                key.id = Some(id);
                key.plugin_name = Some(plugin_name);
                key.plugin_config = plugin_config;
            }
        }
        key
    }

    /// Where the key is; `None` if the entry names neither a key pair nor a plugin, and so cannot sign.
    #[must_use]
    pub fn source(&self) -> Option<KeySource> {
        if let (Some(key_path), Some(cert_path)) = (&self.key_path, &self.cert_path) {
            return Some(KeySource::Local {
                key_path: key_path.clone(),
                cert_path: cert_path.clone(),
            });
        }
        Some(KeySource::Plugin {
            id: self.id.clone()?,
            plugin_name: self.plugin_name.clone()?,
            plugin_config: self.plugin_config.clone(),
        })
    }
}

/// The list.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct SigningKeys {
    /// The name of the key that is used if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// The keys, in the order in which they were added.
    #[serde(default)]
    pub keys: Vec<SigningKey>,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

impl SigningKeys {
    /// Reads the list; an absent file is an empty list.
    ///
    /// # Errors
    /// Unreadable, malformed, two keys of one name, or a default that is not in the list.
    pub fn load(path: &Path) -> Result<Self, SigningKeysError> {
        let read = durable_file::read_regular(path, durable_file::LARGEST_CONFIGURATION);
        let Some(contents) = read.map_err(|source| SigningKeysError::File {
            path: path.to_owned(),
            source,
        })?
        else {
            return Ok(Self::default());
        };
        let mut list: Self =
            serde_json::from_slice(&contents).map_err(|source| SigningKeysError::Malformed {
                path: path.to_owned(),
                source,
            })?;
        list.default = list.default.filter(|name| !name.is_empty());
        list.check().map_err(|rule| SigningKeysError::Invalid {
            path: path.to_owned(),
            rule,
        })?;
        Ok(list)
    }

    fn check(&self) -> Result<(), String> {
        let mut names = BTreeSet::new();
        for key in &self.keys {
            if key.name.is_empty() {
                return Err("a key has an empty name".to_owned());
            }
            if !names.insert(key.name.as_str()) {
                return Err(format!("two keys have the name {:?}", key.name));
            }
        }
        match &self.default {
            Some(name) if !names.contains(name.as_str()) => {
                Err(format!("the default key {name:?} is not in the list"))
            }
            _ => Ok(()),
        }
    }

    /// Changes the list under a lock, so that processes that run at the same time lose nothing.
    ///
    /// # Errors
    /// What `change` returns (nothing is written then), or the file cannot be read or written.
    pub fn change<T>(
        path: &Path,
        change: impl FnOnce(&mut Self) -> Result<T, SigningKeysError>,
    ) -> Result<T, SigningKeysError> {
        let file_error = |source| SigningKeysError::File {
            path: path.to_owned(),
            source,
        };
        let _lock = Lock::of(path).map_err(file_error)?;
        path.parent()
            .into_iter()
            .for_each(durable_file::remove_abandoned);
        let mut list = Self::load(path)?;
        let outcome = change(&mut list)?;
        durable_file::replace(
            path,
            &list
                .to_json()
                .map_err(io::Error::other)
                .map_err(file_error)?,
        )
        .map_err(file_error)?;
        Ok(outcome)
    }

    fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let mut json = Vec::new();
        let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
        self.serialize(&mut serde_json::Serializer::with_formatter(
            &mut json, formatter,
        ))?;
        json.push(b'\n');
        Ok(json)
    }

    /// The key with this name, or the default one.
    ///
    /// # Errors
    /// There is none.
    pub fn find(&self, name: Option<&str>) -> Result<&SigningKey, SigningKeysError> {
        let name = match name {
            Some(name) => name,
            None => self.default.as_deref().ok_or(SigningKeysError::NoDefault)?,
        };
        self.keys
            .iter()
            .find(|key| key.name == name)
            .ok_or_else(|| SigningKeysError::NotFound(name.to_owned()))
    }

    /// Adds a key.
    ///
    /// # Errors
    /// The name is empty or taken.
    pub fn add(&mut self, key: SigningKey, default: bool) -> Result<(), SigningKeysError> {
        if key.name.is_empty() {
            return Err(SigningKeysError::EmptyName);
        }
        if self.find(Some(&key.name)).is_ok() {
            return Err(SigningKeysError::Exists(key.name));
        }
        if default {
            self.default = Some(key.name.clone());
        }
        self.keys.push(key);
        Ok(())
    }

    /// Makes a key the default.
    ///
    /// # Errors
    /// There is no such key.
    pub fn set_default(&mut self, name: &str) -> Result<(), SigningKeysError> {
        self.find(Some(name))?;
        self.default = Some(name.to_owned());
        Ok(())
    }

    /// Removes a key; says whether it was the default.
    ///
    /// # Errors
    /// There is no such key.
    pub fn remove(&mut self, name: &str) -> Result<bool, SigningKeysError> {
        self.find(Some(name))?;
        self.keys.retain(|key| key.name != name);
        let was_default = self.default.as_deref() == Some(name);
        if was_default {
            self.default = None;
        }
        Ok(was_default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"{"default":"a","keys":[{"name":"a","keyPath":"/k","certPath":"/c","x":1},
        {"name":"b","id":"i","pluginName":"p","pluginConfig":{"k":"v"}}],"y":[2]}"#;

    fn file() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("signingkeys.json");
        std::fs::write(&path, FILE).unwrap();
        (directory, path)
    }

    #[test]
    fn unknown_members_survive_a_change() {
        let (_directory, path) = file();
        SigningKeys::change(&path, |list| list.set_default("b")).unwrap();
        let written: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(
            std::fs::read_to_string(&path)
                .unwrap()
                .matches("keyPath")
                .count(),
            1
        );
        let mut expected: Value = serde_json::from_str(FILE).unwrap();
        expected["default"] = "b".into();
        assert_eq!(written, expected);
    }

    #[test]
    fn a_refused_change_leaves_the_file_as_it_was() {
        let (_directory, path) = file();
        let result = SigningKeys::change(&path, |list| {
            list.remove("a")?;
            list.remove("nope")
        });
        assert!(matches!(result, Err(SigningKeysError::NotFound(name)) if name == "nope"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), FILE);
    }

    #[test]
    fn removing_the_default_key_leaves_no_default() {
        let (_directory, path) = file();
        assert!(SigningKeys::change(&path, |list| list.remove("a")).unwrap());
        let list = SigningKeys::load(&path).unwrap();
        assert!(matches!(list.find(None), Err(SigningKeysError::NoDefault)));
        assert!(matches!(
            list.find(Some("b")).unwrap().source(),
            Some(KeySource::Plugin { .. })
        ));
    }

    #[test]
    fn a_list_that_contradicts_itself_is_refused() {
        let (_directory, path) = file();
        for text in [
            r#"{"default":"z","keys":[]}"#,
            r#"{"keys":[{"name":"","keyPath":"k","certPath":"c"}]}"#,
            r#"{"keys":[{"name":"a","keyPath":"k","certPath":"c"},{"name":"a","id":"i","pluginName":"p"}]}"#,
        ] {
            std::fs::write(&path, text).unwrap();
            assert!(matches!(
                SigningKeys::load(&path),
                Err(SigningKeysError::Invalid { .. })
            ));
        }
        std::fs::write(&path, "{").unwrap();
        assert!(matches!(
            SigningKeys::load(&path),
            Err(SigningKeysError::Malformed { .. })
        ));
    }

    #[test]
    fn threads_that_add_keys_at_once_lose_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("signingkeys.json");
        std::thread::scope(|scope| {
            for number in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    let source = KeySource::Plugin {
                        id: "i".to_owned(),
                        plugin_name: "p".to_owned(),
                        plugin_config: BTreeMap::new(),
                    };
                    let key = SigningKey::new(format!("key{number}"), source);
                    SigningKeys::change(path, |list| list.add(key, false)).unwrap();
                });
            }
        });
        assert_eq!(SigningKeys::load(&path).unwrap().keys.len(), 8);
    }
}
