//! The media type of a file, as the user gives it.

use crate::failure::Failure;

/// Checks that `text` is a media type (RFC 9110 §8.3.1): `type/subtype`, then perhaps parameters. What is signed is the
/// text as it was given.
///
/// A single word passes too: it does in `notation`, and scripts may have one.
///
/// # Errors
/// Says what is wrong.
pub(super) fn check(text: &str) -> Result<(), Failure> {
    if text.is_empty() {
        return Err(Failure::usage("content media-type cannot be empty"));
    }
    let refuse = |reason: &str| {
        let text = format!("invalid content media-type {text:?}: {reason}");
        Failure::usage(text).hint("A media type looks like application/octet-stream")
    };
    let mut parts = split_outside_quotes(text).into_iter();
    let names = parts.next().unwrap_or_default().trim();
    let mut names = names.split('/');
    if !names.next().is_some_and(is_token) {
        return Err(refuse("there is no type before the slash"));
    }
    if names.next().is_some_and(|subtype| !is_token(subtype)) {
        return Err(refuse("there is no subtype after the slash"));
    }
    if names.next().is_some() {
        return Err(refuse("there is more than one slash"));
    }
    let parts: Vec<&str> = parts.map(str::trim).collect();
    let parameters = match parts.split_last() {
        Some((&"", all_but_last)) => all_but_last,
        _ => parts.as_slice(),
    };
    if parameters.iter().all(|parameter| is_parameter(parameter)) {
        return Ok(());
    }
    Err(refuse("a parameter has the form name=value"))
}

/// The parts between semicolons.
fn split_outside_quotes(text: &str) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |letter| {
        let separates = letter == ';' && !quoted;
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        separates
    })
    .collect()
}

fn is_parameter(text: &str) -> bool {
    text.split_once('=').is_some_and(|(name, value)| {
        let quoted = value
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        is_token(name) && (is_token(value) || quoted.is_some_and(is_quotable))
    })
}

fn is_quotable(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

/// RFC 9110 §5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_accepted_with_parameters_and_in_any_case() {
        for text in [
            "application/octet-stream",
            "TEXT/plain",
            "text/plain; charset=utf-8",
            "a/b;x=\"semi;colon\";y=1",
            "a/b;",
            "application/vnd.oci.image.manifest.v1+json",
            "word",
        ] {
            assert!(check(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_no_media_type_is_refused() {
        for text in [
            "",
            " ",
            "/b",
            "a/",
            "a/b/c",
            "a b",
            "a/b; x",
            "a/b;;x=1",
            "ä/b",
            "a/b;x=\"open",
            "a/\nb",
        ] {
            assert!(check(text).is_err(), "{text:?}");
        }
    }
}
