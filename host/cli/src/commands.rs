//! One module per command, with its arguments and what it does.

mod blob;
mod certificate;
mod completion;
mod doctor;
mod inspect;
mod key;
mod list;
mod login;
mod logout;
mod plugin;
mod policy;
mod sign;
mod sign_many;
mod verdict;
mod verify;
mod verify_many;
mod version;

use clap::{Parser, Subcommand};

use crate::application::Application;
use crate::failure::Failure;

/// Signs and verifies container images, OCI artifacts and files as the Notary Project specifies
#[derive(Debug, Parser)]
#[command(
    name = "apostille",
    disable_version_flag = true,
    disable_help_subcommand = false
)]
pub struct CommandLine {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// Every command. A doc comment on a variant would replace the help text of the command itself.
#[allow(missing_docs)]
#[derive(Debug, Subcommand)]
pub enum Command {
    Sign(sign::Sign),
    Verify(verify::Verify),
    #[command(visible_alias = "ls")]
    List(list::List),
    Inspect(inspect::Inspect),
    #[command(subcommand)]
    Key(key::KeyCommand),
    #[command(subcommand, visible_alias = "cert")]
    Certificate(certificate::CertificateCommand),
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    #[command(subcommand)]
    Plugin(plugin::PluginCommand),
    #[command(subcommand)]
    Blob(blob::BlobCommand),
    Login(login::Login),
    Logout(logout::Logout),
    Doctor(doctor::Doctor),
    Version(version::Version),
    #[command(subcommand)]
    Completion(completion::Completion),
}

impl Command {
    /// Does what the command line asks for.
    ///
    /// # Errors
    /// The failure that ends the command.
    pub fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        match self {
            Self::Sign(command) => command.run(application),
            Self::Verify(command) => command.run(application),
            Self::List(command) => command.run(application),
            Self::Inspect(command) => command.run(application),
            Self::Plugin(command) => command.run(application),
            Self::Key(command) => command.run(application),
            Self::Certificate(command) => command.run(application),
            Self::Policy(command) => command.run(application),
            Self::Blob(command) => command.run(application),
            Self::Login(command) => command.run(application),
            Self::Logout(command) => command.run(application),
            Self::Doctor(command) => command.run(application),
            Self::Version(command) => command.run(application),
            Self::Completion(command) => command.run(application),
        }
    }
}

/// The text for a command without the reference that it is about.
fn missing_reference(application: &Application<'_>, command: &str) -> Failure {
    Failure::usage(format!(
        "missing reference to the artifact: use `{} {command} --help` to see what parameters are required",
        application.program
    ))
}
