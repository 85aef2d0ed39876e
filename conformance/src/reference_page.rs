//! The page `docs/conformance-rules.md`, from the rules themselves.

use crate::{Demand, HarnessError, Rule, demands, rules};
use std::fmt::Write as _;

/// The groups of rules: the letters in the id, and the heading.
const GROUPS: &[(&str, &str)] = &[
    ("PK", "The executable"),
    ("PD", "Every command"),
    ("MD", "get-plugin-metadata"),
    ("DK", "describe-key"),
    ("GS", "generate-signature"),
    ("GE", "generate-envelope"),
    ("VS", "verify-signature"),
];

/// The page as Markdown.
///
/// # Errors
/// [`HarnessError::Rules`] if the embedded rules are broken.
pub fn markdown() -> Result<String, HarnessError> {
    let rules = rules()?;
    let demands = demands()?;
    let mut page = introduction(&rules, &demands);
    coverage(&mut page, &demands);
    gaps(&mut page, &demands);
    for (group, heading) in GROUPS {
        list(&mut page, heading, &of_group(&rules, group));
    }
    Ok(page)
}

fn of_group<'a>(rules: &'a [Rule], group: &str) -> Vec<&'a Rule> {
    let prefix = format!("NP-{group}-");
    rules
        .iter()
        .filter(|rule| rule.id.starts_with(&prefix))
        .collect()
}

fn introduction(rules: &[Rule], demands: &[Demand]) -> String {
    let offline = rules
        .iter()
        .filter(|rule| rule.tier.as_str() == "offline")
        .count();
    let without = demands
        .iter()
        .filter(|demand| demand.rules.is_empty())
        .count();
    format!(
        "# Conformance rules for plugins\n\n\
         This page is generated from the rules (`cargo test -p apostille-conformance --test rules_page` checks it; with \
         `UPDATE_RULES_PAGE=1` it writes it).\n\n\
         `apostille-conformance plugin` holds a plugin against {} rules; {offline} of them need neither a key nor a network. \
         Each rule has a plugin that breaks it and no other rule, which the tests of the harness prove. The id of a rule never \
         changes its meaning. `apostille-conformance explain ID` prints one rule.\n\n\
         Of {} demands of the specification on plugins, {without} have no rule; they are named below, with the reason.\n",
        rules.len(),
        demands.len(),
    )
}

/// Text for a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn coverage(page: &mut String, demands: &[Demand]) {
    page.push_str("\n## From the specification to the rules\n");
    let mut under = "";
    for demand in demands {
        if demand.document != under {
            under = &demand.document;
            // Writing to a String does not fail.
            let _ = write!(
                page,
                "\n### {under}\n\n| section | demand | rules |\n| --- | --- | --- |\n"
            );
        }
        let rules = if demand.rules.is_empty() {
            "**none**".to_owned()
        } else {
            demand.rules.join(", ")
        };
        let _ = writeln!(
            page,
            "| {} | {} | {rules} |",
            cell(&demand.section),
            cell(&demand.demand)
        );
    }
}

fn gaps(page: &mut String, demands: &[Demand]) {
    page.push_str("\n## What is not covered\n\n");
    for demand in demands {
        if let Some(gap) = &demand.gap {
            let extent = if demand.rules.is_empty() {
                "no rule"
            } else {
                "in part"
            };
            let _ = writeln!(page, "- {} ({extent}: {gap})", demand.demand);
        }
    }
}

fn list(page: &mut String, heading: &str, rules: &[&Rule]) {
    let _ = write!(
        page,
        "\n## {heading}\n\n| id | level | tier | rule | why | fix |\n| --- | --- | --- | --- | --- | --- |\n"
    );
    for rule in rules {
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} | {} |",
            rule.id,
            rule.level.as_str(),
            rule.tier.as_str(),
            cell(&rule.title),
            cell(&rule.why),
            cell(&rule.fix)
        );
    }
}
