//! `blob sign | verify | inspect | policy`

mod inspect;
mod media_type;
mod sign;
mod signature_file;
mod verify;

use clap::Subcommand;

use super::policy::BlobPolicyCommand;
use crate::application::Application;
use crate::failure::{Failure, FailureKind, chain_of};
use apostille_core::BlobError;

/// Sign and verify files
#[derive(Debug, Subcommand)]
pub enum BlobCommand {
    Sign(sign::SignBlob),
    Verify(verify::VerifyBlob),
    Inspect(inspect::InspectBlob),
    #[command(subcommand)]
    Policy(BlobPolicyCommand),
}

impl BlobCommand {
    pub(super) fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        match self {
            Self::Sign(command) => command.run(application),
            Self::Verify(command) => command.run(application),
            Self::Inspect(command) => command.run(application),
            Self::Policy(command) => command.run(application),
        }
    }
}

/// The text for a command without the path that it is about.
fn missing_path(application: &Application<'_>, what: &str, command: &str) -> Failure {
    Failure::usage(format!(
        "missing {what}: use `{} blob {command} --help` to see what parameters are required",
        application.program
    ))
}

impl From<BlobError> for Failure {
    fn from(error: BlobError) -> Self {
        Self::new(FailureKind::General, chain_of(&error))
    }
}
