//! What holds for every command: arguments, standard input and output, exit codes.

use super::{failed_with, verdict};
use crate::{HarnessError, Stdin, Subject, Verdict};
use serde_json::{Value, json};

const METADATA: &str = "get-plugin-metadata";

pub(super) fn success_prints_one_json_object(subject: &Subject) -> Result<Verdict, HarnessError> {
    let execution = subject.request(METADATA, &subject.metadata_request())?;
    Ok(verdict(execution.answer().map(|_| ())))
}

pub(super) fn unknown_command_fails_silently(subject: &Subject) -> Result<Verdict, HarnessError> {
    let execution = subject.request("no-such-command", &json!({}))?;
    let failed = execution.status.is_some_and(|status| !status.success());
    Ok(Verdict::of(failed && execution.stdout.is_empty(), || {
        execution.described()
    }))
}

/// The command whose malformed requests are tried: the first that a signer implements.
const WITH_REQUIRED_ATTRIBUTES: [(&str, &str); 3] = [
    ("SIGNATURE_GENERATOR.RAW", "describe-key"),
    ("SIGNATURE_GENERATOR.ENVELOPE", "generate-envelope"),
    ("SIGNATURE_VERIFIER.", "verify-signature"),
];

fn command_with_required_attributes(
    subject: &Subject,
) -> Result<Option<&'static str>, HarnessError> {
    let metadata = subject.metadata()?.unwrap_or_default();
    let capabilities: Vec<&str> = metadata
        .get("capabilities")
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    Ok(WITH_REQUIRED_ATTRIBUTES
        .into_iter()
        .find(|(capability, _)| {
            capabilities
                .iter()
                .any(|found| found.starts_with(capability))
        })
        .map(|(_, command)| command))
}

fn malformed_request(subject: &Subject, stdin: Stdin<'_>) -> Result<Verdict, HarnessError> {
    match command_with_required_attributes(subject)? {
        Some(command) => Ok(failed_with(
            &subject.run(command, stdin)?,
            "VALIDATION_ERROR",
        )),
        None => Ok(Verdict::Skip {
            reason: "the plugin declares no capability with a command that has required attributes"
                .to_owned(),
        }),
    }
}

pub(super) fn missing_request_is_a_validation_error(
    subject: &Subject,
) -> Result<Verdict, HarnessError> {
    malformed_request(subject, Stdin::Empty)
}

pub(super) fn request_that_is_not_json_is_a_validation_error(
    subject: &Subject,
) -> Result<Verdict, HarnessError> {
    malformed_request(subject, Stdin::Bytes(b"sign this please"))
}

pub(super) fn request_in_several_lines_is_read(subject: &Subject) -> Result<Verdict, HarnessError> {
    let mut request = subject.metadata_request();
    if let Some(members) = request.as_object_mut() {
        members.entry("pluginConfig").or_insert_with(|| json!({}));
    }
    let pretty = format!("{request:#}\n");
    let execution = subject.run(METADATA, Stdin::Bytes(pretty.as_bytes()))?;
    Ok(verdict(execution.answer().map(|_| ())))
}

pub(super) fn unknown_attributes_are_ignored(subject: &Subject) -> Result<Verdict, HarnessError> {
    let mut request = subject.metadata_request();
    if let Some(members) = request.as_object_mut() {
        members.insert(
            "attributeOfALaterContract".to_owned(),
            json!({ "nested": [1, null] }),
        );
    }
    Ok(verdict(
        subject.request(METADATA, &request)?.answer().map(|_| ()),
    ))
}
