//! What `doctor` tells about server and log-in.

use notary_plugin_protocol::ErrorCode;
use notary_plugin_sdk::{Context, Diagnosis};
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::client::{Call, Client, ServerAddress};
use crate::login::Method;
use crate::settings::{ALLOW_HTTP, SKIP_VERIFY, switch};

#[derive(Deserialize)]
#[serde(default)]
struct Health {
    initialized: bool,
    sealed: bool,
    standby: bool,
    version: String,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            initialized: true,
            sealed: false,
            standby: false,
            version: String::new(),
        }
    }
}

/// Examines address, server and log-in method; the key itself is examined by the SDK.
pub(crate) async fn examine(context: &Context, diagnosis: &mut Diagnosis) {
    let settings = context.settings();
    if let Err(error) = ServerAddress::of_settings(settings) {
        return diagnosis.failure("server", error.message(), "set VAULT_ADDR or `address`");
    }
    if settings.flag(&ALLOW_HTTP) {
        diagnosis.warning("TLS", "plain HTTP is allowed", "use https");
    }
    if switch(settings, &SKIP_VERIFY).unwrap_or(false) {
        diagnosis.warning(
            "TLS",
            "the server's certificate is not checked",
            "set VAULT_CACERT instead of VAULT_SKIP_VERIFY",
        );
    }
    match Client::new(context).await {
        Ok(client) => examine_server(&client, context, diagnosis).await,
        Err(error) => diagnosis.failure("server", error.message(), "see the message"),
    }
    match Method::of_settings(settings) {
        Ok(method) => diagnosis.ok("log-in", method.to_string()),
        Err(error) => diagnosis.failure("log-in", error.message(), "see the message"),
    }
}

async fn examine_server(client: &Client, context: &Context, diagnosis: &mut Diagnosis) {
    let answer = match client.send(&Call::read("sys/health"), None, context).await {
        Ok(answer) => answer,
        Err(error) => {
            let advice = match error.code() {
                ErrorCode::Timeout => "check the address, the network and the proxy",
                _ => "see the message",
            };
            return diagnosis.failure("server", error.message(), advice);
        }
    };
    if let Some(theirs) = answer.date.as_deref().and_then(parse_date) {
        diagnosis.clock(OffsetDateTime::now_utc(), theirs);
    }
    let status = answer.status;
    let health: Health = answer.data().unwrap_or_default();
    let at = client.address();
    if !health.initialized {
        return diagnosis.failure(
            "server",
            format!("{at} is not initialised"),
            "initialise it",
        );
    }
    if health.sealed {
        return diagnosis.failure("server", format!("{at} is sealed"), "unseal it");
    }
    if health.version.is_empty() {
        return diagnosis.failure(
            "server",
            format!("{at} does not answer as a Vault server does (status {status})"),
            "check the address",
        );
    }
    let standby = if health.standby { ", standby" } else { "" };
    diagnosis.ok(
        "server",
        format!("{at}, version {}{standby}", health.version),
    );
}

/// HTTP's dates end in `GMT`, which RFC 2822 knows as an obsolete zone.
fn parse_date(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(&text.replace("GMT", "+0000"), &Rfc2822).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_an_answer_is_read() {
        let date = parse_date("Tue, 24 Nov 2026 02:39:47 GMT").unwrap();
        assert_eq!(date.unix_timestamp(), 1_795_487_987);
        assert_eq!(parse_date("yesterday"), None);
    }
}
