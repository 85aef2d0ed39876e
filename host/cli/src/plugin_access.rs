//! Where plugins are, and which of them are taken.

use apostille_plugins::PluginDirectory;

use crate::application::Application;
use crate::config_file::ConfigFile;
use crate::failure::Failure;

/// The plugin directory. With `"refuseChangedPlugins": true` in `config.json`, a plugin that is not what
/// `plugin install` installed is not run.
///
/// # Errors
/// `config.json` is malformed: then nobody knows what it refuses.
pub fn directory(application: &Application<'_>) -> Result<PluginDirectory, Failure> {
    let config = ConfigFile::load(&application.directories.config_file())?;
    Ok(PluginDirectory::new(application.directories.plugins())
        .refusing_changed_plugins(config.refuse_changed_plugins))
}
