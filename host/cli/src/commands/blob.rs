//! `blob policy`

use clap::Subcommand;

use super::policy::BlobPolicyCommand;
use crate::application::Application;
use crate::failure::Failure;

/// Sign and verify files
#[derive(Debug, Subcommand)]
pub enum BlobCommand {
    #[command(subcommand)]
    Policy(BlobPolicyCommand),
}

impl BlobCommand {
    pub(super) fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        match self {
            Self::Policy(command) => command.run(application),
        }
    }
}
