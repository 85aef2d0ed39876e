//! Verification levels: what becomes of a check that fails.

use std::fmt;

use serde::Serialize;

/// The validations that a signature is put through, in the specification's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Check {
    /// The envelope is well formed, its signature is right and it is about this artifact.
    Integrity,
    /// Somebody whom the policy trusts made the signature.
    Authenticity,
    /// The signature was made while its certificates were valid.
    AuthenticTimestamp,
    /// The signature has not passed the expiry time that its maker set.
    Expiry,
    /// None of the certificates was revoked.
    Revocation,
}

impl Check {
    /// Every check, in the order in which policies list them.
    pub const ALL: [Self; 5] = [
        Self::Integrity,
        Self::Authenticity,
        Self::AuthenticTimestamp,
        Self::Expiry,
        Self::Revocation,
    ];

    /// The name in policies: `integrity`, `authenticity`, `authenticTimestamp`, `expiry`,
    /// `revocation`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Integrity => "integrity",
            Self::Authenticity => "authenticity",
            Self::AuthenticTimestamp => "authenticTimestamp",
            Self::Expiry => "expiry",
            Self::Revocation => "revocation",
        }
    }

    /// The check of that name, in exactly that case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|check| check.as_str() == name)
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What becomes of a check that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// The verification fails.
    Enforce,
    /// The failure is reported and the verification goes on.
    Log,
    /// The check is not performed.
    Skip,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 3] = [Self::Enforce, Self::Log, Self::Skip];

    /// The name in policies: `enforce`, `log`, `skip`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Log => "log",
            Self::Skip => "skip",
        }
    }

    /// The action of that name, in exactly that case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == name)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The named levels of the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Every check is enforced.
    Strict,
    /// Integrity and authenticity are enforced, the rest is logged.
    Permissive,
    /// Integrity is enforced, the rest is logged.
    Audit,
    /// Nothing is verified; no signature is even looked for.
    Skip,
}

impl Level {
    /// Every level, the strictest first.
    pub const ALL: [Self; 4] = [Self::Strict, Self::Permissive, Self::Audit, Self::Skip];

    /// The name in policies: `strict`, `permissive`, `audit`, `skip`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Permissive => "permissive",
            Self::Audit => "audit",
            Self::Skip => "skip",
        }
    }

    /// The level of that name, in exactly that case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == name)
    }

    /// The specification's table of levels and checks.
    #[must_use]
    pub fn action(self, check: Check) -> Action {
        match (self, check) {
            (Self::Skip, _) => Action::Skip,
            (Self::Strict, _) | (_, Check::Integrity) => Action::Enforce,
            (Self::Permissive, Check::Authenticity) => Action::Enforce,
            (Self::Permissive | Self::Audit, _) => Action::Log,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// When a timestamp countersignature is verified, given that the policy names a `tsa` trust store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum VerifyTimestamp {
    /// Always, so that a signature without one fails.
    #[default]
    Always,
    /// Only when a certificate of the signing chain has expired.
    AfterCertExpiry,
}

impl VerifyTimestamp {
    /// The name in policies: `always`, `afterCertExpiry`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::AfterCertExpiry => "afterCertExpiry",
        }
    }

    /// The setting of that name, in exactly that case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Always, Self::AfterCertExpiry]
            .into_iter()
            .find(|setting| setting.as_str() == name)
    }
}

/// A statement's `signatureVerification`: a level, and what it says otherwise than that level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureVerification {
    level: Level,
    overrides: Vec<(Check, Action)>,
    verify_timestamp: VerifyTimestamp,
}

impl SignatureVerification {
    pub(super) fn new(
        level: Level,
        overrides: Vec<(Check, Action)>,
        verify_timestamp: VerifyTimestamp,
    ) -> Self {
        Self {
            level,
            overrides,
            verify_timestamp,
        }
    }

    /// The level that the statement names.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    /// What the statement says otherwise than its level, as it was written.
    #[must_use]
    pub fn overrides(&self) -> &[(Check, Action)] {
        &self.overrides
    }

    /// When timestamp countersignatures are verified.
    #[must_use]
    pub fn verify_timestamp(&self) -> VerifyTimestamp {
        self.verify_timestamp
    }

    /// What becomes of this check if it fails.
    #[must_use]
    pub fn action(&self, check: Check) -> Action {
        self.overrides
            .iter()
            .find(|(of, _)| *of == check)
            .map_or_else(|| self.level.action(check), |(_, action)| *action)
    }

    /// Whether nothing at all is to be verified.
    #[must_use]
    pub fn skips_verification(&self) -> bool {
        self.level == Level::Skip
    }

    /// The level's name, or `custom` once anything is overridden.
    #[must_use]
    pub fn name(&self) -> &'static str {
        if self.overrides.is_empty() {
            self.level.as_str()
        } else {
            "custom"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_levels_are_the_specification_s_table() {
        use Action::{Enforce as E, Log as L, Skip as S};
        let table = [
            (Level::Strict, [E, E, E, E, E]),
            (Level::Permissive, [E, E, L, L, L]),
            (Level::Audit, [E, L, L, L, L]),
            (Level::Skip, [S, S, S, S, S]),
        ];
        for (level, actions) in table {
            assert_eq!(
                Check::ALL.map(|check| level.action(check)),
                actions,
                "{level}"
            );
        }
    }

    #[test]
    fn an_override_replaces_the_level_s_action_and_makes_it_custom() {
        let verification = SignatureVerification::new(
            Level::Strict,
            vec![(Check::Expiry, Action::Log)],
            VerifyTimestamp::Always,
        );
        assert_eq!(verification.action(Check::Expiry), Action::Log);
        assert_eq!(verification.action(Check::Revocation), Action::Enforce);
        assert_eq!(verification.name(), "custom");
    }
}
