//! What was found out already.
//!
//! The signatures of one artifact mostly share their certificates, so that without a memory they would use up the
//! budget with one question.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use time::OffsetDateTime;

use super::Subject;
use super::trail::Finding;

/// Certificate and issuer by their fingerprints, and the present.
type Key = ([u8; 32], [u8; 32], OffsetDateTime);

#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<HashMap<Key, Finding>>);

impl Memory {
    pub(super) fn recall(&self, subject: &Subject<'_>, now: OffsetDateTime) -> Option<Finding> {
        let findings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        findings.get(&key(subject, now)).cloned()
    }

    pub(super) fn keep(&self, subject: &Subject<'_>, now: OffsetDateTime, finding: &Finding) {
        let mut findings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        findings.insert(key(subject, now), finding.clone());
    }
}

fn key(subject: &Subject<'_>, now: OffsetDateTime) -> Key {
    (
        subject.certificate.sha256_fingerprint(),
        subject.issuer.sha256_fingerprint(),
        now,
    )
}
