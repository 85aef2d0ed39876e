//! The one HTTP client of all services: TLS, proxies, the user agent, and what is not let through.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http_body_util::Limited;
use notary_plugin_sdk::{PluginError, Settings};

use super::endpoint::{Route, route};
use super::trust;

/// What CloudTrail shows of us, in front of what the SDK says of itself.
const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// Largest answer that is read. Keys and signatures are small; certificate objects may have 1 MiB, which
/// base64 in JSON makes a third larger.
pub(crate) const ANSWER_LIMIT: usize = 2 * 1024 * 1024;

/// Makes the client. It connects, and reads the system's certificates, with the first request.
///
/// # Errors
/// `VALIDATION_ERROR` where the CA bundle cannot be used.
pub(super) fn client(settings: &Settings) -> Result<SharedHttpClient, PluginError> {
    Ok(SharedHttpClient::new(Client {
        tls: trust::context(settings)?,
        connectors: Mutex::default(),
    }))
}

#[derive(Debug)]
struct Client {
    tls: TlsContext,
    connectors: Mutex<Vec<(TimeLimits, SharedHttpConnector)>>,
}

/// What tells connectors apart.
type TimeLimits = (Option<Duration>, Option<Duration>);

impl HttpClient for Client {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let limits = (settings.connect_timeout(), settings.read_timeout());
        let mut connectors = self
            .connectors
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = connectors.iter().find(|(known, _)| *known == limits) {
            return known.clone();
        }
        let build = |proxies: ProxyConfig| {
            let mut builder = Connector::builder()
                .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
                .tls_context(self.tls.clone())
                .connector_settings(settings.clone())
                .proxy_config(proxies);
            builder.set_sleep_impl(components.sleep_impl());
            SharedHttpConnector::new(builder.build())
        };
        let connector = SharedHttpConnector::new(Guard {
            routes: Arc::new(Routes {
                direct: build(ProxyConfig::disabled()),
                network: build(ProxyConfig::from_env()),
            }),
        });
        connectors.push((limits, connector.clone()));
        connector
    }
}

#[derive(Debug)]
struct Guard {
    routes: Arc<Routes>,
}

#[derive(Debug)]
struct Routes {
    direct: SharedHttpConnector,
    network: SharedHttpConnector,
}

impl HttpConnector for Guard {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let connector = match route(request.uri()) {
            Ok(Route::Local) => &self.routes.direct,
            Ok(Route::Network) => &self.routes.network,
            Err(refused) => {
                return HttpConnectorFuture::ready(Err(ConnectorError::user(refused.into())));
            }
        };
        // Not among the headers that are signed.
        let agent = match request.headers().get("user-agent") {
            Some(sdk) => format!("{USER_AGENT} {sdk}"),
            None => USER_AGENT.to_owned(),
        };
        request.headers_mut().insert("user-agent", agent);
        let answer = connector.call(request);
        HttpConnectorFuture::new(async move {
            let answer = answer.await?;
            Ok(answer.map(|body| SdkBody::from_body_1_x(Limited::new(body, ANSWER_LIMIT))))
        })
    }
}
