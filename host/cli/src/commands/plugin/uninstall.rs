//! `plugin uninstall`

use apostille_plugins::{PluginDirectory, RemovalError};
use clap::Args;
use notary_plugin_protocol::PluginName;

use crate::application::Application;
use crate::failure::{Failure, FailureKind, chain_of};
use crate::flags::LoggingFlags;

/// Uninstall a plugin
#[derive(Args, Debug)]
pub struct Uninstall {
    #[command(flatten)]
    logging: LoggingFlags,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    #[arg(value_name = "plugin_name")]
    arguments: Vec<String>,
}

impl Uninstall {
    pub(super) fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        application.console.show_debug(self.logging.debug);
        let name = match self.arguments.as_slice() {
            [] => return Err(Failure::usage("plugin name is required")),
            [name] => name,
            _ => {
                return Err(Failure::usage("only one plugin can be removed at a time"));
            }
        };
        // A name that breaks the grammar cannot be installed, and never becomes a path.
        let parsed: PluginName = name.parse().map_err(|error| not_found(name, &error))?;
        let plugins = PluginDirectory::new(application.directories.plugins());
        plugins
            .check_removable(&parsed)
            .map_err(|error| not_found(name, &error))?;
        let question = format!("Are you sure you want to uninstall plugin \"{name}\"?");
        if !self.yes && !application.console.confirm(&question)? {
            return Ok(());
        }
        plugins.uninstall(&parsed).map_err(|error| match error {
            RemovalError::NotFound(_) => not_found(name, &error),
            error => {
                let doing = format!("failed to uninstall plugin {name}");
                Failure::because(FailureKind::General, doing, &error)
            }
        })?;
        let text = format!("Successfully uninstalled plugin {name}");
        application.console.line(text)
    }
}

fn not_found(name: &str, why: &(dyn std::error::Error + 'static)) -> Failure {
    let text = format!("unable to find plugin {name}: {}", chain_of(why));
    Failure::new(FailureKind::Signer, text)
        .hint("To view a list of installed plugins, use `apostille plugin list`")
}
