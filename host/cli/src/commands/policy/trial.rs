//! `policy test`

use apostille_artifact::Reference;
use apostille_trust::policy::{ApplicableStatement, Check, OciTrustPolicy};
use apostille_trust::store::{DirectoryTrustStores, TrustStores};
use clap::Args;
use serde::Serialize;

use crate::application::Application;
use crate::failure::{Failure, chain_of};
use crate::flags::OutputFlag;

/// Show which statement applies to an artifact, and whether its trust stores can be used
#[derive(Args, Debug)]
pub struct Test {
    #[command(flatten)]
    output: OutputFlag,
    /// <registry>/<repository>, with or without a tag or digest; or the scope of a layout, such as local/my-layout
    #[arg(value_name = "reference")]
    arguments: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TestDocument {
    scope: String,
    policy: String,
    statement: String,
    matched_because: String,
    level: &'static str,
    checks: Vec<CheckDocument>,
    trust_stores: Vec<StoreDocument>,
    trusted_identities: Vec<String>,
}

#[derive(Serialize)]
struct CheckDocument {
    check: &'static str,
    action: &'static str,
}

#[derive(Serialize)]
struct StoreDocument {
    store: String,
    certificates: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Test {
    pub(super) fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        let json = self.output.is_json()?;
        let [reference] = self.arguments.as_slice() else {
            return Err(Failure::usage(
                "give one reference, such as registry.example/app:v1",
            ));
        };
        let policy = OciTrustPolicy::load(application.directories.config())?;
        for warning in policy.warnings() {
            application.console.warn(warning.to_string());
        }
        let scope = scope_of(reference);
        let statement = policy.statement_for(&scope)?;
        let stores = DirectoryTrustStores::new(application.directories.config());
        let document = describe(scope, &statement, &stores);
        if json {
            return application.console.json(&document);
        }
        show(application, &document)
    }
}

/// The repository of a reference; what has neither tag nor digest is a scope already.
fn scope_of(text: &str) -> String {
    text.parse::<Reference>()
        .map_or_else(|_| text.to_owned(), |reference| reference.scope())
}

fn describe(
    scope: String,
    applicable: &ApplicableStatement<'_>,
    stores: &DirectoryTrustStores,
) -> TestDocument {
    let statement = applicable.statement;
    let verification = statement.verification();
    let checks = Check::ALL.iter().map(|check| CheckDocument {
        check: check.as_str(),
        action: verification.action(*check).as_str(),
    });
    let trust_stores = statement.trust_stores().iter().map(|reference| {
        let loaded = stores.store(reference);
        StoreDocument {
            store: reference.to_string(),
            certificates: loaded.as_ref().map_or(0, |store| store.anchors().len()),
            error: loaded.err().map(|error| chain_of(&error)),
        }
    });
    let identities = statement.trusted_identities().iter();
    TestDocument {
        scope,
        policy: applicable.file.to_owned(),
        statement: statement.name().to_owned(),
        matched_because: applicable.matched_by.to_string(),
        level: verification.name(),
        checks: checks.collect(),
        trust_stores: trust_stores.collect(),
        trusted_identities: identities.map(ToString::to_string).collect(),
    }
}

fn show(application: &mut Application<'_>, document: &TestDocument) -> Result<(), Failure> {
    let checks: Vec<String> = document
        .checks
        .iter()
        .map(|one| format!("{}={}", one.check, one.action))
        .collect();
    let mut lines = vec![
        format!("Scope:      {}", document.scope),
        format!("Policy:     {}", document.policy),
        format!(
            "Statement:  {}, since {}",
            document.statement, document.matched_because
        ),
        format!("Level:      {} ({})", document.level, checks.join(", ")),
    ];
    for store in &document.trust_stores {
        let state = match (&store.error, store.certificates) {
            (Some(error), _) => error.clone(),
            (None, 1) => "1 certificate".to_owned(),
            (None, many) => format!("{many} certificates"),
        };
        lines.push(format!("Store:      {}: {state}", store.store));
    }
    for identity in &document.trusted_identities {
        lines.push(format!("Identity:   {identity}"));
    }
    lines
        .into_iter()
        .try_for_each(|line| application.console.line(line))
}
