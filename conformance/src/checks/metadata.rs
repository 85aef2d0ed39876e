//! `get-plugin-metadata`: what it says, and that it says it always and at once.

use super::asking::{METADATA, REQUIRED_COMMANDS, capabilities, implements, required_commands};
use super::{Check, Checked, Stop, kept};
use crate::{Execution, Invocation, Stdin, Subject};
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("NP-MD-061", texts_are_not_empty),
    ("NP-MD-062", contract_versions_are_major_minor),
    ("NP-MD-063", one_contract_version_for_each_major),
    ("NP-MD-064", contract_1_0_is_supported),
    ("NP-MD-065", capabilities_are_not_empty),
    ("NP-MD-066", capabilities_are_known_and_distinct),
    ("NP-MD-067", version_is_semantic),
    ("NP-MD-068", url_is_absolute),
    ("NP-MD-069", two_runs_are_equal),
    ("NP-MD-070", quick_without_credentials),
    ("NP-MD-071", standard_input_is_not_needed),
    ("NP-MD-072", contract_version_in_the_request_is_ignored),
    ("NP-MD-073", declared_commands_are_implemented),
    ("NP-MD-074", commands_of_other_capabilities_are_refused),
    ("NP-MD-200", the_same_without_home_and_credentials),
    ("NP-MD-201", the_same_without_a_network),
    ("NP-MD-202", the_same_with_any_configuration),
];

/// The metadata for checks of what it says: wrong types have a rule of their own.
fn metadata(subject: &Subject) -> Result<Value, Stop> {
    subject.metadata()?.map_err(Stop::elsewhere)
}

fn strings(metadata: &Value, member: &str) -> Result<Vec<String>, Stop> {
    metadata
        .get(member)
        .and_then(Value::as_array)
        .and_then(|list| {
            list.iter()
                .map(|entry| entry.as_str().map(str::to_owned))
                .collect()
        })
        .ok_or_else(|| Stop::elsewhere(format!("{member} is not an array of strings")))
}

fn text(metadata: &Value, member: &str) -> Result<String, Stop> {
    metadata
        .get(member)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| Stop::elsewhere(format!("{member} is not text")))
}

fn texts_are_not_empty(subject: &Subject) -> Checked {
    let metadata = metadata(subject)?;
    for member in ["name", "description", "version", "url"] {
        kept(!text(&metadata, member)?.is_empty(), || {
            format!("{member} is empty")
        })?;
    }
    Ok(())
}

/// `major.minor`, digits only.
fn major(version: &str) -> Option<u32> {
    let (major, minor) = version.split_once('.')?;
    let digits = |part: &str| {
        part.chars()
            .all(|c| c.is_ascii_digit())
            .then(|| part.parse::<u32>().ok())?
    };
    digits(minor)?;
    digits(major)
}

fn contract_versions_are_major_minor(subject: &Subject) -> Checked {
    let versions = strings(&metadata(subject)?, "supportedContractVersions")?;
    versions.iter().try_for_each(|version| {
        kept(major(version).is_some(), || {
            format!("{version:?} is not major.minor")
        })
    })
}

fn one_contract_version_for_each_major(subject: &Subject) -> Checked {
    let mut majors = BTreeSet::new();
    let versions = strings(&metadata(subject)?, "supportedContractVersions")?;
    versions
        .iter()
        .filter_map(|version| major(version))
        .try_for_each(|major| {
            kept(majors.insert(major), || {
                format!("major version {major} is listed twice")
            })
        })
}

fn contract_1_0_is_supported(subject: &Subject) -> Checked {
    let versions = strings(&metadata(subject)?, "supportedContractVersions")?;
    kept(versions.iter().any(|version| version == "1.0"), || {
        format!("listed are only: {}", versions.join(", "))
    })
}

fn capabilities_are_not_empty(subject: &Subject) -> Checked {
    let list = strings(&metadata(subject)?, "capabilities")?;
    kept(!list.is_empty(), || "capabilities is empty".to_owned())
}

fn capabilities_are_known_and_distinct(subject: &Subject) -> Checked {
    let known: BTreeSet<&str> = REQUIRED_COMMANDS
        .iter()
        .flat_map(|(_, by)| by.iter().copied())
        .collect();
    let mut seen = BTreeSet::new();
    for capability in capabilities(subject)? {
        kept(known.contains(capability.as_str()), || {
            format!("{capability:?} is no capability of the contract")
        })?;
        kept(seen.insert(capability.clone()), || {
            format!("{capability} is listed twice")
        })?;
    }
    Ok(())
}

fn version_is_semantic(subject: &Subject) -> Checked {
    let version = text(&metadata(subject)?, "version")?;
    semver::Version::parse(&version)
        .map(|_| ())
        .map_err(|error| format!("{version:?}: {error}").into())
}

fn url_is_absolute(subject: &Subject) -> Checked {
    let url = text(&metadata(subject)?, "url")?;
    let host = ["https://", "http://"]
        .iter()
        .find_map(|scheme| url.strip_prefix(scheme))
        .map(|rest| rest.split('/').next().unwrap_or_default());
    let plain = !url.chars().any(|c| c.is_whitespace() || c.is_control());
    kept(
        url.is_empty() || plain && host.is_some_and(|host| !host.is_empty()),
        || format!("the url is {url:?}"),
    )
}

/// Whether a run gave the same answer as usually.
pub(super) fn same(subject: &Subject, run: &Execution) -> Checked {
    let usual = metadata(subject)?;
    let second = subject.metadata_again()?.answer_in_any_form();
    if second.as_ref() != Ok(&usual) {
        return Err(Stop::elsewhere(
            "two runs with nothing different are not alike".to_owned(),
        ));
    }
    let now = run.answer_in_any_form()?;
    kept(now == usual, || format!("usually {usual}, now {now}"))
}

fn two_runs_are_equal(subject: &Subject) -> Checked {
    let first = metadata(subject)?;
    let second = subject.metadata_again()?.answer_in_any_form()?;
    kept(second == first, || format!("first {first}, then {second}"))
}

/// The better of two runs, so that a busy machine does not decide.
fn quick_without_credentials(subject: &Subject) -> Checked {
    let request = subject.metadata_request();
    let first = subject.run_bare(METADATA, &request)?;
    if first.elapsed <= subject.metadata_limit() {
        return Ok(());
    }
    let second = subject.run_bare(METADATA, &request)?;
    kept(second.elapsed <= subject.metadata_limit(), || {
        format!(
            "it took more than {} ms twice",
            subject.metadata_limit().as_millis()
        )
    })
}

fn standard_input_is_not_needed(subject: &Subject) -> Checked {
    let run = subject.run(METADATA, Stdin::Empty)?;
    run.answer_in_any_form()?;
    Ok(())
}

fn contract_version_in_the_request_is_ignored(subject: &Subject) -> Checked {
    let mut request = subject.metadata_request();
    if let Some(members) = request.as_object_mut() {
        members.insert("contractVersion".to_owned(), json!("1.0"));
    }
    subject.request(METADATA, &request)?.answer_in_any_form()?;
    Ok(())
}

fn declared_commands_are_implemented(subject: &Subject) -> Checked {
    for command in required_commands(subject)? {
        kept(implements(subject, command)?, || {
            format!("{command} is treated like a command that does not exist")
        })?;
    }
    Ok(())
}

fn commands_of_other_capabilities_are_refused(subject: &Subject) -> Checked {
    let required = required_commands(subject)?;
    if required.is_empty() {
        return Err(Stop::elsewhere("no capability is declared".to_owned()));
    }
    let others: Vec<&str> = REQUIRED_COMMANDS
        .iter()
        .map(|(command, _)| *command)
        .filter(|command| !required.contains(command))
        .collect();
    if others.is_empty() {
        return Err(Stop::NotApplicable(
            "the plugin's capabilities require every command".to_owned(),
        ));
    }
    for command in others {
        let request = super::asking::correct_request(subject, command)?;
        let run = subject.request(command, &request)?;
        kept(!run.succeeded(), || {
            format!("{command} succeeds, and no declared capability requires it")
        })?;
    }
    Ok(())
}

fn the_same_without_home_and_credentials(subject: &Subject) -> Checked {
    same(
        subject,
        &subject.run_bare(METADATA, &subject.metadata_request())?,
    )
}

/// A network namespace of its own, in which not even the loopback device is up.
const WITHOUT_NETWORK: &[&str] = &["unshare", "--user", "--map-root-user", "--net"];

fn can_take_the_network_away() -> bool {
    let Some((program, options)) = WITHOUT_NETWORK.split_first() else {
        return false;
    };
    std::process::Command::new(program)
        .args(options)
        .arg("true")
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn the_same_without_a_network(subject: &Subject) -> Checked {
    if !can_take_the_network_away() {
        return Err(Stop::NotApplicable(
            "this system cannot run a process without a network (unshare)".to_owned(),
        ));
    }
    let request = subject.metadata_request().to_string();
    let run = subject.invoke(&Invocation {
        wrapper: WITHOUT_NETWORK,
        ..Invocation::new(&[METADATA], Stdin::Bytes(request.as_bytes()))
    })?;
    same(subject, &run)
}

fn the_same_with_any_configuration(subject: &Subject) -> Checked {
    let run = subject.request(
        METADATA,
        &json!({ "pluginConfig": { "conformance-setting": "1" } }),
    )?;
    same(subject, &run)
}
