//! What a plugin leaves behind and gives away, and how it lives with others.

use super::asking::{
    METADATA, UNKNOWN_COMMAND, command_with_required_attributes, required_commands,
};
use super::{Check, Checked, Stop, kept};
use crate::execution::names_in;
use crate::{Execution, HarnessError, Invocation, Stdin, Subject};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("NP-PD-043", settings_are_not_printed),
    ("NP-PD-045", two_at_once_do_not_meet),
    ("NP-PD-046", no_process_stays_behind),
    ("NP-PD-047", nothing_is_written_to_the_working_directory),
    ("NP-PD-048", termination_ends_it),
    ("NP-PD-211", the_environment_is_not_printed),
    ("NP-PD-212", nobody_holds_the_output),
    (
        "NP-PD-213",
        nothing_is_left_in_home_and_temporary_directories,
    ),
    ("NP-PD-215", many_runs_in_a_row_succeed),
];

/// A value that stands for a secret; it must not come back.
const CANARY: &str = "s3cr3t-canary-5d1f9a";

/// How long a plugin may take to read what was written to it, before a check goes on without.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether the canary is on one of the streams.
fn gives_away(run: &Execution) -> bool {
    [&run.stdout, &run.stderr]
        .iter()
        .any(|stream| String::from_utf8_lossy(stream).contains(CANARY))
}

fn settings_are_not_printed(subject: &Subject) -> Checked {
    let mut commands = required_commands(subject)?;
    commands.push(METADATA);
    let request = json!({ "contractVersion": "1.0", "pluginConfig": { "password": CANARY } });
    for command in commands {
        let run = subject.request(command, &request)?;
        kept(!gives_away(&run), || {
            format!("{command} repeats the value of a setting")
        })?;
    }
    Ok(())
}

fn the_environment_is_not_printed(subject: &Subject) -> Checked {
    let variables = [
        ("NOTATION_PASSWORD", CANARY),
        ("AWS_SECRET_ACCESS_KEY", CANARY),
        ("AZURE_CLIENT_SECRET", CANARY),
        ("VAULT_TOKEN", CANARY),
        ("CONFORMANCE_SECRET", CANARY),
    ];
    for command in [METADATA, UNKNOWN_COMMAND]
        .into_iter()
        .chain(required_commands(subject)?)
    {
        let run = subject.invoke(&Invocation {
            variables: &variables,
            ..Invocation::new(&[command], Stdin::Bytes(b"{}"))
        })?;
        kept(!gives_away(&run), || {
            format!("{command} repeats a variable of the environment")
        })?;
    }
    Ok(())
}

/// Two processes of which the first has begun to read, and not ended, when the second starts.
fn two_at_once_do_not_meet(subject: &Subject) -> Checked {
    let request = subject.metadata_request().to_string();
    for run in both_at_once(subject, METADATA, request.as_bytes())? {
        run.answer_in_any_form()?;
    }
    Ok(())
}

#[cfg(unix)]
pub(super) fn both_at_once(
    subject: &Subject,
    command: &str,
    request: &[u8],
) -> Result<Vec<Execution>, HarnessError> {
    let scratch = [(); 2].map(|()| tempfile::tempdir());
    let arguments = [command];
    let mut running = Vec::new();
    for scratch in scratch {
        let scratch = scratch.map_err(HarnessError::Process)?;
        let invocation = Invocation::new(&arguments, Stdin::Empty);
        let mut one = subject.start(&invocation, scratch.path())?;
        // All but the last byte: it cannot answer yet.
        let (last, head) = request.split_last().unwrap_or((&b' ', &[]));
        one.write_and_hold(head, PATIENCE);
        running.push((one, scratch, [*last]));
    }
    for (one, _, last) in &mut running {
        one.write_and_hold(last, Duration::ZERO);
        one.close_stdin();
    }
    running
        .into_iter()
        .map(|(mut one, scratch, _)| {
            let status = one.wait(subject.time_limit())?;
            Ok(one.collect(status, Duration::ZERO, scratch.path()))
        })
        .collect()
}

#[cfg(not(unix))]
pub(super) fn both_at_once(
    subject: &Subject,
    command: &str,
    request: &[u8],
) -> Result<Vec<Execution>, HarnessError> {
    Ok(vec![subject.run(command, Stdin::Bytes(request))?])
}

fn no_process_stays_behind(subject: &Subject) -> Checked {
    for run in [
        subject.metadata_run()?,
        &subject.empty_request(UNKNOWN_COMMAND)?,
    ] {
        kept(!run.left_running, || {
            "a process that it started was still running after its end".to_owned()
        })?;
    }
    Ok(())
}

fn nobody_holds_the_output(subject: &Subject) -> Checked {
    for run in [
        subject.metadata_run()?,
        &subject.empty_request(UNKNOWN_COMMAND)?,
    ] {
        kept(!run.output_held, || {
            "another process held its output open after its end".to_owned()
        })?;
    }
    Ok(())
}

fn nothing_is_written_to_the_working_directory(subject: &Subject) -> Checked {
    for run in [
        subject.metadata_run()?,
        &subject.empty_request(UNKNOWN_COMMAND)?,
    ] {
        kept(run.files_left.is_empty(), || {
            format!("it left {}", run.files_left.join(", "))
        })?;
    }
    Ok(())
}

fn nothing_is_left_in_home_and_temporary_directories(subject: &Subject) -> Checked {
    let home = tempfile::tempdir().map_err(HarnessError::Process)?;
    let temporary = tempfile::tempdir().map_err(HarnessError::Process)?;
    let text = |path: &Path| {
        path.to_str().map(str::to_owned).ok_or_else(|| {
            Stop::NotApplicable("the temporary directory has an odd name".to_owned())
        })
    };
    let (home_text, temporary_text) = (text(home.path())?, text(temporary.path())?);
    let variables = [
        ("HOME", home_text.as_str()),
        ("TMPDIR", temporary_text.as_str()),
        ("TEMP", temporary_text.as_str()),
        ("TMP", temporary_text.as_str()),
    ];
    subject.invoke(&Invocation {
        variables: &variables,
        ..Invocation::new(&[METADATA], Stdin::Bytes(b"{}"))
    })?;
    let left: Vec<String> = [home.path(), temporary.path()]
        .into_iter()
        .flat_map(names_in)
        .collect();
    kept(left.is_empty(), || format!("it left {}", left.join(", ")))
}

/// A plugin that waits for its request is asked to end.
#[cfg(unix)]
fn termination_ends_it(subject: &Subject) -> Checked {
    let command = command_with_required_attributes(subject)?;
    let scratch = tempfile::tempdir().map_err(HarnessError::Process)?;
    let arguments = [command];
    let invocation = Invocation::new(&arguments, Stdin::Empty);
    let mut running = subject.start(&invocation, scratch.path())?;
    running.write_and_hold(b"{", PATIENCE);
    running.terminate();
    let start = Instant::now();
    let status = running.wait(subject.time_limit())?;
    let run = running.collect(status, start.elapsed(), scratch.path());
    kept(run.status.is_some(), || {
        format!("it was still running {} s later", run.elapsed.as_secs())
    })
}

#[cfg(not(unix))]
fn termination_ends_it(_: &Subject) -> Checked {
    let _ = (command_with_required_attributes, Instant::now);
    Err(Stop::NotApplicable("this system has no SIGTERM".to_owned()))
}

fn many_runs_in_a_row_succeed(subject: &Subject) -> Checked {
    let first = subject.metadata()?.map_err(Stop::elsewhere)?;
    let version = |answer: &Value| answer.get("version").cloned();
    for number in 2..=subject.repetitions() {
        let run = subject.request(METADATA, &subject.metadata_request())?;
        let answer = run
            .answer_in_any_form()
            .map_err(|error| format!("run {number}: {error}"))?;
        kept(version(&answer) == version(&first), || {
            format!("run {number} answers another version: {answer}")
        })?;
    }
    Ok(())
}
