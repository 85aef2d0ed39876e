//! JUnit's XML, which CI systems show as tests.

use super::{Counts, Document, Report, RuleResult, Verdict};
use std::fmt::Write as _;

/// The document as JUnit XML: one suite for each run, one case for each rule.
#[must_use]
pub fn junit(document: &Document) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for run in &document.runs {
        suite(&mut xml, run, &document.time);
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn suite(xml: &mut String, run: &Report, time: &str) {
    let counts = Counts::of(run.results.iter().map(|result| &result.verdict));
    let name = match &run.key_id {
        Some(key) => format!("{} {key}", run.plugin),
        None => run.plugin.clone(),
    };
    let _ = writeln!(
        xml,
        "  <testsuite name=\"{}\" timestamp=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">",
        escape(&name),
        escape(time),
        run.results.len(),
        counts.failed,
        counts.errors,
        counts.skipped + counts.expected,
    );
    for result in &run.results {
        case(xml, result);
    }
    xml.push_str("  </testsuite>\n");
}

fn case(xml: &mut String, result: &RuleResult) {
    let element = match result.verdict {
        Verdict::Pass => None,
        Verdict::Fail { .. } | Verdict::UnexpectedPass { .. } => Some("failure"),
        Verdict::Error { .. } => Some("error"),
        Verdict::Skip { .. } | Verdict::ExpectedFailure { .. } => Some("skipped"),
    };
    let _ = write!(
        xml,
        "    <testcase classname=\"{}\" name=\"{}\"",
        escape(&result.id),
        escape(&result.title)
    );
    match element {
        None => xml.push_str("/>\n"),
        Some(element) => {
            let _ = writeln!(
                xml,
                "><{element} message=\"{}\"/></testcase>",
                escape(&result.verdict.detail())
            );
        }
    }
}

/// Text for XML and HTML. Control characters, which XML 1.0 cannot hold at all, become U+FFFD.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push(' '),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other if other.is_control() => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}
