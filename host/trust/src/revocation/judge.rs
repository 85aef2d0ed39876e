//! What a report amounts to.

use thiserror::Error;

use super::{ChainPurpose, RevocationReport, RevocationStatus};

/// Why a chain cannot be relied on.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevocationFailure {
    /// A certificate was revoked.
    #[error("the {purpose} \"{subject}\" is revoked: {reason}")]
    Revoked {
        /// What the chain is for.
        purpose: ChainPurpose,
        /// The certificate.
        subject: String,
        /// Since when and why.
        reason: String,
    },
    /// Whether a certificate was revoked could not be found out.
    #[error("whether the {purpose} \"{subject}\" is revoked is not known: {reason}")]
    Unknown {
        /// What the chain is for.
        purpose: ChainPurpose,
        /// The certificate.
        subject: String,
        /// What was tried.
        reason: String,
    },
}

impl RevocationReport {
    /// What the report about a chain of `chain_length` certificates means, in words.
    ///
    /// # Errors
    /// [`RevocationFailure`]: one revoked certificate decides, else one whose status is unknown; of several, the one
    /// closest to the leaf is named. A certificate that the report says nothing about is unknown.
    pub fn judge(
        &self,
        chain_length: usize,
        purpose: ChainPurpose,
    ) -> Result<String, RevocationFailure> {
        let mut unknown = None;
        let mut good = 0;
        for entry in &self.certificates {
            let subject = entry.subject.clone();
            match &entry.status {
                RevocationStatus::Good => good += 1,
                RevocationStatus::NotRevocable => {}
                RevocationStatus::Revoked { reason } => {
                    return Err(RevocationFailure::Revoked {
                        purpose,
                        subject,
                        reason: reason.clone(),
                    });
                }
                RevocationStatus::Unknown { reason } => {
                    let reason = reason.clone();
                    unknown.get_or_insert(RevocationFailure::Unknown {
                        purpose,
                        subject,
                        reason,
                    });
                }
            }
        }
        if let Some(failure) = unknown {
            return Err(failure);
        }
        if self.certificates.len() < chain_length {
            let next = self.certificates.len() + 1;
            return Err(RevocationFailure::Unknown {
                purpose,
                subject: format!("certificate {next} of {chain_length}"),
                reason: "nobody looked".to_owned(),
            });
        }
        Ok(match good {
            0 => "no certificate names a place to ask at, which the specification counts as valid"
                .to_owned(),
            count => format!(
                "{count} of {chain_length} certificates were asked about and are good; the others name no place to ask at"
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::revocation::CertificateRevocation;

    fn report(statuses: &[RevocationStatus]) -> RevocationReport {
        let certificates =
            statuses
                .iter()
                .enumerate()
                .map(|(index, status)| CertificateRevocation {
                    subject: format!("CN={index}"),
                    status: status.clone(),
                    evidence: Vec::new(),
                });
        RevocationReport {
            certificates: certificates.collect(),
        }
    }

    fn named(statuses: &[RevocationStatus], chain_length: usize) -> Option<(bool, String)> {
        match report(statuses).judge(chain_length, ChainPurpose::Signing) {
            Ok(_) => None,
            Err(RevocationFailure::Revoked { subject, .. }) => Some((true, subject)),
            Err(RevocationFailure::Unknown { subject, .. }) => Some((false, subject)),
        }
    }

    #[test]
    fn revoked_goes_before_unknown_and_the_one_closest_to_the_leaf_is_named() {
        use RevocationStatus::{Good, NotRevocable, Revoked, Unknown};
        let revoked = || Revoked {
            reason: String::new(),
        };
        let unknown = || Unknown {
            reason: String::new(),
        };
        let name = |index: usize| format!("CN={index}");
        assert_eq!(named(&[Good, NotRevocable], 2), None);
        assert_eq!(
            named(&[unknown(), revoked(), NotRevocable], 3),
            Some((true, name(1)))
        );
        assert_eq!(named(&[revoked(), revoked()], 2), Some((true, name(0))));
        assert_eq!(
            named(&[Good, unknown(), unknown()], 3),
            Some((false, name(1)))
        );
    }

    #[test]
    fn a_certificate_that_the_report_leaves_out_is_unknown() {
        let found = named(&[RevocationStatus::Good], 2);
        assert_eq!(found, Some((false, "certificate 2 of 2".to_owned())));
        assert!(named(&[], 1).is_some());
    }
}
