//! A parameter of the Systems Manager Parameter Store.

use aws_sdk_ssm::Client;
use aws_sdk_ssm::config::Builder;
use notary_plugin_sdk::{Context, PluginError};

use super::Found;
use crate::connection::{Regional, ask, no_retries};
use crate::refusal::Call;

pub(super) async fn fetch(
    name: &str,
    regional: &Regional,
    context: &Context,
) -> Result<Found, PluginError> {
    let configuration = Builder::from(regional.config()).retry_config(no_retries());
    let client = Client::from_conf(configuration.build());
    let call = Call {
        action: "ssm:GetParameter",
        target: name,
        quota: "GetParameter transactions per second",
    };
    let answer = ask(&call, context, || {
        let request = client.get_parameter().name(name);
        request.with_decryption(true).send()
    })
    .await?;
    let value = answer.parameter.and_then(|parameter| parameter.value);
    Ok(Found {
        content: value.unwrap_or_default().into_bytes(),
        origin: format!("the parameter {name}"),
    })
}
