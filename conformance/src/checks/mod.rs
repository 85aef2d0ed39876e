//! One check for each rule, by the rule's id.

mod asking;
mod describe_key;
mod generate_envelope;
mod generate_signature;
mod hygiene;
mod jws;
mod metadata;
mod output;
mod packaging;
mod requests;
mod schema;
mod signature;
mod signing_requests;
mod verify_signature;

use crate::{HarnessError, Rule, Subject, Verdict};

/// Runs the plugin and says whether the rule is kept.
type Check = fn(&Subject) -> Checked;

/// `Ok` where the rule is kept.
type Checked = Result<(), Stop>;

/// Why a check ended before it could say that the rule is kept.
enum Stop {
    /// The rule is broken; what was seen, as a sentence.
    Broken(String),
    /// The rule does not apply, or something that it needs was not given.
    NotApplicable(String),
    /// The harness could not do its work.
    Harness(HarnessError),
}

impl From<HarnessError> for Stop {
    fn from(error: HarnessError) -> Self {
        Self::Harness(error)
    }
}

impl From<String> for Stop {
    fn from(seen: String) -> Self {
        Self::Broken(seen)
    }
}

impl Stop {
    /// What another rule is about is broken, so that this one cannot be looked at.
    fn elsewhere(reason: String) -> Self {
        Self::NotApplicable(reason)
    }
}

/// `Ok` where the condition holds, else what was seen.
fn kept(condition: bool, seen: impl FnOnce() -> String) -> Checked {
    if condition {
        Ok(())
    } else {
        Err(Stop::Broken(seen()))
    }
}

/// The groups of checks.
const GROUPS: &[&[(&str, Check)]] = &[
    packaging::CHECKS,
    output::CHECKS,
    requests::CHECKS,
    hygiene::CHECKS,
    metadata::CHECKS,
    schema::CHECKS,
    describe_key::CHECKS,
    generate_signature::CHECKS,
    signing_requests::CHECKS,
    generate_envelope::CHECKS,
    verify_signature::CHECKS,
];

fn check_for(id: &str) -> Option<Check> {
    GROUPS
        .iter()
        .flat_map(|group| group.iter())
        .find(|(checked, _)| *checked == id)
        .map(|(_, check)| *check)
}

/// Holds the plugin against one rule.
///
/// # Errors
/// [`HarnessError`] where the plugin cannot be run.
pub(crate) fn judge(rule: &Rule, subject: &Subject) -> Result<Verdict, HarnessError> {
    let checked = match (&rule.wrong_request, check_for(&rule.id)) {
        (Some(wrong), _) => asking::refuses(subject, &rule.command, wrong),
        (None, Some(check)) => check(subject),
        (None, None) => Err(Stop::NotApplicable(
            "this version of the harness has no check for the rule".to_owned(),
        )),
    };
    match checked {
        Ok(()) => Ok(Verdict::Pass),
        Err(Stop::Broken(seen)) => Ok(Verdict::Fail { seen }),
        Err(Stop::NotApplicable(reason)) => Ok(Verdict::Skip { reason }),
        Err(Stop::Harness(error)) => Err(error),
    }
}

/// The ids that have a check.
#[cfg(test)]
pub(crate) fn checked_ids() -> impl Iterator<Item = &'static str> {
    GROUPS
        .iter()
        .flat_map(|group| group.iter().map(|(id, _)| *id))
}
