//! The declaration of one setting.

/// One value that a user can set: as a configuration key (`--plugin-config key=value`, which hosts pass
/// on as `pluginConfig`), as an environment variable, or either. The configuration key wins.
///
/// A secret is never read from `pluginConfig`, because hosts keep that in `signingkeys.json`, show it in
/// process lists and write it to debug logs: a secret given there is refused with a pointer to the
/// environment variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    pub(crate) key: Option<&'static str>,
    pub(crate) environment: Option<&'static str>,
    pub(crate) fallback: Option<&'static str>,
    pub(crate) meaning: &'static str,
    pub(crate) default: Option<&'static str>,
    pub(crate) secret: bool,
    pub(crate) kind: Kind,
}

/// What the value of a setting looks like. Checked when the configuration is read, before the plugin runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text that is not empty.
    Text,
    /// A path of a file or directory; it need not exist yet.
    Path,
    /// `true` or `false`.
    Flag,
    /// A whole number, zero or more.
    Number,
    /// Seconds (`20`), or a number with `ms`, `s` or `m`.
    Duration,
    /// One of a few words.
    OneOf(&'static [&'static str]),
}

impl Setting {
    /// A setting with configuration key `key`.
    #[must_use]
    pub const fn new(key: &'static str, kind: Kind, meaning: &'static str) -> Self {
        Self {
            key: Some(key),
            environment: None,
            fallback: None,
            meaning,
            default: None,
            secret: false,
            kind,
        }
    }

    /// A configuration key that holds text.
    #[must_use]
    pub const fn text(key: &'static str, meaning: &'static str) -> Self {
        Self::new(key, Kind::Text, meaning)
    }

    /// A configuration key that holds a path.
    #[must_use]
    pub const fn path(key: &'static str, meaning: &'static str) -> Self {
        Self::new(key, Kind::Path, meaning)
    }

    /// A setting that is only an environment variable.
    #[must_use]
    pub const fn environment(variable: &'static str, kind: Kind, meaning: &'static str) -> Self {
        Self {
            key: None,
            environment: Some(variable),
            fallback: None,
            meaning,
            default: None,
            secret: false,
            kind,
        }
    }

    /// A secret, read from an environment variable and from nowhere else.
    #[must_use]
    pub const fn secret(variable: &'static str, meaning: &'static str) -> Self {
        Self {
            secret: true,
            ..Self::environment(variable, Kind::Text, meaning)
        }
    }

    /// Refuses configuration key `key` by name, with a pointer to the environment variable: for secrets
    /// that users are likely to put into the configuration, such as `pin` or `token`.
    #[must_use]
    pub const fn refused_as(self, key: &'static str) -> Self {
        Self {
            key: Some(key),
            ..self
        }
    }

    /// Also reads the value from an environment variable when the configuration does not give it.
    #[must_use]
    pub const fn from_environment(self, variable: &'static str) -> Self {
        Self {
            environment: Some(variable),
            ..self
        }
    }

    /// Also reads a second environment variable when the first is not set: for backends whose variables go
    /// by two names, such as `BAO_ADDR` and `VAULT_ADDR`.
    #[must_use]
    pub const fn or_from_environment(self, variable: &'static str) -> Self {
        Self {
            fallback: Some(variable),
            ..self
        }
    }

    /// The value when nobody sets one.
    #[must_use]
    pub const fn default(self, value: &'static str) -> Self {
        Self {
            default: Some(value),
            ..self
        }
    }

    /// The configuration key, if the setting can be given as one.
    pub(crate) fn config_key(&self) -> Option<&'static str> {
        if self.secret { None } else { self.key }
    }

    /// The environment variables, the one that wins first.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &'static str> {
        self.environment.into_iter().chain(self.fallback)
    }

    /// How messages name the setting: ``configuration key `a` or environment variable `B` ``.
    pub(crate) fn name_for_people(&self) -> String {
        let key = self
            .config_key()
            .map(|key| format!("configuration key `{key}`"));
        let variables = self
            .variables()
            .map(|variable| format!("environment variable `{variable}`"));
        let names: Vec<String> = key.into_iter().chain(variables).collect();
        if names.is_empty() {
            "a setting without a name".to_owned()
        } else {
            names.join(" or ")
        }
    }
}
