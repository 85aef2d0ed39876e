//! Where figures come from: a machine, programs and a day.

use std::path::Path;
use std::process::Command;

use serde::Serialize;

/// What figures depend on.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::bench) struct Machine {
    pub(super) processor: String,
    pub(super) cores: usize,
    pub(super) memory_mib: u64,
    pub(super) system: String,
}

/// A program that was measured, or measured with.
#[derive(Serialize)]
pub(in crate::bench) struct Version {
    pub(super) name: String,
    pub(super) version: String,
}

impl Machine {
    pub(super) fn this() -> Self {
        Self {
            processor: field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mib: memory_mib().unwrap_or_default(),
            system: first_line(Command::new("uname").arg("-srm")),
        }
    }
}

impl Version {
    pub(super) fn ask(name: &str, program: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(arguments);
        Self {
            name: name.to_owned(),
            version: first_line(&mut command),
        }
    }
}

/// The day in UTC.
pub(super) fn today() -> String {
    first_line(Command::new("date").args(["-u", "+%Y-%m-%d"]))
}

fn memory_mib() -> Option<u64> {
    let total = field("/proc/meminfo", "MemTotal")?;
    let kib: u64 = total.split_whitespace().next()?.parse().ok()?;
    Some(kib / 1024)
}

/// The value of the first line `name : value`.
fn field(path: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(found, _)| found.trim() == name)
        .map(|(_, value)| value.trim().to_owned())
}

/// The line that names the version, if there is one, or else the first.
fn first_line(command: &mut Command) -> String {
    let output = match command.output() {
        Ok(output) => output,
        Err(_) => return "unknown".to_owned(),
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let named = text.lines().find_map(|line| line.strip_prefix("Version:"));
    named
        .or_else(|| text.lines().find(|line| !line.trim().is_empty()))
        .unwrap_or("unknown")
        .trim()
        .to_owned()
}
