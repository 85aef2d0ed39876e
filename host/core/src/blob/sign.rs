//! Signing a blob.

use apostille_signature::{Payload, SignedEnvelope};
use notary_plugin_protocol::HashAlgorithm;

use super::content::Blob;
use crate::sign::{SignError, SignOptions, make_envelope};
use crate::signer::Signer;

/// Signs `blob` as something of this media type. Storing the envelope is for the caller.
///
/// The signer is asked for its key spec first, since that decides how the blob is hashed; the blob is read once.
///
/// # Errors
/// See [`SignError`].
pub async fn sign_blob(
    blob: Blob,
    media_type: &str,
    signer: &dyn Signer,
    options: &SignOptions,
) -> Result<SignedEnvelope, SignError> {
    let key_spec = signer.key_spec().await?;
    let hash: HashAlgorithm = key_spec.hash_algorithm();
    let found = blob.digest_aside(hash).await?;
    let payload = Payload::new(&found.descriptor(media_type), options.metadata.clone())
        .map_err(SignError::Request)?;
    let made = make_envelope(payload, Some(key_spec), signer, options).await?;
    Ok(made.envelope)
}
