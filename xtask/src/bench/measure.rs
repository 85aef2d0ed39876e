//! Wall time and peak memory of whole processes.
//!
//! Each run is started by a small process of its own (`bench-probe`): the system keeps peak memory per
//! parent, as the largest of all children, and counts what the parent had when the child was started. The commands of a comparison run in
//! turn, A B C A B C, so that a machine that gets slower does so for all of them.

use crate::home::programs_directory;
use crate::process::{TaskError, cargo, run as show_and_run};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A command to measure.
pub(super) struct Subject {
    pub(super) name: String,
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<OsString>,
    /// Variables beside the inherited ones.
    pub(super) environment: Vec<(OsString, OsString)>,
    /// Where it runs, if not here.
    pub(super) directory: Option<PathBuf>,
}

/// What was measured over all runs.
pub(super) struct Measurement {
    pub(super) name: String,
    /// Wall time of each run, shortest first.
    wall: Vec<Duration>,
    /// The largest resident set of any run, in KiB.
    pub(super) peak_kib: u64,
}

impl Measurement {
    pub(super) fn median(&self) -> Duration {
        self.wall
            .get(self.wall.len() / 2)
            .copied()
            .unwrap_or_default()
    }

    /// The wall time of each run, shortest first.
    pub(super) fn milliseconds(&self) -> Vec<f64> {
        let wall = self.wall.iter();
        wall.map(|time| time.as_secs_f64() * 1000.0).collect()
    }

    pub(super) fn spread(&self) -> (Duration, Duration) {
        let first = self.wall.first().copied().unwrap_or_default();
        (first, self.wall.last().copied().unwrap_or_default())
    }
}

/// Runs every subject `runs` times, in turn, after one run of each that does not count.
pub(super) fn in_turn(subjects: &[Subject], runs: usize) -> Result<Vec<Measurement>, TaskError> {
    let mut measurements: Vec<Measurement> = subjects
        .iter()
        .map(|subject| Measurement {
            name: subject.name.clone(),
            wall: Vec::with_capacity(runs),
            peak_kib: 0,
        })
        .collect();
    let probe = build_probe()?;
    for run in 0..=runs {
        for (subject, measurement) in subjects.iter().zip(&mut measurements) {
            let (wall, peak_kib) = one_run(&probe, subject)?;
            if run > 0 {
                measurement.wall.push(wall);
                measurement.peak_kib = measurement.peak_kib.max(peak_kib);
            }
        }
    }
    for measurement in &mut measurements {
        measurement.wall.sort_unstable();
    }
    Ok(measurements)
}

fn build_probe() -> Result<PathBuf, TaskError> {
    show_and_run(&mut cargo([
        "build",
        "--quiet",
        "--package",
        "xtask",
        "--bin",
        "bench-probe",
    ]))?;
    Ok(programs_directory()?.join("bench-probe"))
}

fn one_run(probe: &Path, subject: &Subject) -> Result<(Duration, u64), TaskError> {
    let mut command = Command::new(probe);
    command.arg(&subject.program).args(&subject.arguments).envs(
        subject
            .environment
            .iter()
            .map(|(name, value)| (name, value)),
    );
    if let Some(directory) = &subject.directory {
        command.current_dir(directory);
    }
    let output = command.output().map_err(|source| TaskError::Start {
        command: subject.name.clone(),
        source,
    })?;
    if !output.status.success() {
        return Err(TaskError::Check(format!(
            "{}: {}",
            subject.name,
            String::from_utf8_lossy(&output.stderr).trim()
        )));
    }
    parse(&String::from_utf8_lossy(&output.stdout))
        .ok_or_else(|| TaskError::Check(format!("{}: the probe answered nonsense", subject.name)))
}

fn parse(answer: &str) -> Option<(Duration, u64)> {
    let (nanoseconds, kib) = answer.trim().split_once(' ')?;
    Some((
        Duration::from_nanos(nanoseconds.parse().ok()?),
        kib.parse().ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_of_the_sorted_runs() {
        let measurement = Measurement {
            name: String::new(),
            wall: [1, 2, 9].map(Duration::from_millis).to_vec(),
            peak_kib: 0,
        };
        assert_eq!(measurement.median(), Duration::from_millis(2));
        assert_eq!(
            measurement.spread(),
            (Duration::from_millis(1), Duration::from_millis(9))
        );
    }

    #[test]
    fn an_answer_of_the_probe_is_time_and_memory() {
        assert_eq!(
            parse("1500 2048\n"),
            Some((Duration::from_nanos(1500), 2048))
        );
        assert_eq!(parse("oops"), None);
    }
}
