//! Trust policies for arbitrary files.

use std::collections::HashSet;

use super::error::{PolicyError, PolicyRule};
use super::json::decode;
use super::source::{BlobSource, BlobStatementSource};
use super::statement::{ApplicableStatement, BlobStatement, MatchedBy, PolicyWarning};
use super::validate::{self, Place, Report, SharedMembers};

/// A valid trust policy for blobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobTrustPolicy {
    file: String,
    statements: Vec<BlobStatement>,
    warnings: Vec<PolicyWarning>,
}

impl BlobTrustPolicy {
    /// Reads and validates a document; `file` is what errors call it.
    ///
    /// # Errors
    /// As [`OciTrustPolicy::parse`](super::OciTrustPolicy::parse).
    pub fn parse(bytes: &[u8], file: &str) -> Result<Self, PolicyError> {
        let decoded = decode::<BlobSource>(bytes, file)?;
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
        let mut has_global = false;
        let statements: Vec<_> = sources
            .into_iter()
            .enumerate()
            .filter_map(|(index, source)| {
                statement(index, source, &mut names, &mut has_global, &mut report)
            })
            .collect();
        let violations = report.into_violations(bytes);
        if !violations.is_empty() {
            return Err(PolicyError::Invalid {
                file: file.to_owned(),
                violations,
            });
        }
        let warnings = decoded
            .unknown_members
            .into_iter()
            .map(|path| PolicyWarning::UnknownMember { path })
            .collect();
        Ok(Self {
            file: file.to_owned(),
            statements,
            warnings,
        })
    }

    /// The statement of that name, or the global one if no name is given.
    ///
    /// # Errors
    /// [`PolicyError::NoStatementOfThatName`] or [`PolicyError::NoGlobalStatement`]; both list the
    /// names that there are. The blob is then not trusted.
    pub fn statement_for(
        &self,
        name: Option<&str>,
    ) -> Result<ApplicableStatement<'_>, PolicyError> {
        let (found, matched_by) = match name {
            Some(name) => (
                self.statements
                    .iter()
                    .find(|statement| statement.statement.name() == name),
                MatchedBy::Name,
            ),
            None => (
                self.statements.iter().find(|statement| statement.global),
                MatchedBy::GlobalStatement,
            ),
        };
        let file = self.file.clone();
        let names = || {
            self.statements
                .iter()
                .map(|of| of.statement.name().to_owned())
                .collect()
        };
        let found = found.ok_or_else(|| match name {
            Some(name) => PolicyError::NoStatementOfThatName {
                file,
                name: name.to_owned(),
                names: names(),
            },
            None => PolicyError::NoGlobalStatement {
                file,
                names: names(),
            },
        })?;
        Ok(ApplicableStatement {
            file: &self.file,
            statement: &found.statement,
            matched_by,
        })
    }

    /// The statements in the order of the document.
    #[must_use]
    pub fn statements(&self) -> &[BlobStatement] {
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
    source: BlobStatementSource,
    names: &mut HashSet<String>,
    has_global: &mut bool,
    report: &mut Report,
) -> Option<BlobStatement> {
    let place = Place::statement(index, source.name.as_deref());
    let members = SharedMembers {
        name: source.name,
        verification: source.signature_verification,
        trust_stores: source.trust_stores,
        trusted_identities: source.trusted_identities,
    };
    let statement = validate::statement(members, &place, names, report);
    let global = source.global_policy.unwrap_or_default();
    let global_place = place.member("globalPolicy");
    if global && std::mem::replace(has_global, true) {
        report.broken(&global_place, PolicyRule::SecondGlobalStatement);
    }
    let statement = statement?;
    if global && statement.verification().skips_verification() {
        report.broken(&global_place, PolicyRule::GlobalSkip);
    }
    Some(BlobStatement { global, statement })
}
