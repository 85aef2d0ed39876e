//! apostille-trust
#![forbid(unsafe_code)]
pub mod identity;
pub mod policy;
pub mod revocation;
pub mod store;
pub mod verify;
