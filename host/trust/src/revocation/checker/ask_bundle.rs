//! What somebody prepared.

use time::OffsetDateTime;

use super::trail::Trail;
use super::{SourcedRevocationChecker, Subject};
use crate::revocation::evidence::Verdict;

impl SourcedRevocationChecker {
    /// OCSP answers and CRLs were collected at different times, so both are looked at, and "revoked" counts whichever
    /// says it.
    pub(super) async fn ask_bundle(
        &self,
        subject: &Subject<'_>,
        now: OffsetDateTime,
        trail: &mut Trail,
    ) -> Option<Verdict> {
        let by_ocsp = self.ask_bundled_ocsp(subject, now, trail).await;
        let by_crl = self.ask_bundled_crl(subject, now, trail);
        match (by_ocsp, by_crl) {
            (Some(revoked @ Verdict::Revoked(_)), _) | (_, Some(revoked @ Verdict::Revoked(_))) => {
                Some(revoked)
            }
            (by_ocsp, by_crl) => by_ocsp.or(by_crl),
        }
    }

    async fn ask_bundled_ocsp(
        &self,
        subject: &Subject<'_>,
        now: OffsetDateTime,
        trail: &mut Trail,
    ) -> Option<Verdict> {
        let bundle = self.sources.bundle.as_ref()?;
        let (file, answer) = bundle.ocsp(subject.certificate, subject.issuer, now)?;
        let verdict = answer.verdict?;
        if !self.delegate_is_good(&answer, subject, now, trail).await {
            return None;
        }
        let source = format!("bundle, OCSP answer {file}");
        trail.note(source, &verdict, answer.next_update);
        Some(verdict)
    }

    pub(super) fn ask_bundled_crl(
        &self,
        subject: &Subject<'_>,
        now: OffsetDateTime,
        trail: &mut Trail,
    ) -> Option<Verdict> {
        let bundle = self.sources.bundle.as_ref()?;
        let (file, result) = bundle.crl(subject.certificate, subject.issuer, now)?;
        let source = format!("bundle, CRL {file}");
        match result {
            Ok(verdict) => {
                trail.note(source, &verdict, None);
                Some(verdict)
            }
            Err(error) => {
                trail.problem(source, error);
                None
            }
        }
    }
}
