//! What it means that a request did not come through, and what a registry says when it refuses.

use std::error::Error as StdError;
use std::io;

use super::client::chain;
use super::options::RegistryOptions;
use crate::error::{Attempt, RegistryError};

pub(super) fn failure(
    attempt: Attempt,
    error: reqwest::Error,
    options: &RegistryOptions,
) -> RegistryError {
    // A URL may hold a signed token in its query.
    let error = error.without_url();
    let reason = chain(&error);
    match kind_of(&error) {
        Failure::Tls => RegistryError::Tls { attempt, reason },
        Failure::TimedOut => RegistryError::TimedOut {
            attempt,
            after: options.connect_timeout,
        },
        Failure::Unreachable => RegistryError::Unreachable { attempt, reason },
        Failure::NotHttp => RegistryError::NotHttp { attempt, reason },
        Failure::Interrupted => RegistryError::Interrupted { attempt, reason },
    }
}

enum Failure {
    Tls,
    TimedOut,
    Unreachable,
    NotHttp,
    Interrupted,
}

fn kind_of(error: &reqwest::Error) -> Failure {
    if has_tls_cause(error) {
        return Failure::Tls;
    }
    match (error.is_timeout(), error.is_connect()) {
        (true, _) => Failure::TimedOut,
        (false, true) => Failure::Unreachable,
        (false, false) if is_no_http(error) => Failure::NotHttp,
        (false, false) => Failure::Interrupted,
    }
}

fn is_no_http(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(current) = cause {
        if let Some(error) = current.downcast_ref::<hyper::Error>() {
            return error.is_parse();
        }
        cause = current.source();
    }
    false
}

fn has_tls_cause(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(current) = cause {
        if current.is::<rustls::Error>() {
            return true;
        }
        // What an I/O error is about is not among its sources.
        let inside = current
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        cause = match inside {
            Some(inside) => Some(inside),
            None => current.source(),
        };
    }
    false
}

/// The message of an error in the distribution specification's form, made safe to show.
pub(super) fn error_message(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Body {
        errors: Vec<Entry>,
    }
    #[derive(serde::Deserialize)]
    struct Entry {
        #[serde(default)]
        code: String,
        #[serde(default)]
        message: String,
    }
    const SHOWN: usize = 300;
    let text = match serde_json::from_slice::<Body>(body) {
        Ok(body) => {
            let entries = body
                .errors
                .iter()
                .take(3)
                .map(|entry| format!("{}: {}", entry.code, entry.message));
            entries.collect::<Vec<_>>().join("; ")
        }
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    };
    text.trim()
        .chars()
        .take(SHOWN)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

pub(super) fn with_message(what: &str, message: &str) -> String {
    if message.is_empty() {
        what.to_owned()
    } else {
        format!("{what} ({message})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_message_is_short_and_has_no_control_characters() {
        let body = br#"{"errors":[{"code":"DENIED","message":"no \u001b[31mway\n"}]}"#;
        assert_eq!(error_message(body), "DENIED: no  [31mway");
        assert_eq!(
            error_message("é".repeat(1000).as_bytes()).chars().count(),
            300
        );
        assert_eq!(error_message(b""), "");
    }
}
