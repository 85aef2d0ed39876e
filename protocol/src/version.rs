//! Contract versions and the rules by which two sides agree on one.

use std::fmt;
use std::str::FromStr;

/// A version of the plugin contract, written `major.minor`.
///
/// A minor version only adds (optional attributes, commands); a major version may break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContractVersion {
    /// Raised by breaking changes.
    pub major: u16,
    /// Raised by additions.
    pub minor: u16,
}

/// Text that is no contract version: not two decimal numbers below 65536 without leading zeros,
/// joined by one dot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} is no contract version: expected two numbers joined by a dot, such as \"1.0\"", crate::limits::quoted(.0))]
pub struct InvalidContractVersion(pub String);

impl ContractVersion {
    /// Contract 1.0, the one that this crate speaks.
    pub const V1_0: Self = Self { major: 1, minor: 0 };

    /// Whether a plugin that implements `self` can answer a request of `requested`: the same major
    /// version. A newer minor version only adds attributes, and plugins ignore those they do not
    /// know.
    #[must_use]
    pub const fn can_answer(self, requested: Self) -> bool {
        self.major == requested.major
    }

    /// The version that a host which implements `self` uses with a plugin that supports `offered`:
    /// the same major version and an equal or lower minor one, the highest such. `None` if the
    /// plugin offers none.
    #[must_use]
    pub fn usable_from(self, offered: &[Self]) -> Option<Self> {
        offered
            .iter()
            .copied()
            .filter(|version| version.major == self.major && version.minor <= self.minor)
            .max()
    }
}

impl fmt::Display for ContractVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for ContractVersion {
    type Err = InvalidContractVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || InvalidContractVersion(text.to_owned());
        let (major, minor) = text.split_once('.').ok_or_else(refuse)?;
        Ok(Self {
            major: number(major).ok_or_else(refuse)?,
            minor: number(minor).ok_or_else(refuse)?,
        })
    }
}

/// A decimal number without sign or leading zeros.
fn number(text: &str) -> Option<u16> {
    let leading_zero = text.len() > 1 && text.starts_with('0');
    if leading_zero || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

impl serde::Serialize for ContractVersion {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> ContractVersion {
        text.parse().unwrap()
    }

    #[test]
    fn a_version_is_two_numbers_joined_by_a_dot() {
        assert_eq!(version("1.0"), ContractVersion::V1_0);
        assert_eq!(version("12.34").to_string(), "12.34");
        for text in [
            "", "1", "1.", ".0", "1.0.0", "v1.0", "1.00", "01.0", "+1.0", "1.-0", " 1.0", "1.0\n",
            "1.65536", "１.0",
        ] {
            assert!(
                text.parse::<ContractVersion>().is_err(),
                "{text:?} was accepted"
            );
        }
    }

    #[test]
    fn a_plugin_answers_any_minor_version_of_its_major() {
        assert!(ContractVersion::V1_0.can_answer(version("1.7")));
        assert!(!ContractVersion::V1_0.can_answer(version("2.0")));
        assert!(!ContractVersion::V1_0.can_answer(version("0.9")));
    }

    #[test]
    fn a_host_uses_the_highest_minor_version_that_is_not_above_its_own() {
        let host = version("1.2");
        let offered = |texts: &[&str]| texts.iter().map(|text| version(text)).collect::<Vec<_>>();
        assert_eq!(
            host.usable_from(&offered(&["2.0", "1.0"])),
            Some(version("1.0"))
        );
        assert_eq!(host.usable_from(&offered(&["1.1"])), Some(version("1.1")));
        assert_eq!(host.usable_from(&offered(&["1.3"])), None);
        assert_eq!(host.usable_from(&offered(&["2.0"])), None);
        assert_eq!(host.usable_from(&[]), None);
    }
}
