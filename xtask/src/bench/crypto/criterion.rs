//! What the benchmarks of the crates say, read from their output.

use std::process::Command;

use crate::process::{TaskError, shown};

/// One benchmark: its name, and the low, middle and high estimate.
#[derive(Debug, PartialEq)]
pub(super) struct Measured {
    pub(super) name: String,
    pub(super) microseconds: [f64; 3],
}

impl Measured {
    /// The first part of the name.
    pub(super) fn group(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }

    pub(super) fn median(&self) -> f64 {
        self.microseconds[1]
    }
}

/// Runs a benchmark program and reads what it prints.
pub(super) fn run(command: &mut Command) -> Result<Vec<Measured>, TaskError> {
    println!("$ {}", shown(command));
    let output = command.output().map_err(|source| TaskError::Start {
        command: shown(command),
        source,
    })?;
    if !output.status.success() {
        return Err(TaskError::Check(
            String::from_utf8_lossy(&output.stderr).into_owned(),
        ));
    }
    Ok(parse(&String::from_utf8_lossy(&output.stdout)))
}

/// The name stands before `time: [low middle high]`, or on a line of its own if it is long.
fn parse(text: &str) -> Vec<Measured> {
    let mut found = Vec::new();
    let mut name = "";
    for line in text.lines() {
        let Some((before, after)) = line.split_once("time:") else {
            if !line.starts_with(' ') && line.contains('/') {
                name = line.trim();
            }
            continue;
        };
        if !before.trim().is_empty() {
            name = before.trim();
        }
        if let Some(microseconds) = estimates(after) {
            found.push(Measured {
                name: name.to_owned(),
                microseconds,
            });
        }
    }
    found
}

/// `[1.2 ms 1.3 ms 1.4 ms]`
fn estimates(text: &str) -> Option<[f64; 3]> {
    let words: Vec<&str> = text
        .trim()
        .strip_prefix('[')?
        .strip_suffix(']')?
        .split_whitespace()
        .collect();
    let values: Option<Vec<f64>> = words
        .chunks(2)
        .map(|pair| match pair {
            [value, unit] => Some(value.parse::<f64>().ok()? * in_microseconds(unit)?),
            _ => None,
        })
        .collect();
    values?.try_into().ok()
}

fn in_microseconds(unit: &str) -> Option<f64> {
    match unit {
        "ns" => Some(0.001),
        "µs" | "us" => Some(1.0),
        "ms" => Some(1000.0),
        "s" => Some(1_000_000.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_before_the_time_and_on_a_line_of_their_own_are_read() {
        let text = "\
verify/a/jws            time:   [900.0 ns 1.0 µs 2.0 µs]
                        change: [-1% +0% +1%]
raw-verify/RSA-2048/jws
                        time:   [1.0 ms 1.5 ms 2.0 ms]
";
        let found = parse(text);
        assert_eq!(found[0].name, "verify/a/jws");
        assert_eq!(found[0].microseconds, [0.9, 1.0, 2.0]);
        assert_eq!(found[1].name, "raw-verify/RSA-2048/jws");
        assert_eq!(found[1].median(), 1500.0);
        assert_eq!(found[1].group(), "raw-verify");
    }
}
