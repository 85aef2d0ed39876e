//! A revocation report, for the explanation.

use super::outcome::Fact;
use crate::revocation::{RevocationReport, RevocationStatus};

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
