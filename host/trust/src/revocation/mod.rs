//! Revocation: whether a certificate's issuer has taken it back.
//!
//! The verification asks one question per certificate chain and leaves to the checker how it is
//! answered: over the network, from a cache or from a directory of prepared answers. The checker
//! reports facts about every certificate; what becomes of them is the policy's to say.
//!
//! [`SourcedRevocationChecker`] is the checker of the specification. It makes no request itself: a
//! [`RevocationFetcher`] does, such as [`HttpFetcher`]. What it holds the answers against is in [`ocsp`] and [`crl`], which are
//! functions of bytes, certificates and a time.

mod bundle;
mod cache;
mod checker;
pub mod crl;
mod evidence;
mod fetch;
mod judge;
pub mod ocsp;

use std::fmt;

use futures::future::BoxFuture;
use notary_x509::{Certificate, CertificateChain};
use serde::Serialize;
use time::OffsetDateTime;

pub use bundle::{BundleError, MAX_BUNDLE_FILES, MAX_BUNDLE_LEN, OfflineBundle};
pub use cache::{CacheError, CrlCache, CrlSet, MAX_CACHE_FILE_LEN};
pub use checker::{MAX_URLS, RevocationSettings, RevocationSources, SourcedRevocationChecker};
pub use evidence::{EvidenceError, MAX_CLOCK_SKEW, Revocation, Verdict};
pub use fetch::{
    Budget, FetchError, FetchRequest, FetchResponse, HttpFetcher, HttpProxy, MAX_REDIRECTS,
    MAX_REQUESTS, RevocationFetcher, check_url, is_public_address,
};
pub use judge::RevocationFailure;

/// What a chain is for; messages name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ChainPurpose {
    /// Its leaf signed the artifact.
    Signing,
    /// Its leaf signed the timestamp.
    Timestamping,
}

/// The question whether any certificate of a chain was revoked.
#[derive(Clone, Copy, Debug)]
pub struct RevocationQuestion<'a> {
    /// The chain: complete, each certificate issued by the next, the last a self-signed root that
    /// is not itself asked about.
    pub chain: &'a CertificateChain,
    /// What the chain is for.
    pub purpose: ChainPurpose,
    /// The present.
    pub now: OffsetDateTime,
    /// When the signature was made, if that is proven. A certificate that became invalid only later
    /// (the invalidity date of its revocation) was good then.
    pub signing_time: Option<OffsetDateTime>,
}

/// What became known about one certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "camelCase")]
pub enum RevocationStatus {
    /// Its issuer says that it is good.
    Good,
    /// Its issuer named no place to ask at, or it is the root. The specification counts it as valid.
    NotRevocable,
    /// Its issuer has revoked it.
    Revoked {
        /// Why and since when, in words.
        reason: String,
    },
    /// No answer could be had that can be relied on.
    Unknown {
        /// What was tried and what went wrong, in words.
        reason: String,
    },
}

/// A certificate and what became known about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CertificateRevocation {
    /// The subject of the certificate.
    pub subject: String,
    /// What became known.
    #[serde(flatten)]
    pub status: RevocationStatus,
    /// How: the method, where it was asked, and from when to when the answer holds.
    pub evidence: Vec<String>,
}

/// The answer to a [`RevocationQuestion`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct RevocationReport {
    /// One entry for each certificate, the leaf first. A certificate without an entry counts as
    /// unknown.
    pub certificates: Vec<CertificateRevocation>,
}

/// Somebody who can answer the question.
pub trait RevocationChecker: Send + Sync {
    /// Finds out about every certificate of the chain. Whatever goes wrong is part of the report.
    fn check<'a>(&'a self, question: RevocationQuestion<'a>) -> BoxFuture<'a, RevocationReport>;
}

/// A checker that asks nobody: a certificate that names a place to ask at has an unknown status.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRevocationChecker;

/// The same, for a reason that is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AsksNobody {
    pub(crate) because: &'static str,
}

impl RevocationChecker for NoRevocationChecker {
    fn check<'a>(&'a self, question: RevocationQuestion<'a>) -> BoxFuture<'a, RevocationReport> {
        let because = "this program does not ask there";
        let report = AsksNobody { because }.report(question);
        Box::pin(std::future::ready(report))
    }
}

impl RevocationChecker for AsksNobody {
    fn check<'a>(&'a self, question: RevocationQuestion<'a>) -> BoxFuture<'a, RevocationReport> {
        Box::pin(std::future::ready(self.report(question)))
    }
}

impl AsksNobody {
    fn report(self, question: RevocationQuestion<'_>) -> RevocationReport {
        let root = question.chain.root();
        let status = |certificate: &Certificate| {
            if certificate == root || !names_revocation_source(certificate) {
                return RevocationStatus::NotRevocable;
            }
            RevocationStatus::Unknown {
                reason: format!("it names an OCSP responder or CRL, but {}", self.because),
            }
        };
        let certificates = question
            .chain
            .certificates()
            .iter()
            .map(|certificate| CertificateRevocation {
                subject: certificate.subject().to_string(),
                status: status(certificate),
                evidence: Vec::new(),
            })
            .collect();
        RevocationReport { certificates }
    }
}

/// Whether a certificate names an OCSP responder or a CRL.
#[must_use]
pub fn names_revocation_source(certificate: &Certificate) -> bool {
    !certificate.ocsp_urls().is_empty() || !certificate.crl_distribution_points().is_empty()
}

impl fmt::Display for RevocationStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Good => "good",
            Self::NotRevocable => "names no place to ask at, or is the root",
            Self::Revoked { .. } => "revoked",
            Self::Unknown { .. } => "not known",
        })
    }
}

impl fmt::Display for ChainPurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signing => "signing certificate",
            Self::Timestamping => "timestamping certificate",
        })
    }
}
