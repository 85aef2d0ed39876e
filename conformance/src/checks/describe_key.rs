//! `describe-key`.

use super::{failed_with, no_key, verdict};
use crate::{HarnessError, Subject, Verdict};
use notary_plugin_protocol::KeySpec;
use serde_json::Value;

const COMMAND: &str = "describe-key";

/// An id that no key store holds.
const UNKNOWN_KEY: &str = "conformance-no-such-key-7f3a";

/// The key spec that the plugin answers for the given key.
pub(super) fn described(
    subject: &Subject,
    key_id: &str,
) -> Result<Result<KeySpec, String>, HarnessError> {
    let answer = subject
        .request(COMMAND, &subject.describe_key_request(key_id))?
        .answer();
    Ok(answer.and_then(|answer| {
        let echoed = answer.get("keyId").and_then(Value::as_str);
        if echoed != Some(key_id) {
            return Err(format!("keyId {echoed:?} does not echo {key_id:?}"));
        }
        let spec = answer
            .get("keySpec")
            .and_then(Value::as_str)
            .unwrap_or_default();
        spec.parse()
            .map_err(|_| format!("keySpec {spec:?} is not one of the six"))
    }))
}

pub(super) fn known_key_is_echoed_with_its_spec(
    subject: &Subject,
) -> Result<Verdict, HarnessError> {
    match subject.key() {
        Some(key) => Ok(verdict(described(subject, &key.id)?.map(|_| ()))),
        None => Ok(no_key()),
    }
}

pub(super) fn missing_key_id_is_a_validation_error(
    subject: &Subject,
) -> Result<Verdict, HarnessError> {
    if subject.key().is_none() {
        return Ok(no_key());
    }
    let mut request = subject.describe_key_request("");
    if let Some(members) = request.as_object_mut() {
        members.remove("keyId");
    }
    Ok(failed_with(
        &subject.request(COMMAND, &request)?,
        "VALIDATION_ERROR",
    ))
}

pub(super) fn unsupported_contract_version_has_its_code(
    subject: &Subject,
) -> Result<Verdict, HarnessError> {
    let Some(key) = subject.key() else {
        return Ok(no_key());
    };
    let mut request = subject.describe_key_request(&key.id);
    if let Some(version) = request.get_mut("contractVersion") {
        *version = Value::String("99.0".to_owned());
    }
    let execution = subject.request(COMMAND, &request)?;
    Ok(failed_with(&execution, "UNSUPPORTED_CONTRACT_VERSION"))
}

pub(super) fn unknown_key_is_a_validation_error(
    subject: &Subject,
) -> Result<Verdict, HarnessError> {
    if subject.key().is_none() {
        return Ok(no_key());
    }
    let request = subject.describe_key_request(UNKNOWN_KEY);
    Ok(failed_with(
        &subject.request(COMMAND, &request)?,
        "VALIDATION_ERROR",
    ))
}
