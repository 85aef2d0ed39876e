//! What is printed, and the exit code.

use crate::faults::Fault;
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::ExitCode;

/// Why a request is refused.
#[derive(Debug)]
pub(crate) struct Failure {
    code: &'static str,
    message: String,
}

/// A refused request, and whether it had no attribute at all.
pub(crate) struct Refused {
    failure: Failure,
    empty_request: bool,
    secret: Option<String>,
}

pub(crate) type Outcome = Result<Value, Refused>;

impl Failure {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new("VALIDATION_ERROR", message)
    }

    /// A failure whose code is wrong if the fault is this rule's.
    pub(crate) fn by_rule(fault: &Fault, rule: &str, code: &'static str, message: &str) -> Self {
        let code = if fault.is(rule) { "ERROR" } else { code };
        Self::new(code, message)
    }

    /// This failure as the answer to a request.
    pub(crate) fn to(self, request: &Value) -> Refused {
        let members = request.as_object();
        Refused {
            failure: self,
            empty_request: members.is_some_and(serde_json::Map::is_empty),
            secret: request
                .pointer("/pluginConfig/password")
                .and_then(Value::as_str)
                .map(str::to_owned),
        }
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            empty_request: false,
            secret: None,
        }
    }
}

/// Prints the outcome of a command.
pub(crate) fn finish(fault: &Fault, command: &str, outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(answer) => succeed(fault, command, &answer),
        Err(refused) => fail(fault, &refused),
    }
}

fn succeed(fault: &Fault, command: &str, answer: &Value) -> ExitCode {
    let mut bytes = answer.to_string().into_bytes();
    let log_line = b"connecting to the key service\n";
    let (before, after) = match command {
        "get-plugin-metadata" => ("NP-PD-021", "NP-PD-021-after"),
        "describe-key" => ("NP-DK-210", "NP-DK-210-after"),
        "generate-signature" => ("NP-GS-218", "NP-GS-218-after"),
        "generate-envelope" => ("NP-GE-218", "NP-GE-218-after"),
        _ => ("NP-VS-218", "NP-VS-218-after"),
    };
    if fault.is(before) {
        bytes = [log_line.as_slice(), &bytes].concat();
    }
    if fault.is(after) {
        bytes.extend(b"\n{}");
    }
    if command == "get-plugin-metadata" {
        bytes = spoiled_metadata(fault, bytes);
    }
    if fault.is("NP-PD-028") && command == "get-plugin-metadata"
        || fault.is("NP-GS-219") && command == "generate-signature"
    {
        eprintln!("warning: this release is old");
    }
    // Nobody to tell if standard output is closed.
    let _ = std::io::stdout().write_all(&bytes);
    if fault.is("NP-PD-020") && command == "get-plugin-metadata" {
        return ExitCode::from(3);
    }
    ExitCode::SUCCESS
}

fn spoiled_metadata(fault: &Fault, bytes: Vec<u8>) -> Vec<u8> {
    if fault.is("NP-PD-201") {
        return [b"\xef\xbb\xbf".as_slice(), &bytes].concat();
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if fault.is("NP-PD-203") {
        return text
            .replacen("\"version\":", "\"version\":\"1.2.3\",\"version\":", 1)
            .into_bytes();
    }
    if fault.is("NP-PD-202") {
        // Latin-1.
        let (head, tail) = text.split_at(text.find("Fehler").unwrap_or_default());
        return [head.as_bytes(), b"\xe4", tail.as_bytes()].concat();
    }
    bytes
}

fn fail(fault: &Fault, refused: &Refused) -> ExitCode {
    let mut error = json!({
        "errorCode": refused.failure.code,
        "errorMessage": refused.failure.message,
    });
    let mut exit = ExitCode::FAILURE;
    if let (true, Some(secret)) = (fault.is("NP-PD-043"), &refused.secret) {
        error["errorMetadata"] = json!({ "password": secret });
    }
    if refused.empty_request {
        match () {
            () if fault.is("NP-PD-022") => exit = ExitCode::from(2),
            () if fault.is("NP-PD-023") => {
                eprintln!("level=error msg=\"a request failed\"");
            }
            () if fault.is("NP-PD-024") => error["errorMetadata"] = json!({ "attempts": 3 }),
            () if fault.is("NP-PD-025") => error["errorCode"] = json!("KeyVaultErrorException"),
            () if fault.is("NP-PD-026") => error["errorMessage"] = json!(""),
            () if fault.is("NP-PD-027") => println!("{{}}"),
            () => {}
        }
    }
    eprint!("{error}");
    exit
}
