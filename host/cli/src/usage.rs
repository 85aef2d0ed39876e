//! Usage errors in the words that users and scripts of `notation` know, and the checks behind them.
//!
//! The order is that of `notation`: flags are parsed, positional arguments are checked, then required flags, then
//! groups of flags.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

use crate::failure::{Failure, FailureKind};
use crate::invocation::{flag_name, unknown_flag};

/// Says in our words what clap refused. `command` is the leaf command, `arguments` what followed its name.
pub fn translate(error: &clap::Error, command: &Command, arguments: &[String]) -> Failure {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.as_str(),
        _ => "",
    };
    let argument = context(ContextKind::InvalidArg);
    match error.kind() {
        ErrorKind::UnknownArgument => unknown_flag(typed_cluster(argument, arguments)),
        ErrorKind::InvalidValue if context(ContextKind::InvalidValue).is_empty() => {
            let last = arguments.last().map_or(argument, String::as_str);
            Failure::usage(format!("flag needs an argument: {}", needing(last)))
        }
        ErrorKind::ValueValidation | ErrorKind::InvalidValue => {
            let name = find(command, argument).map_or_else(|| argument.to_owned(), flag_name);
            let reason = std::error::Error::source(error)
                .map(ToString::to_string)
                .unwrap_or_default();
            let value = context(ContextKind::InvalidValue);
            Failure::usage(format!(
                "invalid argument \"{value}\" for \"{name}\" flag: {reason}"
            ))
        }
        _ => Failure::new(
            FailureKind::Usage,
            error
                .to_string()
                .trim_start_matches("error: ")
                .trim_end()
                .to_owned(),
        ),
    }
}

fn needing(last: &str) -> String {
    match last.strip_prefix('-') {
        Some(shorts) if !shorts.starts_with('-') => {
            let letter = shorts.chars().last().unwrap_or('-');
            format!("'{letter}' in {last}")
        }
        _ => last.to_owned(),
    }
}

/// clap names the letter (`-x`); the message quotes the cluster that it was typed in (`-dx`).
fn typed_cluster<'a>(argument: &'a str, arguments: &'a [String]) -> &'a str {
    if argument.starts_with("--") {
        return argument;
    }
    let letter = argument.trim_start_matches('-');
    arguments
        .iter()
        .find(|typed| {
            typed
                .strip_prefix('-')
                .is_some_and(|cluster| !cluster.starts_with('-') && cluster.starts_with(letter))
        })
        .map_or(argument, String::as_str)
}

fn find<'a>(command: &'a Command, clap_name: &str) -> Option<&'a Arg> {
    let long = clap_name.strip_prefix("--")?.split([' ', '=']).next()?;
    command
        .get_arguments()
        .find(|argument| argument.get_long() == Some(long))
}

/// Flags that must be there.
///
/// # Errors
/// Names all that are absent, in alphabetical order.
pub fn require(flags: &[(&str, bool)]) -> Result<(), Failure> {
    let missing = names(flags, false);
    if missing.is_empty() {
        return Ok(());
    }
    let quoted: Vec<String> = missing.iter().map(|name| format!("\"{name}\"")).collect();
    Err(Failure::usage(format!(
        "required flag(s) {} not set",
        quoted.join(", ")
    )))
}

/// Flags that make sense only together.
///
/// # Errors
/// Some are there and some are not.
pub fn together(flags: &[(&str, bool)]) -> Result<(), Failure> {
    let missing = names(flags, false);
    if missing.is_empty() || missing.len() == flags.len() {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "if any flags in the group [{}] are set they must all be set; missing [{}]",
        group(flags),
        missing.join(" ")
    )))
}

/// Flags of which at most one may be there.
///
/// # Errors
/// More than one is there.
pub fn at_most_one(flags: &[(&str, bool)]) -> Result<(), Failure> {
    let set = names(flags, true);
    if set.len() < 2 {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "if any flags in the group [{}] are set none of the others can be; [{}] were all set",
        group(flags),
        set.join(" ")
    )))
}

/// Flags of which at least one must be there.
///
/// # Errors
/// None is there.
pub fn at_least_one(flags: &[(&str, bool)]) -> Result<(), Failure> {
    if flags.iter().any(|(_, set)| *set) {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "at least one of the flags in the group [{}] is required",
        group(flags)
    )))
}

/// The argument of a command that takes exactly none.
///
/// # Errors
/// Any argument.
pub fn no_arguments(given: &[String]) -> Result<(), Failure> {
    if given.is_empty() {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "accepts 0 arg(s), received {}",
        given.len()
    )))
}

/// `--max-signatures`
///
/// # Errors
/// Zero or less.
pub fn positive_limit(value: i64) -> Result<usize, Failure> {
    usize::try_from(value)
        .ok()
        .filter(|limit| *limit > 0)
        .ok_or_else(|| {
            Failure::usage(format!(
                "max-signatures value {value} must be a positive number"
            ))
        })
}

/// An integer as Go reads one, with its words for what is not one.
///
/// # Errors
/// Not a decimal number, or beyond 64 bits.
pub fn integer(text: &str) -> Result<i64, String> {
    text.parse().map_err(|error: std::num::ParseIntError| {
        let reason = match error.kind() {
            std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => {
                "value out of range"
            }
            _ => "invalid syntax",
        };
        format!("strconv.ParseInt: parsing \"{text}\": {reason}")
    })
}

fn group(flags: &[(&str, bool)]) -> String {
    flags
        .iter()
        .map(|(name, _)| *name)
        .collect::<Vec<_>>()
        .join(" ")
}

fn names<'a>(flags: &[(&'a str, bool)], set: bool) -> Vec<&'a str> {
    let mut names: Vec<&str> = flags
        .iter()
        .filter(|(_, is_set)| *is_set == set)
        .map(|(name, _)| *name)
        .collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(result: Result<(), Failure>) -> String {
        result.unwrap_err().message().to_owned()
    }

    #[test]
    fn missing_required_flags_are_named_in_alphabetical_order() {
        assert_eq!(
            text(require(&[("type", false), ("store", false), ("all", true)])),
            "required flag(s) \"store\", \"type\" not set"
        );
    }

    #[test]
    fn groups_of_flags_are_checked_both_ways() {
        assert!(together(&[("id", false), ("plugin", false)]).is_ok());
        assert_eq!(
            text(together(&[("id", true), ("plugin", false)])),
            "if any flags in the group [id plugin] are set they must all be set; missing [plugin]"
        );
        assert_eq!(
            text(at_most_one(&[("key", true), ("id", true)])),
            "if any flags in the group [key id] are set none of the others can be; [id key] were all set"
        );
        assert_eq!(
            text(at_least_one(&[("file", false), ("url", false)])),
            "at least one of the flags in the group [file url] is required"
        );
    }

    #[test]
    fn a_limit_below_one_is_refused() {
        assert!(positive_limit(0).is_err());
        assert!(positive_limit(-5).is_err());
        assert_eq!(positive_limit(1).unwrap(), 1);
    }
}
