//! A plugin put together from its parts.

use std::process::ExitCode;

use notary_plugin_protocol::{
    Capability, ContractVersion, PluginMetadata, PluginName, session::WarmSessions,
};

use crate::{
    EnvelopeGenerator, KeyProvider, PersonCommand, PluginDescription, PluginError, SignatureCheck,
    erased::{AnyEnvelopeGenerator, AnyPersonCommand, KindOf, ProviderKind},
    verification::Checks,
};

/// A plugin: its description and what it can do. The capabilities that hosts are told follow from the
/// parts, so none can be declared that is not there.
///
/// Building one costs nothing: providers are opened, and the async runtime is started, by the commands that
/// need them.
pub struct Plugin {
    pub(crate) description: &'static PluginDescription,
    pub(crate) keys: Option<Box<dyn ProviderKind>>,
    pub(crate) envelopes: Option<Box<dyn AnyEnvelopeGenerator>>,
    pub(crate) for_blobs: bool,
    pub(crate) checks: Checks,
    pub(crate) commands: Vec<Box<dyn AnyPersonCommand>>,
    pub(crate) sessions: WarmSessions,
}

impl Plugin {
    /// A plugin that can do nothing yet.
    #[must_use]
    pub fn new(description: &'static PluginDescription) -> Self {
        Self {
            description,
            keys: None,
            envelopes: None,
            for_blobs: false,
            checks: Checks::default(),
            commands: Vec::new(),
            sessions: WarmSessions::default(),
        }
    }

    /// Signs with the keys of `P`: capability `SIGNATURE_GENERATOR.RAW`.
    #[must_use]
    pub fn keys<P: KeyProvider>(mut self) -> Self {
        self.keys = Some(Box::new(KindOf::<P>::new()));
        self
    }

    /// Makes envelopes for OCI artifacts: capability `SIGNATURE_GENERATOR.ENVELOPE`.
    #[must_use]
    pub fn envelopes(mut self, generator: impl EnvelopeGenerator) -> Self {
        self.envelopes = Some(Box::new(generator));
        self
    }

    /// Makes envelopes for OCI artifacts and for blobs: also `SIGNATURE_GENERATOR.ENVELOPE_FOR_BLOB`.
    #[must_use]
    pub fn envelopes_and_blobs(self, generator: impl EnvelopeGenerator) -> Self {
        Self {
            for_blobs: true,
            ..self.envelopes(generator)
        }
    }

    /// Decides whether the signer is trusted: capability `SIGNATURE_VERIFIER.TRUSTED_IDENTITY`.
    #[must_use]
    pub fn trusted_identity(mut self, check: impl SignatureCheck) -> Self {
        self.checks.trusted_identity = Some(Box::new(check));
        self
    }

    /// Decides whether the signature is revoked: capability `SIGNATURE_VERIFIER.REVOCATION_CHECK`.
    #[must_use]
    pub fn revocation(mut self, check: impl SignatureCheck) -> Self {
        self.checks.revocation = Some(Box::new(check));
        self
    }

    /// Adds a command of the plugin's own for people, beside `keys`, `csr`, `self-sign` and `doctor`.
    #[must_use]
    pub fn command(mut self, command: impl PersonCommand) -> Self {
        self.commands.push(Box::new(command));
        self
    }

    /// Changes the terms of warm sessions: how many requests at a time, and how long an idle one stays.
    #[must_use]
    pub fn sessions(self, terms: WarmSessions) -> Self {
        Self {
            sessions: terms,
            ..self
        }
    }

    /// Does what the arguments of the process ask for; `main` returns the result.
    #[must_use]
    pub fn run(self) -> ExitCode {
        crate::run(self)
    }

    /// The capabilities that follow from the parts, in the order of the specification.
    #[must_use]
    pub fn capabilities(&self) -> Vec<Capability> {
        [
            (self.keys.is_some(), Capability::SignatureGeneratorRaw),
            (
                self.envelopes.is_some(),
                Capability::SignatureGeneratorEnvelope,
            ),
            (
                self.for_blobs,
                Capability::SignatureGeneratorEnvelopeForBlob,
            ),
            (
                self.checks.trusted_identity.is_some(),
                Capability::SignatureVerifierTrustedIdentity,
            ),
            (
                self.checks.revocation.is_some(),
                Capability::SignatureVerifierRevocationCheck,
            ),
        ]
        .into_iter()
        .filter_map(|(present, capability)| present.then_some(capability))
        .collect()
    }

    /// The answer to `get-plugin-metadata`.
    ///
    /// # Errors
    /// `ERROR` when the description breaks a rule of the protocol, such as an empty version.
    pub fn metadata(&self) -> Result<PluginMetadata, PluginError> {
        let name: PluginName = (self.description.name.parse())
            .map_err(|error| PluginError::error(format!("the plugin's name is wrong: {error}")))?;
        Ok(PluginMetadata {
            name,
            description: self.description.description.to_owned(),
            version: self.description.version.to_owned(),
            url: self.description.url.to_owned(),
            supported_contract_versions: vec![ContractVersion::V1_0],
            capabilities: self.capabilities(),
            warm_sessions: Some(self.sessions),
        })
    }
}
