//! How requests may look, and how they may not.

use super::asking::{
    METADATA, UNKNOWN_COMMAND, VALIDATION_ERROR, command_with_required_attributes, refused,
};
use super::{Check, Checked, kept};
use crate::{Execution, Invocation, Stdin, Subject};
use serde_json::{Value, json};
use std::time::Duration;

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("NP-PD-030", unknown_command_fails_silently),
    ("NP-PD-031", no_command_fails),
    ("NP-PD-032", a_second_argument_does_not_hang_it),
    ("NP-PD-033", |subject| refuses_bytes(subject, Stdin::Empty)),
    ("NP-PD-034", |subject| {
        refuses_bytes(subject, Stdin::Bytes(b"sign this please"))
    }),
    ("NP-PD-035", |subject| {
        refuses_bytes(subject, Stdin::Bytes(b"[]"))?;
        refuses_bytes(subject, Stdin::Bytes(b"\"describe\""))
    }),
    ("NP-PD-036", request_in_several_lines_is_read),
    ("NP-PD-037", escaped_names_are_read),
    ("NP-PD-038", a_late_end_of_input_is_waited_for),
    ("NP-PD-039", no_standard_input_ends_in_a_failure),
    ("NP-PD-040", unknown_attributes_are_ignored),
    ("NP-PD-042", an_empty_configuration_is_accepted),
    ("NP-PD-204", |subject| {
        refuses_bytes(
            subject,
            Stdin::Bytes(b"{\"contractVersion\":\"1.0\",\"keyId\":\"\xff\xfe\"}"),
        )
    }),
    ("NP-PD-205", |subject| {
        refuses_bytes(
            subject,
            Stdin::Bytes(b"{\"contractVersion\":\"1.0\",\"keyId\":\"a"),
        )
    }),
    ("NP-PD-206", deep_nesting_is_no_crash),
    ("NP-PD-207", a_large_request_is_read),
    ("NP-PD-208", white_space_around_the_request_is_ignored),
    ("NP-PD-209", |subject| {
        refuses_bytes(subject, Stdin::Bytes(b"null"))
    }),
];

/// Starts a program without a descriptor 0.
const WITH_STDIN_CLOSED: &[&str] = &["sh", "-c", "exec \"$0\" \"$@\" <&-"];

/// How long standard input stays open after the request.
const LATE: Duration = Duration::from_secs(2);

/// More than fits into a pipe or a typical line buffer.
const LARGE: usize = 200_000;

/// Deeper than any stack of a recursive parser.
const DEPTH: usize = 200_000;

fn unknown_command_fails_silently(subject: &Subject) -> Checked {
    let run = subject.empty_request(UNKNOWN_COMMAND)?;
    let failed = run.status.is_some_and(|status| !status.success());
    kept(failed && run.stdout.is_empty(), || run.described())
}

fn no_command_fails(subject: &Subject) -> Checked {
    let run = subject.invoke(&Invocation::new(&[], Stdin::Empty))?;
    kept(run.status.is_some_and(|status| !status.success()), || {
        run.described()
    })
}

fn a_second_argument_does_not_hang_it(subject: &Subject) -> Checked {
    let run = subject.invoke(&Invocation::new(
        &[METADATA, "--verbose"],
        Stdin::Bytes(b"{}"),
    ))?;
    kept(run.status.is_some(), || run.described())
}

fn refuses_bytes(subject: &Subject, stdin: Stdin<'_>) -> Checked {
    let command = command_with_required_attributes(subject)?;
    refused(&subject.run(command, stdin)?, &[VALIDATION_ERROR])
}

fn metadata_for(subject: &Subject, request: &str) -> Checked {
    let run = subject.run(METADATA, Stdin::Bytes(request.as_bytes()))?;
    succeeds(&run)
}

/// The exit code and the answer have rules of their own.
fn succeeds(run: &Execution) -> Checked {
    run.answer_in_any_form()?;
    Ok(())
}

/// The metadata request with one more member.
fn request_with(subject: &Subject, name: &str, value: Value) -> Value {
    let mut request = subject.metadata_request();
    if let Some(members) = request.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
    request
}

/// A plugin that reads a line gets an opening brace.
fn request_in_several_lines_is_read(subject: &Subject) -> Checked {
    let pretty = format!("{:#}\n", subject.metadata_request());
    metadata_for(subject, &pretty.replace("{}", "{\n}"))
}

fn escaped_names_are_read(subject: &Subject) -> Checked {
    let request = request_with(
        subject,
        "comment",
        json!("<Grüße & \u{2028}«quotes»\u{1f511}>"),
    );
    let escaped: String = request
        .to_string()
        .chars()
        .map(|c| match c {
            '<' | '>' | '&' => format!("\\u{:04x}", u32::from(c)),
            other if other.is_ascii() => other.to_string(),
            other => other
                .encode_utf16(&mut [0; 2])
                .iter()
                .map(|unit| format!("\\u{unit:04x}"))
                .collect(),
        })
        .collect();
    metadata_for(subject, &escaped)?;
    metadata_for(subject, &request.to_string())
}

fn a_late_end_of_input_is_waited_for(subject: &Subject) -> Checked {
    let request = subject.metadata_request().to_string();
    succeeds(&subject.run(METADATA, Stdin::HeldOpen(request.as_bytes(), LATE))?)
}

fn no_standard_input_ends_in_a_failure(subject: &Subject) -> Checked {
    let command = command_with_required_attributes(subject)?;
    let none = subject.run(command, Stdin::Null)?;
    kept(none.exited() && !none.succeeded(), || none.described())?;
    if cfg!(unix) {
        let closed = subject.invoke(&Invocation {
            wrapper: WITH_STDIN_CLOSED,
            ..Invocation::new(&[command], Stdin::Null)
        })?;
        kept(closed.exited() && !closed.succeeded(), || {
            format!("with the descriptor closed: {}", closed.described())
        })?;
    }
    Ok(())
}

fn unknown_attributes_are_ignored(subject: &Subject) -> Checked {
    let request = request_with(
        subject,
        "attributeOfALaterContract",
        json!({ "nested": [1, null] }),
    );
    metadata_for(subject, &request.to_string())
}

fn an_empty_configuration_is_accepted(subject: &Subject) -> Checked {
    let run = subject.request(METADATA, &json!({ "pluginConfig": {} }))?;
    succeeds(&run)
}

fn deep_nesting_is_no_crash(subject: &Subject) -> Checked {
    let command = command_with_required_attributes(subject)?;
    let nested = "[".repeat(DEPTH);
    let run = subject.run(command, Stdin::Bytes(nested.as_bytes()))?;
    kept(run.exited() && !run.succeeded(), || run.described())
}

fn a_large_request_is_read(subject: &Subject) -> Checked {
    let request = request_with(subject, "largeAttribute", json!("x".repeat(LARGE)));
    metadata_for(subject, &request.to_string())
}

fn white_space_around_the_request_is_ignored(subject: &Subject) -> Checked {
    let request = format!(" \r\n\t{} \r\n\t", subject.metadata_request());
    metadata_for(subject, &request)
}
