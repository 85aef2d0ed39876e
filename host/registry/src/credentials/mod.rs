//! Who one is to a registry.

mod config_file;
mod helper;
mod secret;
mod stored;

use std::fmt;
use std::path::PathBuf;

use futures::future::BoxFuture;

pub use secret::Secret;
pub use stored::StoredCredentials;

/// What a registry is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credential {
    /// Nothing: what everybody may do.
    #[default]
    Anonymous,
    /// A user name and password, or a personal access token in the password's place.
    Basic {
        /// The user name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// An OAuth 2 refresh token, which the registry's token server exchanges for access tokens.
    IdentityToken(Secret),
    /// An access token that is sent to the registry as it is.
    RegistryToken(Secret),
}

impl Credential {
    /// From a user name and a password as they are given on a command line: without a user name the
    /// password is an identity token.
    pub fn from_login(username: &str, password: &str) -> Self {
        match (username, password) {
            ("", "") => Self::Anonymous,
            ("", token) => Self::IdentityToken(Secret::new(token)),
            (username, password) => Self::Basic {
                username: username.to_owned(),
                password: Secret::new(password),
            },
        }
    }
}

/// Where credentials come from. It is asked when a registry first wants to know who one is, so that a
/// keychain does not have to be opened for a public image.
pub trait CredentialSource: Send + Sync + fmt::Debug {
    /// The credential for a server: the registry's host and port as the user wrote it, or
    /// `https://index.docker.io/v1/` for Docker Hub, as `docker login` stores it.
    ///
    /// # Errors
    /// A source that is configured and cannot be read is an error; a server that it does not know is
    /// [`Credential::Anonymous`].
    fn credential<'a>(
        &'a self,
        server: &'a str,
    ) -> BoxFuture<'a, Result<Credential, CredentialsError>>;
}

/// The same credential for every server: for commands that name one registry and give its password.
impl CredentialSource for Credential {
    fn credential<'a>(
        &'a self,
        _server: &'a str,
    ) -> BoxFuture<'a, Result<Credential, CredentialsError>> {
        Box::pin(async { Ok(self.clone()) })
    }
}

/// Why credentials could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// A configuration file cannot be read or replaced.
    #[error("the credentials in {} cannot be used: {reason}", .path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong with it; never its content.
        reason: String,
    },
    /// A helper's name has characters that no program's name should have.
    #[error(
        "{given:?} is not the name of a credential helper; use what follows `docker-credential-` in its program's name"
    )]
    HelperName {
        /// What stood there, shortened.
        given: String,
    },
    /// A configured helper is not installed.
    #[error(
        "the credential helper {helper} is configured and not found; install it, or take it out of the configuration"
    )]
    HelperMissing {
        /// The program.
        helper: String,
    },
    /// A helper failed, hung, or answered something that cannot be understood.
    #[error("the credential helper {helper} failed: {reason}")]
    Helper {
        /// The program.
        helper: String,
        /// What it did; never a password.
        reason: String,
    },
    /// There is no keychain to store a password in.
    #[error(
        "no credential store is configured, and a password is not written to a file; install a docker-credential helper and name it as `credsStore` in config.json, or give user name and password with each command"
    )]
    NoKeychain,
}
