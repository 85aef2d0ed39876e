//! `plugin install`, `plugin list`, `plugin uninstall`

mod install;
mod uninstall;

use apostille_plugins::{DigestRecord, InstalledPlugin, PluginDirectory};
use clap::{Args, Subcommand};
use notary_plugin_protocol::{PluginConfig, PluginMetadata};
use serde::Serialize;

use crate::application::Application;
use crate::failure::{Failure, chain_of};
use crate::flags::OutputFlag;
use crate::runtime;
use crate::table::Table;

use self::install::Install;
use self::uninstall::Uninstall;

/// Manage plugins
#[derive(Debug, Subcommand)]
pub enum PluginCommand {
    #[command(visible_alias = "add")]
    Install(Install),
    #[command(visible_alias = "ls")]
    List(List),
    #[command(visible_aliases = ["remove", "rm"])]
    Uninstall(Uninstall),
}

impl PluginCommand {
    pub(super) fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        match self {
            Self::Install(command) => command.run(application),
            Self::List(command) => command.run(application),
            Self::Uninstall(command) => command.run(application),
        }
    }
}

/// List the installed plugins, broken ones with the reason
#[derive(Args, Debug)]
pub struct List {
    #[command(flatten)]
    output: OutputFlag,
    #[arg(hide = true)]
    arguments: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PluginDocument {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    capabilities: Vec<String>,
    /// Compared with the digest that was recorded when the plugin was installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl List {
    fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        let json = self.output.is_json()?;
        let installed = PluginDirectory::new(application.directories.plugins()).list()?;
        let plugins = runtime::block_on(async { Ok(describe_all(installed).await) })?;
        if json {
            return application
                .console
                .json(&serde_json::json!({ "plugins": plugins }));
        }
        let mut table = Table::new(&["NAME", "DESCRIPTION", "VERSION", "CAPABILITIES", "ERROR"]);
        for plugin in plugins {
            table.row(vec![
                plugin.name,
                plugin.description.unwrap_or_default(),
                plugin.version.unwrap_or_default(),
                format!("[{}]", plugin.capabilities.join(" ")),
                plugin.error.unwrap_or_else(|| "<nil>".to_owned()),
            ]);
        }
        application.console.raw(table.render().as_bytes())
    }
}

/// All at the same time: a plugin that hangs costs its deadline once.
async fn describe_all(installed: Vec<InstalledPlugin>) -> Vec<PluginDocument> {
    futures::future::join_all(installed.into_iter().map(describe)).await
}

async fn describe(plugin: InstalledPlugin) -> PluginDocument {
    let broken = |name: String, path: Option<String>, error: String| PluginDocument {
        name,
        path,
        description: None,
        version: None,
        capabilities: Vec::new(),
        digest: None,
        error: Some(error),
    };
    let executable = match plugin.executable {
        Ok(executable) => executable,
        Err(error) => return broken(plugin.name, None, chain_of(&error)),
    };
    let path = Some(executable.path().display().to_string());
    let mut document = match executable.metadata(&PluginConfig::new()).await {
        Ok(metadata) => working(metadata, path),
        Err(error) => broken(plugin.name, path, chain_of(&error)),
    };
    match executable.digest_record() {
        Ok(record) => document.digest = Some(record.as_str()),
        Err(error) => document.error = document.error.or_else(|| Some(chain_of(&error))),
    }
    if document.digest == Some(DigestRecord::Changed.as_str()) {
        document.error.get_or_insert_with(|| CHANGED.to_owned());
    }
    document
}

/// What the list says of a plugin that works and is not the one that was installed.
const CHANGED: &str =
    "the executable has changed since it was installed; if that was not you, install it again";

fn working(metadata: PluginMetadata, path: Option<String>) -> PluginDocument {
    PluginDocument {
        name: metadata.name.to_string(),
        path,
        description: Some(metadata.description),
        version: Some(metadata.version),
        capabilities: metadata
            .capabilities
            .iter()
            .map(ToString::to_string)
            .collect(),
        digest: None,
        error: None,
    }
}
