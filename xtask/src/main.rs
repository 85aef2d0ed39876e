//! `cargo xtask …`: set-up, the demo, the tests and everything that CI runs.
//!
//! Nothing here is part of the product. Each subcommand is one module; `process` runs programs, and
//! `install` brings what the machine lacks.

#![forbid(unsafe_code)]

mod bench;
mod demo;
mod home;
mod install;
mod process;
mod schemas;
mod servers;
mod test;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Set-up, demo, tests and benchmarks of the Apostille workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Sign and verify an image with a key in a token, through a plugin, on this machine.
    Demo(demo::Options),
    /// Set up the test servers, then run everything that CI runs.
    Test(test::Options),
    /// Measure, with both sides of every comparison in one run.
    Bench(bench::Options),
    /// Write the JSON Schemas of the plugin protocol, or check them.
    Schemas(schemas::Options),
    /// The real servers and tokens that tests use.
    Servers(servers::Options),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Demo(options) => demo::run(&options),
        Task::Test(options) => test::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Schemas(options) => schemas::run(&options),
        Task::Servers(options) => servers::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}
