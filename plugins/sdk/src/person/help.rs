//! The command line, the help page, and the same facts as Markdown.

use std::fmt::Write as _;

use serde_json::json;

use super::{CommandOutput, csr, doctor, global_arguments, keys, self_sign};
use crate::{Kind, Plugin, PluginDescription, PluginError, Setting};

pub(super) const VERSION: &str = "version";

/// The whole command line of a plugin.
pub(super) fn arguments(plugin: &Plugin) -> clap::Command {
    let description = plugin.description;
    let mut command = clap::Command::new(description.executable())
        .version(description.version)
        .about(format!("{} ({})", description.description, description.url))
        .after_help(after_help(description))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(global_arguments())
        .subcommand(clap::Command::new(VERSION).about("Print name and version"));
    if plugin.keys.is_some() {
        command = command
            .subcommand(keys::definition())
            .subcommand(csr::definition())
            .subcommand(self_sign::definition())
            .subcommand(doctor::definition());
    }
    command.subcommands(plugin.commands.iter().map(|command| command.definition()))
}

pub(super) fn version(description: &PluginDescription) -> Result<CommandOutput, PluginError> {
    let text = format!("{} {}", description.executable(), description.version);
    CommandOutput::new(
        text,
        &json!({ "name": description.name, "version": description.version, "url": description.url }),
    )
}

fn after_help(description: &PluginDescription) -> String {
    let mut text = String::from("Settings:\n");
    for setting in description.all_settings() {
        let _ = writeln!(
            text,
            "  {}\n          {}",
            names(setting, " / "),
            explanation(setting)
        );
    }
    let name = description.name;
    let _ = write!(
        text,
        "\nThis is a plugin of the Notary Project: `notation` and `apostille` start it by themselves.\n\
         Install it as {{plugin directory}}/{name}/{executable}, then add a key:\n  \
         notation key add my-key --plugin {name} --id KEY-ID\n\
         Hosts call: {executable} get-plugin-metadata, and the commands of its capabilities.",
        executable = description.executable(),
    );
    text
}

impl PluginDescription {
    /// The settings as a Markdown table, for the plugin's page in the documentation. A test of the plugin
    /// compares the page with it, so that neither is forgotten.
    #[must_use]
    pub fn settings_table(&self) -> String {
        let mut table = String::from(
            "| configuration key | environment variable | meaning | default |\n|---|---|---|---|\n",
        );
        for setting in self.all_settings() {
            let code =
                |text: Option<&str>| text.map(|text| format!("`{text}`")).unwrap_or_default();
            let meaning = format!("{}{}", setting.meaning, remarks(setting)).replace('|', "\\|");
            let _ = writeln!(
                table,
                "| {} | {} | {meaning} | {} |",
                code(setting.config_key()),
                variables(setting),
                code(setting.default)
            );
        }
        table
    }
}

/// `` `BAO_ADDR`, `VAULT_ADDR` ``
fn variables(setting: &Setting) -> String {
    let quoted: Vec<String> = setting
        .variables()
        .map(|variable| format!("`{variable}`"))
        .collect();
    quoted.join(", ")
}

/// `module / PKCS11_MODULE`
fn names(setting: &Setting, separator: &str) -> String {
    setting
        .config_key()
        .into_iter()
        .chain(setting.variables())
        .collect::<Vec<_>>()
        .join(separator)
}

fn explanation(setting: &Setting) -> String {
    let default = setting
        .default
        .map(|value| format!(" [default: {value}]"))
        .unwrap_or_default();
    format!("{}{}{default}", setting.meaning, remarks(setting))
}

fn remarks(setting: &Setting) -> String {
    match setting.kind {
        _ if setting.secret => " (secret: never in the configuration)".to_owned(),
        Kind::Flag => " (`true` or `false`)".to_owned(),
        Kind::OneOf(words) => format!(" (one of: {})", words.join(", ")),
        _ => String::new(),
    }
}
