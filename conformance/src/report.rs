//! What a run found.

use crate::{Level, Tier};
use serde::Serialize;

/// The answer to one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub enum Verdict {
    /// The plugin keeps the rule.
    Pass,
    /// The plugin breaks the rule.
    Fail {
        /// What was seen, in words.
        seen: String,
    },
    /// The rule does not apply, or something that it needs was not given.
    Skip {
        /// Why.
        reason: String,
    },
}

/// One rule and its verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleResult {
    /// The id of the rule.
    pub id: String,
    /// How binding the rule is.
    pub level: Level,
    /// What the rule needs.
    pub tier: Tier,
    /// The rule as a sentence.
    pub title: String,
    /// What to do where it is broken.
    pub fix: String,
    /// What the check found.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// The verdicts on one plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The executable that was run.
    pub plugin: String,
    /// One entry for each rule, in the order of the rules.
    pub results: Vec<RuleResult>,
}

impl Report {
    /// Whether no rule at level MUST is broken.
    #[must_use]
    pub fn passed(&self) -> bool {
        !self.results.iter().any(|result| {
            result.level == Level::Must && matches!(result.verdict, Verdict::Fail { .. })
        })
    }

    /// The ids of the rules that are broken, at any level.
    #[must_use]
    pub fn broken(&self) -> Vec<&str> {
        self.results
            .iter()
            .filter(|result| matches!(result.verdict, Verdict::Fail { .. }))
            .map(|result| result.id.as_str())
            .collect()
    }
}
