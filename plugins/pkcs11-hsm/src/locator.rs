//! Which token and which object on it: what a key id and the configuration say together.

use serde::{Deserialize, Serialize};

use crate::uri::{ObjectType, Pkcs11Uri, UriError, has_scheme};

/// What a token has to look like. An absent field matches every token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct TokenFilter {
    pub(crate) label: Option<String>,
    pub(crate) manufacturer: Option<String>,
    pub(crate) serial: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) slot_id: Option<u64>,
    pub(crate) slot_description: Option<String>,
    pub(crate) slot_manufacturer: Option<String>,
}

/// How a key id names an object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum ObjectName {
    /// A word that is not a URI: a label, or the hexadecimal digits of an id.
    Bare(String),
    /// The parts of a URI. With neither part every key matches, which is fine if there is one.
    Exact {
        label: Option<String>,
        id: Option<Vec<u8>>,
    },
}

/// A key id, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyLocator {
    pub(crate) token: TokenFilter,
    pub(crate) object: ObjectName,
    pub(crate) module_path: Option<String>,
    pub(crate) module_name: Option<String>,
    pub(crate) pin_source: Option<String>,
}

/// Why a key id cannot name a signing key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LocatorError {
    /// It begins like a URI and is none.
    #[error("the key id is no PKCS#11 URI (RFC 7512): {0}")]
    Uri(#[from] UriError),
    /// A URI of something that cannot sign.
    #[error(
        "the key id names an object of type `{0}`, which cannot make signatures: a signing key has `type=private`"
    )]
    NoKey(&'static str),
}

impl KeyLocator {
    /// Reads a key id: a URI, or else a label or the hexadecimal digits of an id.
    ///
    /// `type=public` and `type=cert` are accepted for the key that belongs to the object, since tools
    /// print those URIs.
    pub(crate) fn parse(key_id: &str) -> Result<Self, LocatorError> {
        if !has_scheme(key_id) {
            return Ok(Self {
                token: TokenFilter::default(),
                object: ObjectName::Bare(key_id.to_owned()),
                module_path: None,
                module_name: None,
                pin_source: None,
            });
        }
        let uri = Pkcs11Uri::parse(key_id)?;
        if let Some(kind @ (ObjectType::SecretKey | ObjectType::Data)) = uri.object_type {
            return Err(LocatorError::NoKey(kind.as_str()));
        }
        Ok(Self {
            token: TokenFilter {
                label: uri.token,
                manufacturer: uri.manufacturer,
                serial: uri.serial,
                model: uri.model,
                slot_id: uri.slot_id,
                slot_description: uri.slot_description,
                slot_manufacturer: uri.slot_manufacturer,
            },
            object: ObjectName::Exact {
                label: uri.object,
                id: uri.id,
            },
            module_path: uri.module_path,
            module_name: uri.module_name,
            pin_source: uri.pin_source,
        })
    }
}

impl ObjectName {
    /// The bytes of `CKA_ID` that a bare word may mean: an even number of hexadecimal digits, with or
    /// without `0x` in front and colons between the bytes.
    pub(crate) fn bare_id(word: &str) -> Option<Vec<u8>> {
        let digits = word.strip_prefix("0x").unwrap_or(word).replace(':', "");
        if digits.is_empty() {
            return None;
        }
        hex::decode(digits).ok()
    }
}

impl std::fmt::Display for ObjectName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bare(word) => write!(f, "with the label or id `{word}`"),
            Self::Exact {
                label: None,
                id: None,
            } => f.write_str("at all"),
            Self::Exact {
                label: Some(label),
                id: None,
            } => write!(f, "with the label `{label}`"),
            Self::Exact {
                label: None,
                id: Some(id),
            } => write!(f, "with the id {}", hex::encode(id)),
            Self::Exact {
                label: Some(label),
                id: Some(id),
            } => {
                write!(f, "with the label `{label}` and the id {}", hex::encode(id))
            }
        }
    }
}

impl std::fmt::Display for TokenFilter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let slot_id = self.slot_id.map(|id| id.to_string());
        let conditions: Vec<String> = [
            ("token", &self.label),
            ("manufacturer", &self.manufacturer),
            ("serial", &self.serial),
            ("model", &self.model),
            ("slot-id", &slot_id),
            ("slot-description", &self.slot_description),
            ("slot-manufacturer", &self.slot_manufacturer),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.as_ref().map(|value| format!("{name}={value}")))
        .collect();
        f.write_str(&conditions.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_word_is_a_label_or_the_digits_of_an_id() {
        for (word, id) in [
            ("release", None),
            ("0a0b", Some(vec![10, 11])),
            ("0x0A0b", Some(vec![10, 11])),
            ("0a:0b", Some(vec![10, 11])),
            ("abc", None),
            ("0x", None),
        ] {
            assert_eq!(ObjectName::bare_id(word), id, "{word}");
        }
    }

    #[test]
    fn a_uri_gives_token_object_module_and_pin_source() {
        let locator = KeyLocator::parse(
            "pkcs11:token=t;object=release;id=%01?module-path=/m.so&pin-source=/run/pin",
        )
        .unwrap();
        assert_eq!(locator.token.label.as_deref(), Some("t"));
        assert_eq!(
            locator.object,
            ObjectName::Exact {
                label: Some("release".to_owned()),
                id: Some(vec![1])
            }
        );
        assert_eq!(locator.module_path.as_deref(), Some("/m.so"));
        assert_eq!(locator.pin_source.as_deref(), Some("/run/pin"));
    }

    #[test]
    fn a_uri_of_something_that_cannot_sign_is_refused() {
        assert_eq!(
            KeyLocator::parse("pkcs11:object=a;type=secret-key"),
            Err(LocatorError::NoKey("secret-key"))
        );
        assert!(KeyLocator::parse("pkcs11:object=a;type=cert").is_ok());
    }
}
