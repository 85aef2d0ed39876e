//! Certificate revocation lists (RFC 5280 §5): base and delta CRLs of a certificate's own issuer.

mod entry;
mod list;
mod scope;

pub use list::{Crl, MAX_CRL_LEN};

use notary_x509::Certificate;
use time::OffsetDateTime;

use super::evidence::{CERTIFICATE_HOLD, EvidenceError, REMOVE_FROM_CRL, Verdict};

/// What `base`, and `delta` if there is one, say about `certificate`, which `issuer` issued.
///
/// Both lists are held against everything: the issuer's signature and its right to sign CRLs, times,
/// scope (partitions of other distribution points, of CA or user certificates only; indirect CRLs are
/// refused), unknown critical extensions, and that the delta belongs to the base.
///
/// A base CRL that has expired still proves what cannot be taken back: a revocation other than a hold.
///
/// # Errors
/// [`EvidenceError`], each of which leaves the status unknown.
pub fn judge(
    certificate: &Certificate,
    issuer: &Certificate,
    base: &Crl,
    delta: Option<&Crl>,
    now: OffsetDateTime,
) -> Result<Verdict, EvidenceError> {
    base.check_signed_by(issuer)?;
    base.check_is_base()?;
    let scope = base.check_covers(certificate)?;
    base.check_begun(now)?;
    let listed = base.find(certificate.serial())?;
    if let Err(expired) = base.check_not_expired(now) {
        return match listed {
            Some(revocation) if revocation.reason != CERTIFICATE_HOLD => {
                Ok(Verdict::Revoked(revocation))
            }
            _ => Err(expired),
        };
    }
    let listed_later = match delta {
        Some(delta) => {
            delta.check_signed_by(issuer)?;
            delta.check_is_delta_of(base)?;
            delta.check_covers(certificate)?;
            delta.check_begun(now)?;
            delta.check_not_expired(now)?;
            delta.find(certificate.serial())?
        }
        None => None,
    };
    match listed_later.or(listed) {
        Some(revocation) if revocation.reason != REMOVE_FROM_CRL => {
            Ok(Verdict::Revoked(revocation))
        }
        _ => scope.check_all_reasons().map(|()| Verdict::Good),
    }
}
