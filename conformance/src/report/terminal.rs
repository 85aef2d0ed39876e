//! The report as lines for a person.

use super::{Counts, Report, Verdict};
use std::fmt::Write as _;

/// The report as text: what is wrong in full, the rest as figures. `coloured` adds ANSI colours.
///
/// What a plugin said is printed without control characters, so that it cannot take over the terminal.
#[must_use]
pub fn terminal(report: &Report, coloured: bool) -> String {
    let mut text = String::new();
    for result in &report.results {
        let (word, colour) = match result.verdict {
            Verdict::Pass | Verdict::Skip { .. } => continue,
            Verdict::Fail { .. } => ("FAIL", "31"),
            Verdict::UnexpectedPass { .. } => ("UNEXPECTED PASS", "31"),
            Verdict::Error { .. } => ("ERROR", "35"),
            Verdict::ExpectedFailure { .. } => ("expected", "33"),
        };
        let _ = writeln!(
            text,
            "{} {} ({}) {}\n     seen: {}\n     fix:  {}",
            paint(word, colour, coloured),
            result.id,
            result.level.as_str(),
            result.title,
            printable(&result.verdict.detail()),
            result.fix
        );
    }
    text + &summary(report, coloured)
}

fn summary(report: &Report, coloured: bool) -> String {
    let counts = Counts::of(report.results.iter().map(|result| &result.verdict));
    let verdict = if report.passed() && report.complete() {
        paint("passed", "32", coloured)
    } else if report.passed() {
        paint("incomplete", "35", coloured)
    } else {
        paint("failed", "31", coloured)
    };
    let key = report
        .key_id
        .as_deref()
        .map_or_else(String::new, |key| format!(" with {}", printable(key)));
    format!(
        "{}{key}: {verdict} ({} passed, {} failed, {} expected failures, {} errors, {} skipped)\n",
        report.plugin, counts.passed, counts.failed, counts.expected, counts.errors, counts.skipped
    )
}

fn paint(word: &str, colour: &str, coloured: bool) -> String {
    if coloured {
        format!("\u{1b}[{colour}m{word}\u{1b}[0m")
    } else {
        word.to_owned()
    }
}

fn printable(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control() {
                '\u{fffd}'
            } else {
                character
            }
        })
        .collect()
}
