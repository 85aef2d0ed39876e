//! Verification plugins that are installed on this machine.

use apostille_plugins::PluginDirectory;
use apostille_trust::verify::{PluginFailure, VerificationPlugins};
use futures::future::{BoxFuture, FutureExt};
use notary_plugin_protocol::{
    PluginConfig, PluginMetadata, PluginName, VerifySignatureRequest, VerifySignatureResponse,
};

/// The plugins of a directory. One is looked for when a signature asks for it, and not before.
#[derive(Clone, Debug)]
pub struct InstalledVerificationPlugins {
    directory: PluginDirectory,
    config: PluginConfig,
}

impl InstalledVerificationPlugins {
    /// The plugins of `directory`, told `config` when they are asked what they are.
    #[must_use]
    pub fn new(directory: PluginDirectory, config: PluginConfig) -> Self {
        Self { directory, config }
    }
}

impl VerificationPlugins for InstalledVerificationPlugins {
    fn metadata<'a>(
        &'a self,
        name: &'a PluginName,
    ) -> BoxFuture<'a, Result<PluginMetadata, PluginFailure>> {
        async move { Ok(self.directory.find(name)?.metadata(&self.config).await?) }.boxed()
    }

    fn verify_signature<'a>(
        &'a self,
        name: &'a PluginName,
        request: &'a VerifySignatureRequest,
    ) -> BoxFuture<'a, Result<VerifySignatureResponse, PluginFailure>> {
        async move { Ok(self.directory.find(name)?.verify_signature(request).await?) }.boxed()
    }
}
