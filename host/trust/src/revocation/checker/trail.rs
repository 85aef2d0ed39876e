//! What was tried for one certificate, and what came of it.

use notary_x509::describe_time;
use time::OffsetDateTime;

use crate::revocation::RevocationStatus;
use crate::revocation::evidence::Verdict;

/// The account of a check, in words.
pub(super) struct Trail {
    signing_time: Option<OffsetDateTime>,
    evidence: Vec<String>,
    problems: Vec<String>,
}

impl Trail {
    pub(super) fn new(signing_time: Option<OffsetDateTime>) -> Self {
        Self {
            signing_time,
            evidence: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// An answer that can be relied on.
    pub(super) fn note(
        &mut self,
        source: String,
        verdict: &Verdict,
        until: Option<OffsetDateTime>,
    ) {
        let verdict = match verdict {
            Verdict::Good => "good".to_owned(),
            Verdict::Revoked(revocation) => revocation.to_string(),
        };
        let until = until
            .map(|until| format!(", holds until {}", describe_time(until)))
            .unwrap_or_default();
        self.evidence.push(format!("{source}: {verdict}{until}"));
    }

    /// A source that gave no answer that can be relied on.
    pub(super) fn problem(&mut self, source: String, reason: impl std::fmt::Display) {
        let problem = format!("{source}: {reason}");
        self.evidence.push(problem.clone());
        self.problems.push(problem);
    }

    /// Something worth knowing that decides nothing.
    pub(super) fn remark(&mut self, remark: String) {
        self.evidence.push(remark);
    }

    pub(super) fn conclude(&mut self, verdict: Verdict) -> RevocationStatus {
        match verdict {
            Verdict::Revoked(revocation) if revocation.affects(self.signing_time) => {
                RevocationStatus::Revoked {
                    reason: revocation.to_string(),
                }
            }
            Verdict::Revoked(_) => {
                self.remark(
                    "the signature was made before the certificate became invalid".to_owned(),
                );
                RevocationStatus::Good
            }
            Verdict::Good => RevocationStatus::Good,
        }
    }

    pub(super) fn give_up(&self) -> RevocationStatus {
        RevocationStatus::Unknown {
            reason: if self.problems.is_empty() {
                "it names no URL at which its status could be asked".to_owned()
            } else {
                self.problems.join("; ")
            },
        }
    }

    pub(super) fn into_evidence(self) -> Vec<String> {
        self.evidence
    }
}
