//! Plugins that make the whole signature envelope themselves.

use std::future::Future;

use notary_plugin_protocol::{GenerateEnvelopeRequest, GenerateEnvelopeResponse, KeyId, KeySpec};

use crate::{Context, PluginError};

/// Makes complete envelopes: for signing services that own the format, the time stamp or the scheme.
/// A plugin that only has a key implements [`KeyProvider`](crate::KeyProvider) instead; then the host makes the envelope.
#[allow(
    async_fn_in_trait,
    reason = "the SDK drives plugins on one thread, so no future has to be Send"
)]
pub trait EnvelopeGenerator: 'static {
    /// Answers `generate-envelope` (plugin specification, "generate-envelope"): keep every attribute and
    /// annotation of the payload's descriptor, honour the expiry, and countersign here if at all.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for an unknown key or an envelope type that this plugin does not make.
    async fn generate_envelope(
        &self,
        request: &GenerateEnvelopeRequest,
        context: &Context,
    ) -> Result<GenerateEnvelopeResponse, PluginError>;

    /// The key spec of a key. Needed for blobs, whose digest algorithm depends on it.
    ///
    /// # Errors
    /// The default says that this plugin does not describe keys.
    fn key_spec(
        &self,
        key_id: &KeyId,
        context: &Context,
    ) -> impl Future<Output = Result<KeySpec, PluginError>> {
        let _ = (key_id, context);
        std::future::ready(Err(PluginError::validation(
            "this plugin does not describe keys",
        )))
    }
}
