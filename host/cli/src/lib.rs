//! The command line of Apostille: arguments, configuration and output. The work is done by `apostille-core` and the
//! crates below it.
//!
//! `apostille` has the commands, flags, files and result lines of `notation`, so that a script written for one runs
//! with the other. [`run`] is the whole program with everything that it takes from the outside passed in: the
//! arguments, the environment and the three streams. `main` does nothing else than call it, and tests can call it too.
//!
//! A run goes through these steps:
//!
//! 1. [`invocation`] finds the command among the arguments, by `notation`'s rules;
//! 2. clap parses its flags, and [`usage`] puts clap's refusals in the words that scripts know;
//! 3. the command in [`commands`] checks its arguments and calls the libraries;
//! 4. results go to standard output through [`console`], and a [`failure`] becomes text on standard error and an exit
//!    code.
//!
//! ```
//! use std::ffi::OsString;
//! use apostille_cli::environment::Environment;
//!
//! let (mut input, mut out, mut err) = (&b""[..], Vec::new(), Vec::new());
//! let console = apostille_cli::console::Console::new(&mut input, &mut out, &mut err);
//! let arguments = ["apostille", "version"].map(OsString::from);
//! let code = apostille_cli::run(&arguments, Environment::default(), console);
//! assert_eq!(code, 0);
//! assert!(out.starts_with(b"Apostille"));
//! ```

#![forbid(unsafe_code)]

pub mod application;
pub mod commands;
pub mod config_file;
pub mod console;
pub mod directories;
pub mod durable_file;
pub mod envelope_view;
pub mod environment;
pub mod failure;
pub mod flags;
pub mod go_duration;
pub mod hidden_line;
pub mod invocation;
pub mod key_uri;
pub mod many;
pub mod pairs;
pub mod plugin_access;
pub mod policy_file;
pub mod reference_page;
pub mod registry_access;
pub mod revocation_access;
pub mod runtime;
pub mod secret;
pub mod signers;
pub mod signing_keys;
pub mod table;
pub mod target;
pub mod times;
pub mod timestamping;
pub mod tree;
pub mod usage;
pub mod verification_view;

use std::ffi::OsString;
use std::path::Path;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches};

use crate::application::Application;
use crate::commands::CommandLine;
use crate::console::Console;
use crate::environment::Environment;
use crate::failure::{Failure, FailureKind};
use crate::invocation::Invocation;

/// The name under which the program behaves as `notation` down to the exit codes.
const NOTATION: &str = "notation";

/// Runs the program and gives the exit code. `arguments` starts with the program's own name.
pub fn run(arguments: &[OsString], environment: Environment, console: Console<'_>) -> u8 {
    let program = program_name(arguments.first());
    let as_notation = program == NOTATION;
    let mut application = Application::new(program, environment, console);
    let Err(failure) = dispatch(&mut application, arguments.get(1..).unwrap_or_default()) else {
        return 0;
    };
    application.console.explain(failure.render());
    if as_notation {
        // notation has one exit code for every failure.
        return FailureKind::General.exit_code();
    }
    failure.exit_code()
}

fn program_name(first: Option<&OsString>) -> &'static str {
    let stem = first.and_then(|path| Path::new(path).file_stem());
    match stem {
        Some(stem) if stem == NOTATION => NOTATION,
        _ => "apostille",
    }
}

fn dispatch(application: &mut Application<'_>, arguments: &[OsString]) -> Result<(), Failure> {
    let tree = command_tree(application.program);
    match invocation::read(&tree, application.program, arguments)? {
        Invocation::Help(path) => {
            let help = render_help(tree, &path);
            application.console.raw(help.as_bytes())
        }
        Invocation::Run(ordered) => {
            let command_line = match parse(tree, application.program, &ordered)? {
                Parsed::Command(command_line) => command_line,
                Parsed::Help(text) => return application.console.raw(text.as_bytes()),
            };
            command_line.command.run(application)
        }
    }
}

/// The tree of commands, under the name that the program was called by.
#[must_use]
pub fn command_tree(program: &'static str) -> clap::Command {
    CommandLine::command()
        .name(program)
        .bin_name(program)
        .args_override_self(true)
        .max_term_width(100)
}

/// The help of the group with this path of names.
fn render_help(mut tree: clap::Command, path: &[String]) -> String {
    tree.build();
    let mut command = &mut tree;
    for name in path {
        if command.find_subcommand(name).is_none() {
            break;
        }
        if let Some(found) = command.find_subcommand_mut(name) {
            command = found;
        } else {
            return String::new();
        }
    }
    command.render_help().to_string()
}

enum Parsed {
    Command(Box<CommandLine>),
    Help(String),
}

fn parse(mut tree: clap::Command, program: &str, ordered: &[OsString]) -> Result<Parsed, Failure> {
    let full = std::iter::once(OsString::from(program)).chain(ordered.iter().cloned());
    let matches = match tree.try_get_matches_from_mut(full) {
        Ok(matches) => matches,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp) => {
            return Ok(Parsed::Help(error.render().to_string()));
        }
        Err(error) => {
            let mut leaf = &tree;
            let mut rest = ordered
                .iter()
                .map(|argument| argument.to_string_lossy().into_owned());
            let typed: Vec<String> = rest
                .by_ref()
                .skip_while(|name| match leaf.find_subcommand(name) {
                    Some(found) => {
                        leaf = found;
                        true
                    }
                    None => false,
                })
                .collect();
            return Err(usage::translate(&error, leaf, &typed));
        }
    };
    CommandLine::from_arg_matches(&matches)
        .map(|command_line| Parsed::Command(Box::new(command_line)))
        .map_err(|error| usage::translate(&error, &tree, &[]))
}
