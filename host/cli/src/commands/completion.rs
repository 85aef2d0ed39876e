//! `completion`

use clap::{Args, Subcommand};
use clap_complete::Shell;

use crate::application::Application;
use crate::command_tree;
use crate::failure::Failure;

/// Generate the completion script for a shell
#[derive(Debug, Subcommand)]
pub enum Completion {
    /// For bash: `source <(apostille completion bash)`
    Bash(Script),
    /// For fish: `apostille completion fish | source`
    Fish(Script),
    /// For PowerShell: `apostille completion powershell | Out-String | Invoke-Expression`
    Powershell(Script),
    /// For zsh: `source <(apostille completion zsh)`
    Zsh(Script),
}

/// How the script is made.
#[derive(Args, Debug)]
pub struct Script {
    /// Leave the descriptions of commands and flags out
    #[arg(long)]
    no_descriptions: bool,
}

impl Completion {
    pub(super) fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        let (shell, script) = match self {
            Self::Bash(script) => (Shell::Bash, script),
            Self::Fish(script) => (Shell::Fish, script),
            Self::Powershell(script) => (Shell::PowerShell, script),
            Self::Zsh(script) => (Shell::Zsh, script),
        };
        let mut tree = command_tree(application.program);
        if script.no_descriptions {
            tree = without_descriptions(tree);
        }
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut tree, application.program, &mut text);
        application.console.raw(&text)
    }
}

// As deep as our own tree of commands, which no input makes deeper.
fn without_descriptions(command: clap::Command) -> clap::Command {
    command
        .mut_args(|argument| argument.help(None::<&str>))
        .mut_subcommands(|sub| without_descriptions(sub.about(None::<&str>)))
}
