//! Keys that sign, wherever they are.

use apostille_plugins::{DiscoveryError, PluginProcessError};
use futures::future::BoxFuture;
use notary_plugin_protocol::{KeySpec, SigningAlgorithm};
use notary_x509::CertificateChain;
use thiserror::Error;

use crate::envelope_maker::EnvelopeMaker;

/// A key that signs. What it answers is checked by the caller and never believed.
pub trait Signer: Send + Sync {
    /// The spec of the key. It decides the algorithm, and so must be known before the bytes to sign are built.
    ///
    /// # Errors
    /// The key cannot be reached.
    fn key_spec(&self) -> BoxFuture<'_, Result<KeySpec, SignerError>>;

    /// Signs `message` (the whole of it, not a digest) with the algorithm of `key_spec`.
    ///
    /// # Errors
    /// The key cannot be reached, or refuses.
    fn sign<'a>(
        &'a self,
        key_spec: KeySpec,
        message: &'a [u8],
    ) -> BoxFuture<'a, Result<SignerAnswer, SignerError>>;

    /// Who makes the whole envelope, if this signer gives no raw signatures.
    fn envelope_maker(&self) -> Option<&dyn EnvelopeMaker> {
        None
    }

    /// Lets go of what was kept open for further signatures. Gives what the user should know about it, if there is
    /// anything. Signing again afterwards is possible.
    fn finish(&self) -> BoxFuture<'_, Option<String>> {
        Box::pin(std::future::ready(None))
    }

    /// What to add to the signing agent, such as `pkcs11-hsm/1.0.0`.
    fn agent(&self) -> Option<String> {
        None
    }
}

/// What a signer gives back.
#[derive(Clone, Debug)]
pub struct SignerAnswer {
    /// The raw signature: RSASSA-PSS bytes, or ECDSA r‖s.
    pub signature: Vec<u8>,
    /// The algorithm that it was made with.
    pub signing_algorithm: SigningAlgorithm,
    /// The certificates of the key, leaf first.
    pub certificate_chain: CertificateChain,
}

/// Why a signer cannot sign.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SignerError {
    /// The plugin is not there, or cannot be used.
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    /// A command of the plugin failed.
    #[error(transparent)]
    Plugin(#[from] Box<PluginProcessError>),
    /// The plugin speaks no version of the contract that this program speaks.
    #[error(
        "plugin {plugin:?} speaks contract versions {offered}, and this program speaks 1.0; install a version of the \
         plugin that supports 1.0"
    )]
    ContractVersion {
        /// The plugin.
        plugin: String,
        /// What it offers.
        offered: String,
    },
    /// The plugin does not make signatures of the kind that is needed.
    #[error(
        "plugin {plugin:?} cannot sign: it needs one of the capabilities {needed}, and has {offered}"
    )]
    Capability {
        /// The plugin.
        plugin: String,
        /// What would do.
        needed: String,
        /// What it has.
        offered: String,
    },
    /// The answer of the signer is not usable.
    #[error("the answer of {signer} is not usable: {source}")]
    Answer {
        /// The plugin, or the file.
        signer: String,
        /// Why.
        source: notary_x509::Error,
    },
    /// The key or its certificate cannot be used.
    #[error("the key cannot be used: {0}")]
    Key(#[source] notary_x509::Error),
    /// The certificate belongs to another key.
    #[error(
        "the certificate of {subject} is for another key than the one that is to sign; give the certificate that was \
         issued for this key"
    )]
    KeyMismatch {
        /// The certificate's subject.
        subject: String,
    },
}

impl From<PluginProcessError> for SignerError {
    fn from(error: PluginProcessError) -> Self {
        Self::Plugin(Box::new(error))
    }
}
