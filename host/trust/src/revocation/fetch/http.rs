//! The requests as they go over the network.

use std::error::Error as StdError;
use std::sync::OnceLock;

use futures::future::{BoxFuture, FutureExt as _};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, NoProxy, Proxy, Response};
use url::Url;

use super::resolve::Resolver;
use super::{FetchError, FetchRequest, FetchResponse, RevocationFetcher, check_url};

/// The most redirects that are followed: CRLs move to content networks, once or twice.
pub const MAX_REDIRECTS: usize = 5;

/// The proxy for plain HTTP, as the variables `HTTP_PROXY` and `NO_PROXY` hold it.
#[derive(Clone, Default)]
pub struct HttpProxy {
    /// The URL of the proxy, perhaps with a password.
    pub url: Option<String>,
    /// Hosts that are reached directly, separated by commas.
    pub exceptions: Option<String>,
}

/// The [`RevocationFetcher`] for HTTP over TCP. It needs a running `tokio` runtime.
///
/// It sends no credentials and no cookies, follows at most [`MAX_REDIRECTS`] redirects, each of them
/// checked like the first URL, and connects to no address but those that it has checked. Behind a proxy, names are resolved
/// by the proxy, and what they may lead to is the proxy's to decide.
pub struct HttpFetcher {
    user_agent: String,
    proxy: HttpProxy,
    // Setting a client up costs more than a verification without any request, so it waits.
    for_public_addresses: OnceLock<Result<Client, FetchError>>,
    for_any_address: OnceLock<Result<Client, FetchError>>,
}

impl HttpFetcher {
    /// A fetcher that introduces itself as `user_agent`. Nothing is set up before the first request.
    #[must_use]
    pub fn new(user_agent: impl Into<String>, proxy: HttpProxy) -> Self {
        Self {
            user_agent: user_agent.into(),
            proxy,
            for_public_addresses: OnceLock::new(),
            for_any_address: OnceLock::new(),
        }
    }

    fn client(&self, allow_private: bool) -> Result<Client, FetchError> {
        let slot = if allow_private {
            &self.for_any_address
        } else {
            &self.for_public_addresses
        };
        slot.get_or_init(|| self.set_up(allow_private)).clone()
    }

    fn set_up(&self, allow_private: bool) -> Result<Client, FetchError> {
        let mut builder = Client::builder()
            .user_agent(&self.user_agent)
            .http1_only()
            .referer(false)
            .redirect(Policy::custom(move |attempt| {
                redirect(attempt, allow_private)
            }))
            .dns_resolver(Resolver::new(allow_private, self.proxy.host()))
            // Only http URLs are asked; reading the system's roots would be for nothing.
            .tls_certs_only([])
            .no_proxy();
        if let Some(proxy) = self.proxy.to_reqwest()? {
            builder = builder.proxy(proxy);
        }
        builder.build().map_err(|error| FetchError::Transport {
            reason: format!("the HTTP client cannot be set up: {}", innermost(&error)),
        })
    }

    async fn send(&self, request: &FetchRequest) -> Result<FetchResponse, FetchError> {
        check_url(&request.url, request.allow_private_addresses)?;
        self.proxy
            .check_is_not_asked(&request.url, request.allow_private_addresses)?;
        let client = self.client(request.allow_private_addresses)?;
        let builder = match &request.post {
            None => client.get(&request.url),
            Some((content_type, body)) => client
                .post(&request.url)
                .header(reqwest::header::CONTENT_TYPE, *content_type)
                .body(body.clone()),
        };
        let failed = |error| explain(error, request);
        let response = builder
            .timeout(request.timeout)
            .send()
            .await
            .map_err(failed)?;
        let status = response.status().as_u16();
        let body = read_body(response, request.max_len).await.map_err(failed)?;
        Ok(FetchResponse { status, body })
    }
}

impl RevocationFetcher for HttpFetcher {
    fn fetch(&self, request: FetchRequest) -> BoxFuture<'_, Result<FetchResponse, FetchError>> {
        async move { self.send(&request).await }.boxed()
    }
}

impl HttpProxy {
    fn host(&self) -> Option<String> {
        let url = Url::parse(self.url.as_ref()?).ok()?;
        url.host_str().map(str::to_owned)
    }

    /// The proxy's own name may resolve to a private address, so it must not be what a certificate
    /// names.
    fn check_is_not_asked(&self, url: &str, allow_private: bool) -> Result<(), FetchError> {
        let asked = Url::parse(url)
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned));
        match (self.host(), asked) {
            (Some(own), Some(asked)) if own == asked && !allow_private => {
                Err(FetchError::PrivateAddress { host: asked })
            }
            _ => Ok(()),
        }
    }

    fn to_reqwest(&self) -> Result<Option<Proxy>, FetchError> {
        let Some(url) = &self.url else {
            return Ok(None);
        };
        // Its URL may hold its password, so it is not named.
        let proxy = Proxy::http(url).map_err(|_| FetchError::Transport {
            reason: "the URL of the HTTP proxy cannot be read".to_owned(),
        })?;
        let exceptions = self.exceptions.as_deref().and_then(NoProxy::from_string);
        Ok(Some(proxy.no_proxy(exceptions)))
    }
}

fn redirect(attempt: Attempt<'_>, allow_private: bool) -> reqwest::redirect::Action {
    if attempt.previous().len() > MAX_REDIRECTS {
        return attempt.error(FetchError::Redirects {
            limit: MAX_REDIRECTS,
        });
    }
    match check_url(attempt.url().as_str(), allow_private) {
        Ok(()) => attempt.follow(),
        Err(error) => attempt.error(error),
    }
}

/// As much of the body as shows whether it is within the limit.
async fn read_body(mut response: Response, max_len: usize) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while body.len() <= max_len
        && let Some(chunk) = response.chunk().await?
    {
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Our own reason, if that is what it was; else in the words of whatever is at the bottom, without the URL, which the
/// caller knows.
fn explain(error: reqwest::Error, request: &FetchRequest) -> FetchError {
    if error.is_timeout() {
        return FetchError::Timeout {
            after: request.timeout,
        };
    }
    let mut cause: Option<&(dyn StdError + 'static)> = Some(&error);
    while let Some(current) = cause {
        if let Some(own) = current.downcast_ref::<FetchError>() {
            return own.clone();
        }
        cause = current.source();
    }
    FetchError::Transport {
        reason: innermost(&error),
    }
}

fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
