//! What one request brings along.

use std::future::Future;

use notary_plugin_protocol::PluginConfig;

use crate::{Deadline, PluginDescription, PluginError, Settings, settings};

/// The settings and the deadline of the request that is being answered. Every method of a plugin gets
/// one, since in a warm session each request has its own.
#[derive(Debug, Clone)]
pub struct Context {
    settings: Settings,
    deadline: Deadline,
}

impl Context {
    /// The context of a request with this `pluginConfig` that begins now.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` when the configuration does not fit the plugin's declaration.
    pub fn for_request(
        description: &PluginDescription,
        config: &PluginConfig,
    ) -> Result<Self, PluginError> {
        Settings::read(description, config).map(Self::with_settings)
    }

    /// The context of a request with settings that were read before.
    pub(crate) fn with_settings(settings: Settings) -> Self {
        let deadline = settings
            .duration(&settings::DEADLINE)
            .unwrap_or_else(settings::deadline_from_environment);
        Self {
            settings,
            deadline: Deadline::after(deadline),
        }
    }

    /// What the user configured.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// When the answer has to be there.
    #[must_use]
    pub fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// Runs `operation`, and again with growing, jittered waits while it fails with
    /// [retryable](PluginError::is_retryable) errors and the deadline allows.
    ///
    /// # Errors
    /// The last attempt's error, or `TIMEOUT` when the deadline cut it off.
    pub async fn retry<T, F: Future<Output = Result<T, PluginError>>>(
        &self,
        operation: impl FnMut() -> F,
    ) -> Result<T, PluginError> {
        crate::retry::retry(self.deadline, operation).await
    }
}
