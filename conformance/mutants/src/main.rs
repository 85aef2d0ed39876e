//! A plugin that follows the contract, or has exactly one fault: the one that its file name asks for.
//!
//! Installed as `notation-np-gs-104`, it breaks the rule NP-GS-104 and no other. Installed under any
//! other name, it is correct. Each fault is the smallest change to the correct behaviour that breaks
//! the rule, at the place where a real plugin would make the mistake.

#![forbid(unsafe_code)]

mod answer;
mod envelope;
mod faults;
mod input;
mod keys;
mod metadata;
mod rsa;
mod signing;
mod state;
mod verification;

use answer::{Failure, Outcome};
use faults::Fault;
use serde_json::Value;
use std::process::ExitCode;

const COMMANDS: [&str; 5] = [
    "get-plugin-metadata",
    "describe-key",
    "generate-signature",
    "generate-envelope",
    "verify-signature",
];

fn main() -> ExitCode {
    let fault = Fault::of_this_process();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.as_slice() {
        [] if fault.is("NP-PD-031") => return ExitCode::SUCCESS,
        [] => Err(Failure::validation("a command is missing").into()),
        [command] => run(&fault, command),
        _ => {
            fault.hang_if("NP-PD-032");
            Err(Failure::validation("there is one argument too many").into())
        }
    };
    answer::finish(
        &fault,
        arguments.first().map_or("", String::as_str),
        outcome,
    )
}

fn run(fault: &Fault, command: &str) -> Outcome {
    if !COMMANDS.contains(&command) || !metadata::implements(fault, command) {
        faults::misbehave_for_unknown_command(fault);
        return Err(Failure::validation("there is no such command").into());
    }
    if command != "get-plugin-metadata" {
        faults::ignore_termination(fault);
    }
    let _lock = state::lock(fault, command);
    let request = input::read(fault, command)?;
    if command != "get-plugin-metadata" && fault.is("NP-PD-215") {
        state::times(fault, command);
    }
    let answer = answer_to(fault, command, &request);
    answer.map_err(|failure| failure.to(&request))
}

fn answer_to(fault: &Fault, command: &str, request: &Value) -> Result<Value, Failure> {
    match command {
        "get-plugin-metadata" => metadata::answer(fault, request),
        "describe-key" => signing::describe_key(fault, request),
        "generate-signature" => signing::generate_signature(fault, request),
        "generate-envelope" => envelope::generate(fault, request),
        _ => verification::verify(fault, request),
    }
}
