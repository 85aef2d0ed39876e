//! Start-up: what a process costs before it has done anything of use.

use super::measure::{Measurement, Subject, in_turn};
use super::peer::notation;
use super::table;
use crate::home::release_directory;
use crate::process::{TaskError, cargo, run as show_and_run};
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
    /// Measure the release executables that are there, without building any.
    #[arg(long)]
    no_build: bool,
}

/// Measures, prints the table, and fails where a plugin is above its limits.
pub(super) fn run(options: &Options) -> Result<(), TaskError> {
    if !options.no_build {
        let build = ["build", "--release", "--workspace", "--bins", "--quiet"];
        show_and_run(&mut cargo(build))?;
    }
    let measurements = in_turn(&subjects()?, options.runs)?;
    table::print(&measurements);
    keep_limits(&measurements)
}

fn subjects() -> Result<Vec<Subject>, TaskError> {
    let release = release_directory()?;
    let mut subjects = vec![subject("/bin/true", Path::new("/bin/true"), &[])];
    let host = release.join("apostille");
    if host.exists() {
        subjects.push(subject("apostille version", &host, &["version"]));
    } else {
        println!("apostille: SKIPPED, it is not built");
    }
    if let Some(program) = notation() {
        subjects.push(subject("notation version", &program, &["version"]));
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
        environment: Vec::new(),
        directory: None,
    }
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
