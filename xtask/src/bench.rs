//! `cargo xtask bench …`: both sides of every comparison in one run.

mod blob;
mod crypto;
mod measure;
mod peer;
mod report;
mod single;
mod startup;
mod table;

use crate::process::TaskError;
use clap::{Args, Subcommand};

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
    /// One `sign` of an image in a layout, with a local key and through a plugin, beside `notation`.
    Sign(single::Options),
    /// One `verify` of an image in a layout, beside `notation`.
    Verify(single::Options),
    /// `blob sign` and `blob verify` of a large file, beside `openssl dgst` and `notation`.
    Blob(blob::Options),
    /// Hashing, and envelopes beside the raw signatures in them, beside `openssl speed`.
    Crypto(crypto::Options),
}

/// Runs a suite.
///
/// # Errors
/// A program that cannot be run, or a limit that is not kept.
pub(crate) fn run(options: &Options) -> Result<(), TaskError> {
    match &options.suite {
        Suite::Startup(options) => startup::run(options),
        Suite::Sign(options) => single::sign(options),
        Suite::Verify(options) => single::verify(options),
        Suite::Blob(options) => blob::run(options),
        Suite::Crypto(options) => crypto::run(options),
    }
}
