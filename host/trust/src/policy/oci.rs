//! Trust policies for artifacts in OCI registries and layouts.

use std::collections::{BTreeSet, HashSet};

use super::error::{PolicyError, PolicyRule};
use super::json::decode;
use super::scope::{GLOBAL_SCOPE, RegistryScopes, is_repository};
use super::source::{OciSource, OciStatementSource};
use super::statement::{ApplicableStatement, MatchedBy, OciStatement, PolicyWarning};
use super::validate::{self, Place, Report, SharedMembers};

/// A valid trust policy for OCI artifacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OciTrustPolicy {
    file: String,
    statements: Vec<OciStatement>,
    warnings: Vec<PolicyWarning>,
}

impl OciTrustPolicy {
    /// Reads and validates a document; `file` is what errors call it.
    ///
    /// # Errors
    /// [`PolicyError::TooLarge`], [`PolicyError::Malformed`] with line and column, or
    /// [`PolicyError::Invalid`] with every rule that is broken: a document with one broken statement
    /// is of no use, since that statement may be the one that was meant to apply.
    pub fn parse(bytes: &[u8], file: &str) -> Result<Self, PolicyError> {
        let decoded = decode::<OciSource>(bytes, file)?;
        let mut report = Report::with(decoded.misspelled);
        let sources = decoded.document.trust_policies.unwrap_or_default();
        validate::version(decoded.document.version.as_deref(), &mut report);
        if sources.is_empty() {
            report.missing(
                &Place::document().member("trustPolicies"),
                "; write at least one statement",
            );
        }
        let mut names = HashSet::new();
        let mut scopes = HashSet::new();
        let statements: Vec<_> = sources
            .into_iter()
            .enumerate()
            .filter_map(|(index, source)| {
                statement(index, source, &mut names, &mut scopes, &mut report)
            })
            .collect();
        let violations = report.into_violations(bytes);
        if !violations.is_empty() {
            return Err(PolicyError::Invalid {
                file: file.to_owned(),
                violations,
            });
        }
        let warnings = warnings(decoded.unknown_members, &statements);
        Ok(Self {
            file: file.to_owned(),
            statements,
            warnings,
        })
    }

    /// The statement for artifacts of a repository: the one that names it, else the global one.
    ///
    /// `repository` is the fully qualified `registry/repository`, or the scope given for an OCI
    /// layout. It is compared as text: nothing is expanded or normalised.
    ///
    /// # Errors
    /// [`PolicyError::NotARepository`] or [`PolicyError::NoApplicableStatement`]; the artifact is
    /// then not trusted.
    pub fn statement_for(&self, repository: &str) -> Result<ApplicableStatement<'_>, PolicyError> {
        if !is_repository(repository) {
            return Err(PolicyError::NotARepository {
                repository: repository.to_owned(),
            });
        }
        let named = self
            .statements
            .iter()
            .find(|statement| statement.scopes.names(repository));
        let global = || {
            self.statements
                .iter()
                .find(|statement| statement.scopes == RegistryScopes::Global)
        };
        let (found, matched_by) = named
            .map(|statement| (statement, MatchedBy::Scope(repository.to_owned())))
            .or_else(|| global().map(|statement| (statement, MatchedBy::GlobalScope)))
            .ok_or_else(|| PolicyError::NoApplicableStatement {
                file: self.file.clone(),
                repository: repository.to_owned(),
            })?;
        Ok(ApplicableStatement {
            file: &self.file,
            statement: &found.statement,
            matched_by,
        })
    }

    /// The statements in the order of the document.
    #[must_use]
    pub fn statements(&self) -> &[OciStatement] {
        &self.statements
    }

    /// What is allowed and worth a word.
    #[must_use]
    pub fn warnings(&self) -> &[PolicyWarning] {
        &self.warnings
    }
}

fn statement(
    index: usize,
    source: OciStatementSource,
    names: &mut HashSet<String>,
    scopes: &mut HashSet<String>,
    report: &mut Report,
) -> Option<OciStatement> {
    let place = Place::statement(index, source.name.as_deref());
    let members = SharedMembers {
        name: source.name,
        verification: source.signature_verification,
        trust_stores: source.trust_stores,
        trusted_identities: source.trusted_identities,
    };
    let statement = validate::statement(members, &place, names, report);
    let written = source.registry_scopes.unwrap_or_default();
    let scopes = registry_scopes(written, &place.member("registryScopes"), scopes, report);
    Some(OciStatement {
        scopes,
        statement: statement?,
    })
}

fn registry_scopes(
    written: Vec<String>,
    place: &Place,
    seen: &mut HashSet<String>,
    report: &mut Report,
) -> RegistryScopes {
    if written.is_empty() {
        report.missing(
            place,
            "; write the repositories that the statement is for, or \"*\"",
        );
    }
    let count = written.len();
    let mut repositories = BTreeSet::new();
    for (index, scope) in written.into_iter().enumerate() {
        let place = place.item(index);
        if scope == GLOBAL_SCOPE && count > 1 {
            report.broken(&place, PolicyRule::WildcardScopeNotAlone);
        } else if scope != GLOBAL_SCOPE && scope.contains('*') {
            report.broken(&place, PolicyRule::PartialWildcard { written: scope });
        } else if scope != GLOBAL_SCOPE && !is_repository(&scope) {
            report.broken(&place, PolicyRule::BadScope { written: scope });
        } else if !seen.insert(scope.clone()) {
            report.broken(&place, PolicyRule::DuplicateScope { written: scope });
        } else if scope == GLOBAL_SCOPE {
            return RegistryScopes::Global;
        } else {
            repositories.insert(scope);
        }
    }
    RegistryScopes::Repositories(repositories)
}

fn warnings(unknown_members: Vec<String>, statements: &[OciStatement]) -> Vec<PolicyWarning> {
    let unknown = unknown_members
        .into_iter()
        .map(|path| PolicyWarning::UnknownMember { path });
    let skipped = statements
        .iter()
        .filter(|statement| statement.scopes == RegistryScopes::Global)
        .map(OciStatement::statement)
        .filter(|statement| statement.verification().skips_verification())
        .map(|statement| PolicyWarning::GlobalScopeSkipped {
            statement: statement.name().to_owned(),
        });
    unknown.chain(skipped).collect()
}
