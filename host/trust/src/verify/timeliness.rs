//! Expiry, and the time at which the certificates have to be valid.

use apostille_signature::VerifiedEnvelope;
use notary_plugin_protocol::SigningScheme;
use notary_x509::describe_time;
use time::OffsetDateTime;

use super::authenticity::stores_of;
use super::failure::Failure;
use super::outcome::{TimeSource, TimeUsed};
use crate::policy::{TrustStatement, VerifyTimestamp};
use crate::store::StoreType;

/// A signature has expired from the very second of its expiry on.
pub(super) fn expiry(envelope: &VerifiedEnvelope, now: OffsetDateTime) -> Result<String, Failure> {
    match envelope.expiry() {
        None => Ok("the signature sets no expiry".to_owned()),
        Some(expiry) if now >= expiry => Err(Failure::Expired { expiry }),
        Some(expiry) => Ok(format!(
            "the signature expires on {}",
            describe_time(expiry)
        )),
    }
}

/// Whether the timestamp countersignature has to be verified: the scheme is `notary.x509`, the
/// statement names a `tsa` store, and it says `always` or a certificate has expired
/// ("Timestamp countersignature verification details").
pub(super) fn needs_timestamp(
    envelope: &VerifiedEnvelope,
    statement: &TrustStatement,
    now: OffsetDateTime,
) -> bool {
    let expired = || {
        let chain = envelope.certificate_chain().certificates();
        chain
            .iter()
            .any(|certificate| certificate.not_after() < now)
    };
    envelope.signing_scheme() == SigningScheme::NotaryX509
        && stores_of(statement, StoreType::Tsa).next().is_some()
        && match statement.verification().verify_timestamp() {
            VerifyTimestamp::Always => true,
            VerifyTimestamp::AfterCertExpiry => expired(),
        }
}

/// The time that counts where no timestamp is verified: what the signing authority vouches for, or
/// the present.
pub(super) fn time_without_timestamp(envelope: &VerifiedEnvelope, now: OffsetDateTime) -> TimeUsed {
    match envelope.authentic_signing_time() {
        Some(time) => TimeUsed {
            time,
            source: TimeSource::AuthenticSigningTime,
        },
        None => TimeUsed {
            time: now,
            source: TimeSource::VerificationTime,
        },
    }
}

/// Whether every certificate of the chain is valid at this time, expired intermediates included.
pub(super) fn certificates_valid(
    envelope: &VerifiedEnvelope,
    at: TimeUsed,
) -> Result<String, Failure> {
    check_validity(envelope, at.time, at.source)?;
    let (time, source) = (describe_time(at.time), at.source.describe());
    Ok(format!(
        "every certificate of the chain is valid on {time}, {source}"
    ))
}

pub(super) fn check_validity(
    envelope: &VerifiedEnvelope,
    at: OffsetDateTime,
    source: TimeSource,
) -> Result<(), Failure> {
    let time_source = source.describe();
    envelope
        .certificate_chain()
        .check_validity(at)
        .map_err(|violation| Failure::CertificateNotValid {
            violation,
            time_source,
        })
}
