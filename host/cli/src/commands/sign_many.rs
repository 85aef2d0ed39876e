//! `sign` with several references.

use apostille_core::{SignOptions, Signer, SigningPurpose, sign_artifact};
use serde::Serialize;
use time::OffsetDateTime;

use crate::application::Application;
use crate::failure::Failure;
use crate::many::{self, References, Tally};
use crate::runtime;
use crate::signers::ChosenSigner;
use crate::target::{ResolvedTarget, Stores, Target};

/// What is the same for all references.
pub(super) struct ManyToSign {
    pub(super) stores: Stores,
    pub(super) signer: ChosenSigner,
    pub(super) options: SignOptions,
    pub(super) skip_signed: bool,
    pub(super) concurrency: usize,
    pub(super) json: bool,
}

/// One line of `--output json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SignLine<'a> {
    /// As it was given.
    requested: &'a str,
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    warnings: Vec<String>,
}

/// What came out of one reference: where it is, and the new signature unless there was one before.
struct Signed {
    target: ResolvedTarget,
    signature: Option<apostille_core::SignedArtifact>,
}

/// Signs them all, or as many as can be.
///
/// # Errors
/// The signer cannot be started, the list cannot be read, or some references failed.
pub(super) fn run(
    application: &mut Application<'_>,
    references: References,
    work: ManyToSign,
) -> Result<(), Failure> {
    let tally = runtime::block_on(sign_all(application, references, work))?;
    tally.conclude(application, "signed")
}

async fn sign_all(
    application: &mut Application<'_>,
    references: References,
    work: ManyToSign,
) -> Result<Tally, Failure> {
    let signer = work.signer.start_for_many(SigningPurpose::Artifact).await?;
    let (stores, signer, options) = (&work.stores, signer.as_ref(), &work.options);
    let begin = |_: &Application<'_>, text: &str| {
        let target = stores.target(text);
        async move { sign_one(target?, signer, options, work.skip_signed).await }
    };
    let report = |application: &mut Application<'_>, requested: &str, outcome: Result<_, _>| {
        report(application, requested, outcome, work.json)
    };
    let tally = many::run(application, references, work.concurrency, begin, report).await;
    if let Some(notice) = signer.finish().await {
        application.console.warn(notice);
    }
    tally
}

async fn sign_one(
    target: Target,
    signer: &dyn Signer,
    options: &SignOptions,
    skip_signed: bool,
) -> Result<Signed, Failure> {
    let target = target.resolve_silently().await?;
    let store = target.store.as_ref();
    if skip_signed && has_signature(&target).await? {
        let signature = None;
        return Ok(Signed { target, signature });
    }
    let mut options = options.clone();
    options.signing_time = OffsetDateTime::now_utc();
    let signed = sign_artifact(store, &target.descriptor, signer, &options).await?;
    let signature = Some(signed);
    Ok(Signed { target, signature })
}

async fn has_signature(target: &ResolvedTarget) -> Result<bool, Failure> {
    let list = target.store.signatures(&target.descriptor, 1).await?;
    Ok(!list.manifests.is_empty())
}

/// Prints what came out of one reference, and gives whether it is signed.
fn report(
    application: &mut Application<'_>,
    requested: &str,
    outcome: Result<Signed, Failure>,
    json: bool,
) -> Result<bool, Failure> {
    let signed = match outcome {
        Ok(signed) => signed,
        Err(failure) => {
            if json {
                application.console.json_line(&SignLine {
                    requested,
                    result: "failed",
                    reference: None,
                    signature: None,
                    error: Some(failure.message()),
                    warnings: Vec::new(),
                })?;
            } else {
                many::explain(application, requested, &failure);
            }
            return Ok(false);
        }
    };
    let name = signed.target.name();
    let warnings = signed.signature.iter().flat_map(|one| &one.warnings);
    let warnings: Vec<String> = warnings.map(ToString::to_string).collect();
    if json {
        application.console.json_line(&SignLine {
            requested,
            result: if signed.signature.is_some() {
                "signed"
            } else {
                "alreadySigned"
            },
            reference: Some(name),
            signature: signed
                .signature
                .map(|one| signed.target.name_of(&one.manifest.digest)),
            error: None,
            warnings,
        })?;
        return Ok(true);
    }
    for warning in warnings {
        application.console.warn(warning);
    }
    application.console.line(match signed.signature {
        Some(_) => format!("Successfully signed {name}"),
        None => format!("Already signed {name}"),
    })?;
    Ok(true)
}
