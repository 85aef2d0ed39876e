//! The envelopes of `testdata/vectors`, made without our code: each verifies, or fails by the rule that it breaks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use apostille_signature::{Envelope, EnvelopeFormat};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    file: String,
    why: String,
    /// Words of the error; nothing for an envelope that verifies.
    expect: Option<String>,
}

fn read(name: &str) -> Vec<u8> {
    let path = support::testdata().join("vectors").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Integrity, and the rules for certificates at the signing time.
fn judge(vector: &Vector) -> Result<(), String> {
    let format = if vector.file.ends_with(".jws") {
        EnvelopeFormat::Jws
    } else {
        EnvelopeFormat::Cose
    };
    let verified = Envelope::parse(format, &read(&vector.file))
        .and_then(Envelope::verify_integrity)
        .map_err(|error| error.to_string())?;
    verified
        .certificate_chain()
        .check_code_signing(Some(verified.signing_time()))
        .map_err(|error| error.to_string())
}

#[test]
fn each_vector_verifies_or_fails_by_the_rule_that_it_breaks() {
    let vectors: Vec<Vector> = serde_json::from_slice(&read("vectors.json")).unwrap();
    assert!(vectors.len() >= 150);
    let mut surprises = Vec::new();
    for vector in &vectors {
        let verdict = judge(vector);
        let as_expected = match (&verdict, &vector.expect) {
            (Ok(()), None) => true,
            (Err(error), Some(words)) => error.contains(words.as_str()),
            _ => false,
        };
        if !as_expected {
            surprises.push(format!(
                "{} ({}): expected {:?}, found {verdict:?}",
                vector.file, vector.why, vector.expect
            ));
        }
    }
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
}
