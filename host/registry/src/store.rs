//! What signing and verifying ask of a store, whichever kind it is.

use std::collections::BTreeMap;

use apostille_artifact::{Descriptor, Selector};
use futures::future::BoxFuture;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::RegistryError;
use crate::limits::MAX_ENVELOPE_LEN;
use crate::media_type::{CREATED_ANNOTATION, THUMBPRINT_ANNOTATION};

/// A place that holds artifacts and the signatures that refer to them: a repository in a registry
/// ([`RemoteRepository`](crate::RemoteRepository)) or an OCI layout on disk
/// ([`OciLayout`](crate::OciLayout)).
///
/// Nothing that a store returns is trusted by its word: content is compared with its digest and size
/// before a method returns it. That content is what somebody *signed* is for the verifier to find out.
pub trait ArtifactStore: Send + Sync {
    /// Finds out what a tag points to, or that there is an artifact with this digest. The manifest is
    /// read and hashed, and the descriptor carries media type, digest and size, no annotations.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`] if there is none, [`RegistryError::ContentMismatch`] if the store has
    /// other bytes under that name, and every way in which a store cannot be reached or read.
    fn resolve<'a>(
        &'a self,
        selector: &'a Selector,
    ) -> BoxFuture<'a, Result<Descriptor, RegistryError>>;

    /// Lists the signature manifests that refer to `subject`, at most `limit` of them. No signature is
    /// checked and no envelope fetched.
    ///
    /// # Errors
    /// The ways in which a store cannot be reached or read. No signature is an empty list.
    fn signatures<'a>(
        &'a self,
        subject: &'a Descriptor,
        limit: usize,
    ) -> BoxFuture<'a, Result<SignatureList, RegistryError>>;

    /// Fetches a signature: its manifest, which must have exactly one layer, and the envelope in it.
    ///
    /// # Errors
    /// [`RegistryError::NotASignature`], [`RegistryError::TooLarge`], [`RegistryError::ContentMismatch`],
    /// and the ways in which a store cannot be reached or read.
    fn fetch_signature<'a>(
        &'a self,
        manifest: &'a Descriptor,
    ) -> BoxFuture<'a, Result<StoredSignature, RegistryError>>;

    /// Stores a signature so that it refers to `subject`.
    ///
    /// # Errors
    /// [`RegistryError::TooLarge`] and the ways in which a store cannot be reached or written. After an
    /// error the signature is not listed; blobs that nothing refers to may remain.
    fn push_signature<'a>(
        &'a self,
        subject: &'a Descriptor,
        signature: &'a NewSignature,
    ) -> BoxFuture<'a, Result<PushedSignature, RegistryError>>;

    /// Fetches the bytes of a manifest or index, compared with its descriptor.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`], [`RegistryError::TooLarge`], [`RegistryError::ContentMismatch`], and
    /// the ways in which a store cannot be reached or read.
    fn fetch_manifest<'a>(
        &'a self,
        manifest: &'a Descriptor,
    ) -> BoxFuture<'a, Result<Vec<u8>, RegistryError>>;
}

/// The signatures of an artifact, as far as they were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureList {
    /// The signature manifests, in the store's order.
    pub manifests: Vec<Descriptor>,
    /// Whether there are more than the limit allowed.
    pub truncated: bool,
}

/// A signature as it lies in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredSignature {
    /// The signature's manifest.
    pub manifest: Descriptor,
    /// What the manifest says that it refers to. This is the store's word; only the envelope's payload
    /// says what was signed.
    pub subject: Option<Descriptor>,
    /// The manifest's annotations; nobody signed them.
    pub annotations: BTreeMap<String, String>,
    /// The media type of the envelope: `application/jose+json` or `application/cose`, or something else
    /// that the caller does not know.
    pub media_type: String,
    /// The envelope.
    pub envelope: Vec<u8>,
}

/// A signature to store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewSignature {
    /// The media type of the envelope.
    pub media_type: String,
    /// The envelope.
    pub envelope: Vec<u8>,
    /// The annotations of the signature manifest.
    pub annotations: BTreeMap<String, String>,
}

impl NewSignature {
    /// A signature with the two annotations that its manifest must have: the SHA-256 fingerprints of
    /// the certificate chain, leaf first (each over the certificate's DER), and the signing time.
    ///
    /// `annotations` are further ones, such as a plugin asks for; the two replace their namesakes.
    pub fn new(
        media_type: impl Into<String>,
        envelope: Vec<u8>,
        chain_fingerprints: &[[u8; 32]],
        signing_time: OffsetDateTime,
        mut annotations: BTreeMap<String, String>,
    ) -> Self {
        let fingerprints: Vec<String> = chain_fingerprints
            .iter()
            .map(|one| format!("\"{}\"", hex(one)))
            .collect();
        annotations.insert(
            THUMBPRINT_ANNOTATION.to_owned(),
            format!("[{}]", fingerprints.join(",")),
        );
        let created = signing_time.to_utc().truncate_to_second();
        // Only a year beyond 9999 cannot be written; such a time has no place in an annotation either.
        if let Ok(created) = created.format(&Rfc3339) {
            annotations.insert(CREATED_ANNOTATION.to_owned(), created);
        }
        Self {
            media_type: media_type.into(),
            envelope,
            annotations,
        }
    }
}

/// A signature that was stored.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PushedSignature {
    /// The signature's manifest.
    pub manifest: Descriptor,
    /// What did not succeed although the signature is stored and listed.
    pub warnings: Vec<PushWarning>,
}

/// Something that did not succeed although the signature is stored and listed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum PushWarning {
    /// The referrers index that the new one replaced is still there, without a tag.
    #[error(
        "the signature was pushed, but the referrers index {index} that it replaced could not be deleted from {place}: {reason}; it does no harm, and the registry's garbage collection may remove it"
    )]
    OldIndexRemains {
        /// The digest of the old index.
        index: apostille_artifact::Digest,
        /// The repository.
        place: String,
        /// Why it could not be deleted.
        reason: String,
    },
}

/// Refuses an envelope that nobody would read again.
pub(crate) fn check_envelope_len(
    signature: &NewSignature,
    place: &str,
) -> Result<(), RegistryError> {
    if signature.envelope.len() as u64 > MAX_ENVELOPE_LEN {
        let what = "the signature envelope".to_owned();
        return Err(RegistryError::TooLarge {
            what,
            place: place.to_owned(),
            limit: MAX_ENVELOPE_LEN,
        });
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn the_two_required_annotations_replace_a_plugins() {
        let from_plugin = BTreeMap::from([
            (THUMBPRINT_ANNOTATION.to_owned(), "forged".to_owned()),
            ("vendor.example/job".to_owned(), "7".to_owned()),
        ]);
        let signing_time = datetime!(2026-11-23 22:35:35.75 +1);
        let signature = NewSignature::new(
            "application/cose",
            vec![],
            &[[0xAB; 32], [0; 32]],
            signing_time,
            from_plugin,
        );
        let expected = format!(r#"["{}","{}"]"#, "ab".repeat(32), "00".repeat(32));
        assert_eq!(signature.annotations[THUMBPRINT_ANNOTATION], expected);
        assert_eq!(
            signature.annotations[CREATED_ANNOTATION],
            "2026-11-23T21:35:35Z"
        );
        assert_eq!(signature.annotations["vendor.example/job"], "7");
    }
}
