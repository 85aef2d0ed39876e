//! The rules as data.

use crate::HarnessError;
use serde::{Deserialize, Serialize};

const RULES: &str = include_str!("../rules.toml");

/// How binding a rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    /// The specification demands it: breaking it fails the run.
    #[serde(rename = "MUST")]
    Must,
    /// The specification advises it.
    #[serde(rename = "SHOULD")]
    Should,
    /// Good practice that the specification does not mention.
    #[serde(rename = "hygiene")]
    Hygiene,
}

/// One rule of the contract.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// `NP-<group>-<number>`; never changes its meaning.
    pub id: String,
    /// How binding it is.
    pub level: Level,
    /// The command it is about, or `any`.
    pub command: String,
    /// Where the specification says so: document, then section.
    pub section: String,
    /// The rule as a sentence.
    pub title: String,
    /// What goes wrong where it is broken.
    pub why: String,
    /// What to do about it.
    pub fix: String,
}

#[derive(Deserialize)]
struct RuleFile {
    rule: Vec<Rule>,
}

/// Every rule, in the order of the file.
///
/// # Errors
/// [`HarnessError::Rules`] if the embedded file is broken.
pub fn rules() -> Result<Vec<Rule>, HarnessError> {
    toml::from_str::<RuleFile>(RULES)
        .map(|file| file.rule)
        .map_err(HarnessError::Rules)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_rule_has_a_check_and_every_check_a_rule() {
        let ruled: BTreeSet<_> = rules().unwrap().into_iter().map(|rule| rule.id).collect();
        let checked: BTreeSet<_> = crate::checks::checked_ids().map(str::to_owned).collect();
        assert_eq!(ruled, checked);
    }

    #[test]
    fn an_id_is_used_once() {
        let all = rules().unwrap();
        let distinct: BTreeSet<_> = all.iter().map(|rule| &rule.id).collect();
        assert_eq!(distinct.len(), all.len());
    }
}
