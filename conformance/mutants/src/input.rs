//! Reads requests.

use crate::answer::{Failure, Refused};
use crate::faults::Fault;
use serde_json::{Map, Value};
use std::io::{Read as _, Stdin};
use std::sync::mpsc;
use std::time::Duration;

/// A plugin of the wrong kind waits no longer for the end of its request.
const SHORT_PATIENCE: Duration = Duration::from_secs(1);

const METADATA: &str = "get-plugin-metadata";

/// The request, which may be absent for metadata only.
pub(crate) fn read(fault: &Fault, command: &str) -> Result<Value, Refused> {
    let bytes = bytes(fault, command)?;
    let text = text(fault, bytes)?;
    let spoilt = [
        ("NP-PD-037", METADATA, text.contains("\\u")),
        ("NP-PD-208", METADATA, text.starts_with(char::is_whitespace)),
        ("NP-DK-202", "describe-key", text.contains("\\u")),
        ("NP-DK-209", "describe-key", key_id_comes_first(&text)),
    ];
    if spoilt
        .iter()
        .any(|(rule, of, here)| *here && *of == command && fault.is(rule))
    {
        return Err(Failure::validation("the request has an unknown format").into());
    }
    if text.starts_with("[[[[") {
        fault.crash_if("NP-PD-206");
    }
    if text.trim().is_empty() {
        return absent(fault, command);
    }
    let request: Value = serde_json::from_str(&text).map_err(|error| {
        let rule = if text.starts_with('{') {
            "NP-PD-205"
        } else {
            "NP-PD-034"
        };
        Failure::by_rule(fault, rule, "VALIDATION_ERROR", &format!("JSON: {error}"))
    })?;
    match request {
        Value::Object(_) => Ok(request),
        Value::Null if fault.is("NP-PD-209") => Err(Failure::new("ERROR", "null pointer").into()),
        Value::Null => Err(Failure::validation("the request is null").into()),
        _ => Err(Failure::by_rule(
            fault,
            "NP-PD-035",
            "VALIDATION_ERROR",
            "the request is no object",
        )
        .into()),
    }
}

fn key_id_comes_first(text: &str) -> bool {
    match (text.find("\"keyId\""), text.find("\"contractVersion\"")) {
        (Some(key), Some(version)) => key < version,
        _ => false,
    }
}

fn absent(fault: &Fault, command: &str) -> Result<Value, Refused> {
    if command == METADATA && !fault.is("NP-MD-071") {
        return Ok(Value::Object(Map::new()));
    }
    let rule = if command == METADATA {
        "NP-MD-071"
    } else {
        "NP-PD-033"
    };
    Err(Failure::by_rule(fault, rule, "VALIDATION_ERROR", "there is no request").into())
}

#[cfg(unix)]
fn is_device(stdin: &Stdin) -> bool {
    use rustix::fs::FileType;
    rustix::fs::fstat(stdin)
        .is_ok_and(|found| FileType::from_raw_mode(found.st_mode) == FileType::CharacterDevice)
}

#[cfg(not(unix))]
fn is_device(_: &Stdin) -> bool {
    false
}

fn bytes(fault: &Fault, command: &str) -> Result<Vec<u8>, Refused> {
    let stdin = std::io::stdin();
    if is_device(&stdin) {
        fault.crash_if("NP-PD-039");
    }
    let one_line = [
        ("NP-PD-036", METADATA),
        ("NP-DK-211", "describe-key"),
        ("NP-GS-212", "generate-signature"),
        ("NP-GE-212", "generate-envelope"),
        ("NP-VS-212", "verify-signature"),
    ];
    let failed = |_| Refused::from(Failure::validation("standard input cannot be read"));
    if one_line
        .iter()
        .any(|(rule, of)| *of == command && fault.is(rule))
    {
        let mut line = String::new();
        stdin.read_line(&mut line).map_err(failed)?;
        return Ok(line.into_bytes());
    }
    if fault.is("NP-PD-038") {
        return impatient();
    }
    let limit = if fault.is("NP-PD-207") && command == METADATA {
        4096
    } else {
        u64::MAX
    };
    let mut bytes = Vec::new();
    stdin
        .lock()
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Ok(bytes)
}

fn impatient() -> Result<Vec<u8>, Refused> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = std::io::stdin().read_to_end(&mut bytes);
        drop(sender.send(read.map(|_| bytes)));
    });
    match receiver.recv_timeout(SHORT_PATIENCE) {
        Ok(Ok(bytes)) => Ok(bytes),
        _ => Err(Failure::new("TIMEOUT", "the request does not end").into()),
    }
}

fn text(fault: &Fault, bytes: Vec<u8>) -> Result<String, Refused> {
    String::from_utf8(bytes).map_err(|_| {
        Failure::by_rule(
            fault,
            "NP-PD-204",
            "VALIDATION_ERROR",
            "the request is not UTF-8",
        )
        .into()
    })
}
