//! What can be wrong with a timestamp.

/// Why a timestamp response or token is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimestampError {
    /// More bytes than are read.
    #[error("the timestamp has {actual} bytes; at most {limit} are accepted")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
        /// The size in bytes.
        actual: usize,
    },
    /// Bytes that are not the encoding or structure that they should be.
    #[error("the timestamp is malformed: {what}: {reason}")]
    Malformed {
        /// The part.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The authority granted no timestamp.
    #[error("the timestamping authority refused: {status}{explanation}")]
    Refused {
        /// The PKIStatus in words.
        status: String,
        /// What the authority said about it, after `: `, or nothing.
        explanation: String,
    },
    /// The response answers another request.
    #[error("the timestamp does not answer the request: its {what} is not the one that was sent")]
    NotTheAnswer {
        /// The field that differs.
        what: &'static str,
    },
    /// The token is on something else than the signature.
    #[error("the timestamp is not on this signature: the message imprint differs")]
    WrongImprint,
    /// The attributes that the authority signed, or the way it names its certificate, break a rule.
    #[error("the signer of the timestamp: {reason}")]
    InvalidSigner {
        /// The rule.
        reason: String,
    },
    /// The authority's signature does not verify.
    #[error("the signature of the timestamp does not verify: {0}")]
    SignatureInvalid(notary_x509::Error),
    /// The authority's certificates do not lead to a trusted root or break a rule.
    #[error("the certificate chain of the timestamp is not acceptable: {0}")]
    Certificate(#[source] notary_x509::Error),
}

impl TimestampError {
    /// For `map_err`: `what` is malformed for the reason that the source gives.
    pub(crate) fn malformed<E: std::fmt::Display>(what: &'static str) -> impl Fn(E) -> Self {
        move |source| Self::Malformed {
            what,
            reason: source.to_string(),
        }
    }

    pub(crate) fn signer(reason: impl Into<String>) -> Self {
        Self::InvalidSigner {
            reason: reason.into(),
        }
    }
}
