//! Which environment variables a plugin sees.

use std::ffi::{OsStr, OsString};

/// The registry credentials of the host. They are none of a plugin's business.
const SECRETS: [&str; 2] = ["NOTATION_USERNAME", "NOTATION_PASSWORD"];

/// Variables that an allow-list always contains: without them programs do not find their home, their
/// language or the system.
const ALWAYS_ALLOWED: [&str; 14] = [
    "HOME",
    "LANG",
    "LC_ALL",
    "LOGNAME",
    "PATH",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "TMPDIR",
    "TZ",
    "USER",
    "USERPROFILE",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
];

/// Which environment variables a plugin sees.
///
/// By default all of the host's, since KMS libraries read their credentials, proxies and regions
/// from there, but never `NOTATION_USERNAME` and `NOTATION_PASSWORD`.
#[derive(Debug, Clone)]
pub struct PluginEnvironment(Choice);

#[derive(Clone)]
enum Choice {
    Inherited,
    Exactly(Vec<(OsString, OsString)>),
}

impl std::fmt::Debug for Choice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Inherited => f.write_str("Inherited"),
            // Names only: values are often credentials.
            Self::Exactly(variables) => f
                .debug_list()
                .entries(variables.iter().map(|(name, _)| name))
                .finish(),
        }
    }
}

impl PluginEnvironment {
    /// All variables of this process but the registry credentials.
    #[must_use]
    pub const fn inherited() -> Self {
        Self(Choice::Inherited)
    }

    /// Of the given variables those whose name is in `allowed`, and the few that every program
    /// needs (`PATH`, `HOME`, `LANG`, `TMPDIR`, …). An entry of `allowed` that ends in `*` stands
    /// for all names that start like it, such as `AWS_*`. The registry credentials are never among
    /// them.
    pub fn allow_list<'a>(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        allowed: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let allowed: Vec<&str> = allowed.into_iter().chain(ALWAYS_ALLOWED).collect();
        let passes =
            |name: &OsStr| !is_secret(name) && allowed.iter().any(|pattern| matches(pattern, name));
        Self(Choice::Exactly(
            variables
                .into_iter()
                .filter(|(name, _)| passes(name))
                .collect(),
        ))
    }

    pub(crate) fn apply(&self, process: &mut tokio::process::Command) {
        match &self.0 {
            Choice::Inherited => {
                for secret in SECRETS {
                    process.env_remove(secret);
                }
            }
            Choice::Exactly(variables) => {
                process.env_clear();
                process.envs(variables.iter().map(|(name, value)| (name, value)));
            }
        }
    }
}

fn is_secret(name: &OsStr) -> bool {
    SECRETS
        .iter()
        .any(|secret| name.eq_ignore_ascii_case(secret))
}

fn matches(pattern: &str, name: &OsStr) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.to_str().is_some_and(|name| name.starts_with(start)),
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allow_list_passes_what_it_names_and_what_every_program_needs() {
        let variables = [
            "PATH",
            "AWS_REGION",
            "AWS_PROFILE",
            "VAULT_TOKEN",
            "VAULT_ADDR",
            "NOTATION_PASSWORD",
        ]
        .map(|name| (OsString::from(name), OsString::from("value")));
        let environment =
            PluginEnvironment::allow_list(variables, ["AWS_*", "VAULT_ADDR", "NOTATION_*"]);
        let shown = format!("{environment:?}");
        assert_eq!(
            shown,
            r#"PluginEnvironment(["PATH", "AWS_REGION", "AWS_PROFILE", "VAULT_ADDR"])"#
        );
    }
}
