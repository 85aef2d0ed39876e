//! Which rules hold plugins to which sentence of the specification.

use crate::HarnessError;
use serde::Deserialize;

const COVERAGE: &str = include_str!("../rules/coverage.toml");

/// A normative sentence of the specification and its rules.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demand {
    /// The file of the specification, without its suffix.
    pub document: String,
    /// The heading under which it stands.
    pub section: String,
    /// What it demands, in our words.
    pub demand: String,
    /// The ids of the rules; empty where there is none.
    pub rules: Vec<String>,
    /// Why there is no rule, or what the rules leave out.
    #[serde(default)]
    pub gap: Option<String>,
}

#[derive(Deserialize)]
struct CoverageFile {
    demand: Vec<Demand>,
}

/// Every demand on plugins, in the order of the specification.
///
/// # Errors
/// [`HarnessError::Rules`] if the embedded file is broken.
pub fn demands() -> Result<Vec<Demand>, HarnessError> {
    toml::from_str::<CoverageFile>(COVERAGE)
        .map(|file| file.demand)
        .map_err(HarnessError::Rules)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_demand_names_rules_that_exist_or_says_why_it_has_none() {
        let known: BTreeSet<String> = crate::rules()
            .unwrap()
            .into_iter()
            .map(|rule| rule.id)
            .collect();
        for demand in demands().unwrap() {
            for rule in &demand.rules {
                assert!(known.contains(rule), "{}: {rule}", demand.demand);
            }
            assert!(
                !demand.rules.is_empty() || demand.gap.is_some(),
                "{}",
                demand.demand
            );
        }
    }
}
