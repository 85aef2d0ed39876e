//! `cargo xtask servers …`: installs the real servers that tests use.

use crate::install::{self, Consent};
use crate::process::TaskError;
use clap::{Args, Subcommand};

/// Options of `cargo xtask servers`.
#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Install every server, token and tool that the tests use.
    Install(Consent),
}

/// Carries the subcommand out.
///
/// # Errors
/// What could not be installed or started, with the command that would.
pub(crate) fn run(options: &Options) -> Result<(), TaskError> {
    match options.action {
        Action::Install(consent) => {
            install::test_tools(consent)?;
            println!("every test server and tool is here");
            Ok(())
        }
    }
}
