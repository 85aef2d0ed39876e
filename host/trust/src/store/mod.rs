//! Trust stores: named sets of certificates that signatures are held against.
//!
//! Without a policy that refers to it, a store confers no trust. [`DirectoryTrustStores`] keeps
//! stores as directories, in the layout that other Notary Project tools share.

mod anchor;
mod directory;
mod edit;
mod error;
mod name;

pub use anchor::{Anchor, MAX_ANCHORS, MemoryTrustStores, TrustStore, TrustStores, check_anchor};
pub use directory::{DirectoryTrustStores, MAX_FILES, StoreFiles};
pub use edit::AddedFile;
pub use error::StoreError;
pub use name::{MAX_STORE_NAME_LENGTH, StoreName, StoreNameError, StoreReference, StoreType};
