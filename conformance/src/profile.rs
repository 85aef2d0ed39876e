//! A plugin's profile: its keys, its configuration and the failures that its maker knows of.
//!
//! ```toml
//! exec = "notation-example"              # beside this file, or absolute
//!
//! [plugin-config]
//! endpoint = "http://127.0.0.1:8200"
//!
//! [environment]
//! EXAMPLE_TOKEN_FILE = "/run/secrets/token"
//!
//! [[key]]
//! id = "release-rsa"
//!
//! [[key]]
//! id = "release-ec"
//!
//! [[expected-failure]]
//! rule = "NP-MD-066"
//! reason = "the next release drops the second url"
//! ```

use crate::{HarnessError, Subject, rules};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What is tested, as a file says it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Profile {
    /// The executable; relative to the profile's directory.
    pub exec: PathBuf,
    /// The keys, each of which is run through all rules; the first for those that need none.
    #[serde(default)]
    pub key: Vec<ProfileKey>,
    /// Sent as `pluginConfig` with every request.
    #[serde(default)]
    pub plugin_config: BTreeMap<String, String>,
    /// Set in the plugin's environment.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// The rules that the plugin is known to break.
    #[serde(default)]
    pub expected_failure: Vec<ExpectedFailure>,
}

/// One key of the plugin.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct ProfileKey {
    /// As a host would send it.
    pub id: String,
}

/// A rule that the plugin is known to break.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct ExpectedFailure {
    /// The rule's id.
    pub rule: String,
    /// Why it is broken, and until when.
    pub reason: String,
}

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The file cannot be read.
    #[error("cannot read the profile {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not a profile.
    #[error("{} is not a profile: {source}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// An expected failure names no rule, or gives no reason.
    #[error("{}: {what}; `apostille-conformance list` prints the rules", path.display())]
    Expectation {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The harness's own rules are broken.
    #[error(transparent)]
    Harness(#[from] HarnessError),
}

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    /// [`ProfileError`] where the file cannot be read, has an unknown member, or expects the failure
    /// of a rule that does not exist or without a reason.
    pub fn read(path: &Path) -> Result<Self, ProfileError> {
        let text = std::fs::read_to_string(path).map_err(|source| ProfileError::Read {
            path: path.to_owned(),
            source,
        })?;
        let mut profile: Self = toml::from_str(&text).map_err(|source| ProfileError::Parse {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        profile.check_expectations(path)?;
        if let Some(directory) = path.parent() {
            profile.exec = directory.join(&profile.exec);
        }
        Ok(profile)
    }

    fn check_expectations(&self, path: &Path) -> Result<(), ProfileError> {
        let wrong = |what| ProfileError::Expectation {
            path: path.to_owned(),
            what,
        };
        let rules = rules()?;
        for expected in &self.expected_failure {
            if !rules.iter().any(|rule| rule.id == expected.rule) {
                return Err(wrong(format!("there is no rule {:?}", expected.rule)));
            }
            if expected.reason.trim().is_empty() {
                return Err(wrong(format!("{} needs a reason", expected.rule)));
            }
        }
        Ok(())
    }

    /// One subject for each key, or one without a key.
    #[must_use]
    pub fn subjects(&self) -> Vec<Subject> {
        let mut plain = Subject::new(&self.exec);
        for (key, value) in &self.plugin_config {
            plain = plain.with_plugin_config(key, value);
        }
        for (name, value) in &self.environment {
            plain = plain.with_environment(name, value);
        }
        if self.key.is_empty() {
            return vec![plain];
        }
        self.key
            .iter()
            .map(|key| plain.clone().with_key_id(&key.id))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Profile, ProfileError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.toml");
        std::fs::write(&path, text).unwrap();
        Profile::read(&path)
    }

    #[test]
    fn a_profile_makes_one_subject_for_each_key() {
        let profile = read("exec = 'notation-x'\n[[key]]\nid = 'a'\n[[key]]\nid = 'b'\n").unwrap();
        let subjects = profile.subjects();
        let keys: Vec<_> = subjects.iter().filter_map(Subject::key).collect();
        assert_eq!(keys.len(), 2);
    }

    #[test]
    fn an_expected_failure_of_no_rule_or_without_a_reason_is_refused() {
        for (rule, reason) in [("NP-XX-999", "why"), ("NP-MD-060", " ")] {
            let text =
                format!("exec = 'x'\n[[expected-failure]]\nrule = '{rule}'\nreason = '{reason}'\n");
            assert!(matches!(read(&text), Err(ProfileError::Expectation { .. })));
        }
    }

    #[test]
    fn an_unknown_member_is_refused() {
        assert!(matches!(
            read("exec = 'x'\nkeys = []\n"),
            Err(ProfileError::Parse { .. })
        ));
    }
}
