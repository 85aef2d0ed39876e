//! Trust policies: which signatures are demanded of which artifacts, and from whom.
//!
//! A document is read in two steps. [`OciTrustPolicy::parse`] and [`BlobTrustPolicy::parse`] take
//! the JSON and check every rule of the specification; what they return cannot break one. A
//! verifier then asks for the one statement that applies.

mod blob;
mod error;
mod file;
mod json;
mod level;
mod oci;
mod position;
mod schema;
mod scope;
mod source;
mod statement;
mod validate;

pub use blob::BlobTrustPolicy;
pub use error::{PolicyError, PolicyRule, Violation};
pub use file::{BLOB_POLICY_FILE, LEGACY_OCI_POLICY_FILE, OCI_POLICY_FILE, read_policy_file};
pub use json::MAX_POLICY_SIZE;
pub use level::{Action, Check, Level, SignatureVerification, VerifyTimestamp};
pub use oci::OciTrustPolicy;
pub use position::Position;
pub use schema::{PolicySchemaFile, blob_schema, oci_schema, schema_files};
pub use scope::{RegistryScopes, is_repository};
pub use statement::{
    ApplicableStatement, BlobStatement, MatchedBy, OciStatement, PolicyWarning, TrustStatement,
};
pub use validate::MAX_IDENTITIES;
