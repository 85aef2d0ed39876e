//! `openssl speed`, in its form for programs (`-mr`).

use std::path::Path;
use std::process::Command;

use crate::process::{TaskError, shown};

/// What one signature check costs.
pub(super) struct Checks {
    pub(super) key_spec: &'static str,
    /// The name that `openssl speed` has for it.
    pub(super) algorithm: &'static str,
    pub(super) microseconds: f64,
}

const KEYS: [(&str, &str); 6] = [
    ("RSA-2048", "rsa2048"),
    ("RSA-3072", "rsa3072"),
    ("RSA-4096", "rsa4096"),
    ("EC-256", "ecdsap256"),
    ("EC-384", "ecdsap384"),
    ("EC-521", "ecdsap521"),
];

/// MiB in a second, hashed in blocks of `block_len` bytes.
pub(super) fn hashing_rate(openssl: &Path, name: &str, block_len: usize) -> Result<f64, TaskError> {
    let block = block_len.to_string();
    let text = speed(openssl, &["-bytes", &block, "-evp", name])?;
    last_field(&text)
        .map(|bytes| bytes / (1024.0 * 1024.0))
        .ok_or_else(|| unreadable(name))
}

/// One check for each key spec.
pub(super) fn signature_checks(openssl: &Path) -> Result<Vec<Checks>, TaskError> {
    KEYS.into_iter()
        .map(|(key_spec, algorithm)| {
            let text = speed(openssl, &[algorithm])?;
            // Signatures in a second come first, checks last.
            let rate = last_field(&text).ok_or_else(|| unreadable(algorithm))?;
            Ok(Checks {
                key_spec,
                algorithm,
                microseconds: 1_000_000.0 / rate.max(f64::EPSILON),
            })
        })
        .collect()
}

fn speed(openssl: &Path, arguments: &[&str]) -> Result<String, TaskError> {
    let mut command = Command::new(openssl);
    command
        .args(["speed", "-mr", "-seconds", "1"])
        .args(arguments);
    let output = command.output().map_err(|source| TaskError::Start {
        command: shown(&command),
        source,
    })?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The last field of the line with the result, `+F…:…:…`.
fn last_field(text: &str) -> Option<f64> {
    let line = text.lines().rev().find(|line| line.starts_with("+F"))?;
    line.rsplit(':').next()?.trim().parse().ok()
}

fn unreadable(what: &str) -> TaskError {
    TaskError::Check(format!("openssl speed gave no figure for {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_is_the_last_field_of_the_last_line_of_figures() {
        let text = "+H:1048576\n+F:22:sha256:1807745000.00\n";
        assert_eq!(last_field(text), Some(1_807_745_000.0));
        assert_eq!(last_field("+F2:2:2048:3400.0:56604.0\n"), Some(56604.0));
        assert_eq!(last_field("nothing"), None);
    }
}
