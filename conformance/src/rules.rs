//! The rules as data.

use crate::HarnessError;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::LazyLock;

/// The files of the rules, in the order of reports.
const FILES: &[&str] = &[
    include_str!("../rules/packaging.toml"),
    include_str!("../rules/process.toml"),
    include_str!("../rules/metadata.toml"),
    include_str!("../rules/describe-key.toml"),
    include_str!("../rules/generate-signature.toml"),
    include_str!("../rules/generate-envelope.toml"),
    include_str!("../rules/verify-signature.toml"),
];

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

impl Level {
    /// As it stands in the files of the rules.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
            Self::Hygiene => "hygiene",
        }
    }
}

/// What a rule needs besides the executable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Nothing: neither a key nor a network.
    Offline,
    /// A key that can sign, or a service that answers.
    Online,
}

impl Tier {
    /// As it stands in the files of the rules.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::Online => "online",
        }
    }
}

/// One rule of the contract.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// `NP-<group>-<number>`; never changes its meaning.
    pub id: String,
    /// How binding it is.
    pub level: Level,
    /// What it needs.
    pub tier: Tier,
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
    /// Where the rule is about a wrong request: how the request is wrong. Such a rule needs no check
    /// of its own.
    #[serde(default)]
    pub wrong_request: Option<WrongRequest>,
}

/// One change to a correct request, and the error codes that may answer it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrongRequest {
    /// JSON pointer (RFC 6901) of the attribute that is changed.
    pub at: String,
    /// What stands there instead; nothing if the attribute is taken away.
    #[serde(default)]
    pub value: Option<Value>,
    /// The error codes that are right.
    pub codes: Vec<String>,
}

#[derive(Deserialize)]
struct RuleFile {
    #[serde(default)]
    rule: Vec<Rule>,
}

/// Every rule, in the order of reports.
///
/// # Errors
/// [`HarnessError::Rules`] if an embedded file is broken.
pub fn rules() -> Result<Vec<Rule>, HarnessError> {
    static ALL: LazyLock<Result<Vec<Rule>, toml::de::Error>> = LazyLock::new(parse);
    ALL.clone().map_err(HarnessError::Rules)
}

fn parse() -> Result<Vec<Rule>, toml::de::Error> {
    let mut all = Vec::new();
    for file in FILES {
        let file: RuleFile = toml::from_str(file)?;
        all.extend(file.rule);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_rule_has_a_check_and_every_check_a_rule() {
        let (data, code): (Vec<_>, Vec<_>) = rules()
            .unwrap()
            .into_iter()
            .partition(|rule| rule.wrong_request.is_some());
        let ruled: BTreeSet<_> = code.into_iter().map(|rule| rule.id).collect();
        let checked: BTreeSet<_> = crate::checks::checked_ids().map(str::to_owned).collect();
        assert_eq!(ruled, checked);
        assert!(data.iter().all(|rule| !checked.contains(&rule.id)));
    }

    #[test]
    fn an_id_is_used_once() {
        let all = rules().unwrap();
        let distinct: BTreeSet<_> = all.iter().map(|rule| &rule.id).collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn an_id_is_np_a_group_and_a_number() {
        for rule in rules().unwrap() {
            let parts: Vec<&str> = rule.id.split('-').collect();
            assert!(
                matches!(parts[..], ["NP", group, number] if group.len() == 2 && number.len() == 3),
                "{}",
                rule.id
            );
        }
    }
}
