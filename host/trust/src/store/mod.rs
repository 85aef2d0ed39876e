//! Trust stores: named sets of certificates that signatures are held against.
mod name;
pub use name::{MAX_STORE_NAME_LENGTH, StoreName, StoreNameError, StoreReference, StoreType};
