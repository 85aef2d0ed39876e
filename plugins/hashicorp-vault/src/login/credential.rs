//! Secrets in files.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use notary_plugin_sdk::{PluginError, Secret};
use zeroize::Zeroizing;

/// Longest token, password or JWT that is read. JWTs with many claims have a few KiB.
pub(super) const CREDENTIAL_LIMIT: usize = 64 * 1024;

/// Reads a secret without the line end that editors put behind it.
pub(super) fn from_file(path: &Path, what: &str) -> Result<Secret, PluginError> {
    let unreadable = |error: std::io::Error| {
        PluginError::access_denied(format!(
            "{what} cannot be read from {}: {error}",
            path.display()
        ))
    };
    let file = File::open(path).map_err(unreadable)?;
    // Reserved at once, so that no copy is left behind by growing.
    let mut bytes = Zeroizing::new(Vec::with_capacity(CREDENTIAL_LIMIT + 1));
    file.take(CREDENTIAL_LIMIT as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    from_bytes(&bytes, what, &path.display().to_string())
}

/// A secret that came from somewhere as bytes.
pub(super) fn from_bytes(bytes: &[u8], what: &str, origin: &str) -> Result<Secret, PluginError> {
    let wrong = |why: &str| {
        PluginError::access_denied(format!("{what} from {origin} cannot be used: {why}"))
    };
    if bytes.len() > CREDENTIAL_LIMIT {
        return Err(wrong("it is too long"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("it is no text"))?;
    let text = text.trim();
    if text.is_empty() {
        return Err(wrong("it is empty"));
    }
    Ok(Secret::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_around_a_secret_is_not_part_of_it() {
        let secret = from_bytes(b" s.abc\r\n", "the token", "here").unwrap();
        assert_eq!(secret.expose(), "s.abc");
    }

    #[test]
    fn an_empty_oversized_or_binary_secret_is_refused_and_not_shown() {
        for bytes in [
            b"\n".to_vec(),
            vec![b'x'; CREDENTIAL_LIMIT + 1],
            vec![0xff, b'q'],
        ] {
            let error = from_bytes(&bytes, "the token", "here").unwrap_err();
            assert!(!error.message().contains("xxx") && !error.message().contains('q'));
        }
        assert!(from_bytes(&[b'x'; CREDENTIAL_LIMIT], "the token", "here").is_ok());
    }
}
