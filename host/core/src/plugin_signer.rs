//! A key that a plugin reaches, through `generate-signature` (the capability `SIGNATURE_GENERATOR.RAW`).

use apostille_plugins::PluginExecutable;
use futures::future::{BoxFuture, FutureExt};
use notary_plugin_protocol::{
    Capability, ContractVersion, DescribeKeyRequest, GenerateSignatureRequest, KeyId, KeySpec,
    PluginConfig, PluginMetadata,
};
use notary_x509::{Certificate, CertificateChain};

use crate::signer::{Signer, SignerAnswer, SignerError};

/// A signer in a plugin.
#[derive(Debug)]
pub struct PluginSigner {
    plugin: PluginExecutable,
    metadata: PluginMetadata,
    contract_version: ContractVersion,
    key_id: KeyId,
    config: PluginConfig,
}

impl PluginSigner {
    /// Asks the plugin what it is (`get-plugin-metadata`) and checks that it can sign.
    ///
    /// # Errors
    /// The plugin fails, speaks another contract, or makes no raw signatures.
    pub async fn start(
        plugin: PluginExecutable,
        key_id: KeyId,
        config: PluginConfig,
    ) -> Result<Self, SignerError> {
        let metadata = plugin.metadata(&config).await?;
        let contract_version = ContractVersion::V1_0
            .usable_from(&metadata.supported_contract_versions)
            .ok_or_else(|| SignerError::ContractVersion {
                plugin: plugin.name().to_string(),
                offered: list(&metadata.supported_contract_versions),
            })?;
        let needed = Capability::SignatureGeneratorRaw;
        if !metadata.has_capability(&needed) {
            return Err(SignerError::Capability {
                plugin: plugin.name().to_string(),
                offered: list(&metadata.capabilities),
                needed,
            });
        }
        Ok(Self {
            plugin,
            metadata,
            contract_version,
            key_id,
            config,
        })
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
            signer: format!("plugin {:?}", self.plugin.name().as_str()),
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

impl Signer for PluginSigner {
    fn key_spec(&self) -> BoxFuture<'_, Result<KeySpec, SignerError>> {
        self.describe_key().boxed()
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
