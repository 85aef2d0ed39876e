//! `describe-key`.

use super::asking::{
    DESCRIBE_KEY, VALIDATION_ERROR, answered, described, described_spec, key, needs, refused,
};
use super::{Check, Checked, Stop, kept};
use crate::subject::STAND_IN_KEY;
use crate::{Stdin, Subject};
use serde_json::{Value, json};

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("NP-DK-080", known_key_has_one_of_six_specs),
    ("NP-DK-084", unknown_key_is_a_validation_error),
    ("NP-DK-088", two_runs_are_equal),
    ("NP-DK-089", key_id_is_echoed),
    ("NP-DK-202", escaped_key_id_is_the_same_key),
    ("NP-DK-207", odd_key_ids_are_validation_errors),
    ("NP-DK-208", unknown_attributes_are_ignored),
    ("NP-DK-209", attributes_in_another_order),
    ("NP-DK-211", request_in_several_lines),
];

/// The answer for the key; without one, the rule on the schema says so.
fn answer(subject: &Subject) -> Result<Value, Stop> {
    needs(subject, DESCRIBE_KEY)?;
    key(subject)?;
    described(subject)?
        .answer_in_any_form()
        .map_err(Stop::elsewhere)
}

fn known_key_has_one_of_six_specs(subject: &Subject) -> Checked {
    let answer = answer(subject)?;
    let spec = answer.get("keySpec").and_then(Value::as_str);
    let spec = spec.ok_or_else(|| Stop::elsewhere("there is no keySpec".to_owned()))?;
    kept(described_spec(subject)?.is_some(), || {
        format!("keySpec {spec:?} is not one of the six")
    })
}

fn key_id_is_echoed(subject: &Subject) -> Checked {
    let answer = answer(subject)?;
    let id = &key(subject)?.id;
    let echoed = answer.get("keyId").and_then(Value::as_str);
    let echoed = echoed.ok_or_else(|| Stop::elsewhere("there is no keyId".to_owned()))?;
    kept(echoed == id, || {
        format!("keyId {echoed:?} does not echo {id:?}")
    })
}

fn unknown_key_is_a_validation_error(subject: &Subject) -> Checked {
    needs(subject, DESCRIBE_KEY)?;
    key(subject)?;
    let request = subject.describe_key_request(STAND_IN_KEY);
    refused(
        &subject.request(DESCRIBE_KEY, &request)?,
        &[VALIDATION_ERROR],
    )
}

fn two_runs_are_equal(subject: &Subject) -> Checked {
    let first = answer(subject)?;
    let request = subject.describe_key_request(&key(subject)?.id);
    let again = subject
        .request(DESCRIBE_KEY, &request)?
        .answer_in_any_form()?;
    kept(first == again, || format!("first {first}, then {again}"))
}

/// Runs with a request as text, and expects the answer of the usual request.
fn same_answer(subject: &Subject, request: &str) -> Checked {
    let usual = answer(subject)?;
    let run = subject.run(DESCRIBE_KEY, Stdin::Bytes(request.as_bytes()))?;
    let found = answered(&run)?;
    kept(found.get("keySpec") == usual.get("keySpec"), || {
        format!("usually {usual}, now {found}")
    })
}

fn escaped_key_id_is_the_same_key(subject: &Subject) -> Checked {
    let id = &key(subject)?.id;
    let escaped: String = id
        .encode_utf16()
        .map(|unit| format!("\\u{unit:04x}"))
        .collect();
    let plain = subject.describe_key_request(id).to_string();
    let quoted = json!(id).to_string();
    same_answer(
        subject,
        &plain.replace(
            &format!("\"keyId\":{quoted}"),
            &format!("\"keyId\":\"{escaped}\""),
        ),
    )
}

/// Ids that are no ids of any key store, and that break carelessly built requests to one.
const ODD_IDS: [&str; 5] = [
    "../../../../etc/passwd",
    "no such\nkey\u{0}",
    "%2e%2e%2fkey?x=1#y",
    "schlüssel-鍵-\u{1f511}",
    "';--\"${IFS}`id`",
];

fn odd_key_ids_are_validation_errors(subject: &Subject) -> Checked {
    needs(subject, DESCRIBE_KEY)?;
    key(subject)?;
    let long = "k".repeat(100_000);
    for id in ODD_IDS.into_iter().chain([long.as_str()]) {
        let run = subject.request(DESCRIBE_KEY, &subject.describe_key_request(id))?;
        kept(run.exited() && !run.succeeded(), || {
            format!("for an odd key id: {}", run.described())
        })?;
    }
    Ok(())
}

fn unknown_attributes_are_ignored(subject: &Subject) -> Checked {
    let mut request = subject.describe_key_request(&key(subject)?.id);
    if let Some(members) = request.as_object_mut() {
        members.insert("attributeOfALaterContract".to_owned(), json!([{}]));
    }
    same_answer(subject, &request.to_string())
}

fn attributes_in_another_order(subject: &Subject) -> Checked {
    let request = subject.describe_key_request(&key(subject)?.id);
    let members: Vec<String> = request
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{}:{value}", json!(name)))
        .collect();
    let mut reversed = members;
    reversed.reverse();
    same_answer(subject, &format!("{{{}}}", reversed.join(",")))
}

fn request_in_several_lines(subject: &Subject) -> Checked {
    let request = subject.describe_key_request(&key(subject)?.id);
    same_answer(subject, &format!("{request:#}\n"))
}
