//! Commands that a person types: the same in every plugin.
//!
//! `clap` is touched only here, after the protocol commands have been ruled out.

mod csr;
mod doctor;
mod help;
mod keys;
mod pem_output;
mod self_sign;
mod subject;

use std::{ffi::OsString, io::Write, process::ExitCode};

use clap::{Arg, ArgAction, ArgMatches};
use notary_plugin_protocol::{Command, KeyId, Message, PluginConfig};
use serde::Serialize;

use crate::{
    Context, Plugin, PluginError,
    deadline::Watchdog,
    exit::exit_now,
    keyring::Keyring,
    log,
    run::runtime,
    settings::nearest,
    stdio::{Noise, PrivateStreams},
};

/// A command of a plugin's own, such as `generate-key`.
///
/// `--plugin-config` and `--output` are there already; arguments of its own are declared with
/// [`clap`](crate::clap). Never take a secret as an argument: other users of the machine can see it.
#[allow(
    async_fn_in_trait,
    reason = "the SDK drives plugins on one thread, so no future has to be Send"
)]
pub trait PersonCommand: 'static {
    /// Name, help and arguments.
    fn definition(&self) -> clap::Command;

    /// Does it. No deadline is imposed, since making a key in a token can take minutes.
    ///
    /// # Errors
    /// Whatever went wrong, with what to do about it.
    async fn run(
        &self,
        arguments: &ArgMatches,
        context: &Context,
    ) -> Result<CommandOutput, PluginError>;
}

/// What a command prints: text for people, and the same as JSON for `--output json`.
#[derive(Debug, Clone)]
pub struct CommandOutput {
    text: String,
    json: serde_json::Value,
    exit_code: u8,
}

impl CommandOutput {
    /// Output in both forms.
    ///
    /// # Errors
    /// `ERROR` when the value cannot be written as JSON (a map with keys that are no text, say).
    pub fn new(text: impl Into<String>, value: &impl Serialize) -> Result<Self, PluginError> {
        let json = serde_json::to_value(value).map_err(|error| {
            PluginError::error(format!("the output cannot be written as JSON: {error}"))
        })?;
        Ok(Self {
            text: text.into(),
            json,
            exit_code: 0,
        })
    }

    /// Ends the process with this code although there is an output.
    #[must_use]
    pub fn with_exit_code(self, exit_code: u8) -> Self {
        Self { exit_code, ..self }
    }
}

/// Exit code for arguments that make no sense, as shells and `clap` have it.
const USAGE_ERROR: u8 = 2;

/// Runs a command for people.
pub(crate) fn run(plugin: &Plugin, arguments: Vec<OsString>) -> ExitCode {
    let Ok(streams) = PrivateStreams::take(&Noise::ToStandardError) else {
        return ExitCode::FAILURE;
    };
    if let Some(exit_code) = refuse_unknown_command(plugin, &arguments, &streams) {
        return exit_code;
    }
    let program = plugin.description.executable();
    let matches = match help::arguments(plugin)
        .try_get_matches_from([program.into()].into_iter().chain(arguments))
    {
        Ok(matches) => matches,
        Err(message) => return print_usage(&message, &streams),
    };
    let as_json = matches
        .get_one::<String>(OUTPUT)
        .is_some_and(|format| format == "json");
    match dispatch(plugin, &matches, &streams) {
        Ok(output) => print(&output, as_json, &streams),
        Err(error) => print_error(error, as_json, &streams),
    }
}

/// Hosts of a later contract may call commands that do not exist yet. They get an error object, as from
/// every other command, and not a usage page.
fn refuse_unknown_command(
    plugin: &Plugin,
    arguments: &[OsString],
    streams: &PrivateStreams,
) -> Option<ExitCode> {
    let [word] = arguments else { return None };
    let word = word.to_string_lossy();
    if word.starts_with('-')
        || word == "help"
        || help::arguments(plugin).find_subcommand(&*word).is_some()
    {
        return None;
    }
    let commands = help::arguments(plugin);
    let names = commands.get_subcommands().map(clap::Command::get_name);
    let advice = match nearest(
        &word,
        names.chain(Command::ALL.iter().map(|command| command.as_str())),
    ) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`--help` lists the commands".to_owned(),
    };
    let error = PluginError::validation(format!(
        "{} has no command `{word}`: {advice}",
        plugin.description.executable()
    ));
    let _ = streams.fail(&error.into_response().to_json());
    Some(ExitCode::FAILURE)
}

fn print_usage(message: &clap::Error, streams: &PrivateStreams) -> ExitCode {
    let text = message.render().to_string();
    let asked_for = matches!(
        message.kind(),
        clap::error::ErrorKind::DisplayHelp | clap::error::ErrorKind::DisplayVersion
    );
    let mut stream = if asked_for {
        streams.output()
    } else {
        streams.error()
    };
    let _ = stream.write_all(text.as_bytes());
    match message.kind() {
        _ if asked_for => ExitCode::SUCCESS,
        // Without an argument the plugin was probably started by mistake; the page says what it is for.
        clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => ExitCode::FAILURE,
        _ => ExitCode::from(USAGE_ERROR),
    }
}

fn print(output: &CommandOutput, as_json: bool, streams: &PrivateStreams) -> ExitCode {
    let mut text = if as_json {
        format!("{:#}", output.json)
    } else {
        output.text.clone()
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    match streams.output().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::from(output.exit_code),
        Err(_) => ExitCode::FAILURE,
    }
}

fn print_error(error: PluginError, as_json: bool, streams: &PrivateStreams) -> ExitCode {
    log::event(format_args!("failed: {error}"));
    if as_json {
        let _ = streams.fail(&error.into_response().to_json());
    } else {
        let details: String = error
            .metadata()
            .iter()
            .map(|(name, value)| format!("  {name}: {value}\n"))
            .collect();
        let _ = streams
            .error()
            .write_all(format!("error: {error}\n{details}").as_bytes());
    }
    ExitCode::FAILURE
}

fn dispatch(
    plugin: &Plugin,
    matches: &ArgMatches,
    streams: &PrivateStreams,
) -> Result<CommandOutput, PluginError> {
    log::open_from_environment().map_err(|error| {
        PluginError::validation(format!(
            "cannot open the log file of NOTATION_PLUGIN_LOG: {error}"
        ))
    })?;
    let Some((name, arguments)) = matches.subcommand() else {
        return Err(PluginError::validation(
            "no command was given: `--help` lists them",
        ));
    };
    if name == help::VERSION {
        return help::version(plugin.description);
    }
    let context = Context::for_request(plugin.description, &plugin_config(matches)?)?;
    let runtime = runtime()?;
    let output = if let Some(command) = plugin
        .commands
        .iter()
        .find(|command| command.definition().get_name() == name)
    {
        runtime.block_on(command.run(arguments, &context))
    } else {
        let _watchdog = watch(streams, &context);
        runtime.block_on(run_derived(plugin, name, arguments, &context))
    };
    runtime.shutdown_background();
    output
}

/// Runs one of the commands that the SDK derives from the plugin's keys.
async fn run_derived(
    plugin: &Plugin,
    name: &str,
    arguments: &ArgMatches,
    context: &Context,
) -> Result<CommandOutput, PluginError> {
    let Some(kind) = plugin.keys.as_deref() else {
        return Err(PluginError::validation(
            "this plugin has no keys of its own",
        ));
    };
    let keyring = Keyring::new(kind);
    let key_id = key_id(arguments)?;
    let output = match (name, key_id) {
        (keys::NAME, _) => context.deadline().run(keys::run(&keyring, context)).await,
        (doctor::NAME, key_id) => {
            doctor::run(plugin.description, kind, &keyring, key_id.as_ref(), context).await
        }
        (csr::NAME, Some(key_id)) => {
            context
                .deadline()
                .run(csr::run(&keyring, &key_id, arguments, context))
                .await
        }
        (self_sign::NAME, Some(key_id)) => {
            context
                .deadline()
                .run(self_sign::run(&keyring, &key_id, arguments, context))
                .await
        }
        _ => Err(PluginError::validation(format!(
            "`{name}` needs a key: pass --{KEY_ID}"
        ))),
    };
    let _ = tokio::time::timeout(crate::run::CLOSING_TIME, keyring.close()).await;
    output
}

/// A library that hangs must not hang the terminal.
fn watch(streams: &PrivateStreams, context: &Context) -> Watchdog {
    let (streams, deadline) = (streams.clone(), context.deadline());
    Watchdog::arm(deadline, move || {
        let _ = streams
            .error()
            .write_all(format!("error: {}\n", deadline.passed()).as_bytes());
        exit_now(1)
    })
}

const OUTPUT: &str = "output";
const PLUGIN_CONFIG: &str = "plugin-config";
const KEY_ID: &str = "key-id";

/// The arguments that every command has.
fn global_arguments() -> [Arg; 2] {
    [
        Arg::new(PLUGIN_CONFIG)
            .long(PLUGIN_CONFIG)
            .value_name("KEY=VALUE")
            .action(ArgAction::Append)
            .global(true)
            .help(
                "A configuration key, as `notation sign --plugin-config` takes it; may be repeated",
            ),
        Arg::new(OUTPUT)
            .long(OUTPUT)
            .short('o')
            .value_parser(["text", "json"])
            .default_value("text")
            .global(true)
            .help("Output format"),
    ]
}

fn key_id_argument() -> Arg {
    Arg::new(KEY_ID)
        .long(KEY_ID)
        .alias("id")
        .value_name("ID")
        .help("The key, in the form that `notation key add --id` takes")
}

fn key_id(arguments: &ArgMatches) -> Result<Option<KeyId>, PluginError> {
    match arguments.try_get_one::<String>(KEY_ID) {
        Ok(Some(id)) => KeyId::new(id)
            .map(Some)
            .map_err(|error| PluginError::validation(error.to_string())),
        _ => Ok(None),
    }
}

fn plugin_config(matches: &ArgMatches) -> Result<PluginConfig, PluginError> {
    let mut config = PluginConfig::new();
    for pair in matches
        .get_many::<String>(PLUGIN_CONFIG)
        .into_iter()
        .flatten()
    {
        match pair.split_once('=') {
            Some((key, value)) if !key.is_empty() => config.insert(key, value),
            // The pair is not repeated: it may be a secret that was meant for something else.
            _ => {
                return Err(PluginError::validation(format!(
                    "--{PLUGIN_CONFIG} takes KEY=VALUE"
                )));
            }
        };
    }
    Ok(config)
}
