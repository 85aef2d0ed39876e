//! A key in a file: for tests and for trying things out.

use futures::future::{BoxFuture, FutureExt, ready};
use notary_plugin_protocol::KeySpec;
use notary_x509::{CertificateChain, PrivateKey, parse_certificates};

use crate::signer::{Signer, SignerAnswer, SignerError};

/// A signer with its private key in memory.
#[derive(Debug)]
pub struct LocalSigner {
    key: PrivateKey,
    chain: CertificateChain,
}

impl LocalSigner {
    /// A signer for `key`, whose certificate is the leaf of `chain`.
    ///
    /// # Errors
    /// [`SignerError::KeyMismatch`] if the leaf is for another key.
    pub fn new(key: PrivateKey, chain: CertificateChain) -> Result<Self, SignerError> {
        if chain.leaf().public_key().spki_der() != key.public_key().spki_der() {
            return Err(SignerError::KeyMismatch {
                subject: chain.leaf().subject().to_string(),
            });
        }
        Ok(Self { key, chain })
    }

    /// A signer from a private key (PKCS#8, SEC 1 or PKCS#1, as PEM) and its certificates (PEM or DER, leaf first).
    ///
    /// # Errors
    /// [`SignerError::Key`] if one of the two cannot be read, [`SignerError::KeyMismatch`] if they do not belong
    /// together.
    pub fn from_files(key: &[u8], certificates: &[u8]) -> Result<Self, SignerError> {
        let key = PrivateKey::from_pem(key).map_err(SignerError::Key)?;
        let certificates = parse_certificates(certificates).map_err(SignerError::Key)?;
        let chain = CertificateChain::new(certificates).map_err(SignerError::Key)?;
        Self::new(key, chain)
    }
}

impl Signer for LocalSigner {
    fn key_spec(&self) -> BoxFuture<'_, Result<KeySpec, SignerError>> {
        ready(Ok(self.key.key_spec())).boxed()
    }

    fn sign<'a>(
        &'a self,
        key_spec: KeySpec,
        message: &'a [u8],
    ) -> BoxFuture<'a, Result<SignerAnswer, SignerError>> {
        let signature = self.key.sign(message).map_err(SignerError::Key);
        let answer = signature.map(|signature| SignerAnswer {
            signature,
            signing_algorithm: key_spec.signing_algorithm(),
            certificate_chain: self.chain.clone(),
        });
        ready(answer).boxed()
    }
}
