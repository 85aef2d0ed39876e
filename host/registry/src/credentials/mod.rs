//! Who one is to a registry.

mod secret;

use std::fmt;

use futures::future::BoxFuture;

pub use secret::Secret;

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
pub enum CredentialsError {}
