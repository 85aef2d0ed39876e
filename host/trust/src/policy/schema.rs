//! JSON Schemas (2020-12) of both documents, for editors and other tools.
//!
//! A schema cannot say that names are unique or that identities do not overlap, so a document that
//! satisfies it may still be refused; a document that it refuses is never accepted.

use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema, schema_for};
use serde_json::{Value, json};

use super::source::{BlobSource, OciSource};

/// The schema of `trustpolicy.oci.json`.
#[must_use]
pub fn oci_schema() -> Schema {
    without_null(schema_for!(OciSource))
}

/// The schema of `trustpolicy.blob.json`.
#[must_use]
pub fn blob_schema() -> Schema {
    without_null(schema_for!(BlobSource))
}

/// What every schema's `$id` starts with.
const BASE: &str = "https://github.com/apostille/apostille/host/trust/schemas/";

/// A schema as it is published in `schemas/` of this crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySchemaFile {
    /// The name of the file.
    pub file_name: &'static str,
    /// The schema, as formatted JSON with a newline at its end.
    pub content: String,
}

/// The published schemas: what [`oci_schema`] and [`blob_schema`] say, with an `$id`.
#[must_use]
pub fn schema_files() -> [PolicySchemaFile; 2] {
    [
        ("trustpolicy.oci.schema.json", oci_schema()),
        ("trustpolicy.blob.schema.json", blob_schema()),
    ]
    .map(|(file_name, mut schema)| {
        schema.insert("$id".to_owned(), format!("{BASE}{file_name}").into());
        PolicySchemaFile {
            file_name,
            content: format!("{:#}\n", schema.to_value()),
        }
    })
}

/// Null is read as absence, but nobody should be offered to write it.
fn without_null(mut schema: Schema) -> Schema {
    let mut drop_null = RecursiveTransform(|schema: &mut Schema| {
        if let Some(Value::Array(values)) = schema.get_mut("enum") {
            values.retain(|value| !value.is_null());
        }
        let Some(Value::Array(types)) = schema.get_mut("type") else {
            return;
        };
        types.retain(|name| name != "null");
        if let [one] = types.as_slice() {
            let one = one.clone();
            schema.insert("type".to_owned(), one);
        }
    });
    drop_null.transform(&mut schema);
    schema
}

/// Statements that verify anything need trust stores and identities.
pub(super) fn trust_unless_skipped(schema: &mut Schema) {
    let skips = json!({"properties": {"signatureVerification": {"properties": {"level": {"const": "skip"}}}}});
    schema.insert("if".to_owned(), skips);
    schema.insert(
        "then".to_owned(),
        json!({"properties": {"trustStores": {"maxItems": 0}, "trustedIdentities": {"maxItems": 0}}}),
    );
    schema.insert(
        "else".to_owned(),
        json!({
            "required": ["trustStores", "trustedIdentities"],
            "properties": {"trustStores": {"minItems": 1}, "trustedIdentities": {"minItems": 1}},
        }),
    );
}

#[derive(JsonSchema)]
#[schemars(inline)]
pub(super) enum Version {
    #[schemars(rename = "1.0")]
    _V1,
}

#[derive(JsonSchema)]
#[schemars(inline)]
pub(super) enum LevelName {
    #[schemars(rename = "strict")]
    _Strict,
    #[schemars(rename = "permissive")]
    _Permissive,
    #[schemars(rename = "audit")]
    _Audit,
    #[schemars(rename = "skip")]
    _Skip,
}

#[derive(JsonSchema)]
#[schemars(inline)]
pub(super) enum VerifyTimestampName {
    #[schemars(rename = "always")]
    _Always,
    #[schemars(rename = "afterCertExpiry")]
    _AfterCertExpiry,
}

#[derive(JsonSchema)]
#[schemars(inline)]
pub(super) struct Scope(
    #[schemars(regex(
        pattern = r"^(\*|(\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9_.-]+)(:[0-9]+)?(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)+)$"
    ))]
    #[allow(dead_code)]
    String,
);

#[derive(JsonSchema)]
#[schemars(inline)]
pub(super) struct TrustStore(
    #[schemars(regex(
        pattern = r"^(ca|signingAuthority|tsa):(\.?[a-zA-Z0-9_-]|\.\.[a-zA-Z0-9_.-])[a-zA-Z0-9_.-]*$"
    ))]
    #[allow(dead_code)]
    String,
);

#[derive(JsonSchema)]
#[schemars(inline)]
pub(super) struct Identity(
    #[schemars(regex(pattern = r"^(\*|[^:]*:.*)$"))]
    #[allow(dead_code)]
    String,
);

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code)]
pub(super) struct Override {
    authenticity: Option<EnforceOrLog>,
    authentic_timestamp: Option<EnforceOrLog>,
    expiry: Option<EnforceOrLog>,
    revocation: Option<EnforceLogOrSkip>,
}

#[derive(JsonSchema)]
#[schemars(inline)]
enum EnforceOrLog {
    #[schemars(rename = "enforce")]
    _Enforce,
    #[schemars(rename = "log")]
    _Log,
}

#[derive(JsonSchema)]
#[schemars(inline)]
enum EnforceLogOrSkip {
    #[schemars(rename = "enforce")]
    _Enforce,
    #[schemars(rename = "log")]
    _Log,
    #[schemars(rename = "skip")]
    _Skip,
}
