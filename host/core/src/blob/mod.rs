//! Signing and verifying plain files.
//!
//! A file is not named by its digest, and nothing is stored beside it but the envelope. What is signed is its
//! descriptor, whose digest is made with the hash of the signing key's algorithm.

mod content;
mod overlapped;
mod sign;
mod verify;

pub use content::{Blob, BlobDigest, BlobError};
pub use sign::sign_blob;
pub use verify::verify_blob;
