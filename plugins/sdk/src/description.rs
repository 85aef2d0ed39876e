//! What a plugin says about itself, declared once.

use crate::Setting;

/// Name, version and settings of a plugin: a `static` that everything else is made from, namely the
/// metadata that hosts read, the parsing of the configuration, the help page and the documentation.
///
/// ```
/// use notary_plugin_sdk::{PluginDescription, Setting};
///
/// const KEY_FILE: Setting = Setting::text("key_file", "File with the private key").from_environment("DEMO_KEY_FILE");
///
/// static DEMO: PluginDescription = PluginDescription {
///     name: "demo",
///     version: env!("CARGO_PKG_VERSION"),
///     url: "https://example.com/notation-demo",
///     description: "Signs with a key in a file",
///     settings: &[KEY_FILE],
/// };
/// # assert_eq!(DEMO.executable(), "notation-demo");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct PluginDescription {
    /// Plugin name. The executable is `notation-{name}` and the install directory `{name}`.
    pub name: &'static str,
    /// SemVer 2.0.0 without a `v`; hosts compare it when they upgrade.
    pub version: &'static str,
    /// Absolute URL of the page that helps a user of this plugin.
    pub url: &'static str,
    /// One line, shown by `notation plugin list`.
    pub description: &'static str,
    /// Every configuration key and environment variable of its own that the plugin reads.
    pub settings: &'static [Setting],
}

impl PluginDescription {
    /// File name of the executable, without the extension that Windows adds.
    #[must_use]
    pub fn executable(&self) -> String {
        format!("notation-{}", self.name)
    }

    /// The plugin's settings followed by those that every plugin has.
    pub(crate) fn all_settings(&self) -> impl Iterator<Item = &'static Setting> {
        self.settings.iter().chain(crate::settings::OF_EVERY_PLUGIN)
    }
}
