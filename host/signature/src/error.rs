//! What can be wrong with an envelope, a payload, a timestamp or a request for one.

use notary_plugin_protocol::SigningAlgorithm;

use crate::limits::MAX_CERTIFICATES;
use crate::timestamp::TimestampError;

/// Why an envelope is not made or not accepted.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The name of a format is not known.
    #[error("\"{found}\" is no signature envelope format: expected {expected}")]
    UnknownFormat {
        /// The name, or its first characters.
        found: String,
        /// The known names.
        expected: String,
    },
    /// More bytes than are read.
    #[error("{what} has {actual} bytes; at most {limit} are accepted")]
    TooLarge {
        /// What was read.
        what: &'static str,
        /// The limit in bytes.
        limit: usize,
        /// The size in bytes.
        actual: usize,
    },
    /// Bytes that are not the encoding that they should be, or not of the structure.
    #[error("{what} is malformed: {reason}")]
    Malformed {
        /// The part of the envelope.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// An attribute that has to be there is missing.
    #[error("attribute {name} is missing")]
    MissingAttribute {
        /// The name of the attribute.
        name: String,
    },
    /// An attribute has a value, or is in a place, that the specification does not allow.
    #[error("attribute {name}: {reason}")]
    InvalidAttribute {
        /// The name of the attribute.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The list of critical attributes breaks a rule.
    #[error("the list of critical attributes (crit): {reason}")]
    InvalidCritical {
        /// The rule, and the entry that breaks it.
        reason: String,
    },
    /// The algorithm in the envelope is not one that the specification allows.
    #[error("signature algorithm {found} is not allowed: {expected}")]
    UnsupportedAlgorithm {
        /// The algorithm as the envelope names it.
        found: String,
        /// What would be allowed.
        expected: &'static str,
    },
    /// The algorithm is not the one that follows from the signing certificate's key.
    #[error(
        "the algorithm is {found}, but the key of the signing certificate makes {expected} signatures"
    )]
    AlgorithmMismatch {
        /// The algorithm in the envelope or in the signer's answer.
        found: SigningAlgorithm,
        /// The one that follows from the key.
        expected: SigningAlgorithm,
    },
    /// The payload is of a type that is not known.
    #[error(
        "content type \"{found}\" is not supported: expected {}",
        crate::payload::PAYLOAD_MEDIA_TYPE
    )]
    UnsupportedContentType {
        /// The content type in the envelope.
        found: String,
    },
    /// There are no certificates.
    #[error("the certificate chain is empty")]
    NoCertificates,
    /// There are more certificates than are read.
    #[error(
        "the certificate chain has {actual} certificates; at most {MAX_CERTIFICATES} are accepted"
    )]
    TooManyCertificates {
        /// How many there are.
        actual: usize,
    },
    /// A certificate cannot be read, or the chain breaks a rule.
    #[error("the certificate chain is not acceptable: {0}")]
    Certificate(#[from] notary_x509::Error),
    /// The signature is not by the signing certificate's key, or not over these bytes.
    #[error("the signature does not verify with the key of the signing certificate \"{subject}\"")]
    SignatureInvalid {
        /// The subject of the signing certificate.
        subject: String,
    },
    /// The payload is not what the specification says.
    #[error("the payload is not a Notary Project payload: {reason}")]
    InvalidPayload {
        /// What is wrong with it.
        reason: String,
    },
    /// A signature cannot be made as requested.
    #[error("the signature cannot be made: {reason}")]
    InvalidRequest {
        /// What is wrong with the request.
        reason: String,
    },
    /// An envelope that somebody else made is not the one that was asked for.
    #[error("the envelope is not the one that was asked for: {reason}")]
    NotAsRequested {
        /// What differs.
        reason: String,
    },
    /// A timestamp is not acceptable.
    #[error(transparent)]
    Timestamp(#[from] TimestampError),
}

impl Error {
    pub(crate) fn check_size(what: &'static str, actual: usize, limit: usize) -> Result<(), Self> {
        if actual > limit {
            return Err(Self::TooLarge {
                what,
                limit,
                actual,
            });
        }
        Ok(())
    }

    pub(crate) fn attribute(name: impl ToString, reason: impl Into<String>) -> Self {
        Self::InvalidAttribute {
            name: name.to_string(),
            reason: reason.into(),
        }
    }

    pub(crate) fn not_as_requested(reason: impl Into<String>) -> Self {
        Self::NotAsRequested {
            reason: reason.into(),
        }
    }

    pub(crate) fn request(reason: impl Into<String>) -> Self {
        Self::InvalidRequest {
            reason: reason.into(),
        }
    }
}
