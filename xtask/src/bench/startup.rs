//! Start-up: what a process costs before it has done anything of use.

use super::measure::{Measurement, Subject, in_turn};
use crate::process::{TaskError, cargo, run as show_and_run};
use apostille_testing::tools::find_tool;
use clap::Args;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A plugin is started several times for each signature: its metadata may cost this much more than
/// `/bin/true`, the floor of starting any process.
const METADATA_ABOVE_FLOOR: Duration = Duration::from_millis(3);
/// And this much memory.
const METADATA_PEAK_KIB: u64 = 8 * 1024;

/// Options of the suite.
#[derive(Args)]
pub(super) struct Options {
    /// Counted runs of each command.
    #[arg(long, default_value_t = 21)]
    runs: usize,
}

/// Measures, prints the table, and fails where a plugin is above its limits.
pub(super) fn run(options: &Options) -> Result<(), TaskError> {
    show_and_run(&mut cargo([
        "build",
        "--release",
        "--workspace",
        "--bins",
        "--quiet",
    ]))?;
    let measurements = in_turn(&subjects()?, options.runs)?;
    print_table(&measurements);
    keep_limits(&measurements)
}

fn subjects() -> Result<Vec<Subject>, TaskError> {
    let release = release_directory()?;
    let mut subjects = vec![
        subject("/bin/true", Path::new("/bin/true"), &[]),
        subject(
            "apostille version",
            &release.join("apostille"),
            &["version"],
        ),
    ];
    let notation = std::env::var_os("NOTATION_BIN")
        .map(PathBuf::from)
        .or_else(|| find_tool("notation").ok());
    match notation {
        Some(program) => subjects.push(subject("notation version", &program, &["version"])),
        None => println!("notation: SKIPPED, it is neither on the PATH nor named by NOTATION_BIN"),
    }
    for plugin in plugins(&release)? {
        let name = format!(
            "{} get-plugin-metadata",
            plugin.file_name().unwrap_or_default().to_string_lossy()
        );
        subjects.push(subject(&name, &plugin, &["get-plugin-metadata"]));
    }
    Ok(subjects)
}

fn subject(name: &str, program: &Path, arguments: &[&str]) -> Subject {
    Subject {
        name: name.to_owned(),
        program: program.to_owned(),
        arguments: arguments.iter().map(Into::into).collect(),
    }
}

/// `release` beside the `debug` directory that this program runs from.
fn release_directory() -> Result<PathBuf, TaskError> {
    let this = std::env::current_exe().map_err(TaskError::file(Path::new("cargo xtask")))?;
    this.ancestors()
        .nth(2)
        .map(|target| target.join("release"))
        .ok_or_else(|| TaskError::Check("cargo's target directory was not found".to_owned()))
}

fn plugins(release: &Path) -> Result<Vec<PathBuf>, TaskError> {
    let entries = std::fs::read_dir(release).map_err(TaskError::file(release))?;
    let mut found: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_none())
        .filter(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("notation-"))
        })
        .collect();
    found.sort();
    Ok(found)
}

fn print_table(measurements: &[Measurement]) {
    let floor = measurements
        .first()
        .map(Measurement::median)
        .unwrap_or_default();
    println!(
        "\n{:45} {:>10} {:>19} {:>10} {:>10}",
        "command", "median", "spread", "÷ floor", "peak"
    );
    for measurement in measurements {
        let (least, most) = measurement.spread();
        println!(
            "{:45} {:>7.2} ms {:>7.2} … {:>5.2} ms {:>10.1} {:>6.1} MiB",
            measurement.name,
            milliseconds(measurement.median()),
            milliseconds(least),
            milliseconds(most),
            milliseconds(measurement.median()) / milliseconds(floor).max(f64::EPSILON),
            // Far below 2^52 KiB: the conversion is exact.
            measurement.peak_kib as f64 / 1024.0,
        );
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn keep_limits(measurements: &[Measurement]) -> Result<(), TaskError> {
    let floor = measurements
        .first()
        .map(Measurement::median)
        .unwrap_or_default();
    for plugin in measurements
        .iter()
        .filter(|found| found.name.ends_with("get-plugin-metadata"))
    {
        if plugin.median() > floor + METADATA_ABOVE_FLOOR || plugin.peak_kib > METADATA_PEAK_KIB {
            return Err(TaskError::Check(format!(
                "{} takes more than 3 ms above /bin/true or more than 8 MiB",
                plugin.name
            )));
        }
    }
    Ok(())
}
