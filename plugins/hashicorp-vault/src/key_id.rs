//! What a key id means: `release`, `release@3`, `team/transit/keys/release@3`, `hashivault://release`.

use std::num::NonZeroU32;

use notary_plugin_protocol::KeyId;
use notary_plugin_sdk::{PluginError, Settings};

use crate::path::VaultPath;
use crate::settings::{KEY_NAME, TRANSIT_MOUNT};

/// How other tools write the keys of a Vault.
const SCHEME: &str = "hashivault://";
/// Between mount and name, as in the API's own paths.
const KEYS: &str = "/keys/";

/// A Transit key, and the version of it that signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyAddress {
    /// Where the Transit engine is mounted.
    pub(crate) mount: VaultPath,
    /// The key's name.
    pub(crate) name: String,
    /// The version that has to sign; without one it is the latest.
    pub(crate) version: Option<NonZeroU32>,
    /// The part of the key id that may also be the path of a secret with the certificates.
    pub(crate) label: String,
}

impl KeyAddress {
    /// Reads a key id with the settings that it leaves open.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` with the forms that exist.
    pub(crate) fn of_key(key_id: &KeyId, settings: &Settings) -> Result<Self, PluginError> {
        let default_mount = settings.get(&TRANSIT_MOUNT).unwrap_or("transit");
        Self::parse(key_id.as_str(), default_mount, settings.get(&KEY_NAME))
    }

    fn parse(text: &str, default_mount: &str, name: Option<&str>) -> Result<Self, PluginError> {
        let path = text.strip_prefix(SCHEME).unwrap_or(text);
        let (path, version) = match path.rsplit_once('@') {
            Some((path, version)) => (path, Some(parse_version(text, version)?)),
            None => (path, None),
        };
        let path = path.trim_start_matches('/');
        let (mount, label) = match path.rsplit_once(KEYS) {
            Some((mount, label)) => (mount, label),
            None => (default_mount, path),
        };
        let name = name.unwrap_or(label);
        if !is_key_name(name) {
            return Err(PluginError::validation(format!(
                "the key id `{text}` names no Transit key: write NAME, NAME@VERSION or MOUNT/keys/NAME@VERSION, where the name has letters, digits, `_`, `-` and `.`; \
                 if it is the path of a secret, set `transitKeyName`"
            )));
        }
        Ok(Self {
            mount: VaultPath::parse(mount, "the mount of the Transit engine")?,
            name: name.to_owned(),
            version,
            label: label.to_owned(),
        })
    }

    /// Path of the key itself.
    pub(crate) fn key_path(&self) -> String {
        self.mount.join(format_args!("keys/{}", self.name))
    }

    /// Path of its signatures.
    pub(crate) fn sign_path(&self) -> String {
        self.mount.join(format_args!("sign/{}", self.name))
    }
}

fn parse_version(key_id: &str, text: &str) -> Result<NonZeroU32, PluginError> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or_else(|| {
        PluginError::validation(format!(
            "the key id `{key_id}` ends in `@{text}`, which is no version: write a number from 1, as in `release@3`"
        ))
    })
}

/// Vault's own rule for names.
fn is_key_name(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.starts_with(word)
        && name.ends_with(word)
        && name.chars().all(|c| word(c) || c == '-' || c == '.')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> (String, String, Option<u32>) {
        let address = KeyAddress::parse(text, "transit", None).unwrap();
        let version = address.version.map(NonZeroU32::get);
        (address.mount.to_string(), address.name, version)
    }

    #[test]
    fn each_form_of_a_key_id_is_understood() {
        for (text, mount, name, version) in [
            ("release", "transit", "release", None),
            ("release@3", "transit", "release", Some(3)),
            ("hashivault://release", "transit", "release", None),
            ("hashivault://release@12", "transit", "release", Some(12)),
            ("team/transit/keys/release", "team/transit", "release", None),
            ("hashivault://t/keys/a-b.c@1", "t", "a-b.c", Some(1)),
            ("a/keys/b/keys/c", "a/keys/b", "c", None),
        ] {
            assert_eq!(parsed(text), (mount.into(), name.into(), version), "{text}");
        }
    }

    #[test]
    fn the_configured_name_counts_where_the_key_id_is_a_path_in_kv() {
        let address = KeyAddress::parse("apps/web", "transit", Some("release")).unwrap();
        assert_eq!(
            (address.name.as_str(), address.label.as_str()),
            ("release", "apps/web")
        );
    }

    #[test]
    fn what_is_no_key_id_is_refused() {
        for text in [
            "",
            "@1",
            "a@",
            "a@0",
            "a@+1",
            "a@1.0",
            "a@99999999999",
            "a b",
            "../a",
            "a/b",
            "/keys/a",
            "x/../keys/a",
            "-a",
            "a.",
            "a?x=1",
            "a#b",
            "a%2fb",
            "ключ",
        ] {
            assert!(
                KeyAddress::parse(text, "transit", None).is_err(),
                "{text:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_stays_within_its_mount(text in ".{0,60}") {
            if let Ok(address) = KeyAddress::parse(&text, "transit", None) {
                prop_assert!(!address.sign_path().contains(".."));
                prop_assert!(is_key_name(&address.name));
            }
        }

        #[test]
        fn what_is_written_out_is_read_back(
            mount in "[a-z]{1,8}(/[a-z]{1,8}){0,2}", name in "[a-z][a-z0-9_.-]{0,9}[a-z0-9]", version in 1_u32..,
        ) {
            let text = format!("{mount}/keys/{name}@{version}");
            prop_assert_eq!(parsed(&text), (mount, name, Some(version)));
        }
    }
}
