//! Paths inside Vault: mounts, secrets, names.

use std::fmt;

use notary_plugin_sdk::PluginError;

/// Longest path that is accepted. Vault has no limit of its own; URLs get into trouble a little later.
const MAX_LENGTH: usize = 1024;

/// A path without slashes at its ends, whose segments are not empty and mean themselves: nothing in it can
/// make a request go elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VaultPath(String);

impl VaultPath {
    /// Reads a path that a user configured; `what` names it in the error.
    pub(crate) fn parse(text: &str, what: &str) -> Result<Self, PluginError> {
        let path = text.trim_matches('/');
        let wrong = |why: &str| PluginError::validation(format!("{what} is `{text}`: {why}"));
        if path.is_empty() {
            return Err(wrong("it is empty"));
        }
        if path.len() > MAX_LENGTH {
            return Err(PluginError::validation(format!(
                "{what} has more than {MAX_LENGTH} bytes"
            )));
        }
        if path
            .split('/')
            .any(|segment| matches!(segment, "" | "." | ".."))
        {
            return Err(wrong("a segment between slashes is empty, `.` or `..`"));
        }
        if path.chars().any(|c| c.is_control() || c == '\\') {
            return Err(wrong("it has a control character or a backslash"));
        }
        Ok(Self(path.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The path of something below this one; `rest` is made of segments that are right by construction.
    pub(crate) fn join(&self, rest: impl fmt::Display) -> String {
        format!("{}/{rest}", self.0)
    }
}

impl fmt::Display for VaultPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_at_the_ends_do_not_count() {
        let path = VaultPath::parse("/team/transit/", "mount").unwrap();
        assert_eq!(path.join("keys"), "team/transit/keys");
    }

    #[test]
    fn a_path_that_could_lead_elsewhere_is_refused() {
        let long = "a".repeat(MAX_LENGTH + 1);
        for text in ["", "/", "a//b", "a/../b", "./a", "a\nb", "a\\b", &long] {
            assert!(VaultPath::parse(text, "mount").is_err(), "{text:?}");
        }
        assert!(VaultPath::parse(&"a".repeat(MAX_LENGTH), "mount").is_ok());
    }
}
