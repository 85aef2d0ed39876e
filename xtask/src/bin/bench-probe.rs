//! `bench-probe COMMAND…`: runs one command with nothing on its input, and prints its wall time in
//! nanoseconds and its peak memory in KiB.
//!
//! A program of its own, with as little in it as possible: the memory of the process that starts the
//! command is the least that the system reports for the command.

#![forbid(unsafe_code)]

use nix::sys::resource::{UsageWho, getrusage};
use std::ffi::OsString;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    match measure(&words) {
        Ok((nanoseconds, kib)) => {
            println!("{nanoseconds} {kib}");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("bench-probe: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn measure(words: &[OsString]) -> Result<(u128, i64), String> {
    let (program, arguments) = words.split_first().ok_or("no command")?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let start = Instant::now();
    let status = command
        .status()
        .map_err(|error| format!("{}: {error}", program.to_string_lossy()))?;
    let wall = start.elapsed();
    if !status.success() {
        return Err(format!("{command:?} failed ({status})"));
    }
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(|error| error.to_string())?;
    Ok((wall.as_nanos(), usage.max_rss()))
}
