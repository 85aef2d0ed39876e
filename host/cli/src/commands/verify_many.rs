//! `verify` with several references.

use apostille_core::{ArtifactVerification, TrustSources, Verifier, VerifyOptions};
use apostille_trust::policy::OciTrustPolicy;
use serde::Serialize;

use super::verify::refused;
use crate::application::Application;
use crate::failure::Failure;
use crate::many::{self, References};
use crate::runtime;
use crate::target::{ResolvedTarget, Stores, Target};
use crate::verification_view::{self, VerifyDocument};

/// What is the same for all references.
pub(super) struct ManyToVerify<'a> {
    pub(super) stores: Stores,
    pub(super) policy: &'a OciTrustPolicy,
    pub(super) scope: Option<&'a str>,
    pub(super) sources: TrustSources<'a>,
    pub(super) options: &'a VerifyOptions,
    pub(super) concurrency: usize,
    pub(super) json: bool,
    pub(super) explain: bool,
}

/// One line of `--output json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct VerifyLine<'a> {
    /// As it was given.
    requested: &'a str,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    document: Option<&'a VerifyDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

/// Verifies them all.
///
/// # Errors
/// The list cannot be read, or some references failed.
pub(super) fn run(
    application: &mut Application<'_>,
    references: References,
    work: &ManyToVerify<'_>,
) -> Result<(), Failure> {
    let begin = |_: &Application<'_>, text: &str| {
        let target = work.stores.target(text);
        async move { verify_one(target?, work).await }
    };
    let report = |application: &mut Application<'_>, requested: &str, outcome: Result<_, _>| {
        report(application, requested, outcome, work)
    };
    let all = many::run(application, references, work.concurrency, begin, report);
    let tally = runtime::block_on(all)?;
    tally.conclude(application, "verified")
}

async fn verify_one(
    target: Target,
    work: &ManyToVerify<'_>,
) -> Result<(ResolvedTarget, ArtifactVerification), Failure> {
    let statement = work
        .policy
        .statement_for(work.scope.unwrap_or(&target.place))?;
    let verifier = Verifier::new(&statement, work.sources, work.options)?;
    let target = target.resolve_silently().await?;
    let verification = verifier
        .verify(target.store.as_ref(), &target.descriptor)
        .await?;
    Ok((target, verification))
}

/// Prints what came out of one reference, and gives whether it may be used.
fn report(
    application: &mut Application<'_>,
    requested: &str,
    outcome: Result<(ResolvedTarget, ArtifactVerification), Failure>,
    work: &ManyToVerify<'_>,
) -> Result<bool, Failure> {
    let (target, verification) = match outcome {
        Ok(found) => found,
        Err(failure) => {
            if work.json {
                application.console.json_line(&VerifyLine {
                    requested,
                    document: None,
                    error: Some(failure.message()),
                })?;
            } else {
                many::explain(application, requested, &failure);
            }
            return Ok(false);
        }
    };
    let document = VerifyDocument::new(target.name(), &verification);
    let accepted = verification.skipped || verification.trusted().is_some();
    if work.json {
        application.console.json_line(&VerifyLine {
            requested,
            document: Some(&document),
            error: None,
        })?;
        return Ok(accepted);
    }
    if work.explain {
        let explained = verification_view::explain(&document, &verification);
        application.console.raw(explained.as_bytes())?;
    }
    let name = target.name();
    if verification.skipped {
        application.console.line(format!(
            "Trust policy is configured to skip signature verification for {name}"
        ))?;
    } else if let Some(trusted) = verification.trusted() {
        super::verdict::warnings(application, trusted);
        application
            .console
            .line(format!("Successfully verified signature for {name}"))?;
    } else {
        let failure = refused(&target, &verification, work.options.limit);
        many::explain(application, requested, &failure);
    }
    Ok(accepted)
}
