//! What a run found, and the forms in which it is written.

mod document;
mod html;
mod junit;
mod sarif;
mod terminal;

pub use document::{Badge, Counts, Document, badge};
pub use html::html;
pub use junit::junit;
pub use sarif::sarif;
pub use terminal::terminal;

use crate::profile::ExpectedFailure;
use crate::{Level, Tier};
use serde::Serialize;

/// The answer to one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
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
    /// The harness could not look at the rule.
    Error {
        /// Why.
        reason: String,
    },
    /// The plugin breaks the rule, and its profile says so.
    ExpectedFailure {
        /// What was seen, in words.
        seen: String,
        /// Why the profile expects it.
        reason: String,
    },
    /// The profile expects the rule to be broken, and it is kept: the profile is out of date.
    UnexpectedPass {
        /// Why the profile expected it.
        reason: String,
    },
}

impl Verdict {
    /// As it stands in reports.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail { .. } => "fail",
            Self::Skip { .. } => "skip",
            Self::Error { .. } => "error",
            Self::ExpectedFailure { .. } => "expected-failure",
            Self::UnexpectedPass { .. } => "unexpected-pass",
        }
    }

    /// What was seen or why, as a sentence; empty where the rule is simply kept.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::Pass => String::new(),
            Self::Fail { seen } => seen.clone(),
            Self::Skip { reason } | Self::Error { reason } => reason.clone(),
            Self::ExpectedFailure { seen, reason } => format!("{seen} (expected: {reason})"),
            Self::UnexpectedPass { reason } => {
                format!("the rule is kept, but the profile expects a failure: {reason}")
            }
        }
    }
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
    /// The key that was signed with, if one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// One entry for each rule, in the order of the rules.
    pub results: Vec<RuleResult>,
}

impl Report {
    /// Whether no rule at level MUST is broken and no expected failure is out of date.
    #[must_use]
    pub fn passed(&self) -> bool {
        !self.results.iter().any(|result| match result.verdict {
            Verdict::Fail { .. } => result.level == Level::Must,
            Verdict::UnexpectedPass { .. } => true,
            _ => false,
        })
    }

    /// Whether the harness could look at every rule.
    #[must_use]
    pub fn complete(&self) -> bool {
        !self
            .results
            .iter()
            .any(|result| matches!(result.verdict, Verdict::Error { .. }))
    }

    /// Turns failures that were announced into expected ones, and passes that were announced as
    /// failures into unexpected ones.
    pub fn expect_failures(&mut self, expected: &[ExpectedFailure]) {
        for result in &mut self.results {
            let Some(announced) = expected.iter().find(|one| one.rule == result.id) else {
                continue;
            };
            let reason = announced.reason.clone();
            result.verdict = match std::mem::replace(&mut result.verdict, Verdict::Pass) {
                Verdict::Fail { seen } => Verdict::ExpectedFailure { seen, reason },
                Verdict::Pass => Verdict::UnexpectedPass { reason },
                other => other,
            };
        }
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
