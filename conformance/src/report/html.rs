//! One page that needs nothing else: no network, no other file.

use super::junit::escape;
use super::{Counts, Document, Report, RuleResult, Verdict};
use std::collections::BTreeSet;
use std::fmt::Write as _;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The document as one HTML page: a matrix of runs by rule groups, then every rule of every run.
///
/// Everything that comes from a plugin is escaped, and the page's own policy lets nothing be loaded.
#[must_use]
pub fn html(document: &Document) -> String {
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n\
         <title>Plugin conformance</title>\n",
    );
    let _ = write!(
        page,
        "<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>Plugin conformance</h1>\n\
         <p>apostille-conformance {}, {}</p>\n",
        escape(&document.harness),
        escape(&document.time)
    );
    matrix(&mut page, document);
    filters(&mut page);
    for (number, run) in document.runs.iter().enumerate() {
        section(&mut page, number, run);
    }
    let _ = write!(
        page,
        "</main>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n"
    );
    page
}

fn name(run: &Report) -> String {
    let file = run.plugin.rsplit(['/', '\\']).next().unwrap_or_default();
    match &run.key_id {
        Some(key) => format!("{file} · {key}"),
        None => file.to_owned(),
    }
}

/// `GS` of `NP-GS-104`.
fn group(id: &str) -> &str {
    id.split('-').nth(1).unwrap_or(id)
}

fn matrix(page: &mut String, document: &Document) {
    let all = document.runs.iter().flat_map(|run| &run.results);
    let groups: BTreeSet<&str> = all.map(|result| group(&result.id)).collect();
    page.push_str("<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Matrix\">\n<table>\n<thead><tr><th scope=\"col\">Plugin and key</th>");
    for group in &groups {
        let _ = write!(page, "<th scope=\"col\">{}</th>", escape(group));
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for (number, run) in document.runs.iter().enumerate() {
        let _ = write!(
            page,
            "<tr><th scope=\"row\"><a href=\"#run-{number}\">{}</a></th>",
            escape(&name(run))
        );
        for wanted in &groups {
            let of_group = run.results.iter().filter(|one| group(&one.id) == *wanted);
            cell(page, Counts::of(of_group.map(|one| &one.verdict)));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody>\n</table>\n</div>\n");
}

fn cell(page: &mut String, counts: Counts) {
    let (class, text) = if counts.failed > 0 {
        ("fail", format!("{} failed", counts.failed))
    } else if counts.errors > 0 {
        ("error", format!("{} errors", counts.errors))
    } else if counts.expected > 0 {
        ("expected-failure", format!("{} expected", counts.expected))
    } else if counts.passed > 0 {
        ("pass", format!("{} passed", counts.passed))
    } else {
        ("skip", "skipped".to_owned())
    };
    let _ = write!(page, "<td class=\"{class}\">{text}</td>");
}

fn filters(page: &mut String) {
    page.push_str("<form id=\"filters\" aria-label=\"Filters\">\n");
    for (name, label, choices) in [
        ("level", "Level", &["MUST", "SHOULD", "hygiene"][..]),
        (
            "verdict",
            "Verdict",
            &[
                "fail",
                "unexpected-pass",
                "error",
                "expected-failure",
                "skip",
                "pass",
            ],
        ),
    ] {
        let _ = write!(
            page,
            "<label>{label} <select name=\"{name}\"><option value=\"\">all</option>"
        );
        for choice in choices {
            let _ = write!(page, "<option>{choice}</option>");
        }
        page.push_str("</select></label>\n");
    }
    page.push_str("<output id=\"shown\"></output>\n</form>\n");
}

fn section(page: &mut String, number: usize, run: &Report) {
    let _ = writeln!(
        page,
        "<section id=\"run-{number}\">\n<h2>{}</h2>\n<p>{}</p>",
        escape(&name(run)),
        escape(&run.plugin)
    );
    for result in &run.results {
        rule(page, result);
    }
    page.push_str("</section>\n");
}

fn rule(page: &mut String, result: &RuleResult) {
    let verdict = result.verdict.as_str();
    let open = match result.verdict {
        Verdict::Fail { .. } | Verdict::UnexpectedPass { .. } | Verdict::Error { .. } => " open",
        _ => "",
    };
    let _ = write!(
        page,
        "<details data-level=\"{level}\" data-verdict=\"{verdict}\"{open}><summary>\
         <b class=\"{verdict}\">{verdict}</b> <code>{}</code> {level} {}</summary>\n<dl>",
        escape(&result.id),
        escape(&result.title),
        level = result.level.as_str(),
    );
    for (term, text) in [
        ("Expected", result.title.as_str()),
        ("Seen", &result.verdict.detail()),
        ("Fix", &result.fix),
    ] {
        if !text.is_empty() {
            let _ = write!(page, "<dt>{term}</dt><dd>{}</dd>", escape(text));
        }
    }
    page.push_str("</dl></details>\n");
}
