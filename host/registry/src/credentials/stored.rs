//! Credentials from the configuration files and keychains that `docker` and `notation` use.

use std::ffi::OsString;
use std::path::PathBuf;

use futures::future::BoxFuture;

use super::config_file::ConfigFile;
use super::helper::{Helper, HelperName, native};
use super::{Credential, CredentialSource, CredentialsError};

/// Credentials where `docker login` and `notation login` put them.
///
/// One configuration counts, the first of these: `notation`'s `config.json` if it says anything about
/// credentials, else Docker's if that does, else the system's keychain if its helper is installed, else
/// `notation`'s empty one. In it, a server's own helper (`credHelpers`) comes before the general one
/// (`credsStore`), and that before a password in the file (`auths`). Nothing is read before a registry
/// asks, and no password is ever written to a file.
#[derive(Clone, Debug)]
pub struct StoredCredentials {
    notation_config: PathBuf,
    docker_config: Option<PathBuf>,
    search_path: OsString,
}

impl StoredCredentials {
    /// Names the files: `notation`'s `config.json`, Docker's if there may be one, and the `PATH` in
    /// whose absolute directories helpers are looked up. None of them has to exist.
    pub fn new(
        notation_config: PathBuf,
        docker_config: Option<PathBuf>,
        search_path: OsString,
    ) -> Self {
        Self {
            notation_config,
            docker_config,
            search_path,
        }
    }

    /// The credential for a server; see [`server_name`](crate::server_name).
    ///
    /// # Errors
    /// [`CredentialsError`] if the file that counts cannot be read or its helper fails. A server that is
    /// not known is [`Credential::Anonymous`].
    pub async fn get(&self, server: &str) -> Result<Credential, CredentialsError> {
        let place = self.place()?;
        match place.helper(server)? {
            Some(name) => Helper::find(&name, &self.search_path)?.get(server).await,
            None => place.config.credential(server),
        }
    }

    /// Stores a credential in the keychain.
    ///
    /// # Errors
    /// [`CredentialsError::NoKeychain`] if no helper is configured or installed: a password is not
    /// written to a file. [`CredentialsError::Helper`] if the helper fails.
    pub async fn store(
        &self,
        server: &str,
        credential: &Credential,
    ) -> Result<(), CredentialsError> {
        let name = self
            .place()?
            .helper(server)?
            .ok_or(CredentialsError::NoKeychain)?;
        Helper::find(&name, &self.search_path)?
            .store(server, credential)
            .await
    }

    /// Forgets the credential for a server, if there is one.
    ///
    /// # Errors
    /// [`CredentialsError`] if the file cannot be replaced or the helper fails.
    pub async fn erase(&self, server: &str) -> Result<(), CredentialsError> {
        let place = self.place()?;
        match place.helper(server)? {
            Some(name) => Helper::find(&name, &self.search_path)?.erase(server).await,
            None => place.config.forget(server),
        }
    }

    fn place(&self) -> Result<Place, CredentialsError> {
        let notation = ConfigFile::read(&self.notation_config)?;
        if notation.is_configured() {
            return Ok(Place {
                config: notation,
                native: None,
            });
        }
        if let Some(path) = &self.docker_config {
            let docker = ConfigFile::read(path)?;
            if docker.is_configured() {
                return Ok(Place {
                    config: docker,
                    native: None,
                });
            }
        }
        Ok(Place {
            config: notation,
            native: native(&self.search_path),
        })
    }
}

/// Where the credentials are.
struct Place {
    config: ConfigFile,
    native: Option<HelperName>,
}

impl Place {
    fn helper(&self, server: &str) -> Result<Option<HelperName>, CredentialsError> {
        Ok(self.config.helper(server)?.or_else(|| self.native.clone()))
    }
}

impl CredentialSource for StoredCredentials {
    fn credential<'a>(
        &'a self,
        server: &'a str,
    ) -> BoxFuture<'a, Result<Credential, CredentialsError>> {
        Box::pin(self.get(server))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixture {
        directory: tempfile::TempDir,
        stored: StoredCredentials,
    }

    fn fixture(notation: &str, docker: &str) -> Fixture {
        let directory = tempfile::tempdir().unwrap();
        let (notation_config, docker_config) = (
            directory.path().join("notation.json"),
            directory.path().join("docker.json"),
        );
        for (path, text) in [(&notation_config, notation), (&docker_config, docker)] {
            if !text.is_empty() {
                std::fs::write(path, text).unwrap();
            }
        }
        let search_path = directory.path().as_os_str().to_owned();
        let stored = StoredCredentials::new(notation_config, Some(docker_config), search_path);
        Fixture { directory, stored }
    }

    const NOTATION: &str = r#"{"auths": {"a": {"username": "notation", "password": "p"}}}"#;
    const DOCKER: &str = r#"{"auths": {"a": {"username": "docker", "password": "p"}, "b": {"username": "docker", "password": "p"}}}"#;

    #[tokio::test]
    async fn the_first_configuration_that_says_anything_counts_alone() {
        let both = fixture(NOTATION, DOCKER);
        assert_eq!(
            both.stored.get("a").await.unwrap(),
            Credential::from_login("notation", "p")
        );
        assert_eq!(both.stored.get("b").await.unwrap(), Credential::Anonymous);

        let unrelated = fixture(r#"{"signatureFormat": "cose"}"#, DOCKER);
        assert_eq!(
            unrelated.stored.get("b").await.unwrap(),
            Credential::from_login("docker", "p")
        );

        assert_eq!(
            fixture("", "").stored.get("a").await.unwrap(),
            Credential::Anonymous
        );
    }

    #[tokio::test]
    async fn a_password_is_not_written_to_a_file() {
        let fixture = fixture(NOTATION, "");
        let refused = fixture
            .stored
            .store("a", &Credential::from_login("u", "p"))
            .await;
        assert!(matches!(refused, Err(CredentialsError::NoKeychain)));
        fixture.stored.erase("a").await.unwrap();
        assert_eq!(
            fixture.stored.get("a").await.unwrap(),
            Credential::Anonymous
        );
        assert!(fixture.directory.path().join("notation.json").exists());
    }

    #[tokio::test]
    async fn a_helper_that_is_configured_and_not_installed_is_an_error() {
        let fixture = fixture(r#"{"credsStore": "missing"}"#, "");
        let error = fixture.stored.get("a").await.unwrap_err();
        assert!(
            error.to_string().contains("docker-credential-missing"),
            "{error}"
        );
    }
}
