//! Content-addressed artifacts: how they are named, and how one knows that the right bytes came.
//!
//! A container image, a Helm chart or a signature lies in a registry under the hash of its bytes, its
//! [`Digest`]. Whoever knows the digest can fetch the bytes from anybody and check them; this is what a
//! signature rests on: it is made over a [`Descriptor`] (media type, digest and size), never over a
//! name. Names move: a [`Tag`] points to another digest tomorrow, so a tag is resolved once and the
//! digest is used from then on.
//!
//! ```
//! use apostille_artifact::{Descriptor, DigestAlgorithm, Reference};
//!
//! // What a person types names a registry, a repository in it, and a tag or a digest.
//! let reference: Reference = "registry.example.com:5000/team/app:v1".parse()?;
//! assert_eq!(reference.registry().as_str(), "registry.example.com:5000");
//! assert_eq!(reference.repository().as_str(), "team/app");
//! assert!(reference.digest().is_none());
//!
//! // What is signed is a descriptor of exact bytes.
//! let manifest = br#"{"schemaVersion":2}"#;
//! let descriptor = Descriptor::of(
//!     "application/vnd.oci.image.manifest.v1+json",
//!     DigestAlgorithm::Sha256,
//!     manifest,
//! );
//! assert!(descriptor.check(manifest).is_ok());
//! assert!(descriptor.check(br#"{"schemaVersion":3}"#).is_err());
//!
//! // From here on the artifact goes by its digest.
//! let pinned = reference.with_digest(descriptor.digest.clone());
//! assert!(pinned.to_string().starts_with("registry.example.com:5000/team/app@sha256:"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The formats are those of the [OCI image specification] (digests and descriptors) and of the
//! [OCI distribution specification] (repository names and tags). This crate does no input or output
//! and allocates no more than a constant times what it is given.
//!
//! [OCI image specification]: https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md
//! [OCI distribution specification]: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
#![forbid(unsafe_code)]

mod descriptor;
mod digest;
mod layout_reference;
mod name;
mod reference;

pub use descriptor::{ContentMismatch, Descriptor, Platform};
pub use digest::{Digest, DigestAlgorithm, DigestError, Digester};
pub use layout_reference::LayoutReference;
pub use name::{MAX_NAME_LEN, MAX_TAG_LEN, Registry, Repository, Tag};
pub use reference::{Reference, ReferenceError, Selector};
