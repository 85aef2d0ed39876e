//! The installed plugins: each is asked what it is.

use apostille_plugins::{InstalledPlugin, PluginDirectory};
use notary_plugin_protocol::PluginConfig;

use super::Report;
use super::files::others;
use crate::application::Application;
use crate::failure::{Failure, chain_of};
use crate::runtime;

const AREA: &str = "plugins";

pub(super) fn examine(application: &Application<'_>, report: &mut Report) -> Result<(), Failure> {
    let installed = match PluginDirectory::new(application.directories.plugins()).list() {
        Ok(installed) => installed,
        Err(error) => {
            report.failure(AREA, chain_of(&error), "");
            return Ok(());
        }
    };
    if installed.is_empty() {
        report.ok(AREA, "none is installed");
        return Ok(());
    }
    // All at the same time: one that hangs costs its deadline once.
    let asked = runtime::block_on(async {
        Ok(futures::future::join_all(installed.iter().map(ask)).await)
    })?;
    for (plugin, answer) in installed.iter().zip(asked) {
        match answer {
            Ok(text) => report.ok(AREA, text),
            Err(text) => report.failure(AREA, text, "Install it again, or remove its directory"),
        }
        if let Ok(executable) = &plugin.executable
            && others(executable.path(), 0o022)
        {
            let path = executable.path().display();
            let text = format!("other users may change {path}");
            report.failure(AREA, text, "Take the permission away: chmod go-w");
        }
    }
    Ok(())
}

async fn ask(plugin: &InstalledPlugin) -> Result<String, String> {
    let executable = plugin
        .executable
        .as_ref()
        .map_err(|error| chain_of(error))?;
    match executable.metadata(&PluginConfig::new()).await {
        Ok(metadata) => Ok(format!("{} {}", metadata.name, metadata.version)),
        Err(error) => Err(chain_of(&error)),
    }
}
