//! `key add | update | list | delete`

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::application::Application;
use crate::failure::{Failure, FailureKind};
use crate::flags::{LoggingFlags, OutputFlag, PluginConfigFlag};
use crate::plugin_access;
use crate::signers::find_plugin;
use crate::signing_keys::{KeySource, SigningKey, SigningKeys, SigningKeysError};
use crate::table::Table;
use crate::usage;

/// Manage the list of signing keys
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    Add(Add),
    #[command(visible_alias = "set")]
    Update(Update),
    #[command(visible_alias = "ls")]
    List(List),
    Delete(Delete),
}

impl KeyCommand {
    pub(super) fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        match self {
            Self::Add(command) => command.run(application),
            Self::Update(command) => command.run(application),
            Self::List(command) => command.run(application),
            Self::Delete(command) => command.run(application),
        }
    }
}

/// Add a key that a plugin reaches to the list
#[derive(Args, Debug)]
pub struct Add {
    #[command(flatten)]
    logging: LoggingFlags,
    /// Name of the signing plugin
    #[arg(long, value_name = "string", allow_hyphen_values = true)]
    plugin: Option<String>,
    /// Key id, as the plugin knows it
    #[arg(long, value_name = "string", allow_hyphen_values = true)]
    id: Option<String>,
    #[command(flatten)]
    plugin_config: PluginConfigFlag,
    /// Make it the default key
    #[arg(long)]
    default: bool,
    #[arg(value_name = "key_name")]
    arguments: Vec<String>,
}

impl Add {
    fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        let [name] = self.arguments.as_slice() else {
            return Err(Failure::usage(
                "either missing key name or unnecessary parameters passed",
            ));
        };
        usage::require(&[("plugin", self.plugin.is_some())])?;
        application.console.show_debug(self.logging.debug);
        let id = self
            .id
            .filter(|id| !id.is_empty())
            .ok_or_else(|| Failure::usage("missing key id"))?;
        let plugin_config = self.plugin_config.pairs()?;
        let plugin = find_plugin(
            &plugin_access::directory(application)?,
            &self.plugin.unwrap_or_default(),
        )?;
        let source = KeySource::Plugin {
            id,
            plugin_name: plugin.name().to_string(),
            plugin_config,
        };
        let key = SigningKey::new(name.clone(), source);
        SigningKeys::change(&application.directories.signing_keys(), |list| {
            list.add(key, self.default)
        })?;
        let marked = if self.default {
            ": marked as default"
        } else {
            ""
        };
        application.console.line(format!("{name}{marked}"))
    }
}

/// Make a key of the list the default
#[derive(Args, Debug)]
pub struct Update {
    #[command(flatten)]
    logging: LoggingFlags,
    /// Make it the default key
    #[arg(long)]
    default: bool,
    #[arg(value_name = "key_name")]
    arguments: Vec<String>,
}

impl Update {
    fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        let name = self
            .arguments
            .first()
            .ok_or_else(|| Failure::usage("missing key name"))?;
        application.console.show_debug(self.logging.debug);
        if !self.default {
            application
                .console
                .debug("nothing to change: --default is the only change that there is");
            return Ok(());
        }
        SigningKeys::change(&application.directories.signing_keys(), |list| {
            list.set_default(name)
        })?;
        application
            .console
            .line(format!("{name}: marked as default"))
    }
}

/// List the signing keys
#[derive(Args, Debug)]
pub struct List {
    #[command(flatten)]
    output: OutputFlag,
    #[arg(hide = true)]
    arguments: Vec<String>,
}

#[derive(Serialize)]
struct KeyDocument<'a> {
    default: bool,
    #[serde(flatten)]
    key: &'a SigningKey,
}

impl List {
    fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        let json = self.output.is_json()?;
        let list = SigningKeys::load(&application.directories.signing_keys())?;
        let is_default = |key: &SigningKey| list.default.as_ref() == Some(&key.name);
        if json {
            let documents: Vec<KeyDocument<'_>> = list
                .keys
                .iter()
                .map(|key| KeyDocument {
                    default: is_default(key),
                    key,
                })
                .collect();
            return application
                .console
                .json(&serde_json::json!({ "keys": documents }));
        }
        let mut table = Table::new(&["NAME", "KEY PATH", "CERTIFICATE PATH", "ID", "PLUGIN NAME"]);
        for key in &list.keys {
            let mark = if is_default(key) { "* " } else { "" };
            let name = format!("{mark}{}", key.name);
            let empty = String::new;
            table.row(match key.source() {
                Some(KeySource::Local {
                    key_path,
                    cert_path,
                }) => {
                    let (key, certificate) = (
                        key_path.display().to_string(),
                        cert_path.display().to_string(),
                    );
                    vec![name, key, certificate, empty(), empty()]
                }
                Some(KeySource::Plugin {
                    id, plugin_name, ..
                }) => vec![name, empty(), empty(), id, plugin_name],
                None => vec![name, empty(), empty(), empty(), empty()],
            });
        }
        application.console.raw(table.render().as_bytes())
    }
}

/// Remove keys from the list; the keys themselves stay where they are
#[derive(Args, Debug)]
pub struct Delete {
    #[command(flatten)]
    logging: LoggingFlags,
    #[arg(value_name = "key_name")]
    arguments: Vec<String>,
}

impl Delete {
    fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        if self.arguments.is_empty() {
            return Err(Failure::usage("missing key names"));
        }
        application.console.show_debug(self.logging.debug);
        let removed = SigningKeys::change(&application.directories.signing_keys(), |list| {
            let mut removed = Vec::new();
            for name in &self.arguments {
                removed.push((name, list.remove(name)?));
            }
            Ok(removed)
        })?;
        report(application, &removed)
    }
}

fn report(application: &mut Application<'_>, removed: &[(&String, bool)]) -> Result<(), Failure> {
    const LIST: &str = "from Notation signing key list. The source";
    if let [(name, was_default)] = removed {
        let default = if *was_default { "default key " } else { "" };
        return application
            .console
            .line(format!("Removed {default}{name} {LIST} key still exists."));
    }
    application.console.line(format!(
        "Removed the following keys {LIST} keys still exist."
    ))?;
    for (name, was_default) in removed {
        let default = if *was_default { " (default)" } else { "" };
        application.console.line(format!("{name}{default}"))?;
    }
    Ok(())
}

impl From<SigningKeysError> for Failure {
    fn from(error: SigningKeysError) -> Self {
        let failure = Self::new(FailureKind::General, crate::failure::chain_of(&error));
        match error {
            SigningKeysError::NotFound(_) => {
                failure.hint("To see the keys that there are, use `apostille key list`")
            }
            SigningKeysError::NoDefault => failure
                .hint("To make a key the default, use `apostille key update --default <key_name>`")
                .hint("To add a key, use `apostille key add`; for a key to try with, `apostille cert generate-test --default <name>`"),
            SigningKeysError::Malformed { .. } | SigningKeysError::Invalid { .. } => {
                failure.hint("Correct the file, or move it away and add the keys again")
            }
            SigningKeysError::File { .. }
            | SigningKeysError::Exists(_)
            | SigningKeysError::EmptyName => failure,
        }
    }
}
