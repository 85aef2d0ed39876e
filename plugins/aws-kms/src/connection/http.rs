//! The one HTTP client of all services: TLS, proxies, the user agent, and what is not let through.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use aws_smithy_async::rt::sleep::SharedAsyncSleep;
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
use time::OffsetDateTime;

use super::endpoint::{Route, route};
use super::trust;
use crate::refusal::parse_date;

/// What CloudTrail shows of us, in front of what the SDK says of itself.
const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// Largest answer that is read. Keys and signatures are small; certificate objects may have 1 MiB, which
/// base64 in JSON makes a third larger.
pub(crate) const ANSWER_LIMIT: usize = 2 * 1024 * 1024;

/// When the last answer was given, by the clock of whoever gave it.
pub(super) type LastDate = Arc<Mutex<Option<OffsetDateTime>>>;

/// Makes the client. It connects, and reads the system's certificates, with the first request.
///
/// # Errors
/// `VALIDATION_ERROR` where the CA bundle cannot be used.
pub(super) fn client(
    settings: &Settings,
    last_date: &LastDate,
) -> Result<SharedHttpClient, PluginError> {
    Ok(SharedHttpClient::new(Client {
        tls: trust::context(settings)?,
        connectors: Mutex::default(),
        last_date: Arc::clone(last_date),
    }))
}

#[derive(Debug)]
struct Client {
    tls: TlsContext,
    connectors: Mutex<Vec<(TimeLimits, SharedHttpConnector)>>,
    last_date: LastDate,
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
        let connector = SharedHttpConnector::new(Guard {
            tls: self.tls.clone(),
            settings: settings.clone(),
            sleep: components.sleep_impl(),
            direct: OnceLock::new(),
            network: OnceLock::new(),
            last_date: Arc::clone(&self.last_date),
        });
        connectors.push((limits, connector.clone()));
        connector
    }
}

/// Two ways out, each set up when it is first taken: preparing the system's certificates costs milliseconds.
#[derive(Debug)]
struct Guard {
    tls: TlsContext,
    settings: HttpConnectorSettings,
    sleep: Option<SharedAsyncSleep>,
    direct: OnceLock<SharedHttpConnector>,
    network: OnceLock<SharedHttpConnector>,
    last_date: LastDate,
}

impl Guard {
    fn connector(&self, route: Route) -> &SharedHttpConnector {
        match route {
            Route::Local => self
                .direct
                .get_or_init(|| self.build(ProxyConfig::disabled())),
            Route::Network => self
                .network
                .get_or_init(|| self.build(ProxyConfig::from_env())),
        }
    }

    fn build(&self, proxies: ProxyConfig) -> SharedHttpConnector {
        let mut builder = Connector::builder()
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(self.tls.clone())
            .connector_settings(self.settings.clone())
            .proxy_config(proxies);
        builder.set_sleep_impl(self.sleep.clone());
        SharedHttpConnector::new(builder.build())
    }
}

impl HttpConnector for Guard {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let connector = match route(request.uri()) {
            Ok(route) => self.connector(route),
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
        let last_date = Arc::clone(&self.last_date);
        HttpConnectorFuture::new(async move {
            let answer = answer.await?;
            if let Some(date) = answer.headers().get("date").and_then(parse_date) {
                *last_date.lock().unwrap_or_else(PoisonError::into_inner) = Some(date);
            }
            Ok(answer.map(|body| SdkBody::from_body_1_x(Limited::new(body, ANSWER_LIMIT))))
        })
    }
}
