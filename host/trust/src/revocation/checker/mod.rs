//! The checker: bundle, then OCSP, then CRLs by way of the cache, for all certificates at once.

mod ask_bundle;
mod ask_crl;
mod ask_ocsp;
mod memory;
mod trail;

use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _, join_all};
use notary_x509::Certificate;
use time::OffsetDateTime;

use super::bundle::OfflineBundle;
use super::cache::CrlCache;
use super::fetch::{Budget, FetchError, FetchRequest, RevocationFetcher, check_url};
use super::{
    CertificateRevocation, RevocationChecker, RevocationQuestion, RevocationReport,
    names_revocation_source,
};
use memory::Memory;
use trail::{Finding, Known, Trail};

/// The most URLs of one kind in one certificate that are asked, one after the other.
pub const MAX_URLS: usize = 8;

/// How requests are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevocationSettings {
    /// The time for one OCSP request; 2 s in the specification.
    pub ocsp_timeout: Duration,
    /// The time for one CRL download; 5 s in the specification.
    pub crl_timeout: Duration,
    /// Whether addresses that are not public may be connected to: for CAs inside one's own network.
    pub allow_private_addresses: bool,
    /// Whether OCSP requests carry a nonce. A responder that refuses it is asked again without.
    pub nonce: bool,
}

impl Default for RevocationSettings {
    fn default() -> Self {
        Self {
            ocsp_timeout: Duration::from_secs(2),
            crl_timeout: Duration::from_secs(5),
            allow_private_addresses: false,
            nonce: true,
        }
    }
}

/// Where evidence comes from. Each may be missing; without a fetcher, the checker is offline.
#[derive(Clone, Default)]
pub struct RevocationSources {
    /// The network.
    pub fetcher: Option<Arc<dyn RevocationFetcher>>,
    /// CRLs kept from earlier.
    pub cache: Option<CrlCache>,
    /// What somebody prepared. It is asked first, and also about certificates that name no place to
    /// ask at.
    pub bundle: Option<Arc<OfflineBundle>>,
}

/// The [`RevocationChecker`] of the specification ("Certificate Revocation Evaluation"): OCSP where
/// the certificate names a responder, CRLs where it does not or where OCSP has no answer that can be
/// relied on. Make one for each verification: its budget is for all of its checks together, and it asks about no
/// certificate twice.
pub struct SourcedRevocationChecker {
    sources: RevocationSources,
    settings: RevocationSettings,
    budget: Budget,
    memory: Memory,
}

impl SourcedRevocationChecker {
    /// A checker of `sources`.
    #[must_use]
    pub fn new(sources: RevocationSources, settings: RevocationSettings, budget: Budget) -> Self {
        Self {
            sources,
            settings,
            budget,
            memory: Memory::default(),
        }
    }

    async fn check_certificate(
        &self,
        certificate: &Certificate,
        issuer: Option<&Certificate>,
        question: RevocationQuestion<'_>,
    ) -> CertificateRevocation {
        let finding = match issuer {
            None => Finding {
                known: Known::NotRevocable,
                trail: Trail::default(),
            },
            Some(issuer) => {
                let subject = Subject {
                    certificate,
                    issuer,
                };
                self.find_out(&subject, question.now).await
            }
        };
        let (status, evidence) = finding.conclude(question.signing_time);
        CertificateRevocation {
            subject: certificate.subject().to_string(),
            status,
            evidence,
        }
    }

    async fn find_out(&self, subject: &Subject<'_>, now: OffsetDateTime) -> Finding {
        if let Some(finding) = self.memory.recall(subject, now) {
            return finding;
        }
        let mut trail = Trail::default();
        let known = self.ask(subject, now, &mut trail).await;
        let finding = Finding { known, trail };
        self.memory.keep(subject, now, &finding);
        finding
    }

    async fn ask(&self, subject: &Subject<'_>, now: OffsetDateTime, trail: &mut Trail) -> Known {
        if let Some(verdict) = self.ask_bundle(subject, now, trail).await {
            return Known::Verdict(verdict);
        }
        if !names_revocation_source(subject.certificate) {
            return Known::NotRevocable;
        }
        if let Some(verdict) = self.ask_ocsp(subject, now, trail).await {
            return Known::Verdict(verdict);
        }
        match self.ask_crl(subject, now, trail).await {
            Some(verdict) => Known::Verdict(verdict),
            None => Known::Nothing,
        }
    }

    /// The body of the answer, if its status is 200 and it is within the limit.
    async fn fetch(
        &self,
        url: &str,
        post: Option<(&'static str, Vec<u8>)>,
        max_len: usize,
        timeout: Duration,
    ) -> Result<Vec<u8>, FetchError> {
        let fetcher = self.sources.fetcher.as_ref().ok_or(FetchError::Offline)?;
        check_url(url, self.settings.allow_private_addresses)?;
        let timeout = self.budget.spend(timeout)?;
        let request = FetchRequest {
            url: url.to_owned(),
            post,
            max_len,
            timeout,
            allow_private_addresses: self.settings.allow_private_addresses,
        };
        let response = fetcher.fetch(request).await?;
        // Not any 2xx: a 204 or a 206 holds no list, or only a part of one.
        if response.status != 200 {
            return Err(FetchError::Status {
                status: response.status,
            });
        }
        if response.body.len() > max_len {
            return Err(FetchError::TooLarge { limit: max_len });
        }
        Ok(response.body)
    }
}

impl RevocationChecker for SourcedRevocationChecker {
    fn check<'a>(&'a self, question: RevocationQuestion<'a>) -> BoxFuture<'a, RevocationReport> {
        let certificates = question.chain.certificates();
        let checks = certificates
            .iter()
            .enumerate()
            .map(move |(index, certificate)| {
                self.check_certificate(certificate, certificates.get(index + 1), question)
            });
        async move {
            RevocationReport {
                certificates: join_all(checks).await,
            }
        }
        .boxed()
    }
}

/// A certificate that is asked about, and who can say.
struct Subject<'a> {
    certificate: &'a Certificate,
    issuer: &'a Certificate,
}
