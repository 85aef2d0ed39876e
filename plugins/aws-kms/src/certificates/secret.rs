//! A secret of Secrets Manager.

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::Builder;
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
        action: "secretsmanager:GetSecretValue",
        target: name,
        quota: "Combined rate of DescribeSecret and GetSecretValue API requests",
    };
    let answer = ask(&call, context, || {
        client.get_secret_value().secret_id(name).send()
    })
    .await?;
    let content = match (answer.secret_string, answer.secret_binary) {
        (Some(text), _) => text.into_bytes(),
        (None, Some(bytes)) => bytes.into_inner(),
        (None, None) => Vec::new(),
    };
    Ok(Found {
        content,
        origin: format!("the secret {name}"),
    })
}
