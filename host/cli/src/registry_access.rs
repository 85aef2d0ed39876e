//! How registries are reached: credentials, plain HTTP and proxies, from flags, environment and configuration.

use std::sync::Arc;
use std::time::Duration;

use apostille_artifact::Reference;
use apostille_registry::{
    ArtifactStore, Credential, CredentialSource, PlainHttp, RegistryClient, RegistryOptions,
    StoredCredentials,
};

use crate::application::Application;
use crate::config_file::ConfigFile;
use crate::failure::Failure;
use crate::flags::RegistryFlags;
use crate::target::Access;

/// The client that reaches all registries of a run. Nothing is connected to yet.
///
/// # Errors
/// The configuration is malformed.
pub fn client(
    application: &Application<'_>,
    access: Access<'_>,
) -> Result<RegistryClient, Failure> {
    let mut options = options(application, access.registry)?;
    options.force_referrers_tag = access.force_referrers_tag;
    Ok(RegistryClient::new(options)?)
}

/// The repository of a reference.
///
/// # Errors
/// No URL can be made for the registry.
pub fn repository(
    client: &RegistryClient,
    reference: &Reference,
) -> Result<Box<dyn ArtifactStore>, Failure> {
    let repository = client.repository(reference.registry(), reference.repository())?;
    Ok(Box::new(repository))
}

/// How long the signatures of one artifact may take to arrive: four times what one request may.
///
/// # Errors
/// A timeout that is not positive.
pub fn patience(flags: &RegistryFlags) -> Result<Duration, Failure> {
    let request = match flags.timeout()? {
        Some(timeout) => timeout,
        None => RegistryOptions::default().request_timeout,
    };
    Ok(request.saturating_mul(4))
}

/// What the flags, the environment and the configuration say about registries.
///
/// # Errors
/// The configuration is malformed.
pub fn options(
    application: &Application<'_>,
    flags: &RegistryFlags,
) -> Result<RegistryOptions, Failure> {
    let config = ConfigFile::load(&application.directories.config_file())?;
    let mut options = RegistryOptions::default();
    options.plain_http = if flags.insecure_registry {
        PlainHttp::Always
    } else {
        PlainHttp::LoopbackAnd(config.insecure_registries)
    };
    if let Some(timeout) = flags.timeout()? {
        options.request_timeout = timeout;
        options.connect_timeout = options.connect_timeout.min(timeout);
        options.retry_budget = options.retry_budget.min(timeout);
    }
    options.proxies = application.environment.proxies.clone();
    options.credentials = credentials(application, flags);
    Ok(options)
}

/// Where the credentials are that `login` stores: in the keychains and files of `notation` and Docker.
#[must_use]
pub fn stored_credentials(application: &Application<'_>) -> StoredCredentials {
    StoredCredentials::new(
        application.directories.config_file(),
        application.directories.docker_config_file(),
        application
            .environment
            .search_path
            .clone()
            .unwrap_or_default(),
    )
}

/// What the user gives with this command counts for it; without that, what was stored counts.
fn credentials(application: &Application<'_>, flags: &RegistryFlags) -> Arc<dyn CredentialSource> {
    let environment = &application.environment;
    let username = flags
        .username
        .as_deref()
        .or(environment.username.as_deref())
        .unwrap_or_default();
    let from_environment = environment
        .password
        .as_ref()
        .map(crate::secret::Secret::expose);
    let password = flags
        .password
        .as_deref()
        .or(from_environment)
        .unwrap_or_default();
    if username.is_empty() && password.is_empty() {
        return Arc::new(stored_credentials(application));
    }
    Arc::new(Credential::from_login(username, password))
}
