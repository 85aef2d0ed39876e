//! Reading the signatures of an artifact without proving anything.

use apostille_artifact::Descriptor;
use apostille_registry::{ArtifactStore, RegistryError};
use apostille_signature::{Envelope, EnvelopeFormat};
use thiserror::Error;

/// What the signatures of an artifact say.
#[derive(Debug)]
pub struct InspectedArtifact {
    /// The signatures, in the store's order.
    pub signatures: Vec<InspectedSignature>,
    /// Whether there are more than the limit allowed.
    pub truncated: bool,
}

/// A signature that was read, or why it could not be.
#[derive(Debug)]
pub struct InspectedSignature {
    /// The signature's manifest.
    pub manifest: Descriptor,
    /// The envelope, of which nothing is proven.
    pub envelope: Result<Envelope, InspectError>,
}

/// Why a signature could not be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InspectError {
    /// It could not be fetched.
    #[error(transparent)]
    Fetch(#[from] RegistryError),
    /// It is not a well-formed envelope.
    #[error(transparent)]
    Envelope(#[from] apostille_signature::Error),
}

/// Reads at most `limit` signatures of `subject`. One that cannot be read does not hide the others.
///
/// # Errors
/// The signatures cannot be listed.
pub async fn inspect_artifact(
    store: &dyn ArtifactStore,
    subject: &Descriptor,
    limit: usize,
) -> Result<InspectedArtifact, RegistryError> {
    let list = store.signatures(subject, limit).await?;
    let mut signatures = Vec::with_capacity(list.manifests.len());
    for manifest in list.manifests {
        let envelope = read(store, &manifest).await;
        signatures.push(InspectedSignature { manifest, envelope });
    }
    Ok(InspectedArtifact {
        signatures,
        truncated: list.truncated,
    })
}

async fn read(store: &dyn ArtifactStore, manifest: &Descriptor) -> Result<Envelope, InspectError> {
    let stored = store.fetch_signature(manifest).await?;
    let format = EnvelopeFormat::from_media_type(&stored.media_type)?;
    Ok(Envelope::parse(format, &stored.envelope)?)
}
