//! The published schemas against the types, with an independent validator: both accept the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod schemas {
    pub(crate) mod agreement;
    pub(crate) mod near_misses;
    pub(crate) mod specification;
}

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use jsonschema::Validator;
use notary_plugin_protocol::schemas::all;
use notary_plugin_protocol::{
    DescribeKeyRequest, DescribeKeyResponse, ErrorResponse, GenerateEnvelopeRequest,
    GenerateEnvelopeResponse, GenerateSignatureRequest, GenerateSignatureResponse,
    GetPluginMetadataRequest, Message, PluginMetadata, VerifySignatureRequest,
    VerifySignatureResponse,
};
use serde_json::Value;

/// Every schema by its file name without `.json`.
static VALIDATORS: LazyLock<BTreeMap<String, Validator>> = LazyLock::new(|| {
    let validator = |content: &str| {
        jsonschema::options()
            .should_validate_formats(true)
            .build(&serde_json::from_str(content).unwrap())
            .unwrap()
    };
    all()
        .into_iter()
        .map(|file| {
            let name = file.file_name.strip_suffix(".json").unwrap().to_owned();
            (name, validator(&file.content))
        })
        .collect()
});

fn schema_accepts(message: &str, value: &Value) -> bool {
    VALIDATORS[message].is_valid(value)
}

/// Whether the type of a message accepts it, and if not, why.
fn type_accepts(message: &str, value: &Value) -> Result<(), String> {
    fn read<T: Message>(bytes: &[u8]) -> Result<(), String> {
        T::from_json(bytes)
            .map(drop)
            .map_err(|error| error.to_string())
    }
    let bytes = value.to_string().into_bytes();
    match message {
        "get-plugin-metadata.request" => read::<GetPluginMetadataRequest>(&bytes),
        "get-plugin-metadata.response" => read::<PluginMetadata>(&bytes),
        "describe-key.request" => read::<DescribeKeyRequest>(&bytes),
        "describe-key.response" => read::<DescribeKeyResponse>(&bytes),
        "generate-signature.request" => read::<GenerateSignatureRequest>(&bytes),
        "generate-signature.response" => read::<GenerateSignatureResponse>(&bytes),
        "generate-envelope.request" => read::<GenerateEnvelopeRequest>(&bytes),
        "generate-envelope.response" => read::<GenerateEnvelopeResponse>(&bytes),
        "verify-signature.request" => read::<VerifySignatureRequest>(&bytes),
        "verify-signature.response" => read::<VerifySignatureResponse>(&bytes),
        "error" => read::<ErrorResponse>(&bytes),
        other => panic!("no message is called {other}"),
    }
}

/// The first example in a message's schema.
fn example(message: &str) -> Value {
    let file = all()
        .into_iter()
        .find(|file| file.file_name == format!("{message}.json"))
        .unwrap();
    let schema: Value = serde_json::from_str(&file.content).unwrap();
    schema["examples"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone()
}

#[test]
fn the_published_files_are_what_the_types_say() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/1.0");
    let mut expected = Vec::new();
    for file in all() {
        let published =
            std::fs::read_to_string(directory.join(&file.file_name)).unwrap_or_default();
        assert!(
            published == file.content,
            "{} is stale: run `cargo xtask schemas`",
            file.file_name
        );
        expected.push(file.file_name);
    }
    let mut published: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    expected.sort();
    published.sort();
    assert_eq!(published, expected);
}

#[test]
fn every_schema_is_one_of_2020_12_with_id_title_description_and_examples_that_validate() {
    for file in all() {
        let schema: Value = serde_json::from_str(&file.content).unwrap();
        assert!(jsonschema::meta::is_valid(&schema), "{}", file.file_name);
        assert_eq!(
            schema["$schema"],
            "https://json-schema.org/draft/2020-12/schema"
        );
        assert!(schema["$id"].as_str().unwrap().ends_with(&file.file_name));
        assert!(!schema["title"].as_str().unwrap().is_empty());
        assert!(!schema["description"].as_str().unwrap().is_empty());
        let message = file.file_name.strip_suffix(".json").unwrap();
        let examples = schema["examples"].as_array().unwrap();
        assert!(!examples.is_empty());
        for example in examples {
            assert!(schema_accepts(message, example), "{message}: {example}");
            type_accepts(message, example).unwrap();
        }
    }
}

#[test]
fn every_attribute_is_described() {
    fn undescribed(schema: &Value, path: &str, found: &mut Vec<String>) {
        for (name, attribute) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}/{name}");
            if attribute["description"]
                .as_str()
                .unwrap_or_default()
                .is_empty()
            {
                found.push(path.clone());
            }
            undescribed(attribute, &path, found);
            undescribed(&attribute["additionalProperties"], &path, found);
        }
    }
    let mut found = Vec::new();
    for file in all() {
        undescribed(
            &serde_json::from_str(&file.content).unwrap(),
            &file.file_name,
            &mut found,
        );
    }
    assert_eq!(found, Vec::<String>::new());
}
