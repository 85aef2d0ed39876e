//! Everything that can go wrong between here and a store.

use std::fmt;
use std::io;
use std::path::PathBuf;

use apostille_artifact::{ContentMismatch, Digest, Tag};

use crate::manifest::SignatureManifestError;

/// Why a store could not do what it was asked for.
///
/// `place` is what a user calls the store: `registry/repository`, or the path of a layout.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// There is nothing by that name.
    #[error(
        "{what} was not found in {place}; check the name, the tag or digest, and that you may read it"
    )]
    NotFound {
        /// The tag, digest or blob that was asked for.
        what: String,
        /// The store.
        place: String,
    },
    /// The store has other bytes under a name than the name says. Either it is damaged, or somebody
    /// tampered with it.
    #[error(
        "{place} gave the wrong content for {what}: {source}; the store or somebody on the way changed it, so nothing of it is used"
    )]
    ContentMismatch {
        /// The tag or digest that was asked for.
        what: String,
        /// The store.
        place: String,
        /// How the content differs.
        source: ContentMismatch,
    },
    /// Something is larger than is ever read or written.
    #[error("{what} in {place} is larger than {limit} bytes, the most that is read or written")]
    TooLarge {
        /// What is too large.
        what: String,
        /// The store.
        place: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// A manifest that was to be a signature is none.
    #[error("{manifest} in {place} is not a Notary Project signature: {reason}")]
    NotASignature {
        /// The manifest.
        manifest: Digest,
        /// The store.
        place: String,
        /// What is wrong with it.
        #[source]
        reason: SignatureManifestError,
    },
    /// Something does not have the form that its specification gives it.
    #[error("{what} in {place} is malformed: {reason}")]
    Malformed {
        /// What it is.
        what: String,
        /// The store.
        place: String,
        /// What is wrong with it.
        reason: Malformed,
    },
    /// A file of a layout could not be read, written or locked.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// What was tried: `read`, `write` or `lock`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The path does not lead to an OCI layout.
    #[error("{} is not an OCI image layout: {reason}", .path.display())]
    NotALayout {
        /// The path.
        path: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// A layout's index gives one tag to several manifests.
    #[error(
        "the tag {tag} names several different manifests in {place}; use the digest of the one that you mean"
    )]
    AmbiguousTag {
        /// The tag.
        tag: Tag,
        /// The layout.
        place: String,
    },
    /// Another process holds the lock of a layout.
    #[error("{} is being written by another process, which does not finish; nothing was changed in its index", .path.display())]
    Locked {
        /// The layout.
        path: PathBuf,
    },
}

/// In which way something does not have the form that its specification gives it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Malformed {
    /// It is not JSON, or not of the expected structure.
    Json(serde_json::Error),
    /// It is neither a manifest nor an index.
    NotAManifest,
    /// It is not an index: an object with a list `manifests`.
    NotAnIndex,
    /// It reaches more manifests than are ever looked at.
    TooManyManifests,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => error.fmt(f),
            Self::NotAManifest => f.write_str("it is neither a manifest nor an index"),
            Self::NotAnIndex => f.write_str("it is not an image index"),
            Self::TooManyManifests => {
                write!(
                    f,
                    "it reaches more than {} manifests",
                    crate::limits::MAX_SCANNED_MANIFESTS
                )
            }
        }
    }
}

impl RegistryError {
    pub(crate) fn malformed(
        what: impl fmt::Display,
        place: impl Into<String>,
        reason: Malformed,
    ) -> Self {
        Self::Malformed {
            what: what.to_string(),
            place: place.into(),
            reason,
        }
    }
}
