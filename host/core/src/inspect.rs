//! Reading the signatures of an artifact without proving anything.

use std::time::Duration;

use apostille_artifact::Descriptor;
use apostille_registry::{ArtifactStore, RegistryError};
use apostille_signature::{Envelope, EnvelopeFormat};
use thiserror::Error;

use crate::patience::Patience;

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
    /// The signatures of the artifact took too long to arrive.
    #[error(
        "it had not arrived when the store had taken {} s for the signatures of the artifact, the most that it is given",
        .whole.as_secs()
    )]
    TooSlow {
        /// How long all of them may take.
        whole: Duration,
    },
    /// It is not a well-formed envelope.
    #[error(transparent)]
    Envelope(#[from] apostille_signature::Error),
}

/// Reads at most `limit` signatures of `subject`, which may take `patience` to arrive. One that cannot be read does
/// not hide the others.
///
/// # Errors
/// The signatures cannot be listed.
pub async fn inspect_artifact(
    store: &dyn ArtifactStore,
    subject: &Descriptor,
    limit: usize,
    patience: Duration,
) -> Result<InspectedArtifact, RegistryError> {
    let list = store.signatures(subject, limit).await?;
    let mut patience = Patience::new(patience);
    let mut signatures = Vec::with_capacity(list.manifests.len());
    for manifest in list.manifests {
        let envelope = read(store, &manifest, &mut patience).await;
        signatures.push(InspectedSignature { manifest, envelope });
    }
    Ok(InspectedArtifact {
        signatures,
        truncated: list.truncated,
    })
}

async fn read(
    store: &dyn ArtifactStore,
    manifest: &Descriptor,
    patience: &mut Patience,
) -> Result<Envelope, InspectError> {
    let stored = patience.fetch(store, manifest).await?;
    let format = EnvelopeFormat::from_media_type(&stored.media_type)?;
    Ok(Envelope::parse(format, &stored.envelope)?)
}
