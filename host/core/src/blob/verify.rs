//! Verifying the signature of a blob.

use std::io;

use apostille_artifact::{Digest, DigestAlgorithm};
use apostille_signature::{Envelope, EnvelopeFormat};
use apostille_trust::policy::ApplicableStatement;
use apostille_trust::store::StoreError;
use apostille_trust::verify::{
    BlobContent, ExpectedArtifact, Verification, VerificationInput, verify_envelope,
};

use super::content::{Blob, BlobDigest, BlobError};
use crate::verify::{LoadedStores, TrustSources, VerifyOptions};

/// Verifies that `envelope` is a signature of `blob` that the statement of the policy accepts.
///
/// The trust stores are loaded before the blob is read, and the blob is not read at all where the statement says that
/// nothing is verified. A `media_type` must be the signed one; without it any is accepted.
///
/// # Errors
/// A trust store cannot be used. That the blob cannot be read is an outcome of the verification, not an error of it.
pub async fn verify_blob(
    blob: Blob,
    media_type: Option<&str>,
    envelope: (EnvelopeFormat, &[u8]),
    statement: &ApplicableStatement<'_>,
    sources: TrustSources<'_>,
    options: &VerifyOptions,
) -> Result<Verification, StoreError> {
    let (format, envelope) = envelope;
    let stores = LoadedStores::for_statement(statement.statement, sources.stores)?;
    let content = if statement.statement.verification().skips_verification() {
        Hashed(None)
    } else {
        hash(blob, format, envelope).await
    };
    let input = VerificationInput {
        format,
        envelope,
        artifact: ExpectedArtifact::Blob {
            media_type,
            content: &content,
        },
        user_metadata: &options.metadata,
        statement,
        stores: &stores,
        revocation: sources.revocation,
        plugins: sources.plugins,
        plugin_config: &options.plugin_config,
        now: options.now,
    };
    Ok(verify_envelope(&input).await)
}

/// A blob that was hashed already, aside from the task that waits for it. `None` if nobody will ask.
struct Hashed(Option<Result<BlobDigest, BlobError>>);

/// Hashes the blob as the envelope says. An envelope that cannot be read fails whatever the blob is.
async fn hash(blob: Blob, format: EnvelopeFormat, envelope: &[u8]) -> Hashed {
    match Envelope::parse(format, envelope) {
        Ok(envelope) => {
            let algorithm = envelope.algorithm().hash_algorithm();
            Hashed(Some(blob.digest_aside(algorithm).await))
        }
        Err(_) => Hashed(None),
    }
}

impl BlobContent for Hashed {
    fn digest(&self, algorithm: DigestAlgorithm) -> io::Result<(Digest, u64)> {
        match &self.0 {
            Some(Ok(found)) if found.digest.algorithm() == algorithm => {
                Ok((found.digest.clone(), found.size))
            }
            Some(Err(error)) => Err(io::Error::other(error.to_string())),
            // The algorithm is the envelope's own, which was read before.
            _ => Err(io::Error::other(
                "it was not hashed with the algorithm of the signature",
            )),
        }
    }
}
