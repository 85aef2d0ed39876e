//! One check for each rule, by the rule's id.

mod describe_key;
mod generate_signature;
mod metadata;
mod packaging;
mod process;

use crate::{HarnessError, Subject, Verdict};

/// Runs the plugin and says whether the rule is kept.
pub(crate) type Check = fn(&Subject) -> Result<Verdict, HarnessError>;

const CHECKS: &[(&str, Check)] = &[
    ("NP-PK-001", packaging::executable_is_named_notation),
    ("NP-PK-002", packaging::executable_is_a_regular_file),
    (
        "NP-PK-004",
        packaging::name_in_metadata_is_name_in_file_name,
    ),
    ("NP-PD-021", process::success_prints_one_json_object),
    ("NP-PD-030", process::unknown_command_fails_silently),
    ("NP-PD-033", process::missing_request_is_a_validation_error),
    (
        "NP-PD-034",
        process::request_that_is_not_json_is_a_validation_error,
    ),
    ("NP-PD-036", process::request_in_several_lines_is_read),
    ("NP-PD-040", process::unknown_attributes_are_ignored),
    ("NP-MD-061", metadata::texts_are_not_empty),
    ("NP-MD-062", metadata::one_contract_version_for_each_major),
    ("NP-MD-064", metadata::contract_1_0_is_supported),
    ("NP-MD-065", metadata::capabilities_are_not_empty),
    ("NP-MD-067", metadata::version_is_semantic),
    ("NP-MD-069", metadata::two_runs_are_equal),
    ("NP-DK-080", describe_key::known_key_is_echoed_with_its_spec),
    (
        "NP-DK-081",
        describe_key::missing_key_id_is_a_validation_error,
    ),
    (
        "NP-DK-083",
        describe_key::unsupported_contract_version_has_its_code,
    ),
    ("NP-DK-084", describe_key::unknown_key_is_a_validation_error),
    ("NP-GS-100", generate_signature::answer_is_complete),
    (
        "NP-GS-103",
        generate_signature::algorithm_belongs_to_the_key_spec,
    ),
    ("NP-GS-104", generate_signature::signature_verifies),
    ("NP-GS-106", generate_signature::ecdsa_is_fixed_width),
    (
        "NP-GS-109",
        generate_signature::chain_follows_the_certificate_rules,
    ),
    (
        "NP-GS-116",
        generate_signature::missing_payload_is_a_validation_error,
    ),
];

/// The check of a rule.
pub(crate) fn check_for(id: &str) -> Option<Check> {
    CHECKS
        .iter()
        .find(|(checked, _)| *checked == id)
        .map(|(_, check)| *check)
}

/// The ids that have a check.
#[cfg(test)]
pub(crate) fn checked_ids() -> impl Iterator<Item = &'static str> {
    CHECKS.iter().map(|(id, _)| *id)
}

/// A verdict from a check that stops at the first thing that is wrong.
fn verdict(found: Result<(), String>) -> Verdict {
    match found {
        Ok(()) => Verdict::Pass,
        Err(seen) => Verdict::Fail { seen },
    }
}

/// The verdict on a run that should have failed with this error code.
fn failed_with(execution: &crate::Execution, code: &str) -> Verdict {
    match execution.error_code() {
        Ok(found) => Verdict::of(found == code, || format!("the error code is {found}")),
        Err(seen) => Verdict::Fail { seen },
    }
}

fn no_key() -> Verdict {
    Verdict::Skip {
        reason: "no key id was given".to_owned(),
    }
}
