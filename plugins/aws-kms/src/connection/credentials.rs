//! Who we are: the SDK's default chain, a profile that was asked for, and a role on top.

use aws_config::ConfigLoader;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::SdkConfig;
use aws_types::region::Region;
use notary_plugin_sdk::{PluginError, Settings};

use crate::settings::{EXTERNAL_ID, PROFILE, ROLE_ARN, ROLE_SESSION_NAME};

/// A profile that was asked for by name wins over the credentials in the environment, as with the AWS command
/// line's `--profile`. `AWS_PROFILE` does not: the SDK sees to that.
pub(super) fn with_profile(
    loader: ConfigLoader,
    settings: &Settings,
    region: Option<&Region>,
    http: &SharedHttpClient,
) -> ConfigLoader {
    let Some(profile) = settings.get(&PROFILE) else {
        return loader;
    };
    let configuration = ProviderConfig::without_region()
        .with_region(region.cloned())
        .with_http_client(http.clone());
    let provider = ProfileFileCredentialsProvider::builder()
        .configure(&configuration)
        .profile_name(profile)
        .build();
    loader.profile_name(profile).credentials_provider(provider)
}

/// Puts the role on top of the credentials, where one is configured.
///
/// # Errors
/// `VALIDATION_ERROR` for an external id without a role.
pub(super) async fn with_role(
    config: SdkConfig,
    settings: &Settings,
) -> Result<SdkConfig, PluginError> {
    let external_id = settings.get(&EXTERNAL_ID);
    let Some(role) = settings.get(&ROLE_ARN) else {
        if external_id.is_some() {
            return Err(PluginError::validation(
                "`external_id` is set, but no `role_arn` that it is for",
            ));
        }
        return Ok(config);
    };
    let mut builder = AssumeRoleProvider::builder(role)
        .session_name(settings.get(&ROLE_SESSION_NAME).unwrap_or_default())
        .configure(&config);
    if let Some(external_id) = external_id {
        builder = builder.external_id(external_id);
    }
    let provider = SharedCredentialsProvider::new(builder.build().await);
    Ok(config.into_builder().credentials_provider(provider).build())
}
