//! What a suite found, for everybody to read: a table on the terminal, and JSON, a Markdown page and a plot in
//! `docs/benchmarks`.

mod machine;
mod page;
mod plot;

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::measure::Measurement;
use crate::process::{TaskError, workspace_root};

pub(super) use machine::{Machine, Version};

/// The figures of one suite in one run.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    /// The name of the suite, and of its files.
    suite: &'static str,
    title: String,
    /// What was measured and how, in a paragraph.
    about: String,
    /// The command that makes the report.
    command: String,
    taken: String,
    machine: Machine,
    versions: Vec<Version>,
    rows: Vec<Row>,
    /// What was wanted, and whether it was reached.
    targets: Vec<Target>,
    /// Sides that were not measured, and why.
    skipped: Vec<String>,
}

/// One side of a comparison. The sides of the same work stand together, ours first.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    pub(super) work: String,
    pub(super) side: String,
    /// What was run.
    pub(super) command: String,
    /// Such as `ms`, or `MiB/s`.
    pub(super) unit: &'static str,
    /// One value for each run, smallest first.
    pub(super) values: Vec<f64>,
    /// The largest resident set of any run, where it was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) peak_kib: Option<u64>,
}

/// A figure to reach.
#[derive(Serialize)]
struct Target {
    wanted: String,
    found: String,
    reached: bool,
}

impl Row {
    /// A row of values that are not sorted yet.
    pub(super) fn new(work: &str, side: &str, unit: &'static str, mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self {
            work: work.to_owned(),
            side: side.to_owned(),
            command: String::new(),
            unit,
            values,
            peak_kib: None,
        }
    }

    /// The wall time and memory of processes, in milliseconds.
    pub(super) fn of_processes(work: &str, side: &str, measured: &Measurement) -> Self {
        let mut row = Self::new(work, side, "ms", measured.milliseconds());
        row.peak_kib = Some(measured.peak_kib);
        row
    }

    pub(super) fn with_command(mut self, command: impl Into<String>) -> Self {
        self.command = command.into();
        self
    }

    pub(super) fn median(&self) -> f64 {
        self.values
            .get(self.values.len() / 2)
            .copied()
            .unwrap_or_default()
    }

    fn least(&self) -> f64 {
        self.values.first().copied().unwrap_or_default()
    }

    fn most(&self) -> f64 {
        self.values.last().copied().unwrap_or_default()
    }
}

impl Report {
    /// A report without figures. `command` is the one that makes it.
    pub(super) fn new(suite: &'static str, title: &str, about: &str, command: String) -> Self {
        Self {
            suite,
            title: title.to_owned(),
            about: about.to_owned(),
            command,
            taken: machine::today(),
            machine: Machine::this(),
            versions: Vec::new(),
            rows: Vec::new(),
            targets: Vec::new(),
            skipped: Vec::new(),
        }
    }

    /// Notes what `program arguments` says about its version.
    pub(super) fn version(&mut self, name: &str, program: &Path, arguments: &[&str]) {
        self.versions.push(Version::ask(name, program, arguments));
    }

    pub(super) fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    pub(super) fn target(&mut self, wanted: impl Into<String>, found: String, reached: bool) {
        self.targets.push(Target {
            wanted: wanted.into(),
            found,
            reached,
        });
    }

    pub(super) fn skip(&mut self, why: impl Into<String>) {
        self.skipped.push(why.into());
    }

    /// The row of this side of this work.
    pub(super) fn row(&self, work: &str, side: &str) -> Option<&Row> {
        self.rows
            .iter()
            .find(|row| row.work == work && row.side == side)
    }

    /// How a row compares to the first one of the same work.
    fn ratio(&self, row: &Row) -> f64 {
        let first = self.rows.iter().find(|first| first.work == row.work);
        row.median() / first.map_or(0.0, Row::median).max(f64::EPSILON)
    }

    /// Prints the table and writes the three files.
    pub(super) fn publish(&self) -> Result<(), TaskError> {
        print!("{}", page::terminal(self));
        let directory = workspace_root().join("docs/benchmarks");
        std::fs::create_dir_all(&directory).map_err(TaskError::file(&directory))?;
        let json = serde_json::to_string_pretty(self)
            .map_err(|error| TaskError::Check(error.to_string()))?;
        self.write(&directory, "json", &(json + "\n"))?;
        self.write(&directory, "md", &page::markdown(self))?;
        let svg = self.write(&directory, "svg", &plot::svg(self))?;
        println!("\nwritten: {} and its neighbours", svg.display());
        Ok(())
    }

    fn write(&self, directory: &Path, extension: &str, text: &str) -> Result<PathBuf, TaskError> {
        let path = directory.join(format!("{}.{extension}", self.suite));
        std::fs::write(&path, text).map_err(TaskError::file(&path))?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut report = Report::new(
            "blob",
            "Files",
            "About.",
            "cargo xtask bench blob".to_owned(),
        );
        report.add(
            Row::new("sign", "apostille", "ms", vec![3.0, 1.0, 2.0]).with_command("a <b> | c"),
        );
        report.add(Row::new("sign", "openssl", "ms", vec![4.0]));
        report.target("at most 24 MiB", "20 MiB".to_owned(), true);
        report.skip("notation: not on this machine");
        report
    }

    #[test]
    fn the_median_is_of_the_sorted_values_and_the_ratio_is_to_the_first_side() {
        let report = report();
        let ours = report.row("sign", "apostille").unwrap();
        assert_eq!((ours.least(), ours.median(), ours.most()), (1.0, 2.0, 3.0));
        assert_eq!(report.ratio(report.row("sign", "openssl").unwrap()), 2.0);
    }

    #[test]
    fn the_page_has_every_row_its_command_and_what_was_skipped() {
        let page = page::markdown(&report());
        for part in [
            "| sign | apostille |",
            "2.00",
            "a <b> \\| c",
            "reached",
            "notation: not on this machine",
            "![",
            "cargo xtask bench blob",
        ] {
            assert!(page.contains(part), "{part:?} is not in {page}");
        }
    }

    #[test]
    fn the_plot_has_a_bar_for_every_row_and_no_stray_markup() {
        let mut report = report();
        report.add(Row::new("a <b> & c", "x", "ms", vec![1.0]));
        let svg = plot::svg(&report);
        assert_eq!(svg.matches("class=\"bar").count(), 3);
        assert!(svg.contains("a &lt;b&gt; &amp; c"));
    }
}
