//! OCI image layouts: a registry's content as files in a directory.
//!
//! ```text
//! layout/
//!   oci-layout               {"imageLayoutVersion":"1.0.0"}
//!   index.json               the entry points; a tag is an annotation of an entry
//!   blobs/sha256/<hex>       manifests, configurations, layers, envelopes, each under its digest
//! ```
//!
//! See the [image layout specification](https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md).

mod index;
mod new_image;
mod scan;

pub use new_image::SingleLayerImage;

use std::path::{Path, PathBuf};

use apostille_artifact::{Descriptor, Digest, DigestAlgorithm, Selector};
use futures::future::BoxFuture;

use crate::error::{Malformed, RegistryError};
use crate::files;
use crate::limits::{MAX_ENVELOPE_LEN, MAX_MANIFEST_LEN};
use crate::manifest::{EMPTY_CONFIG, SignatureManifest, SignatureParts, media_type_of};
use crate::store::{ArtifactStore, NewSignature, PushedSignature, SignatureList, StoredSignature};

/// An OCI image layout in a directory.
///
/// Writers of one layout may run at the same time, also in different processes: blobs are written under
/// their digest, and `index.json` is replaced in one step under a lock (on the `oci-layout` file), so
/// that a reader sees the old or the new index and no writer's entry is lost.
///
/// ```
/// use apostille_artifact::{Selector, Tag};
/// use apostille_registry::{ArtifactStore, OciLayout};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let directory = tempfile::tempdir()?;
/// let tag: Tag = "v1".parse()?;
/// let (layout, image) = OciLayout::create(&directory.path().join("app"), &tag, b"the only layer")?;
///
/// assert_eq!(layout.resolve(&Selector::Tag(tag)).await?, image);
/// assert!(layout.signatures(&image, 100).await?.manifests.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct OciLayout {
    root: PathBuf,
}

impl OciLayout {
    /// Opens the layout in the directory `root`.
    ///
    /// # Errors
    /// [`RegistryError::NotALayout`] if `root` is no directory with an `oci-layout` file of version 1.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, RegistryError> {
        let layout = Self { root: root.into() };
        files::check_version(&layout.root)?;
        Ok(layout)
    }

    /// The layout's directory.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// What error messages call this layout.
    fn place(&self) -> String {
        self.root.display().to_string()
    }

    fn resolve_now(&self, selector: &Selector) -> Result<Descriptor, RegistryError> {
        let found = match selector {
            Selector::Tag(tag) => index::tagged(self, tag)?,
            Selector::Digest(digest) => self.find_digest(digest)?,
        };
        let found = found.ok_or_else(|| RegistryError::NotFound {
            what: selector.to_string(),
            place: self.place(),
        })?;
        self.read_blob(&found, MAX_MANIFEST_LEN)?;
        Ok(found.content_only())
    }

    fn find_digest(&self, digest: &Digest) -> Result<Option<Descriptor>, RegistryError> {
        if let Some(known) = scan::manifests(self)?
            .into_iter()
            .find(|manifest| manifest.digest == *digest)
        {
            return Ok(Some(known));
        }
        // A layout may hold a manifest that its index does not reach.
        let Some(bytes) = files::read_optional(&self.blob_path(digest), MAX_MANIFEST_LEN)? else {
            return Ok(None);
        };
        let media_type = media_type_of(&bytes).ok_or_else(|| {
            RegistryError::malformed(digest, self.place(), Malformed::NotAManifest)
        })?;
        Ok(Some(Descriptor::new(
            media_type,
            digest.clone(),
            bytes.len() as u64,
        )))
    }

    fn fetch_signature_now(&self, manifest: &Descriptor) -> Result<StoredSignature, RegistryError> {
        let bytes = self.read_blob(manifest, MAX_MANIFEST_LEN)?;
        let parsed = SignatureManifest::parse(&manifest.media_type, &bytes).map_err(|reason| {
            RegistryError::NotASignature {
                manifest: manifest.digest.clone(),
                place: self.place(),
                reason,
            }
        })?;
        let envelope = self.read_blob(&parsed.envelope, MAX_ENVELOPE_LEN)?;
        Ok(StoredSignature {
            manifest: manifest.clone(),
            subject: parsed.subject,
            annotations: parsed.annotations,
            media_type: parsed.envelope.media_type,
            envelope,
        })
    }

    fn push_signature_now(
        &self,
        subject: &Descriptor,
        signature: &NewSignature,
    ) -> Result<PushedSignature, RegistryError> {
        crate::store::check_envelope_len(signature, &self.place())?;
        self.read_blob(subject, MAX_MANIFEST_LEN)?;
        let parts = SignatureParts::new(subject, signature).map_err(|error| {
            RegistryError::malformed("the new manifest", self.place(), Malformed::Json(error))
        })?;
        self.write_blob(&parts.envelope, &signature.envelope)?;
        self.write_blob(&parts.config, EMPTY_CONFIG)?;
        self.write_blob(&parts.manifest, &parts.manifest_bytes)?;
        index::add(self, &parts.manifest)?;
        Ok(PushedSignature {
            manifest: parts.manifest,
            warnings: Vec::new(),
        })
    }

    fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.root
            .join("blobs")
            .join(digest.algorithm().as_str())
            .join(digest.hex())
    }

    /// Reads a blob that must be there, at most `limit` bytes of it, and compares it with its descriptor.
    fn read_blob(&self, blob: &Descriptor, limit: u64) -> Result<Vec<u8>, RegistryError> {
        if blob.size > limit {
            return Err(RegistryError::TooLarge {
                what: blob.digest.to_string(),
                place: self.place(),
                limit,
            });
        }
        let bytes =
            files::read_optional(&self.blob_path(&blob.digest), limit)?.ok_or_else(|| {
                RegistryError::NotFound {
                    what: format!("the blob {}", blob.digest),
                    place: self.place(),
                }
            })?;
        blob.check(&bytes)
            .map_err(|source| RegistryError::ContentMismatch {
                what: blob.digest.to_string(),
                place: self.place(),
                source,
            })?;
        Ok(bytes)
    }

    fn write_blob(&self, blob: &Descriptor, bytes: &[u8]) -> Result<(), RegistryError> {
        let path = self.blob_path(&blob.digest);
        // A damaged file under the right name is replaced; a good one is left alone.
        if let Ok(Some(existing)) = files::read_optional(&path, blob.size)
            && blob.check(&existing).is_ok()
        {
            return Ok(());
        }
        files::replace(&path, bytes)
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, RegistryError> + Send + 'static,
    ) -> Result<T, RegistryError> {
        let layout = self.clone();
        match tokio::task::spawn_blocking(move || work(&layout)).await {
            Ok(result) => result,
            Err(error) => Err(RegistryError::Io {
                action: "read",
                path: self.root.clone(),
                source: std::io::Error::other(error),
            }),
        }
    }
}

impl ArtifactStore for OciLayout {
    fn resolve<'a>(
        &'a self,
        selector: &'a Selector,
    ) -> BoxFuture<'a, Result<Descriptor, RegistryError>> {
        let selector = selector.clone();
        Box::pin(self.blocking(move |layout| layout.resolve_now(&selector)))
    }

    fn signatures<'a>(
        &'a self,
        subject: &'a Descriptor,
        limit: usize,
    ) -> BoxFuture<'a, Result<SignatureList, RegistryError>> {
        let subject = subject.digest.clone();
        Box::pin(self.blocking(move |layout| scan::signatures(layout, &subject, limit)))
    }

    fn fetch_signature<'a>(
        &'a self,
        manifest: &'a Descriptor,
    ) -> BoxFuture<'a, Result<StoredSignature, RegistryError>> {
        let manifest = manifest.clone();
        Box::pin(self.blocking(move |layout| layout.fetch_signature_now(&manifest)))
    }

    fn push_signature<'a>(
        &'a self,
        subject: &'a Descriptor,
        signature: &'a NewSignature,
    ) -> BoxFuture<'a, Result<PushedSignature, RegistryError>> {
        let (subject, signature) = (subject.clone(), signature.clone());
        Box::pin(self.blocking(move |layout| layout.push_signature_now(&subject, &signature)))
    }

    fn fetch_manifest<'a>(
        &'a self,
        manifest: &'a Descriptor,
    ) -> BoxFuture<'a, Result<Vec<u8>, RegistryError>> {
        let manifest = manifest.clone();
        Box::pin(self.blocking(move |layout| layout.read_blob(&manifest, MAX_MANIFEST_LEN)))
    }
}

/// Layouts are written with the algorithm that registries use.
const ALGORITHM: DigestAlgorithm = DigestAlgorithm::Sha256;
