//! OCSP responders, asked one after the other.

use time::OffsetDateTime;

use super::trail::Trail;
use super::{MAX_URLS, SourcedRevocationChecker, Subject};
use crate::revocation::evidence::{EvidenceError, Verdict};
use crate::revocation::fetch::FetchError;
use crate::revocation::ocsp::{self, MAX_RESPONSE_LEN, Nonce, OcspAnswer};

const REQUEST_TYPE: &str = "application/ocsp-request";

/// Why a responder gave no answer.
enum Silence {
    Unasked(FetchError),
    Useless(EvidenceError),
}

impl SourcedRevocationChecker {
    /// What the first responder says that gives an answer that can be relied on.
    pub(super) async fn ask_ocsp(
        &self,
        subject: &Subject<'_>,
        now: OffsetDateTime,
        trail: &mut Trail,
    ) -> Option<Verdict> {
        for url in subject.certificate.ocsp_urls().iter().take(MAX_URLS) {
            let source = format!("OCSP {url}");
            match self.ask_responder(url, subject, now).await {
                Err(Silence::Unasked(error)) => trail.problem(source, error),
                Err(Silence::Useless(error)) => trail.problem(source, error),
                Ok(answer) => match answer.verdict {
                    None => trail.problem(source, "the responder does not know the certificate"),
                    Some(verdict) => {
                        if self.delegate_is_good(&answer, subject, now, trail).await {
                            trail.note(source, &verdict, answer.next_update);
                            return Some(verdict);
                        }
                    }
                },
            }
        }
        None
    }

    /// With a nonce first, if that is wanted; without, if the responder is there but refuses it, as
    /// those do that serve answers made beforehand.
    async fn ask_responder(
        &self,
        url: &str,
        subject: &Subject<'_>,
        now: OffsetDateTime,
    ) -> Result<OcspAnswer, Silence> {
        let nonce = if self.settings.nonce {
            Nonce::random()
        } else {
            None
        };
        match self.ask_once(url, subject, nonce, now).await {
            Err(
                Silence::Unasked(FetchError::Status { .. })
                | Silence::Useless(EvidenceError::Refused { .. }),
            ) if nonce.is_some() => self.ask_once(url, subject, None, now).await,
            result => result,
        }
    }

    async fn ask_once(
        &self,
        url: &str,
        subject: &Subject<'_>,
        nonce: Option<Nonce>,
        now: OffsetDateTime,
    ) -> Result<OcspAnswer, Silence> {
        let request = ocsp::request(subject.certificate, subject.issuer, nonce);
        // GET, so that a cache on the way can answer, but what has a nonce is new each time.
        let get = if nonce.is_none() {
            ocsp::get_url(url, &request)
        } else {
            None
        };
        let timeout = self.settings.ocsp_timeout;
        let body = match get {
            Some(url) => self.fetch(&url, None, MAX_RESPONSE_LEN, timeout).await,
            None => {
                self.fetch(
                    url,
                    Some((REQUEST_TYPE, request)),
                    MAX_RESPONSE_LEN,
                    timeout,
                )
                .await
            }
        };
        let body = body.map_err(Silence::Unasked)?;
        ocsp::read(&body, subject.certificate, subject.issuer, nonce, now).map_err(Silence::Useless)
    }

    /// A delegated responder whose certificate does not say `id-pkix-ocsp-nocheck` is itself checked,
    /// by CRL. Like any certificate, one that names no CRL counts as valid.
    pub(super) async fn delegate_is_good(
        &self,
        answer: &OcspAnswer,
        subject: &Subject<'_>,
        now: OffsetDateTime,
        trail: &mut Trail,
    ) -> bool {
        let Some(delegate) = &answer.delegate else {
            return true;
        };
        if delegate.has_ocsp_no_check() || delegate.crl_distribution_points().is_empty() {
            return true;
        }
        let responder = Subject {
            certificate: delegate,
            issuer: subject.issuer,
        };
        let source = || format!("OCSP responder \"{}\"", delegate.subject());
        let verdict = match self.ask_bundled_crl(&responder, now, trail) {
            Some(verdict) => Some(verdict),
            None => self.ask_crl(&responder, now, trail).await,
        };
        match verdict {
            Some(Verdict::Good) => true,
            Some(Verdict::Revoked(revocation)) => {
                trail.problem(source(), format!("its certificate is {revocation}"));
                false
            }
            None => {
                trail.problem(
                    source(),
                    "it could not be found out whether its certificate is revoked",
                );
                false
            }
        }
    }
}
