//! The Transit engine: keys, their versions, and signatures by them.

mod record;
mod signature;

pub(crate) use record::{KeyRecord, KeyVersion, kind_of};
pub(crate) use signature::{VersionedSignature, sign_request};
