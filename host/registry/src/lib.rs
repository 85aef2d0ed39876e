//! OCI registries and OCI image layouts as stores of artifacts and of the signatures that refer to them.
//!
//! A signature is stored beside what it signs, as an artifact of its own: the envelope is a blob, and a
//! small manifest names the blob as its only layer and the signed artifact as its `subject`. Whoever
//! knows the artifact's digest asks the store for the manifests that refer to it:
//!
//! * a registry with the *referrers API* keeps that list itself;
//! * for a registry without it, clients keep an index under the *referrers tag* `sha256-<hex>`;
//! * in an *OCI layout*, a directory of files, one looks through the manifests that its index names.
//!
//! [`ArtifactStore`] hides the difference. It answers with descriptors and bytes that were compared with
//! their digests, and within fixed limits ([`limits`]); it does not verify signatures.
//!
//! ```
//! use apostille_artifact::Tag;
//! use apostille_registry::{ArtifactStore, NewSignature, OciLayout};
//! use time::OffsetDateTime;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("app");
//! let (layout, image) = OciLayout::create(&path, &"v1".parse::<Tag>()?, b"the only layer")?;
//!
//! // The envelope comes from a signer; here it only has to be some bytes.
//! let signature = NewSignature::new(
//!     "application/jose+json",
//!     b"{}".to_vec(),
//!     &[[0; 32]],
//!     OffsetDateTime::now_utc(),
//!     Default::default(),
//! );
//! let pushed = layout.push_signature(&image, &signature).await?;
//!
//! let listed = layout.signatures(&image, 100).await?;
//! assert_eq!(listed.manifests, [pushed.manifest.clone()]);
//! assert_eq!(layout.fetch_signature(&pushed.manifest).await?.envelope, b"{}");
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod credentials;
mod error;
mod files;
mod layout;
pub mod limits;
mod manifest;
pub mod media_type;
mod remote;
mod store;

pub use credentials::{Credential, CredentialSource, CredentialsError, Secret, StoredCredentials};
pub use error::{Attempt, Malformed, Operation, RegistryError};
pub use layout::{OciLayout, SingleLayerImage};
pub use manifest::SignatureManifestError;
pub use remote::{
    PlainHttp, Proxies, RegistryClient, RegistryOptions, RemoteRepository, server_name,
};
pub use store::{
    ArtifactStore, NewSignature, PushWarning, PushedSignature, SignatureList, StoredSignature,
};
