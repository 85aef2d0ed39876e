//! Timestamps on new signatures: proof of when they were made, which keeps them good after their certificates expire.

use std::fmt;
use std::sync::Arc;

use apostille_signature::timestamp::{
    NONCE_LEN, TimestampError, TimestampRequest, VerifiedTimestamp,
};
use apostille_trust::revocation::{
    ChainPurpose, RevocationChecker, RevocationFailure, RevocationQuestion,
};
use futures::future::BoxFuture;
use notary_plugin_protocol::HashAlgorithm;
use notary_x509::Certificate;
use thiserror::Error;
use time::OffsetDateTime;

/// Somebody who stamps signatures (RFC 3161).
pub trait TimestampAuthority: Send + Sync {
    /// Sends a DER `TimeStampReq` and gives the body of the answer, at most
    /// [`MAX_TIMESTAMP_LEN`](apostille_signature::limits::MAX_TIMESTAMP_LEN) bytes. Nothing of it is believed.
    fn ask<'a>(&'a self, request: &'a [u8]) -> BoxFuture<'a, Result<Vec<u8>, TimestampingError>>;
}

/// How signatures are stamped.
#[derive(Clone)]
pub struct Timestamping {
    /// Who stamps.
    pub authority: Arc<dyn TimestampAuthority>,
    /// The root that the authority's certificate has to lead to.
    pub root: Certificate,
    /// Who answers whether the authority's certificates were revoked.
    pub revocation: Arc<dyn RevocationChecker>,
}

impl fmt::Debug for Timestamping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timestamping")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

/// Why there is no timestamp.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TimestampingError {
    /// The authority's URL cannot be used.
    #[error("the URL of the timestamping authority {0:?} is not an http or https URL")]
    Url(String),
    /// The client cannot be set up, or there is no randomness for the nonce.
    #[error("no timestamp can be requested: {0}")]
    SetUp(String),
    /// The authority does not answer.
    #[error("the timestamping authority {authority} does not answer: {reason}")]
    Unreachable {
        /// Its host.
        authority: String,
        /// What happened.
        reason: String,
    },
    /// The authority answers with something else than a timestamp.
    #[error("the timestamping authority {authority} gives no timestamp: {reason}")]
    Refused {
        /// Its host.
        authority: String,
        /// What it did instead.
        reason: String,
    },
    /// The answer is not acceptable.
    #[error("the answer of the timestamping authority is refused: {0}")]
    Answer(#[from] TimestampError),
    /// A certificate of the authority was revoked, or nobody knows.
    #[error(transparent)]
    Revocation(#[from] RevocationFailure),
}

impl Timestamping {
    /// Gets a timestamp on `signature` (raw bytes, made with an algorithm whose hash is `hash`), checked as a verifier
    /// would at the time `now`.
    ///
    /// # Errors
    /// [`TimestampingError`].
    pub async fn stamp(
        &self,
        signature: &[u8],
        hash: HashAlgorithm,
        now: OffsetDateTime,
    ) -> Result<VerifiedTimestamp, TimestampingError> {
        let request = TimestampRequest::for_signature(signature, hash, nonce()?);
        let response = self.authority.ask(request.as_der()).await?;
        let timestamp = request.accept(&response, std::slice::from_ref(&self.root), now)?;
        let chain = timestamp.certificate_chain();
        let purpose = ChainPurpose::Timestamping;
        let question = RevocationQuestion {
            chain,
            purpose,
            now,
            signing_time: None,
        };
        let report = self.revocation.check(question).await;
        report.judge(chain.certificates().len(), purpose)?;
        Ok(timestamp)
    }
}

fn nonce() -> Result<[u8; NONCE_LEN], TimestampingError> {
    let mut nonce = [0; NONCE_LEN];
    getrandom::fill(&mut nonce)
        .map_err(|error| TimestampingError::SetUp(format!("there is no randomness ({error})")))?;
    Ok(nonce)
}
