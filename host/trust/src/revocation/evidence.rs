//! Why an OCSP answer or a CRL is no evidence.

use notary_x509::describe_time;
use thiserror::Error;
use time::OffsetDateTime;

/// A reason why an OCSP answer or a CRL cannot be relied on.
///
/// None of these says that a certificate is revoked: they all leave its status unknown.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum EvidenceError {
    /// More bytes than the limit.
    #[error("the {what} has {actual} bytes; at most {limit} are accepted")]
    TooLarge {
        /// `OCSP answer` or `CRL`.
        what: &'static str,
        /// The limit in bytes.
        limit: usize,
        /// The size in bytes.
        actual: usize,
    },
    /// Bytes that do not decode.
    #[error("the {what} cannot be decoded: {reason}")]
    Malformed {
        /// `OCSP answer` or `CRL`.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The responder did not answer the question.
    #[error("the OCSP responder refused to answer: {status}")]
    Refused {
        /// The response status of RFC 6960 §4.2.1.
        status: &'static str,
    },
    /// An answer about other certificates only.
    #[error("the OCSP answer is not about this certificate")]
    OtherCertificate,
    /// A signature that does not hold, or by nobody who may sign.
    #[error("the signature of the {what} cannot be trusted: {reason}")]
    Signature {
        /// `OCSP answer` or `CRL`.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// From the future.
    #[error("the {what} is not valid before {}", describe_time(*.this_update))]
    NotYetValid {
        /// `OCSP answer` or `CRL`.
        what: &'static str,
        /// thisUpdate.
        this_update: OffsetDateTime,
    },
    /// Too old.
    #[error("the {what} expired after {}", describe_time(*.next_update))]
    Expired {
        /// `OCSP answer` or `CRL`.
        what: &'static str,
        /// nextUpdate, or the end of the time for which an answer without one is taken.
        next_update: OffsetDateTime,
    },
    /// A CRL that does not say until when it holds.
    #[error("the CRL has no nextUpdate, so that nobody can tell whether it is current")]
    NoNextUpdate,
    /// An answer to another question, perhaps an old one.
    #[error("the OCSP answer carries another nonce than the request")]
    Nonce,
    /// A critical extension that is not understood.
    #[error("the {what} has the critical extension {extension}, which is not supported")]
    CriticalExtension {
        /// `OCSP answer`, `CRL` or `CRL entry`.
        what: &'static str,
        /// The dotted object identifier.
        extension: String,
    },
    /// A CRL that does not speak about this certificate.
    #[error("the CRL does not cover this certificate: {reason}")]
    OutOfScope {
        /// Why.
        reason: &'static str,
    },
    /// A delta CRL that does not go with the base CRL.
    #[error("the delta CRL does not go with the base CRL: {reason}")]
    Delta {
        /// Why.
        reason: &'static str,
    },
}

/// What a CA says about one certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not revoked.
    Good,
    /// Revoked.
    Revoked(Revocation),
}

/// The circumstances of a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// When the CA revoked the certificate.
    pub at: OffsetDateTime,
    /// The reason code of RFC 5280 §5.3.1; 0 if none is given.
    pub reason: u32,
    /// Since when the key is known or suspected to be compromised (RFC 5280 §5.3.2).
    pub invalid_since: Option<OffsetDateTime>,
}

impl Revocation {
    /// Whether what was signed at the proven time `signing_time` is hit by the revocation: not if
    /// the certificate became invalid only after it.
    #[must_use]
    pub fn affects(&self, signing_time: Option<OffsetDateTime>) -> bool {
        match (self.invalid_since, signing_time) {
            (Some(invalid_since), Some(signing_time)) => invalid_since <= signing_time,
            _ => true,
        }
    }

    /// The name of the reason code.
    #[must_use]
    pub fn reason_name(&self) -> &'static str {
        match self.reason {
            1 => "keyCompromise",
            2 => "cACompromise",
            3 => "affiliationChanged",
            4 => "superseded",
            5 => "cessationOfOperation",
            CERTIFICATE_HOLD => "certificateHold",
            REMOVE_FROM_CRL => "removeFromCRL",
            9 => "privilegeWithdrawn",
            10 => "aACompromise",
            _ => "unspecified",
        }
    }
}

impl std::fmt::Display for Revocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "revoked at {} ({})",
            describe_time(self.at),
            self.reason_name()
        )?;
        match self.invalid_since {
            Some(since) => write!(f, ", invalid since {}", describe_time(since)),
            None => Ok(()),
        }
    }
}

pub(super) const CERTIFICATE_HOLD: u32 = 6;
pub(super) const REMOVE_FROM_CRL: u32 = 8;

/// How far in the future an answer may claim to be made: clocks differ.
pub const MAX_CLOCK_SKEW: time::Duration = time::Duration::minutes(5);

pub(super) fn check_this_update(
    what: &'static str,
    this_update: OffsetDateTime,
    now: OffsetDateTime,
) -> Result<(), EvidenceError> {
    if this_update > now.saturating_add(MAX_CLOCK_SKEW) {
        return Err(EvidenceError::NotYetValid { what, this_update });
    }
    Ok(())
}
