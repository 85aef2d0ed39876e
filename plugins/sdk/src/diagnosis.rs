//! The findings of `doctor`.

use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;

/// How a check of `doctor` ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Works now, and may not later or elsewhere.
    Warning,
    /// Signing does not work because of this.
    Failure,
}

/// One line of `doctor`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at: `credentials`, `endpoint`, `key`, …
    pub check: String,
    /// How it ended.
    pub verdict: Verdict,
    /// What was found.
    pub detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// Collects findings in the order in which they were made.
#[derive(Debug, Default)]
pub struct Diagnosis {
    findings: Vec<Finding>,
}

/// Beyond this the validity of short-lived credentials and time stamps is in doubt: AWS refuses requests
/// that are five minutes off, and others are stricter.
const TOLERATED_CLOCK_SKEW: Duration = Duration::from_secs(60);

impl Diagnosis {
    /// Records that something is as it should be.
    pub fn ok(&mut self, check: impl Into<String>, detail: impl Into<String>) {
        self.add(check, Verdict::Ok, detail, None);
    }

    /// Records something that works but should be changed.
    pub fn warning(
        &mut self,
        check: impl Into<String>,
        detail: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.add(check, Verdict::Warning, detail, Some(advice.into()));
    }

    /// Records something that keeps the plugin from signing.
    pub fn failure(
        &mut self,
        check: impl Into<String>,
        detail: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.add(check, Verdict::Failure, detail, Some(advice.into()));
    }

    /// Compares our clock with the backend's (its `Date` header, say).
    pub fn clock(&mut self, ours: OffsetDateTime, theirs: OffsetDateTime) {
        let skew = (ours - theirs).unsigned_abs();
        let detail = format!("differs from the service's by {} s", skew.as_secs());
        if skew > TOLERATED_CLOCK_SKEW {
            self.warning("clock", detail, "synchronise this machine's clock (NTP)");
        } else {
            self.ok("clock", detail);
        }
    }

    /// What was found so far.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The worst verdict; `Ok` when nothing was found.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.findings
            .iter()
            .map(|finding| finding.verdict)
            .max()
            .unwrap_or(Verdict::Ok)
    }

    fn add(
        &mut self,
        check: impl Into<String>,
        verdict: Verdict,
        detail: impl Into<String>,
        advice: Option<String>,
    ) {
        self.findings.push(Finding {
            check: check.into(),
            verdict,
            detail: detail.into(),
            advice,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_finding_is_the_verdict() {
        let mut diagnosis = Diagnosis::default();
        assert_eq!(diagnosis.verdict(), Verdict::Ok);
        diagnosis.failure("key", "not found", "check the key id");
        diagnosis.warning("certificate", "expires tomorrow", "renew it");
        assert_eq!(diagnosis.verdict(), Verdict::Failure);
    }

    #[test]
    fn a_clock_that_is_far_off_is_a_warning_whichever_way() {
        let now = OffsetDateTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        for (seconds, verdict) in [
            (0, Verdict::Ok),
            (-60, Verdict::Ok),
            (61, Verdict::Warning),
            (-61, Verdict::Warning),
        ] {
            let mut diagnosis = Diagnosis::default();
            diagnosis.clock(now, now + time::Duration::seconds(seconds));
            assert_eq!(diagnosis.verdict(), verdict, "{seconds}");
        }
    }
}
