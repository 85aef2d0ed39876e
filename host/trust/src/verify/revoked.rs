//! What a revocation report amounts to.

use super::failure::Failure;
use super::outcome::Fact;
use crate::revocation::{ChainPurpose, RevocationReport, RevocationStatus};

/// One revoked certificate decides, else one whose status is unknown; of several, the one closest
/// to the leaf is named. A report that says nothing about a certificate says that it is unknown.
pub(super) fn judge(
    report: &RevocationReport,
    chain_length: usize,
    purpose: ChainPurpose,
) -> Result<String, Failure> {
    let mut unknown = None;
    for entry in &report.certificates {
        let subject = entry.subject.clone();
        match &entry.status {
            RevocationStatus::Good | RevocationStatus::NotRevocable => {}
            RevocationStatus::Revoked { reason } => {
                return Err(Failure::Revoked {
                    purpose,
                    subject,
                    reason: reason.clone(),
                });
            }
            RevocationStatus::Unknown { reason } => {
                let reason = reason.clone();
                unknown.get_or_insert(Failure::RevocationUnknown {
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
    if report.certificates.len() < chain_length {
        return Err(Failure::RevocationUnknown {
            purpose,
            subject: format!(
                "certificate {} of {chain_length}",
                report.certificates.len() + 1
            ),
            reason: "nobody looked".to_owned(),
        });
    }
    let asked = report
        .certificates
        .iter()
        .filter(|entry| entry.status == RevocationStatus::Good);
    Ok(match asked.count() {
        0 => "no certificate names a place to ask at, which the specification counts as valid"
            .to_owned(),
        count => format!(
            "{count} of {chain_length} certificates were asked about and are good; the others name no place to ask at"
        ),
    })
}

/// What became known about each certificate, for the explanation.
pub(super) fn facts(report: &RevocationReport) -> Vec<Fact> {
    report
        .certificates
        .iter()
        .map(|entry| {
            let status = match &entry.status {
                RevocationStatus::Good => "good".to_owned(),
                RevocationStatus::NotRevocable => "not revocable".to_owned(),
                RevocationStatus::Revoked { reason } => format!("revoked: {reason}"),
                RevocationStatus::Unknown { reason } => format!("unknown: {reason}"),
            };
            let evidence: String = entry
                .evidence
                .iter()
                .map(|evidence| format!("; {evidence}"))
                .collect();
            Fact {
                name: "certificate",
                value: format!("\"{}\": {status}{evidence}", entry.subject),
            }
        })
        .collect()
}
