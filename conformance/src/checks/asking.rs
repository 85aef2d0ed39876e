//! What checks ask of a plugin: which commands it has, correct requests, and wrong ones.

use super::{Checked, Stop, kept};
use crate::rules::WrongRequest;
use crate::subject::{KeyUnderTest, STAND_IN_KEY};
use crate::{Execution, HarnessError, Subject};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notary_plugin_protocol::KeySpec;
use serde_json::{Value, json};

pub(super) const METADATA: &str = "get-plugin-metadata";
pub(super) const DESCRIBE_KEY: &str = "describe-key";
pub(super) const GENERATE_SIGNATURE: &str = "generate-signature";
pub(super) const GENERATE_ENVELOPE: &str = "generate-envelope";
pub(super) const VERIFY_SIGNATURE: &str = "verify-signature";
pub(super) const UNKNOWN_COMMAND: &str = "no-such-command";

pub(super) const VALIDATION_ERROR: &str = "VALIDATION_ERROR";

/// The media type of JWS envelopes.
pub(super) const JWS: &str = "application/jose+json";

/// A payload as it looks to a plugin when a host signs a JWS envelope.
pub(super) const PROBE_PAYLOAD: &[u8] = b"eyJhbGciOiJFUzI1NiJ9.eyJ0YXJnZXRBcnRpZmFjdCI6e319";

/// The certificates of a signer whom no plugin knows, leaf first.
const STRANGER: &[u8] = include_bytes!("../../data/stranger.pem");

/// The commands, and the capabilities that require them.
pub(super) const REQUIRED_COMMANDS: &[(&str, &[&str])] = &[
    (
        DESCRIBE_KEY,
        &[
            "SIGNATURE_GENERATOR.RAW",
            "SIGNATURE_GENERATOR.ENVELOPE_FOR_BLOB",
        ],
    ),
    (GENERATE_SIGNATURE, &["SIGNATURE_GENERATOR.RAW"]),
    (
        GENERATE_ENVELOPE,
        &[
            "SIGNATURE_GENERATOR.ENVELOPE",
            "SIGNATURE_GENERATOR.ENVELOPE_FOR_BLOB",
        ],
    ),
    (
        VERIFY_SIGNATURE,
        &[
            "SIGNATURE_VERIFIER.TRUSTED_IDENTITY",
            "SIGNATURE_VERIFIER.REVOCATION_CHECK",
        ],
    ),
];

/// The capabilities that the plugin declares.
pub(super) fn capabilities(subject: &Subject) -> Result<Vec<String>, HarnessError> {
    let metadata = subject.metadata()?.unwrap_or_default();
    Ok(metadata
        .get("capabilities")
        .and_then(Value::as_array)
        .map(|list| {
            list.iter()
                .filter_map(|entry| entry.as_str().map(str::to_owned))
                .collect()
        })
        .unwrap_or_default())
}

/// The commands that the declared capabilities require.
pub(super) fn required_commands(subject: &Subject) -> Result<Vec<&'static str>, HarnessError> {
    let declared = capabilities(subject)?;
    Ok(REQUIRED_COMMANDS
        .iter()
        .filter(|(_, by)| declared.iter().any(|one| by.contains(&one.as_str())))
        .map(|(command, _)| *command)
        .collect())
}

/// Whether the plugin treats a command otherwise than one that cannot exist.
pub(super) fn implements(subject: &Subject, command: &'static str) -> Result<bool, HarnessError> {
    /// Error objects are shorter.
    const COMPARED: usize = 4096;
    let told = |run: &Execution, name: &str| {
        let text = run.stderr.get(..COMPARED).unwrap_or(&run.stderr);
        (
            run.succeeded(),
            String::from_utf8_lossy(text).replace(name, "COMMAND"),
        )
    };
    let unknown = told(&subject.empty_request(UNKNOWN_COMMAND)?, UNKNOWN_COMMAND);
    Ok(told(&subject.empty_request(command)?, command) != unknown)
}

/// Goes on only where the plugin declares and implements the command.
pub(super) fn needs(subject: &Subject, command: &'static str) -> Checked {
    if !required_commands(subject)?.contains(&command) {
        return Err(Stop::NotApplicable(format!(
            "the plugin declares no capability that requires {command}"
        )));
    }
    if !implements(subject, command)? {
        return Err(Stop::elsewhere(format!(
            "the plugin does not implement {command}"
        )));
    }
    Ok(())
}

/// The command whose wrong requests stand for those of all commands.
pub(super) fn command_with_required_attributes(subject: &Subject) -> Result<&'static str, Stop> {
    for command in required_commands(subject)? {
        if implements(subject, command)? {
            return Ok(command);
        }
    }
    Err(Stop::NotApplicable(
        "the plugin has no command with required attributes".to_owned(),
    ))
}

/// The key to sign with.
pub(super) fn key(subject: &Subject) -> Result<&KeyUnderTest, Stop> {
    subject
        .key()
        .ok_or_else(|| Stop::NotApplicable("no key id was given".to_owned()))
}

/// The key id for requests that are wrong in another respect.
fn any_key_id(subject: &Subject) -> &str {
    subject.key().map_or(STAND_IN_KEY, |key| key.id.as_str())
}

/// The key spec that the plugin answers for the key, if it has an answer.
pub(super) fn described_spec(subject: &Subject) -> Result<Option<KeySpec>, HarnessError> {
    if subject.key().is_none() {
        return Ok(None);
    }
    let answer = described(subject)?.answer_in_any_form();
    Ok(answer
        .ok()
        .and_then(|answer| answer.get("keySpec")?.as_str()?.parse().ok()))
}

/// The run of `describe-key` for the key; for the stand-in where none was given.
pub(super) fn described(subject: &Subject) -> Result<&Execution, HarnessError> {
    if let Some(known) = subject.seen.described.get() {
        return Ok(known);
    }
    let request = subject.describe_key_request(any_key_id(subject));
    let run = subject.request(DESCRIBE_KEY, &request)?;
    Ok(subject.seen.described.get_or_init(|| run))
}

/// The stranger's certificates as they stand in requests.
pub(super) fn stranger() -> Result<Vec<String>, Stop> {
    notary_x509::parse_certificates(STRANGER)
        .map(|list| {
            list.iter()
                .map(|certificate| STANDARD.encode(certificate.as_der()))
                .collect()
        })
        .map_err(|error| Stop::NotApplicable(format!("the harness's own certificates: {error}")))
}

/// The artifact that envelopes are asked for.
pub(super) fn target() -> Value {
    json!({
        "targetArtifact": {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": "sha256:c0ffee254729296a45a3885639ac7e10f9d54979c0ffee254729296a45a3885c",
            "size": 16724,
            "annotations": { "org.example.build": "4711" },
        }
    })
}

/// A request that is correct, as far as it can be without a key.
pub(super) fn correct_request(subject: &Subject, command: &str) -> Result<Value, Stop> {
    let id = any_key_id(subject);
    Ok(match command {
        DESCRIBE_KEY => subject.describe_key_request(id),
        GENERATE_SIGNATURE => {
            let spec = described_spec(subject)?.unwrap_or(KeySpec::Ec256);
            subject.generate_signature_request(id, spec, PROBE_PAYLOAD)
        }
        GENERATE_ENVELOPE => subject.generate_envelope_request(id, JWS, &target()),
        VERIFY_SIGNATURE => {
            subject.verify_signature_request(&stranger()?, "x509.subject:C=CH,ST=ZH,O=Stranger")
        }
        _ => subject.metadata_request(),
    })
}

/// Takes an attribute away or puts another value there.
fn change(request: &mut Value, wrong: &WrongRequest) -> Result<(), String> {
    let (parent, name) = wrong
        .at
        .rsplit_once('/')
        .ok_or_else(|| format!("{} is no JSON pointer", wrong.at))?;
    let members = request
        .pointer_mut(parent)
        .and_then(Value::as_object_mut)
        .ok_or_else(|| format!("the request has no object at {parent:?}"))?;
    match &wrong.value {
        Some(value) => members.insert(name.to_owned(), value.clone()),
        None => members.remove(name),
    };
    Ok(())
}

/// Whether the plugin refuses a request that is wrong in one respect, with the right code.
pub(super) fn refuses(subject: &Subject, command: &str, wrong: &WrongRequest) -> Checked {
    let Some((command, _)) = REQUIRED_COMMANDS.iter().find(|(name, _)| *name == command) else {
        return Err(Stop::NotApplicable(format!("{command} is no command")));
    };
    needs(subject, command)?;
    let mut request = correct_request(subject, command)?;
    change(&mut request, wrong).map_err(Stop::NotApplicable)?;
    let codes: Vec<&str> = wrong.codes.iter().map(String::as_str).collect();
    refused(&subject.request(command, &request)?, &codes)
}

/// The verdict on a run that should have failed with one of these error codes.
pub(super) fn refused(run: &Execution, codes: &[&str]) -> Checked {
    let error = run.error_in_any_form()?;
    let code = error.get("errorCode").and_then(Value::as_str);
    kept(code.is_some_and(|code| codes.contains(&code)), || {
        format!(
            "the error code is {}, where {} is due",
            code.unwrap_or("missing"),
            codes.join(" or ")
        )
    })
}

/// The verdict on a run that should have succeeded.
pub(super) fn answered(run: &Execution) -> Result<Value, Stop> {
    if run.succeeded() {
        Ok(run.answer_in_any_form()?)
    } else {
        Err(format!("the command failed: {}", run.described()).into())
    }
}
