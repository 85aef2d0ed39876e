//! A certificate of Certificate Manager (ACM).

use aws_sdk_acm::Client;
use aws_sdk_acm::config::Builder;
use notary_plugin_sdk::{Context, PluginError};

use super::Found;
use crate::connection::{Regional, ask, no_retries};
use crate::refusal::Call;

pub(super) async fn fetch(
    arn: &str,
    regional: &Regional,
    context: &Context,
) -> Result<Found, PluginError> {
    let configuration = Builder::from(regional.config()).retry_config(no_retries());
    let client = Client::from_conf(configuration.build());
    let call = Call {
        action: "acm:GetCertificate",
        target: arn,
        quota: "Rate of GetCertificate requests",
    };
    let answer = ask(&call, context, || {
        client.get_certificate().certificate_arn(arn).send()
    })
    .await?;
    let parts = [answer.certificate, answer.certificate_chain];
    let pem: Vec<String> = parts.into_iter().flatten().collect();
    Ok(Found {
        content: pem.join("\n").into_bytes(),
        origin: arn.to_owned(),
    })
}
