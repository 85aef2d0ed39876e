//! The rules of the specification for the parts that both kinds of statement share.

use std::collections::HashSet;

use super::error::{PolicyRule, Violation};
use super::level::{Action, Check, Level, SignatureVerification, VerifyTimestamp};
use super::position::locate;
use super::source::VerificationSource;
use super::statement::TrustStatement;
use crate::identity::TrustedIdentity;
use crate::store::StoreReference;

/// The most identities of one statement. Each is compared with each other one, so their number is
/// bounded; a statement for more signers than this is better split or given a trust store.
pub const MAX_IDENTITIES: usize = 1000;

/// The version of the format that is supported.
const VERSION: &str = "1.0";

/// Everything that is wrong with a document so far.
#[derive(Default)]
pub(super) struct Report {
    violations: Vec<Violation>,
}

/// A place inside a document.
#[derive(Clone)]
pub(super) struct Place {
    statement: Option<String>,
    field: String,
}

impl Place {
    pub(super) fn document() -> Self {
        Self {
            statement: None,
            field: String::new(),
        }
    }

    pub(super) fn statement(index: usize, name: Option<&str>) -> Self {
        let statement = name.filter(|name| !name.is_empty()).map(ToOwned::to_owned);
        Self {
            statement,
            field: format!("trustPolicies[{index}]"),
        }
    }

    pub(super) fn member(&self, name: &str) -> Self {
        let separator = if self.field.is_empty() { "" } else { "." };
        Self {
            field: format!("{}{separator}{name}", self.field),
            ..self.clone()
        }
    }

    pub(super) fn item(&self, index: usize) -> Self {
        Self {
            field: format!("{}[{index}]", self.field),
            ..self.clone()
        }
    }
}

impl Report {
    pub(super) fn with(violations: Vec<Violation>) -> Self {
        Self { violations }
    }

    pub(super) fn broken(&mut self, place: &Place, rule: PolicyRule) {
        let Place { statement, field } = place.clone();
        self.violations.push(Violation {
            statement,
            field,
            position: None,
            rule,
        });
    }

    pub(super) fn missing(&mut self, place: &Place, hint: &'static str) {
        self.broken(place, PolicyRule::Missing { hint });
    }

    /// What is wrong with the document whose text is `json`.
    pub(super) fn into_violations(mut self, json: &[u8]) -> Vec<Violation> {
        if !self.violations.is_empty() {
            locate(&mut self.violations, json);
        }
        self.violations
    }
}

pub(super) fn version(written: Option<&str>, report: &mut Report) {
    let place = Place::document().member("version");
    match written {
        Some(VERSION) => {}
        None | Some("") => report.missing(&place, "; write \"version\": \"1.0\""),
        Some(other) => {
            report.broken(
                &place,
                PolicyRule::UnsupportedVersion {
                    written: other.to_owned(),
                },
            );
        }
    }
}

/// The members that both kinds of statement have, as they were read.
pub(super) struct SharedMembers {
    pub(super) name: Option<String>,
    pub(super) verification: Option<VerificationSource>,
    pub(super) trust_stores: Option<Vec<String>>,
    pub(super) trusted_identities: Option<Vec<String>>,
}

/// Checks the shared members of one statement; `None` if what is wrong leaves no statement to build.
pub(super) fn statement(
    members: SharedMembers,
    place: &Place,
    names: &mut HashSet<String>,
    report: &mut Report,
) -> Option<TrustStatement> {
    let name = name(members.name, &place.member("name"), names, report);
    let verification = verification(
        members.verification,
        &place.member("signatureVerification"),
        report,
    );
    let stores = members.trust_stores.unwrap_or_default();
    let identities = members.trusted_identities.unwrap_or_default();
    let (store_place, identity_place) = (
        place.member("trustStores"),
        place.member("trustedIdentities"),
    );
    if verification
        .as_ref()
        .is_some_and(SignatureVerification::skips_verification)
    {
        for (given, place) in [
            (!stores.is_empty(), &store_place),
            (!identities.is_empty(), &identity_place),
        ] {
            if given {
                report.broken(place, PolicyRule::SkipWithTrust);
            }
        }
        return Some(TrustStatement::new(
            name?,
            verification?,
            Vec::new(),
            Vec::new(),
        ));
    }
    let stores = trust_stores(&stores, &store_place, report);
    let identities = trusted_identities(&identities, &identity_place, report);
    Some(TrustStatement::new(
        name?,
        verification?,
        stores,
        identities,
    ))
}

fn name(
    written: Option<String>,
    place: &Place,
    names: &mut HashSet<String>,
    report: &mut Report,
) -> Option<String> {
    let name = written.filter(|name| !name.is_empty());
    let Some(name) = name else {
        report.missing(place, "");
        return None;
    };
    if !names.insert(name.clone()) {
        report.broken(place, PolicyRule::DuplicateName);
    }
    if name.chars().any(char::is_control) {
        report.broken(place, PolicyRule::BadName);
    }
    Some(name)
}

fn verification(
    source: Option<VerificationSource>,
    place: &Place,
    report: &mut Report,
) -> Option<SignatureVerification> {
    let source = source.unwrap_or_default();
    let verify_timestamp = verify_timestamp(source.verify_timestamp.as_deref(), place, report);
    let level_place = place.member("level");
    let written = source.level.filter(|level| !level.is_empty());
    let Some(written) = written else {
        report.missing(&level_place, "; use strict, permissive, audit or skip");
        return None;
    };
    let Some(level) = Level::from_name(&written) else {
        report.broken(&level_place, PolicyRule::UnknownLevel { written });
        return None;
    };
    let pairs = source.overrides.unwrap_or_default().0;
    let overrides = overrides(level, &pairs, &place.member("override"), report);
    Some(SignatureVerification::new(
        level,
        overrides,
        verify_timestamp?,
    ))
}

fn verify_timestamp(
    written: Option<&str>,
    place: &Place,
    report: &mut Report,
) -> Option<VerifyTimestamp> {
    let written = match written {
        None | Some("") => return Some(VerifyTimestamp::default()),
        Some(written) => written,
    };
    let setting = VerifyTimestamp::from_name(written);
    if setting.is_none() {
        let rule = PolicyRule::UnknownVerifyTimestamp {
            written: written.to_owned(),
        };
        report.broken(&place.member("verifyTimestamp"), rule);
    }
    setting
}

fn overrides(
    level: Level,
    pairs: &[(String, String)],
    place: &Place,
    report: &mut Report,
) -> Vec<(Check, Action)> {
    if level == Level::Skip && !pairs.is_empty() {
        report.broken(place, PolicyRule::SkipOverridden);
        return Vec::new();
    }
    let mut overrides: Vec<(Check, Action)> = Vec::new();
    for (check, action) in pairs {
        match one_override(check, action) {
            Err(rule) => report.broken(&place.member(check), rule),
            Ok((check, _)) if overrides.iter().any(|(other, _)| *other == check) => {
                report.broken(
                    &place.member(check.as_str()),
                    PolicyRule::DuplicateOverride { check },
                );
            }
            Ok(pair) => overrides.push(pair),
        }
    }
    overrides
}

fn one_override(check: &str, action: &str) -> Result<(Check, Action), PolicyRule> {
    let check = Check::from_name(check).ok_or_else(|| PolicyRule::UnknownCheck {
        written: check.to_owned(),
    })?;
    if check == Check::Integrity {
        return Err(PolicyRule::IntegrityOverridden);
    }
    let action = Action::from_name(action).ok_or_else(|| PolicyRule::UnknownAction {
        written: action.to_owned(),
    })?;
    if action == Action::Skip && check != Check::Revocation {
        return Err(PolicyRule::ActionNotAllowed { check, action });
    }
    Ok((check, action))
}

fn trust_stores(written: &[String], place: &Place, report: &mut Report) -> Vec<StoreReference> {
    if written.is_empty() {
        report.missing(place, "; write at least one store, such as \"ca:acme\"");
    }
    let mut stores: Vec<StoreReference> = Vec::new();
    let mut seen = HashSet::new();
    for (index, text) in written.iter().enumerate() {
        match text.parse::<StoreReference>() {
            // The same store twice is the same store.
            Ok(store) => {
                if seen.insert(store.clone()) {
                    stores.push(store);
                }
            }
            Err(error) => report.broken(&place.item(index), PolicyRule::TrustStore(error)),
        }
    }
    stores
}

fn trusted_identities(
    written: &[String],
    place: &Place,
    report: &mut Report,
) -> Vec<TrustedIdentity> {
    if written.is_empty() {
        report.missing(place, "; write \"*\" or at least one subject, such as \"x509.subject: C=US, ST=WA, O=Example\"");
    }
    if written.len() > MAX_IDENTITIES {
        report.broken(
            place,
            PolicyRule::TooManyIdentities {
                count: written.len(),
            },
        );
        return Vec::new();
    }
    let mut identities: Vec<(usize, TrustedIdentity)> = Vec::new();
    for (index, text) in written.iter().enumerate() {
        match TrustedIdentity::parse(text) {
            Ok(TrustedIdentity::Any) if written.len() > 1 => {
                report.broken(&place.item(index), PolicyRule::WildcardIdentityNotAlone);
            }
            Ok(identity) => {
                if let Some(rule) = overlap(&identities, &identity, place) {
                    report.broken(&place.item(index), rule);
                }
                identities.push((index, identity));
            }
            Err(error) => report.broken(&place.item(index), PolicyRule::Identity(error)),
        }
    }
    identities
        .into_iter()
        .map(|(_, identity)| identity)
        .collect()
}

fn overlap(
    before: &[(usize, TrustedIdentity)],
    identity: &TrustedIdentity,
    place: &Place,
) -> Option<PolicyRule> {
    let TrustedIdentity::X509Subject(subject) = identity else {
        return None;
    };
    before.iter().find_map(|(index, other)| match other {
        TrustedIdentity::X509Subject(other) if subject.overlaps(other) => {
            Some(PolicyRule::OverlappingIdentities {
                other: place.item(*index).field,
            })
        }
        _ => None,
    })
}
