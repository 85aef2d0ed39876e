//! Saying who one is: Basic, and the tokens of the distribution project's token authentication.
//!
//! A password is sent in two directions only: to the registry's own origin, and to the token server
//! that the registry names, over HTTPS (or, for a registry that is itself reached over plain HTTP, over
//! plain HTTP to the same host or on loopback).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use apostille_artifact::Repository;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::StatusCode;
use serde::Deserialize;
use tokio::sync::OnceCell;
use url::Url;
use zeroize::Zeroizing;

use super::challenge::Challenge;
use super::failure::{error_message, failure};
use super::options::{RegistryOptions, is_loopback};
use super::retry::{is_transient, retry_after};
use crate::credentials::{Credential, Secret};
use crate::error::{Attempt, RegistryError};

/// The most bytes of a token server's answer. A token has some kilobytes; the field's clients stop at
/// a megabyte.
const MAX_TOKEN_ANSWER_LEN: usize = 1024 * 1024;

/// What is done in a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Access {
    /// Nothing in particular.
    None,
    Pull,
    PullPush,
    Delete,
}

impl Access {
    fn actions(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Pull => "pull",
            Self::PullPush => "pull,push",
            Self::Delete => "delete",
        }
    }
}

type Scope = (Option<Repository>, Access);

/// Knows who one is to one registry.
#[derive(Debug)]
pub(super) struct Authenticator {
    base: Url,
    server: String,
    options: Arc<RegistryOptions>,
    credential: OnceCell<Credential>,
    known: Mutex<Known>,
    // Several requests that are turned away together ask for one token, not for one each.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    /// For every request, once the registry has asked for a password.
    basic: Option<HeaderValue>,
    bearer: HashMap<Scope, HeaderValue>,
}

impl Authenticator {
    pub(super) fn new(base: Url, server: &str, options: Arc<RegistryOptions>) -> Self {
        Self {
            base,
            server: server.to_owned(),
            options,
            credential: OnceCell::new(),
            known: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        }
    }

    /// What worked before for such a request.
    pub(super) fn known(
        &self,
        repository: Option<&Repository>,
        access: Access,
    ) -> Option<HeaderValue> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .bearer
            .get(&(repository.cloned(), access))
            .or(known.basic.as_ref())
            .cloned()
    }

    /// Meets a registry's challenge: the value of `Authorization` to try next, or nothing if there is
    /// nothing to try that was not refused already.
    pub(super) async fn meet(
        &self,
        http: &reqwest::Client,
        attempt: impl Fn() -> Attempt,
        repository: Option<&Repository>,
        access: Access,
        challenges: impl Iterator<Item = &str>,
        refused: Option<&HeaderValue>,
    ) -> Result<Option<HeaderValue>, RegistryError> {
        let _asking = self.asking.lock().await;
        let known = self.known(repository, access);
        if known.is_some() && known.as_ref() != refused {
            return Ok(known);
        }
        let challenge = Challenge::pick(challenges).ok_or_else(|| RegistryError::Unauthorized {
            attempt: attempt(),
            reason:
                "the registry answered 401 without a way to log in that is known (Basic or Bearer)"
                    .to_owned(),
        })?;
        let credential = self.credential(&attempt).await?;
        let authorization = match challenge {
            Challenge::Basic => self.basic(&credential, &attempt)?,
            Challenge::Bearer {
                realm,
                service,
                scope,
            } => {
                let scopes = scopes(repository, access, scope.as_deref());
                let token = match &credential {
                    Credential::RegistryToken(token) => token.clone(),
                    credential => {
                        let wanted = TokenRequest {
                            realm: self.realm(&realm, &attempt)?,
                            service,
                            scopes,
                        };
                        self.token(http, &wanted, credential, &attempt).await?
                    }
                };
                header(&format!("Bearer {}", token.expose()), &attempt)?
            }
        };
        if refused == Some(&authorization) {
            return Ok(None);
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if authorization.as_bytes().starts_with(b"Basic ") {
            known.basic = Some(authorization.clone());
        } else {
            known
                .bearer
                .insert((repository.cloned(), access), authorization.clone());
        }
        Ok(Some(authorization))
    }

    async fn credential(
        &self,
        attempt: &impl Fn() -> Attempt,
    ) -> Result<Credential, RegistryError> {
        self.credential
            .get_or_try_init(|| self.options.credentials.credential(&self.server))
            .await
            .cloned()
            .map_err(|source| RegistryError::Credentials {
                attempt: attempt(),
                source,
            })
    }

    fn basic(
        &self,
        credential: &Credential,
        attempt: &impl Fn() -> Attempt,
    ) -> Result<HeaderValue, RegistryError> {
        let Credential::Basic { username, password } = credential else {
            let reason = match credential {
                Credential::Anonymous => {
                    "the registry wants a user name and password, and none are known for it"
                }
                _ => {
                    "the registry wants a user name and password, and only a token is known for it"
                }
            };
            return Err(RegistryError::Unauthorized {
                attempt: attempt(),
                reason: reason.to_owned(),
            });
        };
        header(&basic_value(username, password), attempt)
    }

    /// Decides whether a token server may see the credential.
    fn realm(&self, realm: &str, attempt: &impl Fn() -> Attempt) -> Result<Url, RegistryError> {
        let distrusted = |reason: &str| RegistryError::Distrusted {
            attempt: attempt(),
            reason: reason.to_owned(),
        };
        let url = Url::parse(realm).map_err(|_| distrusted("its token server is not a URL"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(distrusted(
                "the URL of its token server has a password in it",
            ));
        }
        let host = url.host_str().unwrap_or_default();
        let own_host = self.base.host_str().unwrap_or_default();
        let plain_is_fine = self.base.scheme() == "http"
            && (host == own_host || is_loopback(host) && is_loopback(own_host));
        match url.scheme() {
            "https" => Ok(url),
            "http" if plain_is_fine => Ok(url),
            _ => Err(distrusted(
                "its token server is not reached over HTTPS, and a password must not be sent there",
            )),
        }
    }

    async fn token(
        &self,
        http: &reqwest::Client,
        wanted: &TokenRequest,
        credential: &Credential,
        attempt: &impl Fn() -> Attempt,
    ) -> Result<Secret, RegistryError> {
        let request = match credential {
            Credential::IdentityToken(token) => {
                let form = wanted.form(&self.options.client_id, token);
                http.post(wanted.realm.clone())
                    .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .body(form.as_bytes().to_vec())
            }
            Credential::Basic { username, password } => http.get(wanted.url()).header(
                AUTHORIZATION,
                header(&basic_value(username, password), attempt)?,
            ),
            _ => http.get(wanted.url()),
        };
        let fetched = tokio::time::timeout(self.options.request_timeout, fetch(request)).await;
        let answer = fetched
            .map_err(|_| RegistryError::TimedOut {
                attempt: attempt(),
                after: self.options.request_timeout,
            })?
            .map_err(|error| failure(attempt(), error, &self.options))?;
        let TokenAnswer { status, body, .. } = &answer;
        if is_transient(*status) {
            return Err(RegistryError::TokenServer {
                attempt: attempt(),
                status: status.as_u16(),
                message: error_message(body),
                retry_after: answer.retry_after,
            });
        }
        if !status.is_success() {
            let what = match credential {
                Credential::Anonymous => "the token server refuses to answer without a credential",
                _ => "the token server does not take the credential",
            };
            return Err(RegistryError::Unauthorized {
                attempt: attempt(),
                reason: format!("{what} (status {})", status.as_u16()),
            });
        }
        read_token(body).ok_or_else(|| RegistryError::Unauthorized {
            attempt: attempt(),
            reason: "the token server's answer has no token in it".to_owned(),
        })
    }
}

struct TokenRequest {
    realm: Url,
    service: Option<String>,
    scopes: Vec<String>,
}

impl TokenRequest {
    fn url(&self) -> Url {
        let mut url = self.realm.clone();
        let service = self.service.iter().map(|service| ("service", service));
        let scopes = self.scopes.iter().map(|scope| ("scope", scope));
        for (key, value) in service.chain(scopes) {
            url.query_pairs_mut().append_pair(key, value);
        }
        url
    }

    fn form(&self, client_id: &str, token: &Secret) -> Zeroizing<String> {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "refresh_token");
        form.append_pair("service", self.service.as_deref().unwrap_or_default());
        form.append_pair("client_id", client_id);
        if !self.scopes.is_empty() {
            form.append_pair("scope", &self.scopes.join(" "));
        }
        form.append_pair("refresh_token", token.expose());
        Zeroizing::new(form.finish())
    }
}

/// The scope that is needed, and the one that the registry names if it is another.
fn scopes(
    repository: Option<&Repository>,
    access: Access,
    challenged: Option<&str>,
) -> Vec<String> {
    let needed =
        repository.map(|repository| format!("repository:{repository}:{}", access.actions()));
    let challenged = challenged
        .into_iter()
        .flat_map(|scope| scope.split(' '))
        .filter(|scope| !scope.is_empty());
    let mut scopes: Vec<String> = needed
        .into_iter()
        .chain(challenged.map(str::to_owned))
        .collect();
    scopes.dedup();
    scopes
}

struct TokenAnswer {
    status: StatusCode,
    retry_after: Option<Duration>,
    body: Zeroizing<Vec<u8>>,
}

async fn fetch(request: reqwest::RequestBuilder) -> reqwest::Result<TokenAnswer> {
    let mut response = request.send().await?;
    let mut body = Zeroizing::new(Vec::new());
    while let Some(chunk) = response.chunk().await? {
        // What is cut off here is no JSON document any more, and so no token.
        if body.len() + chunk.len() > MAX_TOKEN_ANSWER_LEN {
            break;
        }
        body.extend_from_slice(&chunk);
    }
    Ok(TokenAnswer {
        status: response.status(),
        retry_after: retry_after(response.headers()),
        body,
    })
}

fn read_token(body: &[u8]) -> Option<Secret> {
    #[derive(Deserialize)]
    struct Answer {
        token: Option<String>,
        access_token: Option<String>,
    }
    let answer: Answer = serde_json::from_slice(body).ok()?;
    answer
        .access_token
        .or(answer.token)
        .filter(|token| !token.is_empty())
        .map(Secret::new)
}

fn basic_value(username: &str, password: &Secret) -> String {
    let pair = Zeroizing::new(format!("{username}:{}", password.expose()));
    format!("Basic {}", STANDARD.encode(pair.as_bytes()))
}

fn header(value: &str, attempt: &impl Fn() -> Attempt) -> Result<HeaderValue, RegistryError> {
    let mut header = HeaderValue::from_str(value).map_err(|_| RegistryError::Unauthorized {
        attempt: attempt(),
        reason: "the token has characters that cannot be sent".to_owned(),
    })?;
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Operation;

    fn attempt() -> Attempt {
        Attempt {
            operation: Operation::LogIn,
            registry: "r".into(),
            repository: String::new(),
        }
    }

    fn accepts(base: &str, realm: &str) -> bool {
        let base = Url::parse(base).unwrap();
        let authenticator =
            Authenticator::new(base, "server", Arc::new(RegistryOptions::default()));
        authenticator.realm(realm, &attempt).is_ok()
    }

    #[test]
    fn a_password_goes_to_a_token_server_over_https_or_on_loopback_only() {
        assert!(accepts(
            "https://registry.example/v2/",
            "https://auth.example/token"
        ));
        assert!(accepts(
            "http://localhost:5000/v2/",
            "http://127.0.0.1:5001/token"
        ));
        assert!(accepts(
            "http://registry.internal:5000/v2/",
            "http://registry.internal:5001/token"
        ));
        for realm in [
            "http://auth.example/token",
            "http://127.0.0.1:5001/token",
            "https://user:pass@auth.example/token",
            "ftp://auth.example",
            "file:///etc/passwd",
            "token",
            "",
        ] {
            assert!(!accepts("https://registry.example/v2/", realm), "{realm}");
        }
        assert!(!accepts(
            "http://localhost:5000/v2/",
            "http://auth.example/token"
        ));
        assert!(!accepts(
            "http://registry.internal:5000/v2/",
            "http://127.0.0.1/token"
        ));
    }

    #[test]
    fn the_scope_asked_for_is_what_is_needed_and_what_the_registry_names() {
        let repository: Repository = "team/app".parse().unwrap();
        assert_eq!(
            scopes(Some(&repository), Access::PullPush, None),
            ["repository:team/app:pull,push"]
        );
        let named = Some("repository:team/app:pull repository:base:pull");
        assert_eq!(
            scopes(Some(&repository), Access::Pull, named),
            ["repository:team/app:pull", "repository:base:pull"]
        );
        assert!(scopes(None, Access::None, None).is_empty());
    }

    #[test]
    fn a_token_is_read_under_either_name_and_never_empty() {
        assert_eq!(read_token(br#"{"token":"a"}"#), Some(Secret::new("a")));
        assert_eq!(
            read_token(br#"{"token":"a","access_token":"b"}"#),
            Some(Secret::new("b"))
        );
        assert_eq!(read_token(br#"{"token":""}"#), None);
        assert_eq!(read_token(b"{}"), None);
        assert_eq!(read_token(b"<html>"), None);
    }
}
