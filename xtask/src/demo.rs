//! `cargo xtask demo`.

use crate::install::{self, Consent};
use crate::process::TaskError;
use clap::Args;

/// Options of `cargo xtask demo`.
#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    consent: Consent,
}

/// Runs the demo.
///
/// # Errors
/// What is missing, or the step that failed.
pub(crate) fn run(options: &Options) -> Result<(), TaskError> {
    install::soft_hsm(options.consent)
}
