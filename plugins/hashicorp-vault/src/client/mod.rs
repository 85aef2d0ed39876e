//! HTTP with a Vault server: one request, its answer, and what a refusal means.

mod address;
mod answer;
mod call;
mod denied;
mod refusal;
mod transport;
mod trust;

pub(crate) use address::ServerAddress;
pub(crate) use answer::Answer;
pub(crate) use call::Call;
pub(crate) use denied::explain as explain_denial;
pub(crate) use refusal::found_nothing;

use std::cell::Cell;
use std::time::Duration;

use bytes::Bytes;
use notary_plugin_sdk::{Context, PluginError, Secret};
use reqwest::Response;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderValue};
use zeroize::Zeroizing;

use crate::settings::{CLIENT_TIMEOUT, MAX_RETRIES, NAMESPACE};

/// Largest answer that is read. A list of ten thousand keys and the longest chain are far below it.
pub(crate) const ANSWER_LIMIT: usize = 4 * 1024 * 1024;

/// A client of one server. It holds connections, and no token.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    address: ServerAddress,
    namespace: Option<HeaderValue>,
    /// The `Host` header, where the URL names what the certificate is for instead.
    host: Option<HeaderValue>,
    timeout: Duration,
    retries: u64,
}

impl Client {
    /// Sets a client up; nothing is sent yet.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` where address, certificates or proxy cannot be used.
    pub(crate) async fn new(context: &Context) -> Result<Self, PluginError> {
        let settings = context.settings();
        let address = ServerAddress::of_settings(settings)?;
        let transport = transport::build(&address, settings).await?;
        let namespace = settings.get(&NAMESPACE).map(|name| {
            HeaderValue::from_str(name.trim_matches('/')).map_err(|_| {
                PluginError::validation("the namespace has characters that no namespace can have")
            })
        });
        Ok(Self {
            http: transport.http,
            address: transport.address,
            namespace: namespace.transpose()?,
            host: transport.host,
            timeout: settings
                .duration(&CLIENT_TIMEOUT)
                .unwrap_or(Duration::from_secs(60)),
            retries: settings.number(&MAX_RETRIES).unwrap_or(2),
        })
    }

    /// The server's address, for messages.
    pub(crate) fn address(&self) -> &ServerAddress {
        &self.address
    }

    /// Sends a request, again if the server is busy, and gives the answer if it is a success.
    ///
    /// # Errors
    /// What the refusal means; see [`refusal`].
    pub(crate) async fn send(
        &self,
        call: &Call,
        token: Option<&Secret>,
        context: &Context,
    ) -> Result<Answer, PluginError> {
        let sent = Cell::new(0);
        context
            .retry(|| async {
                let answer = self.send_once(call, token).await;
                sent.set(sent.get() + 1);
                match answer {
                    Err(error) if sent.get() > self.retries || !call.may_be_repeated => {
                        Err(error.without_retry())
                    }
                    answer => answer,
                }
            })
            .await
    }

    async fn send_once(&self, call: &Call, token: Option<&Secret>) -> Result<Answer, PluginError> {
        let mut request = self
            .http
            .request(call.method(), self.address.url(&call.path, call.query()))
            .timeout(self.timeout)
            .header(ACCEPT, "application/json")
            // Agents may ask for it, so that a browser cannot be made to send requests.
            .header("X-Vault-Request", "true");
        if let Some(token) = token {
            request = request.header("X-Vault-Token", token_header(token)?);
        }
        if let Some(namespace) = &self.namespace {
            request = request.header("X-Vault-Namespace", namespace);
        }
        if let Some(host) = &self.host {
            request = request.header(HOST, host);
        }
        if let Some(body) = &call.body {
            // Bodies hold passwords and secret ids: wiped when the request is gone.
            let bytes = Zeroizing::new(body.to_string().into_bytes());
            request = request
                .header(CONTENT_TYPE, "application/json")
                .body(Bytes::from_owner(bytes));
        }
        let unanswered = |error| transport::unanswered(error, call, &self.address);
        let response = request.send().await.map_err(unanswered)?;
        let head = answer::Head::of(&response);
        let body = read(response, call, &self.address).await?;
        answer::Answer::from_response(&head, &body, call, &self.address)
    }
}

/// A token as a header that is never shown.
fn token_header(token: &Secret) -> Result<HeaderValue, PluginError> {
    let mut value = HeaderValue::from_str(token.expose()).map_err(|_| {
        PluginError::access_denied(
            "the token has characters that no token can have: check where it comes from",
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}

async fn read(
    mut response: Response,
    call: &Call,
    address: &ServerAddress,
) -> Result<Zeroizing<Vec<u8>>, PluginError> {
    let mut body = Zeroizing::new(Vec::new());
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| transport::unanswered(error, call, address))?
    {
        if body.len() + chunk.len() > ANSWER_LIMIT {
            return Err(PluginError::error(format!(
                "{call}: {address} answers with more than {ANSWER_LIMIT} bytes: that is no answer of a Vault server"
            )));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
