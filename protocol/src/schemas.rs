//! The JSON Schemas (2020-12) of all messages, made from the types that write them.
//!
//! Behind the feature `schemas`: plugins do not pay for it. What the types accept the schemas accept
//! and the reverse, but for what JSON Schema cannot say: that no attribute occurs twice, that a
//! message is at most 64 MiB, and that there is one contract version per major version from 4 on.

mod examples;

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

use crate::algorithm::{HashAlgorithm, KeySpec, SigningAlgorithm};
use crate::command::{Capability, Command};
use crate::error_response::{ErrorCode, ErrorResponse};
use crate::json::MAX_EXACT_NUMBER;
use crate::key_id::{KeyId, PluginConfig};
use crate::messages::{AttributeValue, Message, Request};
use crate::name::PluginName;
use crate::timestamp::Timestamp;
use crate::version::ContractVersion;
use crate::{
    DescribeKeyRequest, GenerateEnvelopeRequest, GenerateSignatureRequest,
    GetPluginMetadataRequest, VerifySignatureRequest,
};

/// What every schema's `$id` starts with.
const BASE: &str = "https://github.com/apostille/apostille/protocol/schemas/1.0/";

/// The schema of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaFile {
    /// `<command>.request.json`, `<command>.response.json` or `error.json`.
    pub file_name: String,
    /// The schema, as formatted JSON with a newline at its end.
    pub content: String,
}

/// The schemas of all messages of contract 1.0.
#[must_use]
pub fn all() -> Vec<SchemaFile> {
    let mut files = Vec::new();
    command::<GetPluginMetadataRequest>(&mut files);
    command::<DescribeKeyRequest>(&mut files);
    command::<GenerateSignatureRequest>(&mut files);
    command::<GenerateEnvelopeRequest>(&mut files);
    command::<VerifySignatureRequest>(&mut files);
    files.push(file::<ErrorResponse>(
        "error.json".to_owned(),
        examples::errors(),
    ));
    files
}

fn command<R>(files: &mut Vec<SchemaFile>)
where
    R: Request + JsonSchema,
    R::Response: JsonSchema,
{
    let command: Command = R::COMMAND;
    let (requests, responses) = examples::of(command);
    files.push(file::<R>(format!("{command}.request.json"), requests));
    files.push(file::<R::Response>(
        format!("{command}.response.json"),
        responses,
    ));
}

fn file<T: Message + JsonSchema>(file_name: String, examples: Vec<Value>) -> SchemaFile {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert("$id".to_owned(), format!("{BASE}{file_name}").into());
    schema.insert("title".to_owned(), T::NAME.into());
    schema.insert("examples".to_owned(), examples.into());
    let ordered = Ordered(schema.as_value());
    let mut content = match serde_json::to_string_pretty(&ordered) {
        Ok(content) => content,
        Err(error) => unreachable!("a schema is JSON already: {error}"),
    };
    content.push('\n');
    SchemaFile { file_name, content }
}

/// JSON with the attributes of objects in an order that does not depend on how maps are built: what
/// a reader of a schema wants to see first, then the rest by name.
struct Ordered<'a>(&'a Value);

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const FIRST: [&str; 7] = [
            "$schema",
            "$id",
            "title",
            "description",
            "type",
            "required",
            "properties",
        ];
        let rank = |name: &str| {
            FIRST
                .iter()
                .position(|first| *first == name)
                .unwrap_or(FIRST.len())
        };
        match self.0 {
            Value::Array(elements) => serializer.collect_seq(elements.iter().map(Ordered)),
            Value::Object(attributes) => {
                let mut attributes: Vec<_> = attributes.iter().collect();
                attributes.sort_by_key(|(name, _)| (rank(name), name.as_str()));
                let mut map = serializer.serialize_map(Some(attributes.len()))?;
                for (name, value) in attributes {
                    map.serialize_entry(name, &Ordered(value))?;
                }
                map.end()
            }
            // Descriptions come from comments, where lines end for other reasons.
            Value::String(text) => serializer.serialize_str(&text.replace('\n', " ")),
            primitive => primitive.serialize(serializer),
        }
    }
}

/// Gives a message the schema of the structure that writes it.
macro_rules! described_by {
    ($message:ty => $wire:ty) => {
        impl schemars::JsonSchema for $message {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($message).into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                <$wire>::json_schema(generator)
            }
        }
    };
}
pub(crate) use described_by;

/// Gives a type of this crate a schema that stands where it is used.
macro_rules! inline {
    ($type:ty, $schema:expr) => {
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

/// 0 to 65535 without leading zeros.
const U16: &str =
    "(?:0|[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])";

inline!(
    ContractVersion,
    json_schema!({ "type": "string", "pattern": format!(r"^1\.{U16}$") })
);
inline!(KeyId, json_schema!({ "type": "string", "minLength": 1 }));
inline!(
    PluginConfig,
    json_schema!({ "type": "object", "additionalProperties": { "type": "string" } })
);
inline!(
    AttributeValue,
    json_schema!({ "type": ["string", "number", "boolean", "null"] })
);
inline!(
    Capability,
    json_schema!({
        "type": "string",
        "minLength": 1,
        "examples": Capability::KNOWN.iter().map(Capability::as_str).collect::<Vec<_>>(),
    })
);
inline!(
    ErrorCode,
    json_schema!({
        "type": "string",
        "minLength": 1,
        "examples": ErrorCode::KNOWN.iter().map(ErrorCode::as_str).collect::<Vec<_>>(),
    })
);
inline!(
    PluginName,
    json_schema!({
        "type": "string",
        "maxLength": PluginName::MAX_LEN,
        "pattern": "^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?$",
        "not": {
            "description": "A device name of Windows.",
            "pattern": r"^(?:[cC][oO][nN]|[pP][rR][nN]|[aA][uU][xX]|[nN][uU][lL]|(?:[cC][oO][mM]|[lL][pP][tT])[0-9])(?:\.|$)",
        },
    })
);
inline!(
    Timestamp,
    json_schema!({
        "type": "string",
        "format": "date-time",
        "pattern": concat!(
            "^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])",
            "T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,9})?",
            "(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$"
        ),
    })
);

/// Base64 of at least one byte, line breaks anywhere.
pub(crate) fn base64() -> Schema {
    let group = base64_characters(4);
    json_schema!({
        "type": "string",
        "contentEncoding": "base64",
        "pattern": format!("^(?:(?:{group})*(?:{}|{})|(?:{group})+)[\\r\\n]*$", tail(1), tail(2)),
    })
}

/// Base64 of this many bytes.
fn base64_of_length(bytes: usize) -> String {
    let (group, groups) = (base64_characters(4), bytes / 3);
    let tail = tail(bytes % 3);
    format!("^(?:{group}){{{groups}}}{tail}[\\r\\n]*$")
}

fn base64_characters(count: usize) -> String {
    format!("(?:[\\r\\n]*[A-Za-z0-9+/]){{{count}}}")
}

/// The last group, which stands for one or two bytes: unused bits are zero, padding is there.
fn tail(bytes: usize) -> String {
    match bytes {
        1 => format!("{}[\\r\\n]*[AQgw](?:[\\r\\n]*=){{2}}", base64_characters(1)),
        2 => format!(
            "{}[\\r\\n]*[AEIMQUYcgkosw048][\\r\\n]*=",
            base64_characters(2)
        ),
        _ => String::new(),
    }
}

pub(crate) fn positive_number(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "integer", "minimum": 1, "maximum": MAX_EXACT_NUMBER })
}

/// A number of seconds, as every JSON implementation keeps it.
pub(crate) struct Seconds;

inline!(
    Seconds,
    json_schema!({ "type": "integer", "minimum": 0, "maximum": MAX_EXACT_NUMBER })
);

/// Well-formed versions, 1.0 among them, one per major version. JSON Schema can only say the last
/// for given ones.
pub(crate) fn supported_contract_versions(_: &mut SchemaGenerator) -> Schema {
    let once = (0..4).map(|major| {
        json!({
            "contains": { "type": "string", "pattern": format!("^{major}\\.") },
            "minContains": 0,
            "maxContains": 1,
        })
    });
    json_schema!({
        "type": "array",
        "items": { "type": "string", "pattern": format!(r"^{U16}\.{U16}$") },
        "contains": { "const": ContractVersion::V1_0.to_string() },
        "allOf": once.collect::<Vec<_>>(),
    })
}

/// An attribute whose name differs from a known one in nothing but the case of letters is refused:
/// some implementations take one for the other.
pub(crate) fn refuse_case_variants(schema: &mut Schema) {
    let Some(Value::Object(properties)) = schema.get("properties") else {
        return;
    };
    let names: Vec<String> = properties.keys().cloned().collect();
    let any_case: Vec<String> = names
        .iter()
        .map(|name| name.chars().map(any_case).collect())
        .collect();
    schema.insert(
        "propertyNames".to_owned(),
        json!({
            "anyOf": [
                { "enum": names },
                { "not": { "pattern": format!("^(?:{})$", any_case.join("|")) } },
            ],
        }),
    );
}

fn any_case(letter: char) -> String {
    let (lower, upper) = (letter.to_ascii_lowercase(), letter.to_ascii_uppercase());
    match lower {
        's' => "[sSſ]".to_owned(),
        'k' => "[kK\u{212A}]".to_owned(),
        _ => format!("[{lower}{upper}]"),
    }
}

/// `hashAlgorithm` follows from `keySpec`.
pub(crate) fn pair_hash_with_key_spec(schema: &mut Schema) {
    let rules = HashAlgorithm::ALL.iter().map(|hash| {
        let specs: Vec<&KeySpec> = KeySpec::ALL
            .iter()
            .filter(|spec| spec.hash_algorithm() == *hash)
            .collect();
        json!({
            "if": { "properties": { "keySpec": { "enum": specs } } },
            "then": { "properties": { "hashAlgorithm": { "const": hash } } },
        })
    });
    schema.insert("allOf".to_owned(), rules.collect());
}

/// The length of `signature` follows from `signingAlgorithm`.
pub(crate) fn fix_signature_length(schema: &mut Schema) {
    let rules = SigningAlgorithm::ALL.iter().map(|algorithm| {
        let length = algorithm.key_spec().signature_len();
        json!({
            "if": { "properties": { "signingAlgorithm": { "const": algorithm } } },
            "then": {
                "properties": {
                    "signature": {
                        "description": format!("{length} bytes."),
                        "pattern": base64_of_length(length),
                    },
                },
            },
        })
    });
    schema.insert("allOf".to_owned(), rules.collect());
}

/// A check that failed has a reason.
pub(crate) fn demand_reason_for_failure(schema: &mut Schema) {
    schema.insert(
        "if".to_owned(),
        json!({ "properties": { "success": { "const": false } } }),
    );
    schema.insert(
        "then".to_owned(),
        json!({
            "required": ["reason"],
            "properties": { "reason": { "type": "string", "minLength": 1 } },
        }),
    );
}
