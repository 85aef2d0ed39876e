//! Key ids and the configuration that travels with them.

use std::collections::BTreeMap;
use std::fmt;

/// The name by which the plugin knows a key: an ARN, a URL, a label. Never empty; otherwise the
/// plugin's own business, passed on byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

/// A key id was empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key id cannot be empty")]
pub struct EmptyKeyId;

impl KeyId {
    /// A key id from text that is not empty.
    ///
    /// # Errors
    /// [`EmptyKeyId`] if the text is empty.
    pub fn new(id: impl Into<String>) -> Result<Self, EmptyKeyId> {
        let id = id.into();
        if id.is_empty() {
            Err(EmptyKeyId)
        } else {
            Ok(Self(id))
        }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for KeyId {
    type Err = EmptyKeyId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for KeyId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl serde::Serialize for KeyId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Settings for a plugin that the host passes on as they are.
///
/// Plugins should not keep secrets here, and users do it all the same, so that `Debug` shows the
/// keys and hides the values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PluginConfig(BTreeMap<String, String>);

impl PluginConfig {
    /// No settings.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of a setting.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Sets a value and returns the one that it replaced.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<String>) -> Option<String> {
        self.0.insert(key.into(), value.into())
    }

    /// Whether there are no settings. Such a configuration is left out of the request.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many settings there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The settings in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// These settings, with those of `other` added and taking precedence.
    #[must_use]
    pub fn overridden_by(mut self, other: &Self) -> Self {
        self.0.extend(
            other
                .0
                .iter()
                .map(|(key, value)| (key.clone(), value.clone())),
        );
        self
    }
}

impl From<BTreeMap<String, String>> for PluginConfig {
    fn from(settings: BTreeMap<String, String>) -> Self {
        Self(settings)
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for PluginConfig {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(settings: I) -> Self {
        Self(
            settings
                .into_iter()
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        )
    }
}

impl fmt::Debug for PluginConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let masked = self
            .0
            .keys()
            .map(|key| (key, format_args!("***").to_string()));
        f.debug_map().entries(masked).finish()
    }
}

impl serde::Serialize for PluginConfig {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_key_id_cannot_be_made() {
        assert_eq!(KeyId::new(""), Err(EmptyKeyId));
        assert_eq!(KeyId::new("arn:x").unwrap().as_str(), "arn:x");
    }

    #[test]
    fn debug_output_shows_the_keys_and_hides_the_values() {
        let config = PluginConfig::from_iter([("pin", "123456")]);
        let shown = format!("{config:?}");
        assert!(
            shown.contains("pin") && !shown.contains("123456"),
            "{shown}"
        );
    }

    #[test]
    fn later_settings_take_precedence() {
        let stored = PluginConfig::from_iter([("a", "1"), ("b", "2")]);
        let given = PluginConfig::from_iter([("b", "3")]);
        let merged = stored.overridden_by(&given);
        assert_eq!(merged.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "3")]);
    }
}
