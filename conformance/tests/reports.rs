//! Every form of a report, from verdicts of every kind.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use apostille_conformance::profile::ExpectedFailure;
use apostille_conformance::report::{Document, badge, html, junit, sarif, terminal};
use apostille_conformance::{Level, Report, RuleResult, Tier, Verdict};
use serde_json::Value;

/// What a hostile plugin might print.
const HOSTILE: &str = "</script><script>alert(1)</script>\u{1b}[2J";

fn result(id: &str, level: Level, verdict: Verdict) -> RuleResult {
    RuleResult {
        id: id.to_owned(),
        level,
        tier: Tier::Offline,
        title: "It is so".to_owned(),
        fix: "Do it".to_owned(),
        verdict,
    }
}

fn text(text: &str) -> String {
    text.to_owned()
}

fn all_verdicts() -> Report {
    let results = vec![
        result("NP-PK-001", Level::Must, Verdict::Pass),
        result(
            "NP-PK-002",
            Level::Must,
            Verdict::Fail {
                seen: text(HOSTILE),
            },
        ),
        result(
            "NP-MD-060",
            Level::Should,
            Verdict::Skip {
                reason: text("no key"),
            },
        ),
        result(
            "NP-MD-061",
            Level::Should,
            Verdict::Error {
                reason: text("no pipe"),
            },
        ),
        result(
            "NP-MD-062",
            Level::Must,
            Verdict::Fail {
                seen: text("two urls"),
            },
        ),
        result("NP-MD-063", Level::Hygiene, Verdict::Pass),
    ];
    let mut report = Report {
        plugin: text("/opt/notation example"),
        key_id: Some(text("release")),
        results,
    };
    let expected = |rule: &str| ExpectedFailure {
        rule: text(rule),
        reason: text("known"),
    };
    report.expect_failures(&[expected("NP-MD-062"), expected("NP-MD-063")]);
    report
}

fn document() -> Document {
    Document::new(text("2024-06-01T00:00:00Z"), vec![all_verdicts()])
}

#[test]
fn the_json_report_is_valid_by_the_published_schema() {
    let schema: Value =
        serde_json::from_str(include_str!("../schemas/report.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut value = serde_json::to_value(document()).unwrap();
    assert!(validator.is_valid(&value), "{value:#}");
    value["runs"][0]["results"][1]["seen"] = Value::Null;
    assert!(!validator.is_valid(&value));
}

#[test]
fn an_announced_failure_is_expected_and_an_announced_pass_fails() {
    let report = all_verdicts();
    let verdicts: Vec<&str> = report
        .results
        .iter()
        .map(|one| one.verdict.as_str())
        .collect();
    assert_eq!(
        verdicts,
        [
            "pass",
            "fail",
            "skip",
            "error",
            "expected-failure",
            "unexpected-pass"
        ]
    );
    let mut only_announced = report;
    only_announced.results.retain(|one| one.id == "NP-MD-063");
    assert!(!only_announced.passed());
    only_announced.results.clear();
    assert!(only_announced.passed());
}

#[test]
fn what_a_plugin_says_stays_text_in_every_form() {
    let document = document();
    for page in [html(&document), junit(&document)] {
        assert!(!page.contains("<script>alert"), "{page}");
        assert!(!page.contains('\u{1b}'));
    }
    assert!(!terminal(&all_verdicts(), false).contains('\u{1b}'));
    assert!(terminal(&all_verdicts(), true).contains("\u{1b}[31mFAIL"));
}

#[test]
fn the_page_refers_to_nothing_outside_itself() {
    let page = html(&document());
    for reference in ["http:", "https:", " src=", "@import", "url("] {
        assert!(!page.contains(reference), "{reference}");
    }
}

#[test]
fn junit_counts_failures_errors_and_skips() {
    let xml = junit(&document());
    assert!(
        xml.contains("tests=\"6\" failures=\"2\" errors=\"1\" skipped=\"2\""),
        "{xml}"
    );
}

#[test]
fn sarif_holds_what_is_wrong_and_suppresses_what_is_expected() {
    let log = sarif(&document());
    assert_eq!(log["version"], "2.1.0");
    let results = log["runs"][0]["results"].as_array().unwrap();
    let ids: Vec<&str> = results
        .iter()
        .filter_map(|one| one["ruleId"].as_str())
        .collect();
    assert_eq!(ids, ["NP-PK-002", "NP-MD-061", "NP-MD-062", "NP-MD-063"]);
    assert_eq!(results[2]["suppressions"][0]["justification"], "known");
    let location = &results[0]["locations"][0]["physicalLocation"]["artifactLocation"];
    assert_eq!(location["uri"], "/opt/notation%20example");
}

#[test]
fn the_badge_tells_incomplete_failed_and_passed_apart() {
    let message =
        |document: &Document| serde_json::to_value(badge(document)).unwrap()["message"].clone();
    let mut document = document();
    assert_eq!(message(&document), "incomplete");
    document.runs[0].results.retain(|one| one.id != "NP-MD-061");
    assert_eq!(message(&document), "2 failed");
    document.runs[0].results.truncate(1);
    assert_eq!(message(&document), "1 passed");
}
