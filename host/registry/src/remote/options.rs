//! How registries are talked to.

use std::sync::Arc;
use std::time::Duration;

use apostille_artifact::Registry;

use crate::credentials::{Credential, CredentialSource};

/// How a [`RegistryClient`](crate::RegistryClient) talks to registries. Nothing of it is taken from the
/// environment; whoever has environment variables or flags puts them in here.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RegistryOptions {
    /// Where plain HTTP is used.
    pub plain_http: PlainHttp,
    /// Certificate authorities to trust beside the system's, each a PEM bundle.
    pub ca_bundles: Vec<Vec<u8>>,
    /// The proxies to go through.
    pub proxies: Proxies,
    /// The `User-Agent` of every request.
    pub user_agent: String,
    /// The client's name in requests for tokens.
    pub client_id: String,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long one request may take, from the first byte sent to the last one received. A list of
    /// referrers, which may have many pages, may take four times as long as a whole.
    pub request_timeout: Duration,
    /// How long a request is repeated while the registry is busy or cuts connections. A registry that
    /// asks for a longer pause is believed, and the request fails at once.
    pub retry_budget: Duration,
    /// Whether to keep the referrers tag even where the registry has the referrers API.
    pub force_referrers_tag: bool,
    /// Who one is.
    pub credentials: Arc<dyn CredentialSource>,
}

impl Default for RegistryOptions {
    fn default() -> Self {
        Self {
            plain_http: PlainHttp::default(),
            ca_bundles: Vec::new(),
            proxies: Proxies::default(),
            user_agent: concat!("apostille/", env!("CARGO_PKG_VERSION")).to_owned(),
            client_id: "apostille".to_owned(),
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(120),
            retry_budget: Duration::from_secs(60),
            force_referrers_tag: false,
            credentials: Arc::new(Credential::Anonymous),
        }
    }
}

/// Where plain HTTP is used instead of HTTPS. There is no falling back from one to the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PlainHttp {
    /// For a loopback address with a port, such as `localhost:5000`: nobody else is on that wire.
    #[default]
    Loopback,
    /// For loopback addresses and for these registries (host and port, in any case).
    LoopbackAnd(Vec<String>),
    /// For every registry.
    Always,
    /// For none, not even on loopback.
    Never,
}

impl PlainHttp {
    pub(super) fn is_used_for(&self, registry: &Registry) -> bool {
        let on_loopback = registry.port().is_some() && is_loopback(registry.host());
        match self {
            Self::Loopback => on_loopback,
            Self::LoopbackAnd(registries) => {
                on_loopback
                    || registries
                        .iter()
                        .any(|name| name.eq_ignore_ascii_case(registry.as_str()))
            }
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// The proxies that requests go through: URLs, as the variables `HTTP_PROXY`, `HTTPS_PROXY` and
/// `NO_PROXY` hold them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    /// For plain HTTP.
    pub http: Option<String>,
    /// For HTTPS.
    pub https: Option<String>,
    /// Hosts that are reached directly, separated by commas. Loopback addresses always are.
    pub no_proxy: Option<String>,
}

pub(super) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback_with_a_port_or_when_asked() {
        let used = |plain_http: &PlainHttp, registry: &str| {
            plain_http.is_used_for(&registry.parse().unwrap())
        };
        for registry in [
            "localhost:5000",
            "LOCALHOST:1",
            "127.0.0.1:80",
            "127.9.9.9:80",
            "[::1]:80",
        ] {
            assert!(used(&PlainHttp::Loopback, registry), "{registry}");
            assert!(!used(&PlainHttp::Never, registry), "{registry}");
        }
        for registry in [
            "localhost",
            "example.com:5000",
            "localhost.example.com:80",
            "127.0.0.1.example.com:80",
        ] {
            assert!(!used(&PlainHttp::Loopback, registry), "{registry}");
            assert!(used(&PlainHttp::Always, registry), "{registry}");
        }
        let listed = PlainHttp::LoopbackAnd(vec!["Example.com:5000".to_owned()]);
        assert!(used(&listed, "example.COM:5000"));
        assert!(!used(&listed, "example.com"));
    }
}
