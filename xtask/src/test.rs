//! `cargo xtask test`: the one command that sets up the test servers and runs everything CI runs.

use crate::install::{self, Consent};
use crate::process::{TaskError, cargo, run as show_and_run, shown, succeeds, workspace_root};
use clap::Args;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Options of `cargo xtask test`.
#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    consent: Consent,
}

/// A named part of the run, so that the summary can say where the time went.
struct Step {
    name: &'static str,
    run: fn() -> Result<Tally, TaskError>,
}

/// How many tests ran.
#[derive(Clone, Copy, Default)]
struct Tally {
    passed: u64,
    failed: u64,
}

const STEPS: &[Step] = &[
    Step {
        name: "format",
        run: format,
    },
    Step {
        name: "lints",
        run: lints,
    },
    Step {
        name: "tests",
        run: tests,
    },
    Step {
        name: "portability",
        run: portability,
    },
    Step {
        name: "documentation",
        run: documentation,
    },
    Step {
        name: "dependencies",
        run: dependencies,
    },
];

/// Sets up the servers and runs every step; the first that fails ends the run.
///
/// # Errors
/// The first failure.
pub(crate) fn run(options: &Options) -> Result<(), TaskError> {
    install::test_tools(options.consent)?;
    let mut total = Tally::default();
    let mut times = Vec::new();
    for step in STEPS {
        println!("\n== {} ==", step.name);
        let start = Instant::now();
        let tally = (step.run)()?;
        total.passed += tally.passed;
        total.failed += tally.failed;
        times.push(format!(
            "{} {:.0} s",
            step.name,
            start.elapsed().as_secs_f64()
        ));
    }
    println!("\n{}", times.join(", "));
    println!("{} passed, {} failed", total.passed, total.failed);
    Ok(())
}

fn format() -> Result<Tally, TaskError> {
    show_and_run(&mut cargo(["fmt", "--all", "--check"]))?;
    Ok(Tally::default())
}

fn lints() -> Result<Tally, TaskError> {
    show_and_run(&mut cargo([
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "--deny",
        "warnings",
    ]))?;
    Ok(Tally::default())
}

fn tests() -> Result<Tally, TaskError> {
    // The programs first: behaviour tests of one crate run the executables of others.
    show_and_run(&mut cargo([
        "build",
        "--workspace",
        "--bins",
        "--examples",
        "--locked",
    ]))?;
    counted(&mut cargo([
        "test",
        "--workspace",
        "--locked",
        "--no-fail-fast",
    ]))
}

/// The protocol has no I/O, so that it also builds where there is none: in a browser.
fn portability() -> Result<Tally, TaskError> {
    const TARGET: &str = "wasm32-unknown-unknown";
    if !has_target(TARGET) {
        println!("{TARGET}: SKIPPED, install it with: rustup target add {TARGET}");
        return Ok(Tally::default());
    }
    let check = ["check", "--locked", "--target", TARGET, "--package"];
    show_and_run(cargo(check).arg("notary-plugin-protocol"))?;
    Ok(Tally::default())
}

/// Whether the compiler that cargo uses has the standard library of a target.
fn has_target(target: &str) -> bool {
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let directory = Command::new(compiler)
        .args(["--print", "target-libdir", "--target", target])
        .current_dir(workspace_root())
        .output();
    directory.is_ok_and(|output| {
        let path = String::from_utf8_lossy(&output.stdout);
        output.status.success() && Path::new(path.trim()).is_dir()
    })
}

fn documentation() -> Result<Tally, TaskError> {
    let mut command = cargo(["doc", "--workspace", "--no-deps", "--locked"]);
    show_and_run(command.env("RUSTDOCFLAGS", "--deny warnings"))?;
    Ok(Tally::default())
}

fn dependencies() -> Result<Tally, TaskError> {
    if !install::cargo_deny() {
        return Err(TaskError::Missing {
            what: "cargo-deny".to_owned(),
            how: "cargo xtask servers install --yes".to_owned(),
        });
    }
    let deny = || {
        let program = apostille_testing::tools::find_tool("cargo-deny")
            .unwrap_or_else(|_| "cargo-deny".into());
        let mut command = Command::new(program);
        command.current_dir(workspace_root());
        command
    };
    show_and_run(deny().args(["check", "licenses", "sources", "bans"]))?;
    if succeeds(deny().args(["fetch", "db"])) {
        show_and_run(deny().args(["check", "--disable-fetch", "advisories"]))?;
    } else {
        println!("advisories: SKIPPED, the advisory database cannot be reached from here");
    }
    Ok(Tally::default())
}

/// Runs a test command, shows all it prints, and adds up the closing lines of its test programs.
fn counted(command: &mut Command) -> Result<Tally, TaskError> {
    println!("+ {}", shown(command));
    let line = shown(command);
    let start = |source| TaskError::Start {
        command: line.clone(),
        source,
    };
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(start)?;
    let mut tally = Tally::default();
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            println!("{line}");
            tally.add(&line);
        }
    }
    let status = child.wait().map_err(start)?;
    if status.success() && tally.passed == 0 {
        return Err(TaskError::Check("no test was run".to_owned()));
    }
    if status.success() {
        return Ok(tally);
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    Err(TaskError::Failed {
        command: line.clone(),
        status,
    })
}

impl Tally {
    /// Reads `test result: ok. 3 passed; 0 failed; …`.
    fn add(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result:") else {
            return;
        };
        let count = |what: &str| -> u64 {
            result
                .split([';', '.'])
                .filter_map(|part| part.trim().strip_suffix(what)?.trim().parse::<u64>().ok())
                .sum()
        };
        self.passed += count("passed");
        self.failed += count("failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_without_a_standard_library_is_not_there() {
        assert!(!has_target("no-such-target"));
    }

    #[test]
    fn closing_lines_of_test_programs_are_added_up() {
        let mut tally = Tally::default();
        tally.add("test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out");
        tally.add("test result: FAILED. 3 passed; 2 failed; 0 ignored");
        tally.add("test something ... ok");
        assert_eq!((tally.passed, tally.failed), (15, 2));
    }
}
