//! Commands and the capabilities that require them.

use std::fmt;

use crate::vocabulary::vocabulary;

vocabulary! {
    /// A command of the contract: the single argument of the plugin's process.
    pub enum Command("plugin command") {
        /// What the plugin is and can do. Static, cheap, offline; every plugin has it.
        GetPluginMetadata = "get-plugin-metadata",
        /// The key spec of a key.
        DescribeKey = "describe-key",
        /// A raw signature over a payload.
        GenerateSignature = "generate-signature",
        /// A complete signature envelope around a payload.
        GenerateEnvelope = "generate-envelope",
        /// Checks of a signature that the plugin does in the host's stead.
        VerifySignature = "verify-signature",
    }
}

vocabulary! {
    /// A check that a verifier plugin does in the host's stead.
    pub enum VerificationCheck("verification check") {
        /// Whether the signer is one of the trust policy's trusted identities.
        TrustedIdentity = "SIGNATURE_VERIFIER.TRUSTED_IDENTITY",
        /// Whether a certificate of the chain was revoked.
        RevocationCheck = "SIGNATURE_VERIFIER.REVOCATION_CHECK",
    }
}

/// What a plugin can do. Open: a capability that this crate does not know is kept as it is, since
/// later versions of the contract add some.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    /// Raw signatures for OCI artifacts and blobs; the host builds the envelope.
    SignatureGeneratorRaw,
    /// Whole envelopes for OCI artifacts.
    SignatureGeneratorEnvelope,
    /// Whole envelopes for blobs.
    SignatureGeneratorEnvelopeForBlob,
    /// The trusted identity check.
    SignatureVerifierTrustedIdentity,
    /// The revocation check.
    SignatureVerifierRevocationCheck,
    /// A capability from outside of this crate's knowledge.
    Other(String),
}

impl Capability {
    /// The capabilities that this crate knows.
    pub const KNOWN: &'static [Self] = &[
        Self::SignatureGeneratorRaw,
        Self::SignatureGeneratorEnvelope,
        Self::SignatureGeneratorEnvelopeForBlob,
        Self::SignatureVerifierTrustedIdentity,
        Self::SignatureVerifierRevocationCheck,
    ];

    /// The capability as it stands on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::SignatureGeneratorRaw => "SIGNATURE_GENERATOR.RAW",
            Self::SignatureGeneratorEnvelope => "SIGNATURE_GENERATOR.ENVELOPE",
            Self::SignatureGeneratorEnvelopeForBlob => "SIGNATURE_GENERATOR.ENVELOPE_FOR_BLOB",
            Self::SignatureVerifierTrustedIdentity => VerificationCheck::TrustedIdentity.as_str(),
            Self::SignatureVerifierRevocationCheck => VerificationCheck::RevocationCheck.as_str(),
            Self::Other(word) => word,
        }
    }

    /// The commands that a plugin with this capability must implement, beside
    /// `get-plugin-metadata`. Empty for a capability that is not known.
    #[must_use]
    pub const fn required_commands(&self) -> &'static [Command] {
        match self {
            Self::SignatureGeneratorRaw => &[Command::DescribeKey, Command::GenerateSignature],
            Self::SignatureGeneratorEnvelope => &[Command::GenerateEnvelope],
            Self::SignatureGeneratorEnvelopeForBlob => {
                &[Command::DescribeKey, Command::GenerateEnvelope]
            }
            Self::SignatureVerifierTrustedIdentity | Self::SignatureVerifierRevocationCheck => {
                &[Command::VerifySignature]
            }
            Self::Other(_) => &[],
        }
    }

    /// The check that the capability stands for, if it is one of a verifier.
    #[must_use]
    pub const fn verification_check(&self) -> Option<VerificationCheck> {
        match self {
            Self::SignatureVerifierTrustedIdentity => Some(VerificationCheck::TrustedIdentity),
            Self::SignatureVerifierRevocationCheck => Some(VerificationCheck::RevocationCheck),
            _ => None,
        }
    }
}

impl From<&str> for Capability {
    fn from(word: &str) -> Self {
        Self::KNOWN
            .iter()
            .find(|known| known.as_str() == word)
            .cloned()
            .unwrap_or_else(|| Self::Other(word.to_owned()))
    }
}

impl From<VerificationCheck> for Capability {
    fn from(check: VerificationCheck) -> Self {
        match check {
            VerificationCheck::TrustedIdentity => Self::SignatureVerifierTrustedIdentity,
            VerificationCheck::RevocationCheck => Self::SignatureVerifierRevocationCheck,
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl serde::Serialize for Capability {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_capabilities_are_read_back_and_unknown_ones_are_kept() {
        for capability in Capability::KNOWN {
            assert_eq!(&Capability::from(capability.as_str()), capability);
            assert!(!capability.required_commands().is_empty());
        }
        let unknown = Capability::from("SIGNATURE_GENERATOR.TIMESTAMP");
        assert_eq!(unknown.as_str(), "SIGNATURE_GENERATOR.TIMESTAMP");
        assert!(matches!(unknown, Capability::Other(_)));
    }

    #[test]
    fn a_verification_check_is_spelled_like_its_capability() {
        for &check in VerificationCheck::ALL {
            let capability = Capability::from(check);
            assert_eq!(capability.as_str(), check.as_str());
            assert_eq!(capability.verification_check(), Some(check));
        }
    }
}
