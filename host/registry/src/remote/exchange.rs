//! One request and its answer: authorised, redirected, repeated, and read within a limit.

use std::sync::Arc;

use apostille_artifact::{Registry, Repository};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use url::Url;

use super::auth::{Access, Authenticator};
use super::failure::{error_message, failure, with_message};
use super::options::RegistryOptions;
use super::retry::{RetryBudget, is_transient, retry_after};
use crate::error::{Attempt, Operation, RegistryError};

/// How many redirects are followed. Registries send one, to where their blobs lie.
const MAX_REDIRECTS: usize = 5;

/// How much of an error's body is read: enough for a message.
const MAX_ERROR_LEN: u64 = 16 * 1024;

/// A registry: where it is, and who one is to it.
#[derive(Debug)]
pub(super) struct Endpoint {
    http: reqwest::Client,
    base: Url,
    registry: Registry,
    authenticator: Authenticator,
    pub(super) options: Arc<RegistryOptions>,
}

/// A request, as often as it has to be sent.
#[derive(Clone, Debug)]
pub(super) struct Request<'a> {
    pub(super) operation: Operation,
    pub(super) repository: Option<&'a Repository>,
    pub(super) access: Access,
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: Vec<(HeaderName, &'a str)>,
    pub(super) body: Bytes,
    /// The most bytes of a successful answer.
    pub(super) limit: u64,
    /// Whether it may be sent again when it is not known whether it arrived.
    pub(super) repeatable: bool,
}

impl<'a> Request<'a> {
    pub(super) fn get(
        operation: Operation,
        repository: &'a Repository,
        url: Url,
        limit: u64,
    ) -> Self {
        Self {
            operation,
            repository: Some(repository),
            access: Access::Pull,
            method: Method::GET,
            url,
            headers: Vec::new(),
            body: Bytes::new(),
            limit,
            repeatable: true,
        }
    }

    pub(super) fn accept(mut self, media_types: &'a str) -> Self {
        self.headers.push((ACCEPT, media_types));
        self
    }

    pub(super) fn method(mut self, method: Method, access: Access) -> Self {
        self.method = method;
        self.access = access;
        self
    }

    pub(super) fn body(mut self, media_type: &'a str, body: Bytes) -> Self {
        self.headers.push((CONTENT_TYPE, media_type));
        self.body = body;
        self
    }
}

/// The answer to a request, read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// The URL that answered, after redirects.
    pub(super) url: Url,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The `Content-Type` without parameters.
    pub(super) fn media_type(&self) -> Option<&str> {
        let value = self.header("content-type")?;
        Some(value.split(';').next().unwrap_or_default().trim())
            .filter(|media_type| !media_type.is_empty())
    }
}

impl Endpoint {
    pub(super) fn new(
        http: reqwest::Client,
        base: Url,
        registry: Registry,
        authenticator: Authenticator,
        options: Arc<RegistryOptions>,
    ) -> Self {
        Self {
            http,
            base,
            registry,
            authenticator,
            options,
        }
    }

    /// The URL of something in a repository. Every part comes from a type whose grammar has no
    /// character that means something in a path.
    pub(super) fn url(&self, repository: &Repository, path: &str) -> Result<Url, RegistryError> {
        self.base
            .join(&format!("{repository}/{path}"))
            .map_err(|error| RegistryError::Options(error.to_string()))
    }

    pub(super) fn place(&self, repository: &Repository) -> String {
        format!("{}/{repository}", self.registry)
    }

    pub(super) fn attempt(&self, operation: Operation, repository: Option<&Repository>) -> Attempt {
        let repository = repository.map(ToString::to_string).unwrap_or_default();
        Attempt {
            operation,
            registry: self.registry.to_string(),
            repository,
        }
    }

    pub(super) async fn check_login(&self) -> Result<(), RegistryError> {
        let request = Request {
            operation: Operation::LogIn,
            repository: None,
            access: Access::None,
            method: Method::GET,
            url: self.base.clone(),
            headers: Vec::new(),
            body: Bytes::new(),
            limit: MAX_ERROR_LEN,
            repeatable: true,
        };
        let answer = self.exchange(&request).await?;
        if answer.status.is_success() {
            Ok(())
        } else {
            Err(self.refusal(&request, &answer))
        }
    }

    /// Sends a request until it is answered for good. What the registry refuses (401, 403, 429 and
    /// server errors that last) is an error; any other status is for the caller to judge.
    pub(super) async fn exchange(&self, request: &Request<'_>) -> Result<Answer, RegistryError> {
        let mut budget = RetryBudget::new(self.options.retry_budget);
        loop {
            let (asked, failure) = match self.exchange_once(request).await {
                Ok(answer) if !is_transient(answer.status) => {
                    return match answer.status {
                        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                            Err(self.refusal(request, &answer))
                        }
                        _ => Ok(answer),
                    };
                }
                Ok(answer) => (retry_after(&answer.headers), self.refusal(request, &answer)),
                Err(failure @ RegistryError::Interrupted { .. }) if request.repeatable => {
                    (None, failure)
                }
                // The request itself was refused before, for want of a token.
                Err(failure @ RegistryError::TokenServer { retry_after, .. }) => {
                    (retry_after, failure)
                }
                Err(failure) => return Err(failure),
            };
            match budget.next_pause(asked) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(failure),
            }
        }
    }

    /// Sends a request once, and once more when the registry wants to know who one is.
    async fn exchange_once(&self, request: &Request<'_>) -> Result<Answer, RegistryError> {
        let attempt = || self.attempt(request.operation, request.repository);
        let known = self.authenticator.known(request.repository, request.access);
        let answer = self.follow(request, known.as_ref()).await?;
        // Only the registry itself may ask, not a place that it redirected to.
        if answer.status != StatusCode::UNAUTHORIZED || !same_origin(&answer.url, &self.base) {
            return Ok(answer);
        }
        let challenges = answer.headers.get_all(WWW_AUTHENTICATE);
        let authorization = self
            .authenticator
            .meet(
                &self.http,
                attempt,
                request.repository,
                request.access,
                challenges.iter().filter_map(|value| value.to_str().ok()),
                known.as_ref(),
            )
            .await?;
        match authorization {
            Some(authorization) => self.follow(request, Some(&authorization)).await,
            None => Ok(answer),
        }
    }

    /// Sends a request and follows redirects. The credential goes to the registry's own origin only,
    /// and no redirect leads from HTTPS to plain HTTP.
    async fn follow(
        &self,
        request: &Request<'_>,
        authorization: Option<&HeaderValue>,
    ) -> Result<Answer, RegistryError> {
        let mut url = request.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let answer = self.send(request, &url, authorization).await?;
            if !is_redirect(answer.status) {
                return Ok(answer);
            }
            if !matches!(request.method, Method::GET | Method::HEAD) {
                return Err(self.redirected_write(request));
            }
            let Some(location) = answer.header(LOCATION.as_str()) else {
                return Ok(answer);
            };
            url = self.redirected(request, &url, location)?;
        }
        let reason = format!("it redirected more than {MAX_REDIRECTS} times");
        Err(RegistryError::Distrusted {
            attempt: self.attempt(request.operation, request.repository),
            reason,
        })
    }

    /// Where a write goes is for the user to decide, not for whoever answers.
    fn redirected_write(&self, request: &Request<'_>) -> RegistryError {
        RegistryError::Distrusted {
            attempt: self.attempt(request.operation, request.repository),
            reason: "it redirected what is to be written, perhaps to another server; name the registry by the address that it has itself"
                .to_owned(),
        }
    }

    fn redirected(
        &self,
        request: &Request<'_>,
        from: &Url,
        location: &str,
    ) -> Result<Url, RegistryError> {
        let distrusted = |reason: &str| RegistryError::Distrusted {
            attempt: self.attempt(request.operation, request.repository),
            reason: reason.to_owned(),
        };
        let to = from
            .join(location)
            .map_err(|_| distrusted("it redirected to something that is no URL"))?;
        match (from.scheme(), to.scheme()) {
            (_, "https") | ("http", "http") => {}
            ("https", "http") => return Err(distrusted("it redirected from HTTPS to plain HTTP")),
            _ => return Err(distrusted("it redirected to something that is not HTTP")),
        }
        if !to.username().is_empty() || to.password().is_some() {
            return Err(distrusted("it redirected to a URL with a password in it"));
        }
        Ok(to)
    }

    async fn send(
        &self,
        request: &Request<'_>,
        url: &Url,
        authorization: Option<&HeaderValue>,
    ) -> Result<Answer, RegistryError> {
        let mut builder = self.http.request(request.method.clone(), url.clone());
        for (name, value) in &request.headers {
            builder = builder.header(name, *value);
        }
        if let Some(authorization) = authorization
            && same_origin(url, &self.base)
        {
            builder = builder.header(AUTHORIZATION, authorization);
        }
        if matches!(request.method, Method::POST | Method::PUT) {
            builder = builder.body(request.body.clone());
        }
        let failed = |error| self.failure(request, error);
        let exchange = async {
            let response = builder.send().await.map_err(failed)?;
            self.read(request, response).await
        };
        match tokio::time::timeout(self.options.request_timeout, exchange).await {
            Ok(answer) => answer,
            Err(_) => Err(RegistryError::TimedOut {
                attempt: self.attempt(request.operation, request.repository),
                after: self.options.request_timeout,
            }),
        }
    }

    async fn read(
        &self,
        request: &Request<'_>,
        mut response: reqwest::Response,
    ) -> Result<Answer, RegistryError> {
        let (status, headers, url) = (
            response.status(),
            response.headers().clone(),
            response.url().clone(),
        );
        let limit = if status.is_success() {
            request.limit
        } else {
            MAX_ERROR_LEN
        };
        let too_large = || RegistryError::TooLarge {
            what: "the answer".to_owned(),
            place: self.attempt(request.operation, request.repository).place(),
            limit,
        };
        let mut body = Vec::new();
        if request.method != Method::HEAD {
            if status.is_success()
                && response
                    .content_length()
                    .is_some_and(|announced| announced > limit)
            {
                return Err(too_large());
            }
            while let Some(chunk) = response
                .chunk()
                .await
                .map_err(|error| self.failure(request, error))?
            {
                if (body.len() + chunk.len()) as u64 > limit {
                    if status.is_success() {
                        return Err(too_large());
                    }
                    break;
                }
                body.extend_from_slice(&chunk);
            }
        }
        Ok(Answer {
            status,
            headers,
            body,
            url,
        })
    }

    /// Says what it means that a request did not come through.
    fn failure(&self, request: &Request<'_>, error: reqwest::Error) -> RegistryError {
        failure(
            self.attempt(request.operation, request.repository),
            error,
            &self.options,
        )
    }

    /// Says what it means that the registry did not do as it was asked.
    pub(super) fn refusal(&self, request: &Request<'_>, answer: &Answer) -> RegistryError {
        let attempt = self.attempt(request.operation, request.repository);
        let message = error_message(&answer.body);
        match answer.status {
            StatusCode::UNAUTHORIZED => RegistryError::Unauthorized {
                attempt,
                reason: with_message("the registry answered 401", &message),
            },
            StatusCode::FORBIDDEN => RegistryError::Forbidden { attempt, message },
            StatusCode::NOT_FOUND => RegistryError::NotFound {
                what: "the repository or what was asked of it".to_owned(),
                place: attempt.place(),
            },
            StatusCode::TOO_MANY_REQUESTS => RegistryError::RateLimited {
                attempt,
                retry_after: retry_after(&answer.headers),
            },
            status if status.is_server_error() => RegistryError::Unavailable {
                attempt,
                status: status.as_u16(),
                message,
            },
            status => RegistryError::Refused {
                attempt,
                status: status.as_u16(),
                message,
            },
        }
    }
}

pub(super) fn same_origin(a: &Url, b: &Url) -> bool {
    a.origin() == b.origin()
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_redirect_leads_from_https_to_plain_http_or_out_of_http() {
        let base = Url::parse("https://registry.example/v2/").unwrap();
        let options = Arc::new(RegistryOptions::default());
        let endpoint = Endpoint::new(
            reqwest::Client::new(),
            base.clone(),
            "registry.example".parse().unwrap(),
            Authenticator::new(base.clone(), "registry.example", options.clone()),
            options,
        );
        let repository = "app".parse().unwrap();
        let request = Request::get(Operation::Fetch, &repository, base.clone(), 1);
        let led = |to: &str| {
            let led = endpoint.redirected(&request, &base, to);
            led.map(|url| url.to_string()).ok()
        };
        assert_eq!(
            led("https://storage.example/x"),
            Some("https://storage.example/x".to_owned())
        );
        assert_eq!(led("/x"), Some("https://registry.example/x".to_owned()));
        for to in [
            "http://registry.example/x",
            "http://storage.example/x",
            "ftp://storage.example/x",
            "file:///etc/passwd",
            "data:text/plain,x",
            "https://user:password@storage.example/x",
            "https://user@storage.example/x",
            "https://[",
        ] {
            assert_eq!(led(to), None, "{to}");
        }
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let same = |a: &str, b: &str| same_origin(&Url::parse(a).unwrap(), &Url::parse(b).unwrap());
        assert!(same("https://a.example/x", "https://a.example:443/y"));
        assert!(!same("https://a.example/", "http://a.example/"));
        assert!(!same("https://a.example/", "https://b.example/"));
        assert!(!same("https://a.example/", "https://a.example:444/"));
        assert!(!same("https://a.example/", "https://a.example.evil.com/"));
    }
}
