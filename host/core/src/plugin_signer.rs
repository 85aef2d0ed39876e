//! A key that a plugin reaches, through `generate-signature` (the capability `SIGNATURE_GENERATOR.RAW`), or through
//! `generate-envelope` where the plugin offers nothing else.

use std::num::NonZeroU64;

use apostille_plugins::PluginExecutable;
use apostille_signature::EnvelopeFormat;
use futures::future::{BoxFuture, FutureExt};
use notary_plugin_protocol::{
    Capability, ContractVersion, DescribeKeyRequest, GenerateEnvelopeRequest,
    GenerateSignatureRequest, KeyId, KeySpec, PayloadType, PluginConfig, PluginMetadata,
    SignatureEnvelopeType,
};
use notary_x509::{Certificate, CertificateChain};
use tokio::sync::OnceCell;

use crate::envelope_maker::{EnvelopeMaker, EnvelopeOrder, MadeEnvelope};
use crate::signer::{Signer, SignerAnswer, SignerError};

/// What a signer is needed for: plugins may sign one and not the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningPurpose {
    /// Artifacts in registries and layouts.
    Artifact,
    /// Plain files.
    Blob,
}

impl SigningPurpose {
    /// The capability to make whole envelopes for this.
    fn envelopes(self) -> Capability {
        match self {
            Self::Artifact => Capability::SignatureGeneratorEnvelope,
            Self::Blob => Capability::SignatureGeneratorEnvelopeForBlob,
        }
    }
}

/// A signer in a plugin.
#[derive(Debug)]
pub struct PluginSigner {
    makes_envelopes: bool,
    plugin: PluginExecutable,
    metadata: PluginMetadata,
    contract_version: ContractVersion,
    key_id: KeyId,
    config: PluginConfig,
    remembers_key_spec: bool,
    key_spec: OnceCell<KeySpec>,
}

impl PluginSigner {
    /// Asks the plugin what it is (`get-plugin-metadata`) and checks that it can sign for this purpose. A plugin that can
    /// do both is asked for raw signatures, so that the envelope is made here.
    ///
    /// # Errors
    /// The plugin fails, speaks another contract, or makes neither raw signatures nor such envelopes.
    pub async fn start(
        plugin: PluginExecutable,
        key_id: KeyId,
        config: PluginConfig,
        purpose: SigningPurpose,
    ) -> Result<Self, SignerError> {
        let metadata = plugin.metadata(&config).await?;
        let contract_version = ContractVersion::V1_0
            .usable_from(&metadata.supported_contract_versions)
            .ok_or_else(|| SignerError::ContractVersion {
                plugin: plugin.name().to_string(),
                offered: list(&metadata.supported_contract_versions),
            })?;
        let makes_envelopes = !metadata.has_capability(&Capability::SignatureGeneratorRaw);
        if makes_envelopes && !metadata.has_capability(&purpose.envelopes()) {
            return Err(SignerError::Capability {
                plugin: plugin.name().to_string(),
                offered: list(&metadata.capabilities),
                needed: list(&[Capability::SignatureGeneratorRaw, purpose.envelopes()]),
            });
        }
        Ok(Self {
            makes_envelopes,
            plugin,
            metadata,
            contract_version,
            key_id,
            config,
            remembers_key_spec: false,
            key_spec: OnceCell::new(),
        })
    }

    /// Prepares for many signatures: keeps the plugin running from now on if it offers that, so that it logs in once,
    /// and asks it for the key spec once.
    #[must_use]
    pub fn for_many(mut self) -> Self {
        if let Some(offer) = self.metadata.warm_sessions {
            self.plugin = self.plugin.with_session(offer);
        }
        self.remembers_key_spec = true;
        self
    }

    /// What the plugin says about itself.
    #[must_use]
    pub fn metadata(&self) -> &PluginMetadata {
        &self.metadata
    }

    async fn describe_key(&self) -> Result<KeySpec, SignerError> {
        let request = DescribeKeyRequest {
            contract_version: self.contract_version,
            key_id: self.key_id.clone(),
            plugin_config: self.config.clone(),
        };
        Ok(self.plugin.describe_key(&request).await?.key_spec)
    }

    async fn generate_signature(
        &self,
        key_spec: KeySpec,
        message: &[u8],
    ) -> Result<SignerAnswer, SignerError> {
        let request = GenerateSignatureRequest {
            contract_version: self.contract_version,
            key_id: self.key_id.clone(),
            key_spec,
            payload: message.to_vec(),
            plugin_config: self.config.clone(),
        };
        let response = self.plugin.generate_signature(&request).await?;
        let not_usable = |source| SignerError::Answer {
            signer: self.name(),
            source,
        };
        let certificates: Result<Vec<_>, _> = response
            .certificate_chain
            .iter()
            .map(|der| Certificate::from_der(der))
            .collect();
        let certificate_chain = certificates
            .and_then(CertificateChain::new)
            .map_err(not_usable)?;
        Ok(SignerAnswer {
            signing_algorithm: response.signature.algorithm(),
            signature: response.signature.as_bytes().to_vec(),
            certificate_chain,
        })
    }
}

impl EnvelopeMaker for PluginSigner {
    fn make<'a>(
        &'a self,
        order: &'a EnvelopeOrder,
    ) -> BoxFuture<'a, Result<MadeEnvelope, SignerError>> {
        async move {
            let request = GenerateEnvelopeRequest {
                contract_version: self.contract_version,
                key_id: self.key_id.clone(),
                payload_type: PayloadType::NotaryPayloadV1,
                signature_envelope_type: match order.format {
                    EnvelopeFormat::Jws => SignatureEnvelopeType::Jws,
                    EnvelopeFormat::Cose => SignatureEnvelopeType::Cose,
                },
                payload: order.payload.clone(),
                expiry_duration_in_seconds: order
                    .expiry
                    .and_then(|expiry| NonZeroU64::new(expiry.as_secs())),
                plugin_config: self.config.clone(),
            };
            let response = self.plugin.generate_envelope(&request).await?;
            Ok(MadeEnvelope {
                envelope: response.signature_envelope,
                annotations: response.annotations,
            })
        }
        .boxed()
    }

    fn name(&self) -> String {
        format!("plugin {:?}", self.plugin.name().as_str())
    }
}

impl Signer for PluginSigner {
    fn envelope_maker(&self) -> Option<&dyn EnvelopeMaker> {
        self.makes_envelopes.then_some(self)
    }

    fn key_spec(&self) -> BoxFuture<'_, Result<KeySpec, SignerError>> {
        async {
            if self.remembers_key_spec {
                self.key_spec
                    .get_or_try_init(|| self.describe_key())
                    .await
                    .copied()
            } else {
                self.describe_key().await
            }
        }
        .boxed()
    }

    fn finish(&self) -> BoxFuture<'_, Option<String>> {
        async {
            self.plugin.end_session().await;
            let reason = self.plugin.session_given_up().await?;
            let plugin = self.plugin.name();
            Some(format!(
                "plugin {plugin:?} offers to stay running for many signatures and did not: {reason}; it was started anew \
                 for each signature, which is slower",
                plugin = plugin.as_str()
            ))
        }
        .boxed()
    }

    fn sign<'a>(
        &'a self,
        key_spec: KeySpec,
        message: &'a [u8],
    ) -> BoxFuture<'a, Result<SignerAnswer, SignerError>> {
        self.generate_signature(key_spec, message).boxed()
    }

    fn agent(&self) -> Option<String> {
        Some(format!("{}/{}", self.metadata.name, self.metadata.version))
    }
}

fn list<T: ToString>(items: &[T]) -> String {
    match items {
        [] => "none".to_owned(),
        items => items
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", "),
    }
}
