//! `cargo xtask bench …`: both sides of every comparison in one run.

mod measure;
mod startup;

use crate::process::TaskError;
use clap::{Args, Subcommand};
pub(crate) use measure::ProbeOptions;

/// Options of `cargo xtask bench`.
#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    suite: Suite,
}

#[derive(Subcommand)]
enum Suite {
    /// How long programs take to start, beside `/bin/true`.
    Startup(startup::Options),
}

/// Runs a suite.
///
/// # Errors
/// A program that cannot be run, or a limit that is not kept.
pub(crate) fn run(options: &Options) -> Result<(), TaskError> {
    match &options.suite {
        Suite::Startup(options) => startup::run(options),
    }
}

/// The other end of a measurement: runs one command in this small process.
///
/// # Errors
/// As [`run`].
pub(crate) fn probe(options: &ProbeOptions) -> Result<(), TaskError> {
    measure::probe(options)
}
