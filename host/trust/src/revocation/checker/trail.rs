//! What was tried for one certificate, and what came of it.

use notary_x509::describe_time;
use time::OffsetDateTime;

use crate::revocation::RevocationStatus;
use crate::revocation::evidence::Verdict;

/// The account of a check, in words.
#[derive(Clone, Debug, Default)]
pub(super) struct Trail {
    evidence: Vec<String>,
    problems: Vec<String>,
}

impl Trail {
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

    fn why_unknown(&self) -> String {
        if self.problems.is_empty() {
            "it names no URL at which its status could be asked".to_owned()
        } else {
            self.problems.join("; ")
        }
    }
}

/// What was found out about a certificate, and how. It is the same for everybody who asks.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) known: Known,
    pub(super) trail: Trail,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Known {
    /// Nobody can say anything about the certificate.
    NotRevocable,
    /// Its CA says so.
    Verdict(Verdict),
    /// Somebody could, but nobody did.
    Nothing,
}

impl Finding {
    /// What it means for a signature whose proven time is `signing_time`, and the account.
    pub(super) fn conclude(
        mut self,
        signing_time: Option<OffsetDateTime>,
    ) -> (RevocationStatus, Vec<String>) {
        let status = match self.known {
            Known::NotRevocable => RevocationStatus::NotRevocable,
            Known::Verdict(Verdict::Good) => RevocationStatus::Good,
            Known::Verdict(Verdict::Revoked(revocation)) if revocation.affects(signing_time) => {
                RevocationStatus::Revoked {
                    reason: revocation.to_string(),
                }
            }
            Known::Verdict(Verdict::Revoked(_)) => {
                self.trail.remark(
                    "the signature was made before the certificate became invalid".to_owned(),
                );
                RevocationStatus::Good
            }
            Known::Nothing => RevocationStatus::Unknown {
                reason: self.trail.why_unknown(),
            },
        };
        (status, self.trail.evidence)
    }
}
