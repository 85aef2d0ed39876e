//! Reading the declared settings from `pluginConfig` and the environment.

use std::{collections::BTreeMap, ffi::OsString, path::Path, time::Duration};

use notary_plugin_protocol::PluginConfig;

use crate::{Kind, PluginDescription, PluginError, Secret, Setting};

/// Where logs go. Off unless set; standard output and error belong to the protocol.
pub const LOG_FILE: Setting = Setting::environment(
    "NOTATION_PLUGIN_LOG",
    Kind::Path,
    "File that a log is appended to; it is created readable by its owner only. Whatever native libraries print goes there as well",
);

/// How long a command may take before it answers `TIMEOUT` by itself. The default is less than the minute
/// after which hosts give up, so that the user sees a reason and not a killed process.
pub const DEADLINE: Setting = Setting::new(
    "deadline",
    Kind::Duration,
    "Longest time that one command may take, retries included (seconds, or with the unit `ms`, `s` or `m`)",
)
.from_environment("NOTATION_PLUGIN_DEADLINE")
.default("50s");

/// The default of [`DEADLINE`] where its text cannot be used.
const FALLBACK_DEADLINE: Duration = Duration::from_secs(50);

/// Files with certificates that complete the chain, for plugins whose backend keeps none or only the leaf.
/// Not part of every plugin: list it in [`PluginDescription::settings`] and pass it to
/// [`CertificateBundle::add_setting`](crate::CertificateBundle::add_setting).
pub const CERTIFICATES: Setting = Setting::path(
    "certificates",
    "File or directory with the certificate chain of the key, in any order (PEM, DER, PKCS#7 or PKCS#12 without key)",
);

/// The settings that the SDK itself understands in every plugin.
pub(crate) static OF_EVERY_PLUGIN: &[Setting] = &[DEADLINE, LOG_FILE];

/// The values that the user set, checked against the plugin's declaration.
///
/// Values are read with the [`Setting`] that declared them, so a setting cannot be read that is not
/// documented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    values: BTreeMap<&'static str, Value>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Plain(String),
    Secret(Secret),
}

impl Settings {
    /// Reads the settings of this process for one request.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for a configuration key that is not declared (with the nearest one that is), a
    /// secret in the configuration, or a value of the wrong kind.
    pub fn read(
        description: &PluginDescription,
        config: &PluginConfig,
    ) -> Result<Self, PluginError> {
        Self::read_with(description, config, |variable| std::env::var_os(variable))
    }

    /// As [`read`](Self::read), with the environment passed in.
    pub(crate) fn read_with(
        description: &PluginDescription,
        config: &PluginConfig,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, PluginError> {
        for (key, _) in config.iter() {
            check_key(description, key)?;
        }
        let mut values = BTreeMap::new();
        for setting in description.all_settings() {
            let from_config = setting
                .config_key()
                .and_then(|key| config.get(key))
                .map(str::to_owned);
            let value = match from_config {
                Some(value) => Some(value),
                None => from_environment(setting, &environment)?,
            };
            if let Some(value) = value.or_else(|| setting.default.map(str::to_owned)) {
                values.insert(identity(setting), checked(setting, value)?);
            }
        }
        Ok(Self { values })
    }

    /// The value of a setting, or its default. `None` when there is neither, and for secrets.
    #[must_use]
    pub fn get(&self, setting: &Setting) -> Option<&str> {
        match self.values.get(identity(setting)) {
            Some(Value::Plain(value)) => Some(value),
            _ => None,
        }
    }

    /// The value of a setting that the plugin cannot work without.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` that names the setting and what it is for.
    pub fn required(&self, setting: &Setting) -> Result<&str, PluginError> {
        self.get(setting).ok_or_else(|| missing(setting))
    }

    /// The value as a path.
    #[must_use]
    pub fn path(&self, setting: &Setting) -> Option<&Path> {
        self.get(setting).map(Path::new)
    }

    /// Whether a flag is set to `true`.
    #[must_use]
    pub fn flag(&self, setting: &Setting) -> bool {
        self.get(setting) == Some("true")
    }

    /// The value as a whole number.
    #[must_use]
    pub fn number(&self, setting: &Setting) -> Option<u64> {
        self.get(setting).and_then(|value| value.parse().ok())
    }

    /// The value as a duration.
    #[must_use]
    pub fn duration(&self, setting: &Setting) -> Option<Duration> {
        self.get(setting).and_then(parse_duration)
    }

    /// The value of a secret.
    #[must_use]
    pub fn secret(&self, setting: &Setting) -> Option<&Secret> {
        match self.values.get(identity(setting)) {
            Some(Value::Secret(secret)) => Some(secret),
            _ => None,
        }
    }

    /// A secret that the plugin cannot work without.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` that names the environment variable.
    pub fn required_secret(&self, setting: &Setting) -> Result<&Secret, PluginError> {
        self.secret(setting).ok_or_else(|| missing(setting))
    }
}

/// How long reading the request may take: its configuration is not known yet, so the environment and the
/// default count. A malformed variable is reported once the request is there.
pub(crate) fn deadline_from_environment() -> Duration {
    let from_environment = from_environment(&DEADLINE, |variable| std::env::var_os(variable))
        .ok()
        .flatten();
    from_environment
        .as_deref()
        .and_then(parse_duration)
        .unwrap_or(FALLBACK_DEADLINE)
}

/// What tells settings apart: the configuration key, or else the environment variable.
fn identity(setting: &Setting) -> &'static str {
    setting.key.or(setting.environment).unwrap_or_default()
}

fn missing(setting: &Setting) -> PluginError {
    PluginError::validation(format!(
        "{} is not set: {}",
        setting.name_for_people(),
        setting.meaning
    ))
}

fn check_key(description: &PluginDescription, key: &str) -> Result<(), PluginError> {
    match description
        .all_settings()
        .find(|setting| setting.key == Some(key))
    {
        Some(setting) if setting.secret => Err(PluginError::validation(format!(
            "configuration key `{key}` is a secret, and hosts store and log the configuration: set environment variable `{}` instead",
            setting.environment.unwrap_or_default()
        ))),
        Some(_) => Ok(()),
        None => Err(unknown_key(description, key)),
    }
}

fn unknown_key(description: &PluginDescription, key: &str) -> PluginError {
    let known: Vec<&str> = description
        .all_settings()
        .filter_map(Setting::config_key)
        .collect();
    let advice = match nearest(key, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("{} knows: {}", description.executable(), known.join(", ")),
    };
    PluginError::validation(format!("unknown configuration key `{key}`: {advice}"))
}

/// The candidate that is likely meant by a mistyped word.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    /// Below this Jaro-Winkler similarity a suggestion confuses more than it helps.
    const LEAST_SIMILARITY: f64 = 0.8;
    let spelt = |name: &str| name.to_lowercase().replace(['-', '_', '.'], "");
    candidates
        .map(|candidate| {
            (
                strsim::jaro_winkler(&spelt(word), &spelt(candidate)),
                candidate,
            )
        })
        .filter(|(similarity, _)| *similarity >= LEAST_SIMILARITY)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, candidate)| candidate)
}

fn from_environment(
    setting: &Setting,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<String>, PluginError> {
    // An empty variable is how shells and CI files unset one.
    let set = setting
        .variables()
        .find_map(|variable| Some((variable, environment(variable).filter(|v| !v.is_empty())?)));
    match set {
        None => Ok(None),
        Some((variable, value)) => value.into_string().map(Some).map_err(|_| {
            PluginError::validation(format!(
                "environment variable `{variable}` is not valid UTF-8"
            ))
        }),
    }
}

fn checked(setting: &Setting, value: String) -> Result<Value, PluginError> {
    if setting.secret {
        return Ok(Value::Secret(Secret::new(value)));
    }
    let (right, expected) = match setting.kind {
        Kind::Text | Kind::Path => (!value.is_empty(), "a value that is not empty".to_owned()),
        Kind::Flag => (
            matches!(value.as_str(), "true" | "false"),
            "`true` or `false`".to_owned(),
        ),
        Kind::Number => (value.parse::<u64>().is_ok(), "a whole number".to_owned()),
        Kind::Duration => (
            parse_duration(&value).is_some(),
            "a number of seconds, or a number with the unit `ms`, `s` or `m`".to_owned(),
        ),
        Kind::OneOf(words) => (
            words.contains(&value.as_str()),
            format!("one of {}", words.join(", ")),
        ),
    };
    if right {
        Ok(Value::Plain(value))
    } else {
        Err(PluginError::validation(format!(
            "{} is `{value}`, not {expected}",
            setting.name_for_people()
        )))
    }
}

/// `20`, `20s`, `1500ms`, `2m`.
fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    match unit {
        "" | "s" => Some(Duration::from_secs(number)),
        "ms" => Some(Duration::from_millis(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLOUR: Setting = Setting::new("colour", Kind::OneOf(&["red", "green"]), "Which colour")
        .from_environment("DEMO_COLOUR");
    const LIMIT: Setting = Setting::new("limit", Kind::Number, "How many").default("3");
    const PIN: Setting = Setting::secret("DEMO_PIN", "PIN of the token").refused_as("pin");
    static DEMO: PluginDescription = PluginDescription {
        name: "demo",
        version: "1.0.0",
        url: "https://example.com",
        description: "A demonstration",
        settings: &[COLOUR, LIMIT, PIN],
    };

    fn config(pairs: &[(&str, &str)]) -> PluginConfig {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn read(pairs: &[(&str, &str)], environment: &[(&str, &str)]) -> Result<Settings, PluginError> {
        Settings::read_with(&DEMO, &config(pairs), |variable| {
            environment
                .iter()
                .find(|(name, _)| *name == variable)
                .map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn the_configuration_wins_over_the_environment_and_both_over_the_default() {
        let settings = read(&[("colour", "red")], &[("DEMO_COLOUR", "green")]).unwrap();
        assert_eq!(settings.get(&COLOUR), Some("red"));
        assert_eq!(settings.number(&LIMIT), Some(3));
        let settings = read(&[("limit", "7")], &[("DEMO_COLOUR", "green")]).unwrap();
        assert_eq!(settings.get(&COLOUR), Some("green"));
        assert_eq!(settings.number(&LIMIT), Some(7));
    }

    #[test]
    fn a_second_variable_counts_where_the_first_is_not_set() {
        const ADDRESS: Setting = Setting::text("address", "Where")
            .from_environment("NEW_ADDRESS")
            .or_from_environment("OLD_ADDRESS");
        static TWO_NAMES: PluginDescription = PluginDescription {
            settings: &[ADDRESS],
            ..DEMO
        };
        let address = |environment: &[(&str, &str)]| {
            let variable = |name: &str| {
                let set = environment.iter().find(|(known, _)| *known == name);
                set.map(|(_, value)| OsString::from(value))
            };
            let settings = Settings::read_with(&TWO_NAMES, &PluginConfig::new(), variable).unwrap();
            settings.get(&ADDRESS).map(str::to_owned)
        };
        let both = [("OLD_ADDRESS", "old"), ("NEW_ADDRESS", "new")];
        assert_eq!(address(&both).as_deref(), Some("new"));
        assert_eq!(
            address(&[("OLD_ADDRESS", "old"), ("NEW_ADDRESS", "")]).as_deref(),
            Some("old")
        );
        assert_eq!(
            ADDRESS.name_for_people(),
            "configuration key `address` or environment variable `NEW_ADDRESS` or environment variable `OLD_ADDRESS`"
        );
    }

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        assert_eq!(
            read(&[], &[("DEMO_COLOUR", "")]).unwrap().get(&COLOUR),
            None
        );
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest_known_one() {
        let error = read(&[("color", "red")], &[]).unwrap_err();
        assert_eq!(
            error.message(),
            "unknown configuration key `color`: did you mean `colour`?"
        );
    }

    #[test]
    fn an_unknown_key_like_no_other_is_refused_with_all_that_exist() {
        let error = read(&[("zzz", "red")], &[]).unwrap_err();
        assert_eq!(
            error.message(),
            "unknown configuration key `zzz`: notation-demo knows: colour, limit, deadline"
        );
    }

    #[test]
    fn a_secret_in_the_configuration_is_refused_and_not_repeated() {
        let error = read(&[("pin", "1234")], &[]).unwrap_err();
        assert!(
            error.message().contains("DEMO_PIN") && !error.message().contains("1234"),
            "{error}"
        );
    }

    #[test]
    fn a_secret_is_only_readable_as_a_secret() {
        let settings = read(&[], &[("DEMO_PIN", "1234")]).unwrap();
        assert_eq!(settings.get(&PIN), None);
        assert_eq!(settings.secret(&PIN).unwrap().expose(), "1234");
        assert!(!format!("{settings:?}").contains("1234"));
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_refused_with_what_is_expected() {
        for (pair, expected) in [
            (
                ("colour", "blue"),
                "configuration key `colour` or environment variable `DEMO_COLOUR` is `blue`, not one of red, green",
            ),
            (
                ("limit", "-1"),
                "configuration key `limit` is `-1`, not a whole number",
            ),
        ] {
            assert_eq!(read(&[pair], &[]).unwrap_err().message(), expected);
        }
    }

    #[test]
    fn durations_are_seconds_unless_they_have_a_unit() {
        for (text, milliseconds) in [
            ("20", 20_000),
            ("20s", 20_000),
            ("1500ms", 1_500),
            ("2m", 120_000),
        ] {
            assert_eq!(
                parse_duration(text),
                Some(Duration::from_millis(milliseconds)),
                "{text}"
            );
        }
        for text in [
            "",
            "s",
            "1h",
            "1.5s",
            "-1",
            "99999999999999999999",
            "18446744073709551615m",
        ] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn a_missing_required_setting_is_named_with_its_meaning() {
        let error = read(&[], &[]).unwrap().required(&COLOUR).unwrap_err();
        assert_eq!(
            error.message(),
            "configuration key `colour` or environment variable `DEMO_COLOUR` is not set: Which colour"
        );
    }
}
