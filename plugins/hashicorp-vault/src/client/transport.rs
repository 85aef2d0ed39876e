//! Connections: TLS, proxies, redirects, and what it means that none came about.

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use notary_plugin_sdk::{PluginError, Settings};
use reqwest::header::HeaderValue;
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, ClientBuilder, Proxy};

use super::{Call, ServerAddress, trust};
use crate::settings::{DISABLE_REDIRECTS, HTTP_PROXY, PROXY, SKIP_VERIFY, TLS_SERVER_NAME, switch};

/// A server that is there accepts a connection at once; what takes longer is a dropped packet.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How often the active server may change on the way to it.
const MOST_REDIRECTS: usize = 2;

pub(super) struct Transport {
    pub(super) http: Client,
    pub(super) address: ServerAddress,
    pub(super) host: Option<HeaderValue>,
}

/// Sets up the HTTP client for an address.
pub(super) async fn build(
    address: &ServerAddress,
    settings: &Settings,
) -> Result<Transport, PluginError> {
    let mut builder = Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(redirects(settings)?)
        .user_agent(concat!(
            env!("CARGO_PKG_NAME"),
            "/",
            env!("CARGO_PKG_VERSION")
        ));
    let mut transport_address = address.clone();
    let mut host = None;
    if address.is_tls() {
        builder = with_tls(builder, settings)?;
        if let Some(name) = settings.get(&TLS_SERVER_NAME) {
            (builder, host) = connect_elsewhere(builder, address, name).await?;
            transport_address = address.with_host(name)?;
        }
    } else {
        // Reading the system's certificates takes longer than a signature.
        builder = builder.tls_certs_only([]);
    }
    if let Some(socket) = address.unix_socket() {
        builder = over_socket(builder.no_proxy(), socket)?;
    } else if host.is_none() {
        builder = with_proxy(builder, settings)?;
    }
    let http = builder
        .build()
        .map_err(|error| PluginError::validation(chain("no connection can be set up", &error)))?;
    Ok(Transport {
        http,
        address: transport_address,
        host,
    })
}

#[cfg(unix)]
fn over_socket(
    builder: ClientBuilder,
    socket: &std::path::Path,
) -> Result<ClientBuilder, PluginError> {
    Ok(builder.unix_socket(socket))
}

#[cfg(not(unix))]
fn over_socket(_: ClientBuilder, _: &std::path::Path) -> Result<ClientBuilder, PluginError> {
    Err(PluginError::validation(
        "unix sockets are not supported on this system",
    ))
}

fn with_tls(builder: ClientBuilder, settings: &Settings) -> Result<ClientBuilder, PluginError> {
    let mut builder = builder.https_only(true);
    if switch(settings, &SKIP_VERIFY)? {
        builder = builder.tls_danger_accept_invalid_certs(true);
    } else if let Some(roots) = trust::roots(settings)? {
        builder = builder.tls_certs_only(roots);
    }
    Ok(match trust::identity(settings)? {
        Some(identity) => builder.identity(identity),
        None => builder,
    })
}

/// Lets the URL, and so SNI and the check of the certificate, have a name of its own: connections to it go
/// where the address points.
async fn connect_elsewhere(
    builder: ClientBuilder,
    address: &ServerAddress,
    name: &str,
) -> Result<(ClientBuilder, Option<HeaderValue>), PluginError> {
    let host = address.base().host_str().unwrap_or_default();
    let port = address.base().port_or_known_default().unwrap_or(443);
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let found = tokio::net::lookup_host((bare, port)).await;
    let addresses: Vec<_> = found
        .map_err(|error| PluginError::timeout(format!("{address} cannot be found: {error}")))?
        .collect();
    let header = HeaderValue::from_str(&format!("{host}:{port}")).ok();
    let builder = builder.resolve_to_addrs(name, &addresses).no_proxy();
    Ok((builder, header))
}

fn with_proxy(builder: ClientBuilder, settings: &Settings) -> Result<ClientBuilder, PluginError> {
    let Some(url) = settings.get(&PROXY).or(settings.get(&HTTP_PROXY)) else {
        return Ok(builder);
    };
    // The URL is not repeated: it may hold a password.
    let proxy = Proxy::all(url).map_err(|_| {
        PluginError::validation("`VAULT_PROXY_ADDR` or `VAULT_HTTP_PROXY` is no URL of a proxy")
    })?;
    Ok(builder.proxy(proxy))
}

/// A standby server sends its clients to the active one. They are followed there, with their token, unless it
/// would travel in the clear.
fn redirects(settings: &Settings) -> Result<Policy, PluginError> {
    if switch(settings, &DISABLE_REDIRECTS)? {
        return Ok(Policy::none());
    }
    Ok(Policy::custom(|attempt: Attempt<'_>| {
        let kept_method = matches!(attempt.status().as_u16(), 307 | 308);
        let from = attempt.previous().last().map(reqwest::Url::scheme);
        let downgrade = from == Some("https") && attempt.url().scheme() != "https";
        if !kept_method || downgrade || attempt.previous().len() > MOST_REDIRECTS {
            attempt.stop()
        } else {
            attempt.follow()
        }
    }))
}

/// The error for a request that got no answer, or half of one.
pub(super) fn unanswered(
    error: reqwest::Error,
    call: &Call,
    address: &ServerAddress,
) -> PluginError {
    let (timed_out, connecting) = (error.is_timeout(), error.is_connect());
    // The URL is in the message already, and without its query.
    let error = error.without_url();
    let what = format!("{call} at {address}");
    if is_tls(&error) {
        return PluginError::validation(format!(
            "{}; is `ca_cert` (VAULT_CACERT) the authority of this server, and does its certificate have this name?",
            chain(&format!("{what}: no TLS connection"), &error)
        ));
    }
    if timed_out {
        return PluginError::timeout(format!("{what}: no answer in time"));
    }
    if connecting {
        return PluginError::timeout(chain(&format!("{what}: the server is not reached"), &error));
    }
    PluginError::timeout(chain(&format!("{what}: the connection broke"), &error))
}

fn is_tls(error: &(dyn StdError + 'static)) -> bool {
    causes(error).any(|cause| cause.is::<rustls::Error>())
}

/// The causes in one line: the outermost message alone says little.
fn chain(what: &str, error: &(dyn StdError + 'static)) -> String {
    let mut text = what.to_owned();
    for cause in causes(error) {
        let message = cause.to_string();
        if !text.contains(&message) {
            let _ = write!(text, ": {message}");
        }
    }
    text
}

fn causes<'e>(
    error: &'e (dyn StdError + 'static),
) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'e (dyn StdError + 'static)| {
        // What an I/O error is about is not among its sources.
        let inside = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        match inside {
            Some(inside) => Some(inside),
            None => (*error).source(),
        }
    })
}
