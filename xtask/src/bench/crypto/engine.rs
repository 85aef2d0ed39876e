//! The verification engine, read from the output of its benchmark.

use std::process::Command;

use super::super::report::{Report, Row};
use super::ENVELOPE_SHARE;
use crate::process::{TaskError, shown};

/// What a second core must bring.
const SECOND_CORE: f64 = 1.9;

/// Runs the benchmark and adds what it says.
pub(super) fn run(command: &mut Command, report: &mut Report) -> Result<(), TaskError> {
    println!("$ {}", shown(command));
    let output = command.output().map_err(|source| TaskError::Start {
        command: shown(command),
        source,
    })?;
    let text = String::from_utf8_lossy(&output.stdout);
    for key_spec in ["rsa-2048", "ec-256", "ec-384"] {
        let values = |what: &str| rates(&text, &format!("{what}/{key_spec}"));
        let work = format!("engine, {key_spec}");
        let row = |side: &str, what| Row::new(&work, side, "/s", values(what));
        let one = row("one core", "one");
        let two = row("two cores", "two");
        let raw = row("raw signatures", "raw");
        if one.values.is_empty() {
            return Err(TaskError::Check(
                String::from_utf8_lossy(&output.stderr).into_owned(),
            ));
        }
        let (share, growth) = (one.median() / raw.median(), two.median() / one.median());
        report.target(
            format!("{work}: at least 80 % of the rate of the raw signatures"),
            format!("{:.0} %", share * 100.0),
            share >= ENVELOPE_SHARE,
        );
        report.target(
            format!("{work}: at least 1.9 × on two cores"),
            format!("{growth:.2} ×"),
            growth >= SECOND_CORE,
        );
        for row in [one, two, raw] {
            report.add(row);
        }
    }
    Ok(())
}

/// The numbers on the lines `name number`.
fn rates(text: &str, name: &str) -> Vec<f64> {
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(found, _)| *found == name)
        .filter_map(|(_, rate)| rate.parse().ok())
        .collect()
}
