//! Trust policy documents as they stand in their files.
//!
//! Everything is optional here, so that what is missing is reported by the rule that asks for it;
//! the attributes for the JSON Schema say what a valid document has. Members that are not known are
//! tolerated: one file may serve verifiers of several versions.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{MapAccess, Visitor};

use super::schema::{
    Identity, LevelName, Override, Scope, TrustStore, VerifyTimestampName, Version,
    trust_unless_skipped,
};

/// A trust policy for container images and other artifacts in OCI registries and layouts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "Notary Project OCI trust policy")]
pub(super) struct OciSource {
    /// The version of the trust policy format.
    #[schemars(required, with = "Version")]
    pub(super) version: Option<String>,
    /// The statements; exactly one applies to an artifact.
    #[schemars(required, with = "Vec<OciStatementSource>", length(min = 1))]
    pub(super) trust_policies: Option<Vec<OciStatementSource>>,
}

/// A trust policy for arbitrary files.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "Notary Project blob trust policy")]
pub(super) struct BlobSource {
    /// The version of the trust policy format.
    #[schemars(required, with = "Version")]
    pub(super) version: Option<String>,
    /// The statements; a verifier picks one by name or takes the global one.
    #[schemars(required, with = "Vec<BlobStatementSource>", length(min = 1))]
    pub(super) trust_policies: Option<Vec<BlobStatementSource>>,
}

/// What is demanded of signatures on the artifacts of some repositories.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "OciStatement", transform = trust_unless_skipped)]
pub(super) struct OciStatementSource {
    /// The name of the statement, unique in the document.
    #[schemars(required, with = "String", length(min = 1))]
    pub(super) name: Option<String>,
    /// The fully qualified repositories that the statement is for, such as
    /// `registry.example/net/monitor`, or the one value `*` for every artifact that no other
    /// statement names.
    #[schemars(required, with = "Vec<Scope>", length(min = 1))]
    pub(super) registry_scopes: Option<Vec<String>>,
    /// How much is demanded.
    #[schemars(required, with = "VerificationSource")]
    pub(super) signature_verification: Option<VerificationSource>,
    /// The trust stores whose certificates are trusted, as `type:name`. Not with the level `skip`.
    #[schemars(with = "Option<Vec<TrustStore>>")]
    pub(super) trust_stores: Option<Vec<String>>,
    /// Who may sign: `*`, or subjects such as `x509.subject: C=US, ST=WA, O=Example`. Not with the
    /// level `skip`.
    #[schemars(with = "Option<Vec<Identity>>")]
    pub(super) trusted_identities: Option<Vec<String>>,
}

/// What is demanded of signatures on files.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "BlobStatement", transform = trust_unless_skipped)]
pub(super) struct BlobStatementSource {
    /// The name of the statement, unique in the document; a verifier picks a statement by it.
    #[schemars(required, with = "String", length(min = 1))]
    pub(super) name: Option<String>,
    /// Whether this statement applies when the verifier names none. At most one statement may say so.
    #[schemars(with = "Option<bool>")]
    pub(super) global_policy: Option<bool>,
    /// How much is demanded.
    #[schemars(required, with = "VerificationSource")]
    pub(super) signature_verification: Option<VerificationSource>,
    /// The trust stores whose certificates are trusted, as `type:name`. Not with the level `skip`.
    #[schemars(with = "Option<Vec<TrustStore>>")]
    pub(super) trust_stores: Option<Vec<String>>,
    /// Who may sign: `*`, or subjects such as `x509.subject: C=US, ST=WA, O=Example`. Not with the
    /// level `skip`.
    #[schemars(with = "Option<Vec<Identity>>")]
    pub(super) trusted_identities: Option<Vec<String>>,
}

/// How much is demanded of a signature.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SignatureVerification")]
pub(super) struct VerificationSource {
    /// `strict` enforces every check; `permissive` only logs failures of timestamp, expiry and
    /// revocation; `audit` enforces integrity alone; `skip` verifies nothing.
    #[schemars(required, with = "LevelName")]
    pub(super) level: Option<String>,
    /// Checks that are treated otherwise than the level says. Not with the level `skip`.
    #[serde(rename = "override")]
    #[schemars(with = "Option<Override>")]
    pub(super) overrides: Option<OverrideSource>,
    /// When the timestamp countersignature is verified, given that `trustStores` names a `tsa`
    /// store: always (the default), or only once a certificate of the signer has expired.
    #[schemars(with = "Option<VerifyTimestampName>")]
    pub(super) verify_timestamp: Option<String>,
}

/// The pairs of `override` in the order in which they stand, repetitions included.
#[derive(Debug, Default)]
pub(super) struct OverrideSource(pub(super) Vec<(String, String)>);

impl<'de> Deserialize<'de> for OverrideSource {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = OverrideSource;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of checks and actions")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(OverrideSource(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}
