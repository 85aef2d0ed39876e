//! Whatever is done to a message, schema and type agree on whether it still is one.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use crate::{VALIDATORS, example, schema_accepts, type_accepts};

/// Values on one side or the other of some rule.
fn interesting_values() -> Vec<Value> {
    let texts = [
        "",
        " ",
        "a",
        "1",
        "1.0",
        "1.1",
        "1.65535",
        "1.65536",
        "2.0",
        "3.1",
        "1.0\n",
        "a.",
        "-a",
        "con.x",
        "com10",
        "é",
        "RSA-2048",
        "RSA-3072",
        "RSA-4096",
        "EC-256",
        "EC-384",
        "EC-521",
        "SHA-256",
        "SHA-384",
        "SHA-512",
        "RSASSA-PSS-SHA-256",
        "ECDSA-SHA-256",
        "ECDSA-SHA-384",
        "application/jose+json",
        "application/cose",
        "application/vnd.cncf.notary.payload.v1+json",
        "notary.x509",
        "notary.x509.signingAuthority",
        "SIGNATURE_VERIFIER.TRUSTED_IDENTITY",
        "SIGNATURE_GENERATOR.RAW",
        "VALIDATION_ERROR",
        "QUFB",
        "QUE=",
        "QQ==",
        "QQ=",
        "QQ",
        "QR==",
        "QUF=",
        "Q=Q=",
        "QUFB\n",
        "\nQ\rU\nE\n=",
        "QQ=\n=\n",
        "=",
        "\n",
        "Q U E =",
        "0001-01-01T00:00:00Z",
        "2026-01-31T12:00:00Z",
        "2026-02-29T12:00:00Z",
        "2024-02-29T12:00:00Z",
        "2026-01-31T12:00:00.123456789+23:59",
        "2026-01-31T12:00:00.1234567890Z",
        "2026-01-31T12:00:00-00:00",
        "0000-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "2026-01-31T23:59:60Z",
        "2026-01-31T12:00:00+24:00",
    ];
    let mut values: Vec<Value> = texts.iter().map(|text| json!(text)).collect();
    for length in [63, 64, 65, 96, 132, 256] {
        let tail = ["", "QQ==", "QUE="][length % 3];
        values.push(json!(format!("{}{tail}", "QUFB".repeat(length / 3))));
    }
    values.extend([
        Value::Null,
        json!(true),
        json!(false),
        json!(0),
        json!(-1),
        json!(60),
        json!(60.0),
        json!(1.5),
        json!(9_007_199_254_740_991_u64),
        json!(9_007_199_254_740_992_u64),
        json!(u64::MAX),
        json!(1e300),
        json!([]),
        json!({}),
        json!([""]),
        json!(["1.0"]),
        json!(["1.0", "2.0"]),
        json!(["1.0", "1.1"]),
        json!(["2.0", "2.1", "1.0"]),
        json!(["QUFB"]),
        json!([null]),
        json!({ "a": "b" }),
        json!({ "a": null }),
        json!({ "success": true }),
        json!({ "success": false }),
        json!({ "success": false, "reason": "r" }),
    ]);
    values
}

/// One change of one value somewhere in a message.
#[derive(Debug, Clone)]
enum Change {
    Replace(Value),
    Remove,
    Rename(Rename),
    Add(String, Value),
    Edit(Index, char),
}

#[derive(Debug, Clone, Copy)]
enum Rename {
    Upper,
    Capital,
    LongS,
    Kelvin,
    Suffix,
}

impl Rename {
    fn of(self, name: &str) -> String {
        match self {
            Self::Upper => name.to_uppercase(),
            Self::Capital => name
                .chars()
                .take(1)
                .flat_map(char::to_uppercase)
                .chain(name.chars().skip(1))
                .collect(),
            Self::LongS => name.replace('s', "ſ"),
            Self::Kelvin => name.replace('k', "\u{212A}"),
            Self::Suffix => format!("{name}x"),
        }
    }
}

fn changes() -> impl Strategy<Value = Change> {
    let renames = select(vec![
        Rename::Upper,
        Rename::Capital,
        Rename::LongS,
        Rename::Kelvin,
        Rename::Suffix,
    ]);
    let characters = select(vec!['A', '=', '\n', '/', '.', '0', ' ', 'é']);
    prop_oneof![
        6 => select(interesting_values()).prop_map(Change::Replace),
        2 => Just(Change::Remove),
        1 => renames.prop_map(Change::Rename),
        1 => ("[a-zA-Z]{0,3}", select(interesting_values())).prop_map(|(name, value)| Change::Add(name, value)),
        3 => (any::<Index>(), characters).prop_map(|(position, character)| Change::Edit(position, character)),
    ]
}

/// Every place in a message, as JSON pointers.
fn places(value: &Value, place: &str, found: &mut Vec<String>) {
    found.push(place.to_owned());
    match value {
        Value::Object(attributes) => {
            for (name, value) in attributes {
                let name = name.replace('~', "~0").replace('/', "~1");
                places(value, &format!("{place}/{name}"), found);
            }
        }
        Value::Array(elements) => {
            for (index, value) in elements.iter().enumerate() {
                places(value, &format!("{place}/{index}"), found);
            }
        }
        _ => {}
    }
}

fn apply(message: &mut Value, place: Index, change: Change) {
    let mut found = Vec::new();
    places(message, "", &mut found);
    let pointer = place.get(&found);
    match (change, message.pointer_mut(pointer).unwrap()) {
        (Change::Replace(value), place) => *place = value,
        (Change::Add(name, value), Value::Object(attributes)) => {
            drop(attributes.insert(name, value))
        }
        (Change::Add(_, value), Value::Array(elements)) => elements.push(value),
        (Change::Edit(position, character), Value::String(text)) => {
            let mut characters: Vec<char> = text.chars().collect();
            characters.insert(position.index(characters.len() + 1), character);
            *text = characters.into_iter().collect();
        }
        (change @ (Change::Remove | Change::Rename(_)), _) => {
            let Some((parent, name)) = pointer.rsplit_once('/') else {
                return;
            };
            let name = name.replace("~1", "/").replace("~0", "~");
            match message.pointer_mut(parent).unwrap() {
                Value::Object(attributes) => {
                    let value = attributes.remove(&name).unwrap();
                    if let Change::Rename(rename) = change {
                        attributes.insert(rename.of(&name), value);
                    }
                }
                Value::Array(elements) => drop(elements.remove(name.parse().unwrap())),
                _ => {}
            }
        }
        _ => {}
    }
}

fn messages() -> impl Strategy<Value = String> {
    select(VALIDATORS.keys().cloned().collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn schema_and_type_agree(
        message in messages(),
        changes in proptest::collection::vec((any::<Index>(), changes()), 1..4)
    ) {
        let mut value = example(&message);
        for (place, change) in changes {
            apply(&mut value, place, change);
        }
        let accepted = type_accepts(&message, &value);
        prop_assert_eq!(
            schema_accepts(&message, &value), accepted.is_ok(),
            "{}: the type says {:?} of {}", message, accepted, value
        );
    }
}
