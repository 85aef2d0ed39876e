//! Where the server is.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use notary_plugin_sdk::{PluginError, Settings};
use url::{Host, Url};

use crate::settings::{ADDRESS, AGENT_ADDRESS, ALLOW_HTTP};

/// An address that may be used: HTTPS, or plain HTTP where nobody can listen in.
#[derive(Clone, Debug)]
pub(crate) struct ServerAddress {
    base: Url,
    socket: Option<PathBuf>,
    shown: String,
}

impl ServerAddress {
    /// The agent's address if there is one, else the server's.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` where none is set, or it cannot be used.
    pub(crate) fn of_settings(settings: &Settings) -> Result<Self, PluginError> {
        let address = match settings.get(&AGENT_ADDRESS) {
            Some(agent) => agent,
            None => settings.required(&ADDRESS)?,
        };
        Self::parse(address, settings.flag(&ALLOW_HTTP))
    }

    fn parse(text: &str, allow_http: bool) -> Result<Self, PluginError> {
        // Whatever stands before an `@` may be a password.
        let shown = text.rsplit_once('@').map_or(text, |(_, behind)| behind);
        let wrong = |why: &str| {
            PluginError::validation(format!("the server's address is `{shown}`: {why}"))
        };
        if let Some(path) = text.strip_prefix("unix://") {
            return Self::socket(path).ok_or_else(|| wrong("write unix:///path/of/the/socket"));
        }
        let base = Url::parse(text)
            .map_err(|error| wrong(&format!("{error}; write https://HOST:PORT")))?;
        let Some(host) = base.host() else {
            return Err(wrong("it has no host; write https://HOST:PORT"));
        };
        if !base.username().is_empty() || base.password().is_some() {
            return Err(wrong("it must not hold a user or password"));
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(wrong("it must not have a `?` or `#`"));
        }
        match base.scheme() {
            "https" => {}
            "http" if allow_http || is_loopback(&host) => {}
            "http" => {
                return Err(wrong(
                    "plain HTTP would show the token to the network: use https, or set `allow_http` to `true`",
                ));
            }
            _ => return Err(wrong("write https://HOST:PORT or unix:///PATH")),
        }
        Ok(Self {
            shown: shown.trim_end_matches('/').to_owned(),
            base,
            socket: None,
        })
    }

    fn socket(path: &str) -> Option<Self> {
        let base = Url::parse("http://localhost").ok()?;
        path.starts_with('/').then(|| Self {
            base,
            socket: Some(PathBuf::from(path)),
            shown: format!("unix://{path}"),
        })
    }

    /// The URL of a path of the API.
    pub(super) fn url(&self, path: &str, query: Option<&str>) -> Url {
        let mut url = self.base.clone();
        // Cannot fail: the scheme is http or https.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path.split('/'));
        }
        url.set_query(query);
        url
    }

    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    pub(super) fn unix_socket(&self) -> Option<&std::path::Path> {
        self.socket.as_deref()
    }

    pub(super) fn is_tls(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// The same server under the name that its certificate has.
    pub(super) fn with_host(&self, name: &str) -> Result<Self, PluginError> {
        let mut base = self.base.clone();
        base.set_host(Some(name)).map_err(|error| {
            PluginError::validation(format!("`tls_server_name` is `{name}`: {error}"))
        })?;
        Ok(Self {
            base,
            ..self.clone()
        })
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => IpAddr::V4(*address).is_loopback(),
        Host::Ipv6(address) => IpAddr::V6(*address).is_loopback(),
    }
}

#[cfg(test)]
impl ServerAddress {
    pub(super) fn for_tests() -> Self {
        Self::socket("/run/vault.sock").unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_only_unless_it_is_allowed() {
        for text in [
            "http://127.0.0.1:8200",
            "http://[::1]:8200",
            "http://localhost",
            "https://vault.example.com",
        ] {
            assert!(ServerAddress::parse(text, false).is_ok(), "{text}");
        }
        for text in [
            "http://vault.example.com",
            "http://10.0.0.1:8200",
            "http://localhost.example.com",
        ] {
            let error = ServerAddress::parse(text, false).unwrap_err();
            assert!(error.message().contains("allow_http"), "{error}");
            assert!(ServerAddress::parse(text, true).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_showing_a_password() {
        for text in [
            "vault.example.com",
            "vault.example.com:8200",
            "ftp://vault",
            "https://",
            "unix://relative",
            "https://user:hunter2@vault.example.com",
            "https://vault/?a=b",
            "https://vault/#a",
        ] {
            let error = ServerAddress::parse(text, true).unwrap_err();
            assert!(!error.message().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_path_below_the_address_is_kept_and_segments_are_escaped() {
        let address = ServerAddress::parse("https://example.com/vault/", false).unwrap();
        assert_eq!(
            address.url("kv/data/a b?c", None).as_str(),
            "https://example.com/vault/v1/kv/data/a%20b%3Fc"
        );
        let address = ServerAddress::parse("https://example.com", false).unwrap();
        assert_eq!(
            address.url("transit/keys", Some("list=true")).as_str(),
            "https://example.com/v1/transit/keys?list=true"
        );
    }
}
