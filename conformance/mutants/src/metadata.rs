//! `get-plugin-metadata`.

use crate::answer::Failure;
use crate::faults::Fault;
use crate::state;
use serde_json::{Value, json};
use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::Duration;

/// Longer than the limit that the tests set.
const SLOW: Duration = Duration::from_secs(6);

const RAW: &str = "SIGNATURE_GENERATOR.RAW";
const ENVELOPE: &str = "SIGNATURE_GENERATOR.ENVELOPE";
const ENVELOPE_FOR_BLOB: &str = "SIGNATURE_GENERATOR.ENVELOPE_FOR_BLOB";
const TRUSTED_IDENTITY: &str = "SIGNATURE_VERIFIER.TRUSTED_IDENTITY";
const REVOCATION_CHECK: &str = "SIGNATURE_VERIFIER.REVOCATION_CHECK";

/// The capabilities by the group of the fault, so that a mutant is asked only for what it is about;
/// all of them for the correct plugin.
fn capabilities(fault: &Fault) -> Vec<&'static str> {
    match () {
        () if fault.is("NP-VS-194") => vec![TRUSTED_IDENTITY],
        () if fault.is_any_of("NP-VS") => vec![TRUSTED_IDENTITY, REVOCATION_CHECK],
        () if fault.is_any_of("NP-GE") => vec![ENVELOPE],
        () if fault.is_any_of("NP") => vec![RAW],
        () => vec![
            RAW,
            ENVELOPE,
            ENVELOPE_FOR_BLOB,
            TRUSTED_IDENTITY,
            REVOCATION_CHECK,
        ],
    }
}

/// Whether a command belongs to the capabilities.
pub(crate) fn implements(fault: &Fault, command: &str) -> bool {
    let by: &[&str] = match command {
        "describe-key" => &[RAW, ENVELOPE_FOR_BLOB],
        "generate-signature" => &[RAW],
        "generate-envelope" if fault.is("NP-MD-074") => return true,
        "generate-envelope" => &[ENVELOPE, ENVELOPE_FOR_BLOB],
        "verify-signature" => &[TRUSTED_IDENTITY, REVOCATION_CHECK],
        _ => return true,
    };
    capabilities(fault).iter().any(|one| by.contains(one))
}

pub(crate) fn answer(fault: &Fault, request: &Value) -> Result<Value, Failure> {
    refuse(fault, request)?;
    depend_on_the_surroundings(fault)?;
    let mut answer = json!({
        "name": fault.name(),
        "description": "A plugin for tests (ohne Fehler)",
        "version": "1.2.3",
        "url": "https://example.com/mutant",
        "supportedContractVersions": ["1.0"],
        "capabilities": capabilities(fault),
    });
    for (member, value) in changes(fault, request) {
        answer[member] = value;
    }
    if fault.is("NP-MD-060-missing")
        && let Some(members) = answer.as_object_mut()
    {
        members.remove("url");
    }
    Ok(answer)
}

/// Requests that the contract allows and this fault does not.
fn refuse(fault: &Fault, request: &Value) -> Result<(), Failure> {
    let config = request.get("pluginConfig");
    let empty = config
        .and_then(Value::as_object)
        .is_some_and(serde_json::Map::is_empty);
    let refused = fault.is("NP-PD-040") && request.get("attributeOfALaterContract").is_some()
        || fault.is("NP-PD-042") && empty
        || fault.is("NP-MD-072") && request.get("contractVersion").is_some();
    if refused {
        return Err(Failure::validation("there is an unknown attribute"));
    }
    if fault.is("NP-PD-215") && state::times(fault, &request.to_string()).1 == 4 {
        return Err(Failure::new("ERROR", "there is no free port"));
    }
    Ok(())
}

fn depend_on_the_surroundings(fault: &Fault) -> Result<(), Failure> {
    let at_home = std::env::var_os("HOME").is_some();
    if fault.is("NP-MD-070") && !at_home {
        std::thread::sleep(SLOW);
    }
    if fault.is("NP-MD-200") && !at_home {
        return Err(Failure::new("ERROR", "HOME is not set"));
    }
    if fault.is("NP-MD-201") {
        // Refused is well: there is a network.
        let connected = TcpStream::connect("127.0.0.1:9");
        if connected.is_err_and(|error| error.kind() == ErrorKind::NetworkUnreachable) {
            return Err(Failure::new("ERROR", "the service is not reached"));
        }
    }
    if let (true, Some(temporary)) = (fault.is("NP-PD-213"), std::env::var_os("TEMP")) {
        let file = std::path::Path::new(&temporary).join("mutant.cache");
        let _ = std::fs::write(file, "metadata");
    }
    Ok(())
}

fn changes(fault: &Fault, request: &Value) -> Vec<(&'static str, Value)> {
    let in_root = std::env::current_dir().is_ok_and(|directory| directory.parent().is_none());
    let table = [
        ("NP-PK-004", true, "name", json!("somebody-else")),
        ("NP-PK-010", in_root, "description", json!("nothing here")),
        (
            "NP-MD-060",
            true,
            "capabilities",
            json!("SIGNATURE_GENERATOR.RAW"),
        ),
        ("NP-MD-061", true, "description", json!("")),
        (
            "NP-MD-062",
            true,
            "supportedContractVersions",
            json!(["1.0", "2"]),
        ),
        (
            "NP-MD-063",
            true,
            "supportedContractVersions",
            json!(["1.0", "1.1"]),
        ),
        (
            "NP-MD-064",
            true,
            "supportedContractVersions",
            json!(["2.0"]),
        ),
        ("NP-MD-065", true, "capabilities", json!([])),
        (
            "NP-MD-066",
            true,
            "capabilities",
            json!(["SIGNATURE_GENERATOR.RAW", "SIGNATURE_VERIFIER.REVOCATION"]),
        ),
        (
            "NP-MD-066-twice",
            true,
            "capabilities",
            json!(["SIGNATURE_GENERATOR.RAW", "SIGNATURE_GENERATOR.RAW"]),
        ),
        ("NP-MD-067", true, "version", json!("v1.2")),
        ("NP-MD-068", true, "url", json!("example.com")),
        (
            "NP-MD-069",
            true,
            "description",
            json!(format!("run {}", std::process::id())),
        ),
        (
            "NP-MD-073",
            true,
            "capabilities",
            json!(["SIGNATURE_GENERATOR.RAW", "SIGNATURE_GENERATOR.ENVELOPE"]),
        ),
        (
            "NP-MD-202",
            request
                .pointer("/pluginConfig/conformance-setting")
                .is_some(),
            "description",
            json!("configured"),
        ),
    ];
    table
        .into_iter()
        .filter(|(rule, here, _, _)| *here && fault.is(rule))
        .map(|(_, _, member, value)| (member, value))
        .collect()
}
