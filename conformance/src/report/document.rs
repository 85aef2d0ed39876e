//! The report as one JSON document (`schemas/report.schema.json`), and its badge.

use super::{Report, Verdict};
use serde::Serialize;

/// Everything that one run of the harness found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Document {
    /// The version of this format; `report.schema.json` describes version 1.
    pub format: u32,
    /// The version of the harness.
    pub harness: String,
    /// When the run began, RFC 3339, UTC.
    pub time: String,
    /// One entry for each plugin and key.
    pub runs: Vec<Report>,
}

impl Document {
    /// A document of these runs. `time` is RFC 3339.
    #[must_use]
    pub fn new(time: String, runs: Vec<Report>) -> Self {
        Self {
            format: 1,
            harness: env!("CARGO_PKG_VERSION").to_owned(),
            time,
            runs,
        }
    }

    /// Whether every run passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.runs.iter().all(Report::passed)
    }

    /// Whether every rule could be looked at in every run.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.runs.iter().all(Report::complete)
    }
}

/// How many rules of a report have which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Kept.
    pub passed: usize,
    /// Broken, or kept where the profile says that they are broken.
    pub failed: usize,
    /// Not applicable.
    pub skipped: usize,
    /// Not looked at, through trouble of the harness.
    pub errors: usize,
    /// Broken as the profile says.
    pub expected: usize,
}

impl Counts {
    /// Counts the verdicts.
    pub fn of<'a>(verdicts: impl IntoIterator<Item = &'a Verdict>) -> Self {
        let mut counts = Self::default();
        for verdict in verdicts {
            let count = match verdict {
                Verdict::Pass => &mut counts.passed,
                Verdict::Fail { .. } | Verdict::UnexpectedPass { .. } => &mut counts.failed,
                Verdict::Skip { .. } => &mut counts.skipped,
                Verdict::Error { .. } => &mut counts.errors,
                Verdict::ExpectedFailure { .. } => &mut counts.expected,
            };
            *count += 1;
        }
        counts
    }
}

/// What the endpoint badge of shields.io reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Badge {
    schema_version: u32,
    label: &'static str,
    message: String,
    color: &'static str,
}

/// The badge of a document.
#[must_use]
pub fn badge(document: &Document) -> Badge {
    let results = document.runs.iter().flat_map(|run| &run.results);
    let counts = Counts::of(results.map(|result| &result.verdict));
    let (message, color) = if !document.complete() {
        ("incomplete".to_owned(), "lightgrey")
    } else if !document.passed() {
        (format!("{} failed", counts.failed), "red")
    } else if counts.failed + counts.expected > 0 {
        (
            format!("passed, {} remarks", counts.failed + counts.expected),
            "yellow",
        )
    } else {
        (format!("{} passed", counts.passed), "brightgreen")
    };
    Badge {
        schema_version: 1,
        label: "notary plugin contract",
        message,
        color,
    }
}
