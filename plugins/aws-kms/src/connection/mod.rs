//! Clients: made per region, and only those that a command needs.

mod credentials;
mod endpoint;
mod http;
mod trust;

use std::cell::{Cell, RefCell};
use std::error::Error as StdError;
use std::rc::Rc;
use std::sync::PoisonError;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use notary_plugin_sdk::{Context, PluginError, Settings};
use time::OffsetDateTime;
use tokio::sync::OnceCell;

pub(crate) use endpoint::NotAllowed;

use crate::key_id::is_region;
use crate::refusal::{Call, explain};
use crate::settings::{ENDPOINT_URL, MAX_ATTEMPTS, PROFILE, REGION, USE_DUAL_STACK, USE_FIPS};

/// An endpoint that is there accepts a connection at once.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest time for one attempt: KMS answers in milliseconds, and what hangs is better sent again.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);

/// AWS, as one configuration of the plugin sees it.
pub(crate) struct Aws {
    http: SharedHttpClient,
    last_date: http::LastDate,
    /// By name; under no name the one of the environment.
    regions: RefCell<Vec<(Option<String>, Loading)>>,
}

/// A region that is being set up, or has been.
type Loading = Rc<OnceCell<Rc<Regional>>>;

/// The services of one region.
pub(crate) struct Regional {
    config: SdkConfig,
    region: String,
    kms: aws_sdk_kms::Client,
}

impl Aws {
    /// Checks the settings. Nothing is asked yet.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` where they cannot work.
    pub(crate) fn new(settings: &Settings) -> Result<Self, PluginError> {
        if let Some(url) = settings.get(&ENDPOINT_URL) {
            endpoint::route(url)
                .map_err(|refused| PluginError::validation(format!("`endpoint_url`: {refused}")))?;
        }
        let last_date = http::LastDate::default();
        Ok(Self {
            http: http::client(settings, &last_date)?,
            last_date,
            regions: RefCell::default(),
        })
    }

    /// What the clock of the service showed in its last answer.
    pub(crate) fn last_date(&self) -> Option<OffsetDateTime> {
        *self
            .last_date
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The services of a region; of the configured one where none is given.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` where no region is configured either.
    pub(crate) async fn region(
        &self,
        region: Option<&str>,
        context: &Context,
    ) -> Result<Rc<Regional>, PluginError> {
        let region = region.or(context.settings().get(&REGION));
        let cell = self.cell(region);
        let load = || async { self.load(region, context).await.map(Rc::new) };
        cell.get_or_try_init(load).await.cloned()
    }

    fn cell(&self, region: Option<&str>) -> Loading {
        let mut regions = self.regions.borrow_mut();
        if let Some((_, known)) = regions.iter().find(|(name, _)| name.as_deref() == region) {
            return Rc::clone(known);
        }
        let cell = Loading::default();
        regions.push((region.map(str::to_owned), Rc::clone(&cell)));
        cell
    }

    async fn load(&self, region: Option<&str>, context: &Context) -> Result<Regional, PluginError> {
        let settings = context.settings();
        if let Some(region) = region.filter(|region| !is_region(region)) {
            return Err(PluginError::validation(format!(
                "`{region}` is no region: they look like `eu-west-1`"
            )));
        }
        let region = region.map(|region| Region::new(region.to_owned()));
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(self.http.clone())
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_TIMEOUT)
                    .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                    .build(),
            );
        if let Some(region) = &region {
            loader = loader.region(region.clone());
        }
        if settings.flag(&USE_FIPS) {
            loader = loader.use_fips(true);
        }
        if settings.flag(&USE_DUAL_STACK) {
            loader = loader.use_dual_stack(true);
        }
        let loader = credentials::with_profile(loader, settings, region.as_ref(), &self.http);
        let deadline = context.deadline();
        let config = deadline.run(async { Ok(loader.load().await) }).await?;
        let Some(region) = config.region().map(ToString::to_string) else {
            return Err(PluginError::validation(
                "no region is known: give the key as ARN, or set `region`, AWS_REGION, or a region in the AWS profile",
            ));
        };
        let config = credentials::with_role(config, settings).await?;
        let mut kms = aws_sdk_kms::config::Builder::from(&config).retry_config(no_retries());
        if let Some(url) = settings.get(&ENDPOINT_URL) {
            kms = kms.endpoint_url(url);
        }
        Ok(Regional {
            kms: aws_sdk_kms::Client::from_conf(kms.build()),
            config,
            region,
        })
    }
}

impl Regional {
    /// The region's name.
    pub(crate) fn name(&self) -> &str {
        &self.region
    }

    /// The client of KMS.
    pub(crate) fn kms(&self) -> &aws_sdk_kms::Client {
        &self.kms
    }

    /// What the clients of other services are made with.
    pub(crate) fn config(&self) -> &SdkConfig {
        &self.config
    }
}

/// The SDK's own retries know nothing of our deadline, so they are off and [`ask`] repeats.
pub(crate) fn no_retries() -> RetryConfig {
    RetryConfig::disabled()
}

/// Sends a request, and again where that may help: `AWS_MAX_ATTEMPTS` times at most, within the deadline.
///
/// # Errors
/// What the refusal means.
pub(crate) async fn ask<T, E, F>(
    call: &Call<'_>,
    context: &Context,
    send: impl Fn() -> F,
) -> Result<T, PluginError>
where
    F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    E: StdError + ProvideErrorMetadata + Send + Sync + 'static,
{
    let most = context.settings().number(&MAX_ATTEMPTS).unwrap_or(1).max(1);
    let profile = context.settings().get(&PROFILE);
    let attempts = Cell::new(0);
    context
        .retry(|| {
            let answer = send();
            let attempts = &attempts;
            async move {
                attempts.set(attempts.get() + 1);
                answer.await.map_err(|error| {
                    let error = explain(call, error, profile);
                    if attempts.get() >= most {
                        error.without_retry()
                    } else {
                        error
                    }
                })
            }
        })
        .await
}
