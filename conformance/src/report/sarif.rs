//! SARIF 2.1.0 (OASIS), which code scanning reads.

use super::{Document, RuleResult, Verdict};
use crate::Level;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The document as a SARIF log with one run for each plugin and key. Only what is wrong is a result.
#[must_use]
pub fn sarif(document: &Document) -> Value {
    let runs: Vec<Value> = document
        .runs
        .iter()
        .map(|run| {
            let wrong = || run.results.iter().filter(|result| is_wrong(result));
            let rules: BTreeMap<&str, Value> = wrong()
                .map(|result| (result.id.as_str(), descriptor(result)))
                .collect();
            let results: Vec<Value> = wrong().map(|found| entry(found, &run.plugin)).collect();
            json!({
                "tool": { "driver": {
                    "name": "apostille-conformance",
                    "version": document.harness,
                    "rules": rules.into_values().collect::<Vec<_>>(),
                } },
                "invocations": [{
                    "executionSuccessful": run.complete(),
                    "startTimeUtc": document.time,
                }],
                "results": results,
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": runs,
    })
}

fn is_wrong(result: &RuleResult) -> bool {
    !matches!(result.verdict, Verdict::Pass | Verdict::Skip { .. })
}

fn descriptor(result: &RuleResult) -> Value {
    json!({
        "id": result.id,
        "shortDescription": { "text": result.title },
        "help": { "text": result.fix },
    })
}

fn entry(result: &RuleResult, plugin: &str) -> Value {
    let level = match (result.level, &result.verdict) {
        (_, Verdict::UnexpectedPass { .. }) | (Level::Must, _) => "error",
        (Level::Should, _) => "warning",
        (Level::Hygiene, _) => "note",
    };
    let mut entry = json!({
        "ruleId": result.id,
        "level": level,
        "message": { "text": format!("{}: {}", result.title, result.verdict.detail()) },
        "locations": [{ "physicalLocation": { "artifactLocation": { "uri": uri(plugin) } } }],
    });
    if let Verdict::ExpectedFailure { reason, .. } = &result.verdict {
        entry["suppressions"] = json!([{ "kind": "external", "justification": reason }]);
    }
    entry
}

/// The path as a relative reference (RFC 3986): everything but unreserved characters and `/` is
/// percent-encoded.
fn uri(path: &str) -> String {
    path.bytes()
        .map(|byte| match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
