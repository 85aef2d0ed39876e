//! A timestamping authority on the network (RFC 3161 §3.4).

use std::error::Error as StdError;
use std::time::Duration;

use apostille_registry::Proxies;
use apostille_signature::limits::MAX_TIMESTAMP_LEN;
use apostille_signature::timestamp::{REQUEST_MEDIA_TYPE, RESPONSE_MEDIA_TYPE};
use futures::future::{BoxFuture, FutureExt};
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, NoProxy, Proxy, Response, Url};

use crate::timestamping::{TimestampAuthority, TimestampingError};

/// How long an authority may take for one timestamp: they answer within a second, or are down.
const TIMEOUT: Duration = Duration::from_secs(15);

/// The most redirects that are followed.
const MAX_REDIRECTS: usize = 5;

/// An authority that is asked by HTTP or HTTPS. Set-up costs more than signing, so it waits for the first question.
#[derive(Clone, Debug)]
pub struct HttpTimestampAuthority {
    url: Url,
    user_agent: String,
    proxies: Proxies,
}

impl HttpTimestampAuthority {
    /// The authority at `url`. Nothing is connected to yet.
    ///
    /// # Errors
    /// [`TimestampingError::Url`].
    pub fn new(
        url: &str,
        user_agent: impl Into<String>,
        proxies: Proxies,
    ) -> Result<Self, TimestampingError> {
        let refuse = || TimestampingError::Url(url.to_owned());
        let parsed = Url::parse(url).map_err(|_| refuse())?;
        if !matches!(parsed.scheme(), "http" | "https") || parsed.host_str().is_none() {
            return Err(refuse());
        }
        Ok(Self {
            url: parsed,
            user_agent: user_agent.into(),
            proxies,
        })
    }

    /// The host, for messages: a URL may hold a password.
    fn name(&self) -> String {
        self.url.host_str().unwrap_or_default().to_owned()
    }

    fn client(&self) -> Result<Client, TimestampingError> {
        let mut builder = Client::builder()
            .user_agent(&self.user_agent)
            .timeout(TIMEOUT)
            .redirect(Policy::limited(MAX_REDIRECTS))
            .referer(false)
            .no_proxy();
        let exceptions = self.proxies.no_proxy.as_deref().unwrap_or_default();
        let exceptions = NoProxy::from_string(&format!("localhost,127.0.0.0/8,::1,{exceptions}"));
        for proxy in [
            self.proxies.http.as_ref().map(Proxy::http),
            self.proxies.https.as_ref().map(Proxy::https),
        ]
        .into_iter()
        .flatten()
        {
            let proxy = proxy.map_err(|_| {
                TimestampingError::SetUp("the URL of the proxy cannot be read".to_owned())
            })?;
            builder = builder.proxy(proxy.no_proxy(exceptions.clone()));
        }
        builder.build().map_err(|error| {
            TimestampingError::SetUp(format!("no HTTP client: {}", innermost(&error)))
        })
    }

    async fn post(&self, request: &[u8]) -> Result<Vec<u8>, TimestampingError> {
        let unreachable = |error: reqwest::Error| TimestampingError::Unreachable {
            authority: self.name(),
            reason: if error.is_timeout() {
                format!("no complete answer within {} s", TIMEOUT.as_secs())
            } else {
                innermost(&error)
            },
        };
        let response = self
            .client()?
            .post(self.url.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static(REQUEST_MEDIA_TYPE))
            .body(request.to_vec())
            .send()
            .await
            .map_err(unreachable)?;
        self.check_head(&response)?;
        let mut response = response;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_TIMESTAMP_LEN {
                return Err(self.refused(format!(
                    "its answer is larger than {MAX_TIMESTAMP_LEN} bytes"
                )));
            }
        }
        Ok(body)
    }

    fn check_head(&self, response: &Response) -> Result<(), TimestampingError> {
        if response.status().as_u16() != 200 {
            return Err(self.refused(format!(
                "it answers with status {}",
                response.status().as_u16()
            )));
        }
        let kind = response.headers().get(CONTENT_TYPE);
        let kind = kind
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let media_type = kind.split(';').next().unwrap_or_default().trim();
        if media_type.eq_ignore_ascii_case(RESPONSE_MEDIA_TYPE) {
            return Ok(());
        }
        Err(self.refused(format!(
            "its answer has the media type {:?} instead of {RESPONSE_MEDIA_TYPE}",
            media_type.escape_debug().to_string()
        )))
    }

    fn refused(&self, reason: String) -> TimestampingError {
        TimestampingError::Refused {
            authority: self.name(),
            reason,
        }
    }
}

impl TimestampAuthority for HttpTimestampAuthority {
    fn ask<'a>(&'a self, request: &'a [u8]) -> BoxFuture<'a, Result<Vec<u8>, TimestampingError>> {
        self.post(request).boxed()
    }
}

/// The last cause, which is what the system or the other side said.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn StdError = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_http_and_https_urls_are_taken() {
        let new = |url| HttpTimestampAuthority::new(url, "test/1.0", Proxies::default());
        for url in ["http://tsa.example", "https://tsa.example/path?x=1"] {
            assert!(new(url).is_ok(), "{url}");
        }
        for url in [
            "",
            "tsa.example",
            "ftp://tsa.example",
            "file:///etc/passwd",
            "http://",
        ] {
            assert!(new(url).is_err(), "{url}");
        }
    }
}
