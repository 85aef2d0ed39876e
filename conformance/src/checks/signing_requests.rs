//! `generate-signature`: payloads of all kinds, requests that contradict the key, and many requests.

use super::asking::{
    DESCRIBE_KEY, GENERATE_SIGNATURE, PROBE_PAYLOAD, VALIDATION_ERROR, needs, refused,
};
use super::generate_signature::{Signed, request, signature_verifies, signed};
use super::{Check, Checked, Stop, hygiene, kept};
use crate::subject::STAND_IN_KEY;
use crate::{Stdin, Subject};
use notary_plugin_protocol::KeySpec;
use serde_json::{Value, json};

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("NP-GS-114", |subject| signature_verifies(subject, BINARY)),
    ("NP-GS-115", |subject| signature_verifies(subject, b"\n")),
    ("NP-GS-120", another_hash_is_a_validation_error),
    ("NP-GS-121", another_key_spec_is_a_validation_error),
    ("NP-GS-122", unknown_key_is_a_validation_error),
    ("NP-GS-124", two_signatures_verify),
    ("NP-GS-200", |subject| {
        signature_verifies(subject, &vec![b'a'; LARGE])
    }),
    ("NP-GS-201", a_payload_as_long_as_a_digest_is_hashed),
    ("NP-GS-211", unknown_attributes_are_ignored),
    ("NP-GS-212", request_in_several_lines),
    ("NP-GS-213", two_at_once),
    ("NP-GS-214", many_in_a_row),
    ("NP-GS-215", the_chain_stays_the_same),
];

/// Not text: a plugin that treats the payload as a string, or cuts it at a NUL, is found out.
const BINARY: &[u8] = b"\x84jSignature1\x00conformance\xff\xfe\x0d\x0aprobe\x80\x00";

/// Larger than what many services accept at once; plugins hash and send the digest.
const LARGE: usize = 200_000;

fn with(mut request: Value, name: &str, value: Value) -> Value {
    if let Some(members) = request.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
    request
}

fn another_hash_is_a_validation_error(subject: &Subject) -> Checked {
    let (spec, request) = request(subject, PROBE_PAYLOAD)?;
    let other = if spec.hash_algorithm().as_str() == "SHA-512" {
        "SHA-256"
    } else {
        "SHA-512"
    };
    let request = with(request, "hashAlgorithm", json!(other));
    refused(
        &subject.request(GENERATE_SIGNATURE, &request)?,
        &[VALIDATION_ERROR],
    )
}

fn another_key_spec_is_a_validation_error(subject: &Subject) -> Checked {
    let (spec, _) = request(subject, PROBE_PAYLOAD)?;
    let other = if spec == KeySpec::Ec384 {
        KeySpec::Rsa3072
    } else {
        KeySpec::Ec384
    };
    let id = &super::asking::key(subject)?.id;
    let request = subject.generate_signature_request(id, other, PROBE_PAYLOAD);
    refused(
        &subject.request(GENERATE_SIGNATURE, &request)?,
        &[VALIDATION_ERROR],
    )
}

fn unknown_key_is_a_validation_error(subject: &Subject) -> Checked {
    let (_, request) = request(subject, PROBE_PAYLOAD)?;
    let request = with(request, "keyId", json!(STAND_IN_KEY));
    refused(
        &subject.request(GENERATE_SIGNATURE, &request)?,
        &[VALIDATION_ERROR],
    )
}

/// Asks again with a request as text; the signature must verify.
fn signs(subject: &Subject, request: &str) -> Checked {
    let usual = signed(subject, PROBE_PAYLOAD)?;
    usual.form().map_err(Stop::elsewhere)?;
    let run = subject.run(GENERATE_SIGNATURE, Stdin::Bytes(request.as_bytes()))?;
    run.answer_in_any_form()?;
    Signed { run, ..usual }.form()?;
    Ok(())
}

fn two_signatures_verify(subject: &Subject) -> Checked {
    let (_, request) = request(subject, PROBE_PAYLOAD)?;
    signs(subject, &request.to_string())
}

/// A plugin that takes such a payload for the digest itself signs something else.
fn a_payload_as_long_as_a_digest_is_hashed(subject: &Subject) -> Checked {
    let (spec, _) = request(subject, PROBE_PAYLOAD)?;
    let payload = vec![b'd'; spec.hash_algorithm().output_len()];
    signature_verifies(subject, &payload)
}

fn unknown_attributes_are_ignored(subject: &Subject) -> Checked {
    let (_, request) = request(subject, PROBE_PAYLOAD)?;
    let request = with(request, "attributeOfALaterContract", json!({ "a": [null] }));
    signs(subject, &request.to_string())
}

fn request_in_several_lines(subject: &Subject) -> Checked {
    let (_, request) = request(subject, PROBE_PAYLOAD)?;
    signs(subject, &format!("{request:#}\n"))
}

fn two_at_once(subject: &Subject) -> Checked {
    let (_, request) = request(subject, PROBE_PAYLOAD)?;
    signed(subject, PROBE_PAYLOAD)?
        .form()
        .map_err(Stop::elsewhere)?;
    for run in hygiene::both_at_once(subject, GENERATE_SIGNATURE, request.to_string().as_bytes())? {
        run.answer_in_any_form()?;
        let usual = signed(subject, PROBE_PAYLOAD)?;
        Signed { run, ..usual }.form()?;
    }
    Ok(())
}

fn many_in_a_row(subject: &Subject) -> Checked {
    let (_, request) = request(subject, PROBE_PAYLOAD)?;
    for number in 2..=subject.repetitions() {
        signs(subject, &request.to_string()).map_err(|stop| match stop {
            Stop::Broken(seen) => Stop::Broken(format!("run {number}: {seen}")),
            other => other,
        })?;
    }
    Ok(())
}

fn the_chain_stays_the_same(subject: &Subject) -> Checked {
    needs(subject, DESCRIBE_KEY)?;
    let first = signed(subject, PROBE_PAYLOAD)?.certificates()?;
    let second = signed(subject, BINARY)?.certificates()?;
    let same = first
        .iter()
        .map(|one| one.as_der())
        .eq(second.iter().map(|one| one.as_der()));
    kept(same, || {
        "two signatures with one key come with two chains".to_owned()
    })
}
