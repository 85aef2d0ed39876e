//! Reads the command line the way `notation` does, before clap sees it.
//!
//! Scripts written for `notation` rely on rules of its argument parser that clap does not share:
//!
//! - the flags of a command may stand before its name (`blob --signature-format cose sign f`);
//! - a switch may carry a value (`--default=false`);
//! - a group without a known sub-command prints its help and succeeds, while an unknown command at the top fails.
//!
//! This module finds the command, puts its name in front and its flags behind it, and leaves the rest to clap.

use std::ffi::OsString;

use clap::{Arg, ArgAction, Command};

use crate::failure::Failure;

/// What the command line asks for.
#[derive(Debug, Eq, PartialEq)]
pub enum Invocation {
    /// Run a command: its path of names, then everything else in the order given.
    Run(Vec<OsString>),
    /// Print the help of the group, the command or the program with this path.
    Help(Vec<String>),
}

/// Finds the command among `arguments` (without the program's own name).
///
/// # Errors
/// An unknown command at the top, or a switch with a value that is not a boolean.
pub fn read(root: &Command, program: &str, arguments: &[OsString]) -> Result<Invocation, Failure> {
    if let Some((_, topic)) = arguments
        .split_first()
        .filter(|(first, _)| *first == "help")
    {
        return Ok(Invocation::Help(split_path(root, topic).0));
    }
    let (path, rest) = split_path(root, arguments);
    let command = descend(root, &path);
    let is_group = command.get_subcommands().next().is_some();
    if !is_group {
        let mut ordered: Vec<OsString> = path.iter().map(OsString::from).collect();
        ordered.extend(settle_switches(command, rest)?);
        return Ok(Invocation::Run(ordered));
    }
    let asks_for_help = rest
        .iter()
        .any(|argument| argument == "--help" || argument == "-h");
    if !asks_for_help {
        refuse_flags_of_group(&rest)?;
        if path.is_empty()
            && let Some(word) = rest.iter().find(|argument| !is_flag(argument))
        {
            return Err(unknown_command(root, program, &word.to_string_lossy()));
        }
    }
    Ok(Invocation::Help(path))
}

/// The names of the command, and the arguments without them.
fn split_path(root: &Command, arguments: &[OsString]) -> (Vec<String>, Vec<OsString>) {
    let mut path = Vec::new();
    let mut rest = Vec::new();
    let mut command = root;
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--" {
            rest.push(argument.clone());
            break;
        }
        if is_flag(argument) {
            rest.push(argument.clone());
            // Before its command is known, a flag is taken to have a value in the next argument, unless it says
            // otherwise: the rule of the parser that notation uses.
            if command.get_subcommands().next().is_some()
                && takes_next_argument(argument)
                && let Some(value) = arguments.next()
            {
                rest.push(value.clone());
            }
            continue;
        }
        match argument
            .to_str()
            .and_then(|name| command.find_subcommand(name))
        {
            Some(found) => {
                path.push(found.get_name().to_owned());
                command = found;
            }
            None => {
                rest.push(argument.clone());
                break;
            }
        }
    }
    rest.extend(arguments.cloned());
    (path, rest)
}

fn is_flag(argument: &OsString) -> bool {
    let bytes = argument.as_encoded_bytes();
    bytes.len() > 1 && bytes.starts_with(b"-")
}

fn takes_next_argument(flag: &OsString) -> bool {
    let text = flag.to_string_lossy();
    if text == "--help" || text == "-h" {
        return false;
    }
    if text.starts_with("--") {
        !text.contains('=')
    } else {
        text.chars().count() == 2
    }
}

fn descend<'a>(root: &'a Command, path: &[String]) -> &'a Command {
    path.iter().fold(root, |command, name| {
        command.find_subcommand(name).unwrap_or(command)
    })
}

fn refuse_flags_of_group(rest: &[OsString]) -> Result<(), Failure> {
    match rest.iter().find(|argument| is_flag(argument)) {
        Some(flag) => Err(unknown_flag(&flag.to_string_lossy())),
        None => Ok(()),
    }
}

/// The text for a flag that the command does not have: `argument` as it was typed.
pub fn unknown_flag(argument: &str) -> Failure {
    let text = if argument.starts_with("--") {
        let name = argument.split('=').next().unwrap_or(argument);
        format!("unknown flag: {name}")
    } else {
        let letter = argument.chars().nth(1).unwrap_or('-');
        format!("unknown shorthand flag: '{letter}' in {argument}")
    };
    Failure::usage(text)
}

fn unknown_command(root: &Command, program: &str, word: &str) -> Failure {
    let near: Vec<&str> = root
        .get_subcommands()
        .map(Command::get_name)
        .filter(|name| name.starts_with(word) || edit_distance(word, name) <= 2)
        .collect();
    let failure = Failure::usage(format!("unknown command \"{word}\" for \"{program}\""));
    let failure = if near.is_empty() {
        failure
    } else {
        failure.hint(format!("\nDid you mean this?\n\t{}\n", near.join("\n\t")))
    };
    failure.hint(format!("Run '{program} --help' for usage."))
}

/// Levenshtein distance, for suggestions.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, other) in row.iter_mut().skip(1).zip(&b) {
            let best = (*cell + 1)
                .min(left + 1)
                .min(diagonal + usize::from(letter != *other));
            diagonal = std::mem::replace(cell, best);
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// Turns `--switch=true` into `--switch` and drops `--switch=false`, as clap's switches carry no value.
fn settle_switches(command: &Command, arguments: Vec<OsString>) -> Result<Vec<OsString>, Failure> {
    let mut settled = Vec::with_capacity(arguments.len());
    let mut flags_ended = false;
    for argument in arguments {
        flags_ended |= argument == "--";
        match switch_with_value(command, &argument).filter(|_| !flags_ended) {
            None => settled.push(argument),
            Some((switch, name, value)) => match go_bool(&value) {
                Some(true) => settled.push(name.into()),
                Some(false) => {}
                None => {
                    return Err(Failure::usage(format!(
                        "invalid argument \"{value}\" for \"{}\" flag: strconv.ParseBool: parsing \"{value}\": \
                         invalid syntax",
                        flag_name(switch)
                    )));
                }
            },
        }
    }
    Ok(settled)
}

fn switch_with_value<'a>(
    command: &'a Command,
    argument: &OsString,
) -> Option<(&'a Arg, String, String)> {
    let (name, value) = argument.to_str()?.split_once('=')?;
    let switch = command
        .get_arguments()
        .filter(|candidate| matches!(candidate.get_action(), ArgAction::SetTrue))
        .find(|candidate| match name.strip_prefix("--") {
            Some(long) => candidate.get_long() == Some(long),
            None => name.strip_prefix('-').is_some_and(|short| {
                candidate
                    .get_short()
                    .is_some_and(|letter| short == letter.to_string())
            }),
        })?;
    Some((switch, name.to_owned(), value.to_owned()))
}

/// A flag as error messages name it: `-e, --expiry` or `--media-type`.
pub fn flag_name(argument: &Arg) -> String {
    let long = argument
        .get_long()
        .unwrap_or_else(|| argument.get_id().as_str());
    match argument.get_short() {
        Some(short) => format!("-{short}, --{long}"),
        None => format!("--{long}"),
    }
}

fn go_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Command {
        let sign = Command::new("sign")
            .arg(
                Arg::new("debug")
                    .short('d')
                    .long("debug")
                    .action(ArgAction::SetTrue),
            )
            .arg(Arg::new("format").long("signature-format"));
        Command::new("apostille")
            .subcommand(sign.clone())
            .subcommand(Command::new("verify"))
            .subcommand(Command::new("blob").subcommand(sign))
    }

    fn run(line: &str) -> Result<Invocation, Failure> {
        let arguments: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        read(&tree(), "apostille", &arguments)
    }

    fn ordered(line: &str) -> String {
        match run(line).unwrap() {
            Invocation::Run(arguments) => arguments
                .iter()
                .map(|argument| argument.to_string_lossy().into_owned())
                .collect::<Vec<_>>()
                .join(" "),
            Invocation::Help(path) => format!("help {}", path.join(" ")),
        }
    }

    fn refused(line: &str) -> String {
        run(line).unwrap_err().message().to_owned()
    }

    #[test]
    fn a_flag_may_stand_before_its_command() {
        assert_eq!(
            ordered("blob --signature-format cose sign f"),
            "blob sign --signature-format cose f"
        );
        assert_eq!(
            ordered("blob --signature-format=cose sign f"),
            "blob sign --signature-format=cose f"
        );
    }

    #[test]
    fn a_switch_may_carry_a_boolean() {
        assert_eq!(ordered("sign --debug=true x"), "sign --debug x");
        assert_eq!(ordered("sign -d=0 x"), "sign x");
        assert_eq!(
            refused("sign --debug=x a"),
            "invalid argument \"x\" for \"-d, --debug\" flag: strconv.ParseBool: parsing \"x\": invalid syntax"
        );
    }

    #[test]
    fn after_two_dashes_nothing_is_a_flag() {
        assert_eq!(ordered("sign -- --debug=false"), "sign -- --debug=false");
    }

    #[test]
    fn a_group_prints_its_help_whatever_follows() {
        assert_eq!(ordered("blob"), "help blob");
        assert_eq!(ordered("blob nonsense"), "help blob");
        assert_eq!(ordered(""), "help ");
    }

    #[test]
    fn an_unknown_command_at_the_top_is_refused_with_a_suggestion() {
        let failure = run("verfy").unwrap_err();
        assert_eq!(
            failure.message(),
            "unknown command \"verfy\" for \"apostille\""
        );
        assert!(failure.render().contains("Did you mean this?\n\tverify"));
        assert!(!run("zzzzzz").unwrap_err().render().contains("Did you mean"));
    }

    #[test]
    fn an_unknown_flag_of_a_group_is_refused() {
        assert_eq!(refused("--version"), "unknown flag: --version");
        assert_eq!(refused("-x"), "unknown shorthand flag: 'x' in -x");
        assert_eq!(refused("blob --nope=1"), "unknown flag: --nope");
    }
}
