//! The parts of `config.json` that concern credentials: Docker's format, which `notation` shares.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use super::helper::HelperName;
use super::{Credential, CredentialsError, Secret};
use crate::files;

/// The most bytes of a configuration file. Docker's has some kilobytes.
const MAX_CONFIG_LEN: u64 = 4 * 1024 * 1024;

/// What a configuration file says about credentials.
#[derive(Debug)]
pub(super) struct ConfigFile {
    path: PathBuf,
    content: Content,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    #[serde(default)]
    auths: Option<BTreeMap<String, Option<Auth>>>,
    #[serde(default)]
    creds_store: Option<String>,
    #[serde(default)]
    cred_helpers: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Auth {
    #[serde(default)]
    auth: Zeroizing<String>,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: Zeroizing<String>,
    #[serde(default)]
    identitytoken: Zeroizing<String>,
    #[serde(default)]
    registrytoken: Zeroizing<String>,
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Auth(***)")
    }
}

impl ConfigFile {
    /// Reads a file; one that is not there says nothing.
    pub(super) fn read(path: &Path) -> Result<Self, CredentialsError> {
        let malformed = |reason: String| CredentialsError::Config {
            path: path.to_owned(),
            reason,
        };
        let bytes = files::read_optional(path, MAX_CONFIG_LEN)
            .map_err(|error| malformed(error.to_string()))?;
        let content = match bytes.map(Zeroizing::new) {
            // A JSON error names line and column, never the content.
            Some(bytes) => {
                serde_json::from_slice(&bytes).map_err(|error| malformed(position_of(&error)))?
            }
            None => Content::default(),
        };
        Ok(Self {
            path: path.to_owned(),
            content,
        })
    }

    /// Whether the file says anything about credentials.
    pub(super) fn is_configured(&self) -> bool {
        let Content {
            auths,
            creds_store,
            cred_helpers,
        } = &self.content;
        auths.as_ref().is_some_and(|auths| !auths.is_empty())
            || creds_store.as_ref().is_some_and(|store| !store.is_empty())
            || cred_helpers
                .as_ref()
                .is_some_and(|helpers| !helpers.is_empty())
    }

    /// The helper that keeps the credential for a server, if one does.
    pub(super) fn helper(&self, server: &str) -> Result<Option<HelperName>, CredentialsError> {
        let own = self
            .content
            .cred_helpers
            .as_ref()
            .and_then(|helpers| helpers.get(server));
        let name = own
            .or(self.content.creds_store.as_ref())
            .filter(|name| !name.is_empty());
        name.map(|name| name.parse()).transpose()
    }

    /// The credential in the file itself. Old versions of Docker wrote the server as a URL.
    pub(super) fn credential(&self, server: &str) -> Result<Credential, CredentialsError> {
        let Some(auths) = &self.content.auths else {
            return Ok(Credential::Anonymous);
        };
        let found = auths.get(server).or_else(|| {
            auths
                .iter()
                .find(|(known, _)| host_of(known) == server)
                .map(|(_, auth)| auth)
        });
        match found {
            Some(Some(auth)) => self.read_auth(server, auth),
            _ => Ok(Credential::Anonymous),
        }
    }

    fn read_auth(&self, server: &str, auth: &Auth) -> Result<Credential, CredentialsError> {
        if !auth.identitytoken.is_empty() {
            return Ok(Credential::IdentityToken(Secret::new(
                auth.identitytoken.as_str(),
            )));
        }
        if !auth.registrytoken.is_empty() {
            return Ok(Credential::RegistryToken(Secret::new(
                auth.registrytoken.as_str(),
            )));
        }
        if auth.auth.is_empty() {
            return Ok(Credential::from_login(&auth.username, &auth.password));
        }
        let malformed = || CredentialsError::Config {
            path: self.path.clone(),
            reason: format!("the `auth` of {server} is not user:password in base64"),
        };
        let decoded = STANDARD
            .decode(auth.auth.as_bytes())
            .map(Zeroizing::new)
            .map_err(|_| malformed())?;
        let text = std::str::from_utf8(&decoded).map_err(|_| malformed())?;
        let (username, password) = text.split_once(':').ok_or_else(malformed)?;
        // Docker once padded with zero bytes.
        Ok(Credential::from_login(
            username,
            password.trim_matches('\0'),
        ))
    }

    /// Takes a server's credential out of the file, and leaves the rest as it was.
    pub(super) fn forget(&self, server: &str) -> Result<(), CredentialsError> {
        if !self
            .content
            .auths
            .as_ref()
            .is_some_and(|auths| auths.contains_key(server))
        {
            return Ok(());
        }
        let failed = |reason: String| CredentialsError::Config {
            path: self.path.clone(),
            reason,
        };
        // The file itself is replaced, not a link that leads to it.
        let path = self
            .path
            .canonicalize()
            .map_err(|error| failed(error.to_string()))?;
        let bytes = files::read_optional(&path, MAX_CONFIG_LEN)
            .map_err(|error| failed(error.to_string()))?;
        let bytes = Zeroizing::new(bytes.unwrap_or_default());
        let mut document: Value =
            serde_json::from_slice(&bytes).map_err(|error| failed(position_of(&error)))?;
        if let Some(auths) = document.get_mut("auths").and_then(Value::as_object_mut) {
            auths.remove(server);
        }
        let text = serde_json::to_vec_pretty(&document)
            .map(Zeroizing::new)
            .map_err(|error| failed(error.to_string()))?;
        files::replace(&path, &text).map_err(|error| failed(error.to_string()))
    }
}

fn position_of(error: &serde_json::Error) -> String {
    format!(
        "it is not the JSON document that it should be (line {}, column {})",
        error.line(),
        error.column()
    )
}

fn host_of(server: &str) -> &str {
    let rest = server
        .strip_prefix("https://")
        .or_else(|| server.strip_prefix("http://"))
        .unwrap_or(server);
    rest.split('/').next().unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> (tempfile::TempDir, ConfigFile) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        std::fs::write(&path, text).unwrap();
        let config = ConfigFile::read(&path).unwrap();
        (directory, config)
    }

    #[test]
    fn every_kind_of_entry_is_read() {
        let (_directory, config) = config(
            r#"{"auths": {
                "a.example": {"auth": "dXNlcjpwYTpzcw=="},
                "b.example": {"identitytoken": "it", "auth": "dXNlcjpwYXNz"},
                "c.example": {"registrytoken": "rt"},
                "https://d.example/v1/": {"username": "u", "password": "p"},
                "e.example": {},
                "f.example": null
            }, "HttpHeaders": {"kept": "yes"}}"#,
        );
        let read = |server| config.credential(server).unwrap();
        assert_eq!(read("a.example"), Credential::from_login("user", "pa:ss"));
        assert_eq!(
            read("b.example"),
            Credential::IdentityToken(Secret::new("it"))
        );
        assert_eq!(
            read("c.example"),
            Credential::RegistryToken(Secret::new("rt"))
        );
        assert_eq!(read("d.example"), Credential::from_login("u", "p"));
        for server in ["e.example", "f.example", "unknown.example", "example"] {
            assert_eq!(read(server), Credential::Anonymous, "{server}");
        }
        assert!(config.is_configured());
    }

    #[test]
    fn a_servers_own_helper_comes_before_the_general_one() {
        let (_directory, config) =
            config(r#"{"credsStore": "pass", "credHelpers": {"a.example": "ecr-login"}}"#);
        let name = |server| config.helper(server).unwrap().unwrap().to_string();
        assert_eq!(name("a.example"), "docker-credential-ecr-login");
        assert_eq!(name("b.example"), "docker-credential-pass");
    }

    #[test]
    fn a_helper_with_a_path_for_a_name_is_refused() {
        let (_directory, config) = config(r#"{"credsStore": "../../tmp/evil"}"#);
        assert!(matches!(
            config.helper("a.example"),
            Err(CredentialsError::HelperName { .. })
        ));
    }

    #[test]
    fn a_malformed_file_is_an_error_that_shows_none_of_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        for text in [
            r#"{"auths": "hunter2"}"#,
            "hunter2",
            r#"{"auths": {"a": {"auth": ["hunter2"]}}}"#,
        ] {
            std::fs::write(&path, text).unwrap();
            let error = ConfigFile::read(&path).unwrap_err().to_string();
            assert!(
                !error.contains("hunter2") && error.contains("config.json"),
                "{error}"
            );
        }
        std::fs::write(&path, r#"{"auths": {"a": {"auth": "hunter2"}}}"#).unwrap();
        let error = ConfigFile::read(&path)
            .unwrap()
            .credential("a")
            .unwrap_err()
            .to_string();
        assert!(!error.contains("hunter2"), "{error}");
        std::fs::write(
            &path,
            vec![b' '; usize::try_from(MAX_CONFIG_LEN).unwrap() + 1],
        )
        .unwrap();
        assert!(ConfigFile::read(&path).is_err());
    }

    #[test]
    fn forgetting_a_server_leaves_the_rest() {
        let (directory, config) =
            config(r#"{"auths": {"a": {"auth": "dTpw"}, "b": {"auth": "dTpw"}}, "x": 1}"#);
        config.forget("a").unwrap();
        config.forget("unknown").unwrap();
        let path = directory.path().join("config.json");
        let document: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(
            document,
            serde_json::json!({"auths": {"b": {"auth": "dTpw"}}, "x": 1})
        );
    }

    #[test]
    fn no_file_says_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let config = ConfigFile::read(&directory.path().join("missing.json")).unwrap();
        assert!(!config.is_configured());
        assert_eq!(config.credential("a").unwrap(), Credential::Anonymous);
    }
}
