//! `get-plugin-metadata`.

use super::verdict;
use crate::{HarnessError, Subject, Verdict};
use serde_json::Value;
use std::collections::BTreeSet;

const COMMAND: &str = "get-plugin-metadata";

fn strings(metadata: &Value, member: &str) -> Result<Vec<String>, String> {
    let list = metadata
        .get(member)
        .and_then(Value::as_array)
        .ok_or_else(|| format!("{member} is no array"))?;
    if list.is_empty() {
        return Err(format!("{member} is empty"));
    }
    list.iter()
        .map(|entry| {
            entry
                .as_str()
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
                .ok_or_else(|| format!("{member} holds {entry}"))
        })
        .collect()
}

pub(super) fn texts_are_not_empty(subject: &Subject) -> Result<Verdict, HarnessError> {
    let metadata = subject.metadata()?;
    Ok(verdict(metadata.and_then(|value| {
        ["name", "description", "version", "url"]
            .into_iter()
            .find(|member| {
                value
                    .get(member)
                    .and_then(Value::as_str)
                    .is_none_or(str::is_empty)
            })
            .map_or(Ok(()), |member| {
                Err(format!("{member} is missing or empty"))
            })
    })))
}

/// `major.minor`, digits only.
fn major(version: &str) -> Option<u32> {
    let (major, minor) = version.split_once('.')?;
    minor.parse::<u32>().ok()?;
    major.parse().ok()
}

pub(super) fn one_contract_version_for_each_major(
    subject: &Subject,
) -> Result<Verdict, HarnessError> {
    let metadata = subject.metadata()?;
    Ok(verdict(metadata.and_then(|value| {
        let mut majors = BTreeSet::new();
        for version in strings(&value, "supportedContractVersions")? {
            let major = major(&version).ok_or_else(|| format!("{version:?} is not major.minor"))?;
            if !majors.insert(major) {
                return Err(format!("major version {major} is listed twice"));
            }
        }
        Ok(())
    })))
}

pub(super) fn contract_1_0_is_supported(subject: &Subject) -> Result<Verdict, HarnessError> {
    let metadata = subject.metadata()?;
    Ok(verdict(metadata.and_then(|value| {
        let versions = strings(&value, "supportedContractVersions")?;
        if versions.iter().any(|version| version == "1.0") {
            Ok(())
        } else {
            Err(format!("only {} listed", versions.join(", ")))
        }
    })))
}

pub(super) fn capabilities_are_not_empty(subject: &Subject) -> Result<Verdict, HarnessError> {
    let metadata = subject.metadata()?;
    Ok(verdict(metadata.and_then(|value| {
        strings(&value, "capabilities").map(|_| ())
    })))
}

pub(super) fn version_is_semantic(subject: &Subject) -> Result<Verdict, HarnessError> {
    let metadata = subject.metadata()?;
    Ok(verdict(metadata.and_then(|value| {
        let version = value
            .get("version")
            .and_then(Value::as_str)
            .unwrap_or_default();
        semver::Version::parse(version)
            .map(|_| ())
            .map_err(|error| format!("{version:?}: {error}"))
    })))
}

pub(super) fn two_runs_are_equal(subject: &Subject) -> Result<Verdict, HarnessError> {
    let again = subject
        .request(COMMAND, &subject.metadata_request())?
        .answer();
    let (first, second) = (subject.metadata()?, again);
    Ok(match (first, second) {
        (Ok(first), Ok(second)) => {
            Verdict::of(first == second, || format!("first {first}, then {second}"))
        }
        (Err(seen), _) | (_, Err(seen)) => Verdict::Fail { seen },
    })
}
