//! The envelope is intact and signs what it has to sign.

use apostille_artifact::{Descriptor, DigestAlgorithm};
use apostille_signature::{Envelope, VerifiedEnvelope};
use notary_plugin_protocol::HashAlgorithm;

use super::failure::Failure;
use super::input::{BlobContent, ExpectedArtifact, VerificationInput};

/// Parses the envelope, verifies its signature and compares what it signs. All of it needs no
/// network, so a signature for another artifact costs nobody a request.
pub(super) fn check(input: &VerificationInput<'_>) -> Result<VerifiedEnvelope, Failure> {
    let envelope = Envelope::parse(input.format, input.envelope)?.verify_integrity()?;
    let signed = envelope.payload().target_artifact();
    let found = match input.artifact {
        ExpectedArtifact::Manifest(descriptor) => descriptor.content_only(),
        ExpectedArtifact::Blob {
            media_type,
            content,
        } => describe_blob(&envelope, media_type, content)?,
    };
    if signed.same_content(&found) {
        return Ok(envelope);
    }
    let signed = Box::new(signed.content_only());
    Err(Failure::OtherArtifact {
        signed,
        found: Box::new(found),
    })
}

/// A blob is hashed with the hash of the signature's algorithm, whatever the payload's digest says.
fn describe_blob(
    envelope: &VerifiedEnvelope,
    media_type: Option<&str>,
    content: &dyn BlobContent,
) -> Result<Descriptor, Failure> {
    let algorithm = match envelope.algorithm().hash_algorithm() {
        HashAlgorithm::Sha256 => DigestAlgorithm::Sha256,
        HashAlgorithm::Sha384 => DigestAlgorithm::Sha384,
        HashAlgorithm::Sha512 => DigestAlgorithm::Sha512,
    };
    let (digest, size) = content.digest(algorithm).map_err(Failure::BlobUnreadable)?;
    let signed = &envelope.payload().target_artifact().media_type;
    Ok(Descriptor::new(media_type.unwrap_or(signed), digest, size))
}
