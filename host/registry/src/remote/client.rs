//! The client: connections, and what was learnt about each registry.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use apostille_artifact::{Registry, Repository};
use reqwest::redirect::Policy;
use reqwest::{Certificate, NoProxy, Proxy};
use url::Url;

use super::auth::Authenticator;
use super::exchange::Endpoint;
use super::options::{Proxies, RegistryOptions};
use super::repository::RemoteRepository;
use crate::error::RegistryError;

/// The host that answers for `docker.io`.
const DOCKER_HUB_HOST: &str = "registry-1.docker.io";
/// The name under which `docker login` stores the credential for Docker Hub.
const DOCKER_HUB_SERVER: &str = "https://index.docker.io/v1/";

/// Talks to registries. Connections, tokens and what was found out about a registry are shared by all
/// repositories of one client; cloning it is cheap.
#[derive(Clone, Debug)]
pub struct RegistryClient {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    http: reqwest::Client,
    options: Arc<RegistryOptions>,
    endpoints: Mutex<HashMap<Registry, Arc<Endpoint>>>,
}

impl RegistryClient {
    /// Sets a client up. Nothing is connected to yet.
    ///
    /// # Errors
    /// [`RegistryError::Options`] if a CA bundle or the URL of a proxy cannot be read.
    pub fn new(options: RegistryOptions) -> Result<Self, RegistryError> {
        let http = http_client(&options)?;
        let endpoints = Mutex::default();
        Ok(Self {
            shared: Arc::new(Shared {
                http,
                options: Arc::new(options),
                endpoints,
            }),
        })
    }

    /// A repository of a registry. Nothing is connected to yet.
    ///
    /// # Errors
    /// [`RegistryError::Options`] if no URL can be made for the registry.
    pub fn repository(
        &self,
        registry: &Registry,
        repository: &Repository,
    ) -> Result<RemoteRepository, RegistryError> {
        Ok(RemoteRepository::new(
            self.endpoint(registry)?,
            repository.clone(),
        ))
    }

    /// Finds out whether a registry takes the client's credential, as `login` does before it stores it.
    ///
    /// # Errors
    /// [`RegistryError::Unauthorized`] if it does not, and the ways in which it cannot be reached.
    pub async fn check_login(&self, registry: &Registry) -> Result<(), RegistryError> {
        self.endpoint(registry)?.check_login().await
    }

    fn endpoint(&self, registry: &Registry) -> Result<Arc<Endpoint>, RegistryError> {
        let mut endpoints = self
            .shared
            .endpoints
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = endpoints.get(registry) {
            return Ok(known.clone());
        }
        let options = self.shared.options.clone();
        let base = base_url(registry, &options)?;
        let authenticator =
            Authenticator::new(base.clone(), server_name(registry), options.clone());
        let endpoint = Endpoint::new(
            self.shared.http.clone(),
            base,
            registry.clone(),
            authenticator,
            options,
        );
        let endpoint = Arc::new(endpoint);
        endpoints.insert(registry.clone(), endpoint.clone());
        Ok(endpoint)
    }
}

/// The name under which the credential for a registry is stored, by us and by `docker login`.
pub fn server_name(registry: &Registry) -> &str {
    if is_docker_hub(registry) {
        DOCKER_HUB_SERVER
    } else {
        registry.as_str()
    }
}

fn is_docker_hub(registry: &Registry) -> bool {
    ["docker.io", "index.docker.io", DOCKER_HUB_HOST]
        .iter()
        .any(|name| registry.as_str().eq_ignore_ascii_case(name))
}

fn base_url(registry: &Registry, options: &RegistryOptions) -> Result<Url, RegistryError> {
    let scheme = if options.plain_http.is_used_for(registry) {
        "http"
    } else {
        "https"
    };
    let host = if is_docker_hub(registry) {
        DOCKER_HUB_HOST
    } else {
        registry.as_str()
    };
    Url::parse(&format!("{scheme}://{host}/v2/")).map_err(|error| {
        RegistryError::Options(format!(
            "no URL can be made for the registry {registry}: {error}"
        ))
    })
}

fn http_client(options: &RegistryOptions) -> Result<reqwest::Client, RegistryError> {
    let mut builder = reqwest::Client::builder()
        .user_agent(&options.user_agent)
        .connect_timeout(options.connect_timeout)
        // Redirects are followed by hand, since a credential must not follow them everywhere.
        .redirect(Policy::none())
        .referer(false)
        .no_proxy();
    for bundle in &options.ca_bundles {
        let authorities = Certificate::from_pem_bundle(bundle).map_err(|error| {
            RegistryError::Options(format!("the CA bundle cannot be read: {}", chain(&error)))
        })?;
        if authorities.is_empty() {
            return Err(RegistryError::Options(
                "the CA bundle has no certificate in it".to_owned(),
            ));
        }
        builder = builder.tls_certs_merge(authorities);
    }
    for proxy in proxies(&options.proxies)? {
        builder = builder.proxy(proxy);
    }
    builder.build().map_err(|error| {
        RegistryError::Options(format!(
            "the HTTP client cannot be set up: {}",
            chain(&error)
        ))
    })
}

fn proxies(proxies: &Proxies) -> Result<Vec<Proxy>, RegistryError> {
    let direct = format!(
        "localhost,127.0.0.0/8,::1,{}",
        proxies.no_proxy.as_deref().unwrap_or_default()
    );
    let with_exceptions = |proxy: reqwest::Result<Proxy>| {
        // A proxy's URL may hold its password: only its kind is named.
        proxy
            .map(|proxy| proxy.no_proxy(NoProxy::from_string(&direct)))
            .map_err(|_| {
                RegistryError::Options(
                    "the URL of the HTTP or HTTPS proxy cannot be read".to_owned(),
                )
            })
    };
    let http = proxies
        .http
        .as_ref()
        .map(|url| with_exceptions(Proxy::http(url)));
    let https = proxies
        .https
        .as_ref()
        .map(|url| with_exceptions(Proxy::https(url)));
    http.into_iter().chain(https).collect()
}

/// An error with its causes in one line; the outermost one alone often says nothing.
pub(super) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_hub_has_other_names_for_its_host_and_its_credential() {
        let registry: Registry = "docker.io".parse().unwrap();
        assert_eq!(server_name(&registry), "https://index.docker.io/v1/");
        let url = base_url(&registry, &RegistryOptions::default()).unwrap();
        assert_eq!(url.as_str(), "https://registry-1.docker.io/v2/");
        assert_eq!(server_name(&"ghcr.io".parse().unwrap()), "ghcr.io");
    }

    #[test]
    fn a_ca_bundle_or_proxy_that_cannot_be_read_is_refused_at_once() {
        let refused =
            |options| matches!(RegistryClient::new(options), Err(RegistryError::Options(_)));
        let garbage = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----".to_vec();
        assert!(refused(RegistryOptions {
            ca_bundles: vec![garbage],
            ..Default::default()
        }));
        assert!(refused(RegistryOptions {
            ca_bundles: vec![b"".to_vec()],
            ..Default::default()
        }));
        let proxies = Proxies {
            https: Some("::::".into()),
            ..Default::default()
        };
        assert!(refused(RegistryOptions {
            proxies,
            ..Default::default()
        }));
    }
}
