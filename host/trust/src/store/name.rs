//! Names of trust stores: `type:name` in policies, two directory levels on disk.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use thiserror::Error;

/// The longest name of a store; the usual limit of a directory entry.
pub const MAX_STORE_NAME_LENGTH: usize = 255;

/// What the certificates of a store are trusted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum StoreType {
    /// Signatures under the scheme `notary.x509`.
    Ca,
    /// Signatures under the scheme `notary.x509.signingAuthority`.
    SigningAuthority,
    /// Timestamp countersignatures.
    Tsa,
}

impl StoreType {
    /// Every type.
    pub const ALL: [Self; 3] = [Self::Ca, Self::SigningAuthority, Self::Tsa];

    /// The name in policies and of the directory: `ca`, `signingAuthority`, `tsa`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ca => "ca",
            Self::SigningAuthority => "signingAuthority",
            Self::Tsa => "tsa",
        }
    }
}

impl fmt::Display for StoreType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for StoreType {
    type Err = StoreNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| StoreNameError::UnknownType {
                written: text.to_owned(),
            })
    }
}

/// Why a text names no trust store.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreNameError {
    /// There is no `:`.
    #[error("`{written}` is not of the form type:name, such as ca:acme")]
    MissingSeparator {
        /// What was written.
        written: String,
    },
    /// The type is not one of the three.
    #[error("`{written}` is not a type of trust store; use ca, signingAuthority or tsa")]
    UnknownType {
        /// What was written.
        written: String,
    },
    /// The name breaks the grammar.
    #[error(
        "`{written}` is not a trust store's name: use letters, digits, `_`, `.` and `-`, at most {MAX_STORE_NAME_LENGTH} of them, and neither `.` nor `..`"
    )]
    BadName {
        /// What was written.
        written: String,
    },
}

/// The name of a store. It becomes a directory's name, so it can hold no separator and cannot step
/// out of its parent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct StoreName(String);

impl StoreName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for StoreName {
    type Err = StoreNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        let right = !text.is_empty()
            && text.len() <= MAX_STORE_NAME_LENGTH
            && text.bytes().all(allowed)
            && text != "."
            && text != "..";
        if right {
            Ok(Self(text.to_owned()))
        } else {
            Err(StoreNameError::BadName {
                written: text.to_owned(),
            })
        }
    }
}

impl fmt::Display for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A store as policies refer to it: `ca:acme`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreReference {
    /// What its certificates are trusted for.
    pub store_type: StoreType,
    /// Its name among the stores of that type.
    pub name: StoreName,
}

impl FromStr for StoreReference {
    type Err = StoreNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (store_type, name) =
            text.split_once(':')
                .ok_or_else(|| StoreNameError::MissingSeparator {
                    written: text.to_owned(),
                })?;
        Ok(Self {
            store_type: store_type.parse()?,
            name: name.parse()?,
        })
    }
}

impl fmt::Display for StoreReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.store_type, self.name)
    }
}

impl Serialize for StoreReference {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_a_known_type_and_a_name() {
        for text in [
            "ca:acme",
            "signingAuthority:a.b",
            "tsa:-a_1",
            "ca:...",
            "ca:.a",
        ] {
            assert_eq!(text.parse::<StoreReference>().unwrap().to_string(), text);
        }
        for text in ["", "ca", "CA:a", "foo:a", ":a"] {
            assert!(text.parse::<StoreReference>().is_err(), "{text}");
        }
    }

    /// CVE-2026-24137 of a neighbour: a name that becomes a path left its directory.
    #[test]
    fn cve_2026_24137_a_name_cannot_leave_the_directory_of_its_type() {
        for name in [
            "", ".", "..", "a/b", "../a", "a\\b", "a:b", " a", "a\0", "ä", "*",
        ] {
            assert!(
                matches!(
                    name.parse::<StoreName>(),
                    Err(StoreNameError::BadName { .. })
                ),
                "{name:?}"
            );
        }
    }

    #[test]
    fn a_name_longer_than_a_directory_entry_is_refused() {
        assert!(
            "a".repeat(MAX_STORE_NAME_LENGTH)
                .parse::<StoreName>()
                .is_ok()
        );
        assert!(
            "a".repeat(MAX_STORE_NAME_LENGTH + 1)
                .parse::<StoreName>()
                .is_err()
        );
    }
}
