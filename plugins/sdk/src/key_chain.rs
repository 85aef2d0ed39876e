//! The certificate chain of a key, with the place that each certificate came from.

use std::cell::Cell;

use notary_x509::{Certificate, CertificateChain, PublicKey};
use time::OffsetDateTime;

use crate::{CertificateBundle, PluginError};

/// A chain whose certificates messages can point at.
#[derive(Debug, Clone)]
pub(crate) struct KeyChain {
    chain: CertificateChain,
    /// As many as the chain has certificates, in its order.
    origins: Vec<String>,
    /// The rules held once. Only the clock can change that.
    rules_hold: Cell<bool>,
}

impl KeyChain {
    /// The chain of `leaf_key` among the certificates of a bundle.
    ///
    /// # Errors
    /// As [`CertificateBundle::chain_for`].
    pub(crate) fn of(
        bundle: &CertificateBundle,
        leaf_key: &PublicKey,
    ) -> Result<Self, PluginError> {
        let chain = bundle.chain_for(leaf_key)?;
        let origin = |certificate| bundle.origin_of(certificate).unwrap_or_default().to_owned();
        let origins = chain.certificates().iter().map(origin).collect();
        Ok(Self {
            chain,
            origins,
            rules_hold: Cell::new(false),
        })
    }

    pub(crate) fn leaf(&self) -> &Certificate {
        self.chain.leaf()
    }

    pub(crate) fn certificates(&self) -> &[Certificate] {
        self.chain.certificates()
    }

    /// Checks the specification's rules for signing now.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` with the certificate, the rule and the place.
    pub(crate) fn check_rules(&self) -> Result<(), PluginError> {
        let now = OffsetDateTime::now_utc();
        // A session signs with the same chain again and again, and its signatures take as long to verify as ours.
        let checked = if self.rules_hold.get() {
            self.chain.check_validity(now)
        } else {
            self.chain.check_code_signing(Some(now))
        };
        self.rules_hold.set(checked.is_ok());
        checked
            .map_err(|violation| {
                let origin = self.origins.get(violation.position).map_or("", String::as_str);
                PluginError::validation(format!(
                    "the certificate chain cannot be used: {violation}; this certificate is from {origin}"
                ))
            })
    }

    /// `"CN=leaf" from certificate.pem`
    pub(crate) fn place_of(&self, certificate: &Certificate) -> String {
        let position = self
            .certificates()
            .iter()
            .position(|one| one.as_der() == certificate.as_der());
        let origin = position.and_then(|position| self.origins.get(position));
        format!(
            "\"{}\" from {}",
            certificate.subject(),
            origin.map_or("an unknown place", String::as_str)
        )
    }
}
