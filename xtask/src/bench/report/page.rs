//! The table, for terminals and as a page.

use std::fmt::Write as _;

use super::{Report, Row};

/// The table for a terminal.
pub(super) fn terminal(report: &Report) -> String {
    let mut text = format!("\n{}\n\n", report.title);
    let _ = writeln!(
        text,
        "{:34} {:22} {:>16} {:>26} {:>10} {:>7}",
        "work", "side", "median", "spread", "peak", "ratio"
    );
    for row in &report.rows {
        let _ = writeln!(
            text,
            "{:34} {:22} {:>10.2} {:>5} {:>12.2} … {:>11.2} {:>10} {:>7.2}",
            row.work,
            row.side,
            row.median(),
            row.unit,
            row.least(),
            row.most(),
            peak(row),
            report.ratio(row),
        );
    }
    text.push('\n');
    for target in &report.targets {
        let _ = writeln!(
            text,
            "{}: wanted {}; found {}",
            verdict(target.reached),
            target.wanted,
            target.found
        );
    }
    for why in &report.skipped {
        let _ = writeln!(text, "SKIPPED {why}");
    }
    text
}

/// The page.
pub(super) fn markdown(report: &Report) -> String {
    let mut text = format!("# {}\n\n{}\n\n", report.title, report.about);
    let _ = writeln!(text, "![The medians as bars]({}.svg)\n", report.suite);
    text.push_str("| work | side | median | spread | runs | peak memory | ratio |\n");
    text.push_str("|---|---|---:|---:|---:|---:|---:|\n");
    for row in &report.rows {
        let _ = writeln!(
            text,
            "| {} | {} | {:.2} {} | {:.2} … {:.2} | {} | {} | {:.2} |",
            cell(&row.work),
            cell(&row.side),
            row.median(),
            row.unit,
            row.least(),
            row.most(),
            row.values.len(),
            peak(row),
            report.ratio(row),
        );
    }
    text.push_str(
        "\nThe ratio is the median divided by that of the first side of the same work.\n",
    );
    if !report.targets.is_empty() {
        text.push_str("\n## Wanted and found\n\n| wanted | found | |\n|---|---|---|\n");
        for target in &report.targets {
            let (wanted, found) = (cell(&target.wanted), cell(&target.found));
            let _ = writeln!(text, "| {wanted} | {found} | {} |", verdict(target.reached));
        }
    }
    for why in &report.skipped {
        let _ = writeln!(text, "\nSkipped: {why}");
    }
    origin(&mut text, report);
    text
}

fn origin(text: &mut String, report: &Report) {
    let machine = &report.machine;
    let _ = write!(
        text,
        "\n## Where the figures come from\n\n\
         `{}`, run on {}.\n\n\
         - processor: {}, {} cores\n- memory: {} MiB\n- system: {}\n",
        report.command,
        report.taken,
        machine.processor,
        machine.cores,
        machine.memory_mib,
        machine.system
    );
    for version in &report.versions {
        let _ = writeln!(text, "- {}: {}", version.name, version.version);
    }
    let commands: Vec<_> = report
        .rows
        .iter()
        .filter(|row| !row.command.is_empty())
        .collect();
    if commands.is_empty() {
        return;
    }
    text.push_str("\n| work | side | command |\n|---|---|---|\n");
    for row in commands {
        let (work, side, command) = (cell(&row.work), cell(&row.side), cell(&row.command));
        let _ = writeln!(text, "| {work} | {side} | `{command}` |");
    }
}

fn verdict(reached: bool) -> &'static str {
    if reached { "reached" } else { "NOT REACHED" }
}

fn peak(row: &Row) -> String {
    row.peak_kib
        // Far below 2^52 KiB: the conversion is exact.
        .map_or_else(String::new, |kib| format!("{:.1} MiB", kib as f64 / 1024.0))
}

/// A vertical bar would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
