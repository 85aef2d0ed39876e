//! What can be wrong with a trust policy, and where.

use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::json::MAX_POLICY_SIZE;
use super::level::{Action, Check};
use super::position::Position;
use super::validate::MAX_IDENTITIES;
use crate::identity::IdentityError;
use crate::store::StoreNameError;

/// A trust policy that cannot be used, or that has no statement for what is to be verified.
#[derive(Debug, Error)]
pub enum PolicyError {
    /// None of the files exists.
    #[error("there is no trust policy: looked for {}; make one and import it, see https://notaryproject.dev/docs/quickstart/#create-a-trust-policy", list(.searched))]
    NotPresent {
        /// The files that were looked for, in order.
        searched: Vec<PathBuf>,
    },
    /// The path is a directory, a symbolic link or a device.
    #[error("the trust policy {} is not a regular file; directories and symbolic links are not followed", .path.display())]
    NotARegularFile {
        /// The path.
        path: PathBuf,
    },
    /// The operating system refused to hand over the file.
    #[error("cannot read the trust policy {}", .path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The document exceeds [`MAX_POLICY_SIZE`].
    #[error("the trust policy {file} is larger than {MAX_POLICY_SIZE} bytes")]
    TooLarge {
        /// The file.
        file: String,
    },
    /// The document is not JSON of the right shape.
    #[error("the trust policy {file} is malformed at line {line}, column {column}{}: {reason}", member(.path))]
    Malformed {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The column, from 1, in bytes.
        column: usize,
        /// The member that was being read, such as `trustPolicies[0].name`; empty at the top.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// The document breaks rules of the specification.
    #[error("the trust policy {file} is not valid: {}", lines(.violations))]
    Invalid {
        /// The file.
        file: String,
        /// Every rule that is broken, in the order of the document; at least one.
        violations: Vec<Violation>,
    },
    /// The artifact's repository is not of the form `registry/repository`.
    #[error(
        "`{repository}` is not a fully qualified repository, so no registry scope can be for it"
    )]
    NotARepository {
        /// What was given.
        repository: String,
    },
    /// No statement is for this repository.
    #[error(
        "the trust policy {file} has no statement for {repository}: add it to a statement's registryScopes, or make one statement's scope `*`"
    )]
    NoApplicableStatement {
        /// The file.
        file: String,
        /// The repository.
        repository: String,
    },
    /// No statement of a blob policy has this name.
    #[error("the trust policy {file} has no statement with the name `{name}`; it has {}", quoted(.names))]
    NoStatementOfThatName {
        /// The file.
        file: String,
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        names: Vec<String>,
    },
    /// No name was given and no statement of a blob policy is global.
    #[error("the trust policy {file} has no global statement: name the statement to use (it has {}), or set \"globalPolicy\": true in one", quoted(.names))]
    NoGlobalStatement {
        /// The file.
        file: String,
        /// The names that there are.
        names: Vec<String>,
    },
}

/// A rule that a document breaks, and the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The name of the statement, if it is inside one that has a name.
    pub statement: Option<String>,
    /// The member, such as `trustPolicies[2].trustedIdentities[0]`.
    pub field: String,
    /// Where it stands in the document; of a member that is missing, what it should be in, unless that is the
    /// whole document.
    pub position: Option<Position>,
    /// The rule.
    pub rule: PolicyRule,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.statement {
            write!(f, "statement \"{name}\", ")?;
        }
        f.write_str(&self.field)?;
        if let Some(position) = self.position {
            write!(f, " ({position})")?;
        }
        write!(f, ": {}", self.rule)
    }
}

/// The rules of the specification for trust policy documents, as they are broken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PolicyRule {
    /// A required member is absent, null or empty.
    #[error("it is required and is missing or empty{hint}")]
    Missing {
        /// What to write, with a leading separator, or nothing.
        hint: &'static str,
    },
    /// A member's name is right but for its case.
    #[error("write this member as `{right}`")]
    MemberCase {
        /// The right spelling.
        right: &'static str,
    },
    /// Another version of the format.
    #[error("version `{written}` is not supported; use `1.0`")]
    UnsupportedVersion {
        /// The version.
        written: String,
    },
    /// Two statements have one name.
    #[error("another statement has this name as well; names must be unique")]
    DuplicateName,
    /// A name holds control characters, which could disguise it in what people read.
    #[error("a name must not have control characters")]
    BadName,
    /// A scope breaks the grammar.
    #[error(
        "`{written}` is not a fully qualified repository: write it without scheme, tag and digest, such as registry.example/my/repository, or local/my-layout for an OCI layout"
    )]
    BadScope {
        /// The scope.
        written: String,
    },
    /// A scope has an asterisk in it.
    #[error("`{written}` has a wildcard in it; only the whole scope can be `*`")]
    PartialWildcard {
        /// The scope.
        written: String,
    },
    /// `*` stands beside other scopes.
    #[error("the scope `*` must be the only scope of its statement")]
    WildcardScopeNotAlone,
    /// A scope occurs twice.
    #[error(
        "the scope `{written}` occurs more than once; a scope can be in one statement only, once"
    )]
    DuplicateScope {
        /// The scope.
        written: String,
    },
    /// The level has another name.
    #[error("`{written}` is not a verification level; use strict, permissive, audit or skip")]
    UnknownLevel {
        /// The level.
        written: String,
    },
    /// The level `skip` with `override`.
    #[error("the level skip cannot be overridden")]
    SkipOverridden,
    /// `override` names no check.
    #[error(
        "`{written}` is not a check; use authenticity, authenticTimestamp, expiry or revocation"
    )]
    UnknownCheck {
        /// The check.
        written: String,
    },
    /// `override` names a check twice.
    #[error("the check {check} occurs more than once")]
    DuplicateOverride {
        /// The check.
        check: Check,
    },
    /// `override` names integrity.
    #[error("integrity is always enforced and cannot be overridden")]
    IntegrityOverridden,
    /// `override` names no action.
    #[error("`{written}` is not an action; use enforce, log or, for revocation, skip")]
    UnknownAction {
        /// The action.
        written: String,
    },
    /// This check cannot have this action.
    #[error("{check} cannot be set to {action}; only revocation can be skipped")]
    ActionNotAllowed {
        /// The check.
        check: Check,
        /// The action.
        action: Action,
    },
    /// `verifyTimestamp` has another value.
    #[error("`{written}` is not a setting; use always or afterCertExpiry")]
    UnknownVerifyTimestamp {
        /// The setting.
        written: String,
    },
    /// The level `skip` with trust stores or identities.
    #[error(
        "the level skip verifies nothing, so this must not be given: remove it, or use another level"
    )]
    SkipWithTrust,
    /// A trust store is named wrongly.
    #[error(transparent)]
    TrustStore(StoreNameError),
    /// An identity is wrong.
    #[error(transparent)]
    Identity(IdentityError),
    /// `*` stands beside other identities.
    #[error("the identity `*` must be the only identity of its statement")]
    WildcardIdentityNotAlone,
    /// One identity says all that another says.
    #[error(
        "it overlaps with {other}: every subject that matches one of them matches both; keep one"
    )]
    OverlappingIdentities {
        /// The member that holds the other one.
        other: String,
    },
    /// More identities than are compared with each other.
    #[error("there are {count} identities; a statement can have {MAX_IDENTITIES}")]
    TooManyIdentities {
        /// How many there are.
        count: usize,
    },
    /// Two statements are global.
    #[error("another statement is global as well; only one can be")]
    SecondGlobalStatement,
    /// A global blob statement that verifies nothing.
    #[error("the global statement cannot have the level skip")]
    GlobalSkip,
}

fn list(paths: &[PathBuf]) -> String {
    paths
        .iter()
        .map(|path| path.display().to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

fn quoted(names: &[String]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn member(path: &str) -> String {
    if path.is_empty() {
        String::new()
    } else {
        format!(" ({path})")
    }
}

fn lines(violations: &[Violation]) -> String {
    match violations {
        [one] => one.to_string(),
        many => many
            .iter()
            .map(|violation| format!("\n  {violation}"))
            .collect(),
    }
}
