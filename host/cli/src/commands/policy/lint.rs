//! `policy lint` and `blob policy lint`

use std::path::PathBuf;

use apostille_trust::policy::{PolicyError, Violation};
use clap::Args;
use serde::Serialize;

use crate::application::Application;
use crate::failure::{Failure, FailureKind, chain_of};
use crate::flags::OutputFlag;
use crate::policy_file::PolicyFile;

/// Check a policy against every rule, and point at what is wrong
#[derive(Args, Debug)]
pub struct Lint {
    #[command(flatten)]
    output: OutputFlag,
    /// The policy; without it, the one in force
    #[arg(value_name = "file_path")]
    file: Option<PathBuf>,
}

#[derive(Serialize)]
struct LintDocument {
    file: String,
    errors: Vec<Finding>,
    warnings: Vec<String>,
}

/// Something that is wrong, and where.
#[derive(Serialize)]
struct Finding {
    line: usize,
    column: usize,
    #[serde(skip_serializing_if = "String::is_empty")]
    member: String,
    message: String,
}

impl Lint {
    pub(super) fn run(
        self,
        application: &mut Application<'_>,
        kind: PolicyFile,
    ) -> Result<(), Failure> {
        let json = self.output.is_json()?;
        let (path, contents) = match self.file {
            Some(path) => {
                let contents = kind.read_document(&path)?;
                (path, contents)
            }
            None => kind
                .read(&application.directories)?
                .ok_or_else(|| super::no_policy(application, kind, "check"))?,
        };
        let checked = kind.check(&contents, &path);
        let (errors, warnings) = match checked {
            Ok(warnings) => (Vec::new(), warnings),
            Err(error) => (findings(error)?, Vec::new()),
        };
        let document = LintDocument {
            file: path.display().to_string(),
            errors,
            warnings,
        };
        if json {
            application.console.json(&document)?;
        } else {
            show(application, &document)?;
        }
        match document.errors.len() {
            0 => Ok(()),
            _ if json => Err(Failure::already_shown(FailureKind::Policy)),
            1 => Err(refused(&document, "1 error")),
            many => Err(refused(&document, &format!("{many} errors"))),
        }
    }
}

fn refused(document: &LintDocument, count: &str) -> Failure {
    let text = format!("the policy {} has {count}", document.file);
    Failure::new(FailureKind::Policy, text)
}

fn show(application: &mut Application<'_>, document: &LintDocument) -> Result<(), Failure> {
    for finding in &document.errors {
        let Finding {
            line,
            column,
            message,
            ..
        } = finding;
        application
            .console
            .line(format!("{}:{line}:{column}: {message}", document.file))?;
    }
    for warning in &document.warnings {
        application.console.warn(warning);
    }
    if document.errors.is_empty() {
        application
            .console
            .line(format!("{} keeps every rule", document.file))?;
    }
    Ok(())
}

/// The errors with their places.
fn findings(error: PolicyError) -> Result<Vec<Finding>, Failure> {
    match error {
        PolicyError::Malformed {
            line,
            column,
            path,
            reason,
            ..
        } => Ok(vec![Finding {
            line,
            column,
            member: path,
            message: reason,
        }]),
        PolicyError::Invalid { violations, .. } => {
            let mut findings: Vec<_> = violations.into_iter().map(Finding::from).collect();
            findings.sort_by_key(|finding| (finding.line, finding.column));
            Ok(findings)
        }
        other => Err(Failure::new(FailureKind::Policy, chain_of(&other))),
    }
}

impl From<Violation> for Finding {
    fn from(violation: Violation) -> Self {
        // What is missing from the document as a whole is missing at its beginning.
        let (line, column) = violation
            .position
            .map_or((1, 1), |position| (position.line, position.column));
        let statement = violation
            .statement
            .map(|name| format!("statement \"{name}\", "));
        Self {
            line,
            column,
            message: format!(
                "{}{}: {}",
                statement.unwrap_or_default(),
                violation.field,
                violation.rule
            ),
            member: violation.field,
        }
    }
}
