//! What can be wrong with a trust store.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::anchor::MAX_ANCHORS;
use super::directory::MAX_FILES;
use super::{StoreReference, StoreType};

/// A trust store that cannot be used or changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no store of this name.
    #[error("the trust store {store} does not exist; make it with `apostille certificate add --type {} --store {} FILE`", .store.store_type, .store.name)]
    NotFound {
        /// The store.
        store: StoreReference,
    },
    /// A store without certificates trusts nobody, which nobody means.
    #[error("the trust store {store} has no certificates; add one with `apostille certificate add --type {} --store {} FILE`", .store.store_type, .store.name)]
    Empty {
        /// The store.
        store: StoreReference,
    },
    /// The store's path is a file or a symbolic link.
    #[error("the trust store {} is not a directory; symbolic links are not followed", .path.display())]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
    /// Something in the store is a symbolic link, a device or a socket.
    #[error("{} is not a regular file; symbolic links are not followed in trust stores: copy the certificate there", .path.display())]
    NotARegularFile {
        /// The path.
        path: PathBuf,
    },
    /// The operating system refused to hand over a file or directory.
    #[error("cannot read {}", .path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file that holds no certificates, or broken ones.
    #[error("{} is not a file of certificates in PEM or DER: {source}", .path.display())]
    NotCertificates {
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        source: notary_x509::Error,
    },
    /// A certificate that is no trust anchor.
    #[error(
        "the certificate \"{subject}\" in {origin} cannot be trusted as {store_type}: {reason}"
    )]
    NotAnAnchor {
        /// The certificate's subject.
        subject: String,
        /// The file, or whatever the certificate came from.
        origin: String,
        /// What it was to be trusted for.
        store_type: StoreType,
        /// Which rule it breaks.
        reason: &'static str,
    },
    /// More files than [`MAX_FILES`] in one store.
    #[error("the trust store {} has more than {MAX_FILES} files", .path.display())]
    TooManyFiles {
        /// The store's directory.
        path: PathBuf,
    },
    /// More certificates than [`MAX_ANCHORS`] in one store.
    #[error("the trust store {store} has more than {MAX_ANCHORS} certificates")]
    TooManyCertificates {
        /// The store.
        store: StoreReference,
    },
    /// A file of that name is in the store already; it is never overwritten.
    #[error("{} exists already; delete it first, or give the new file another name", .path.display())]
    FileExists {
        /// The path.
        path: PathBuf,
    },
    /// There is no such file in the store.
    #[error("the trust store {store} has no file `{file}`")]
    NoSuchFile {
        /// The store.
        store: StoreReference,
        /// The file's name.
        file: String,
    },
    /// A name that does not name a file inside the store.
    #[error(
        "`{file}` is not the name of a file in a trust store: no separators, control characters or leading dot"
    )]
    BadFileName {
        /// The name.
        file: String,
    },
    /// The operating system refused to write or remove something.
    #[error("cannot change {}", .path.display())]
    Unwritable {
        /// The path.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}
