//! Answers against the published JSON Schemas.
//!
//! What a schema says of types and required members is one rule for each command; what it says of
//! values belongs to rules of their own, whose messages say more.

use super::asking::{self, needs};
use super::{Check, Checked, Stop};
use crate::{Execution, Subject};
use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use notary_plugin_protocol::schemas::all;
use std::collections::BTreeMap;
use std::sync::LazyLock;

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("NP-MD-060", |subject| {
        follows("get-plugin-metadata.response", subject.metadata_run()?)
    }),
    ("NP-DK-201", |subject| {
        needs(subject, asking::DESCRIBE_KEY)?;
        asking::key(subject)?;
        follows("describe-key.response", asking::described(subject)?)
    }),
];

/// A validator for each published schema, by the schema's file name.
static VALIDATORS: LazyLock<BTreeMap<String, Validator>> = LazyLock::new(|| {
    all()
        .into_iter()
        .filter_map(|file| {
            let document = serde_json::from_str(&file.content).ok()?;
            let validator = jsonschema::validator_for(&document).ok()?;
            Some((file.file_name, validator))
        })
        .collect()
});

/// Whether an answer has the types and the members of the schema.
pub(super) fn follows(schema: &str, run: &Execution) -> Checked {
    let answer = run.answer_in_any_form()?;
    let validator = VALIDATORS
        .get(format!("{schema}.json").as_str())
        .ok_or_else(|| Stop::NotApplicable(format!("there is no schema {schema}")))?;
    let wrong = validator.iter_errors(&answer).find(|error| {
        match error.kind() {
            ValidationErrorKind::Type { .. } => true,
            // A reason is required of failed checks only.
            ValidationErrorKind::Required { property } => property != "reason",
            _ => false,
        }
    });
    match wrong {
        Some(error) => Err(format!("{}: {error}", error.instance_path()).into()),
        None => Ok(()),
    }
}

/// The rule on a command's schema, for runs of other modules.
pub(super) fn check(subject: &Subject, command: &'static str, run: &Execution) -> Checked {
    needs(subject, command)?;
    follows(&format!("{command}.response"), run)
}
