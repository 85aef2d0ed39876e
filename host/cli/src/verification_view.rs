//! The outcome of a verification, for scripts and for people who want to know why.

use std::fmt::Write as _;
use std::path::Path;

use apostille_core::{ArtifactVerification, Attempt};
use apostille_trust::policy::Action;
use apostille_trust::revocation::CertificateRevocation;
use apostille_trust::revocation::RevocationFailure;
use apostille_trust::verify::{AppliedStatement, Failure, Step, StepResult, Verification};
use serde::Serialize;

use crate::failure::chain_of;

/// The outcome for scripts.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifyDocument<'a> {
    reference: String,
    verdict: &'static str,
    statement: &'a AppliedStatement,
    signatures: Vec<SignatureDocument<'a>>,
    truncated: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SignatureDocument<'a> {
    digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification: Option<&'a Verification>,
}

impl<'a> VerifyDocument<'a> {
    /// The document about `reference`.
    #[must_use]
    pub fn new(reference: String, verification: &'a ArtifactVerification) -> Self {
        let verdict = match (verification.skipped, verification.trusted()) {
            (true, _) => "skipped",
            (false, Some(_)) => "trusted",
            (false, None) => "notTrusted",
        };
        let signatures = verification
            .attempts
            .iter()
            .map(|attempt| SignatureDocument {
                digest: attempt.manifest.digest.to_string(),
                error: attempt.outcome.as_ref().err().map(|error| chain_of(error)),
                verification: attempt.outcome.as_deref().ok(),
            });
        Self {
            reference,
            verdict,
            statement: &verification.statement,
            signatures: signatures.collect(),
            truncated: verification.truncated,
        }
    }
}

/// The outcome of `blob verify` for scripts.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifyBlobDocument<'a> {
    blob: &'a str,
    signature: String,
    #[serde(flatten)]
    verification: &'a Verification,
}

impl<'a> VerifyBlobDocument<'a> {
    /// The document about the file `blob` and the signature in the file `signature`.
    #[must_use]
    pub fn new(blob: &'a str, signature: &Path, verification: &'a Verification) -> Self {
        Self {
            blob,
            signature: signature.display().to_string(),
            verification,
        }
    }
}

/// Why a signature is not trusted: the check and the reason.
#[must_use]
pub fn reason(attempt: &Attempt) -> String {
    match &attempt.outcome {
        Err(error) => format!("cannot be read: {}", chain_of(error)),
        Ok(verification) => reason_of(verification),
    }
}

/// The check that decided, and the reason.
#[must_use]
pub fn reason_of(verification: &Verification) -> String {
    decisive(verification).map_or_else(
        || "not trusted".to_owned(),
        |(step, failure)| format!("{step}: {}", chain_of(failure)),
    )
}

/// What the user can do about a signature that is not trusted.
#[must_use]
pub fn advice(attempt: &Attempt) -> Option<&'static str> {
    advice_of(attempt.outcome.as_deref().ok()?)
}

/// What the user can do about a verification that failed.
#[must_use]
pub fn advice_of(verification: &Verification) -> Option<&'static str> {
    let (_, failure) = decisive(verification)?;
    match failure {
        Failure::Envelope(_) | Failure::OtherArtifact { .. } => Some(
            "The artifact or its signature is not what was signed: do not use it, and get both again from their source",
        ),
        Failure::ChainNotTrusted { .. } => Some(
            "If you trust that authority, add its certificate: `apostille certificate add --type ca --store <name> <file>`",
        ),
        Failure::SignerNotTrusted { .. } => Some(
            "If you trust that signer, add its subject to the trustedIdentities of the statement",
        ),
        Failure::Expired { .. } => Some("If the artifact is still good, have it signed again"),
        Failure::CertificateNotValid { .. } => Some(
            "Have it signed with a valid certificate; a timestamp (`sign --timestamp-url`) keeps a signature good after \
             its certificate has expired",
        ),
        Failure::TimestampMissing { .. } => Some(
            "Have it signed with `--timestamp-url` and `--timestamp-root-cert`, or take the tsa store out of the statement",
        ),
        Failure::Revocation(RevocationFailure::Revoked { .. }) => Some(
            "The key may be in wrong hands: do not use the artifact before its publisher explains",
        ),
        Failure::Revocation(RevocationFailure::Unknown { .. }) => Some(
            "Check the network and the proxy; `--revocation-private-addresses` asks servers inside your own network, \
             `--revocation-bundle` takes answers from a directory",
        ),
        _ => None,
    }
}

/// The failure that decided.
fn decisive(verification: &Verification) -> Option<(Step, &Failure)> {
    let outcomes = verification.outcomes().iter();
    outcomes
        .filter(|outcome| outcome.action == Action::Enforce)
        .find_map(|outcome| Some((outcome.step, outcome.failure()?)))
}

/// Everything that was looked at, in words.
#[must_use]
pub fn explain(document: &VerifyDocument<'_>, verification: &ArtifactVerification) -> String {
    let statement = &verification.statement;
    let mut text = String::new();
    explain_statement(&mut text, &document.reference, statement);
    for attempt in &verification.attempts {
        let _ = writeln!(text, "  signature {}", attempt.manifest.digest);
        match &attempt.outcome {
            Err(error) => {
                let _ = writeln!(text, "    cannot be read: {}", chain_of(error));
            }
            Ok(verification) => explain_signature(&mut text, verification),
        }
    }
    if verification.attempts.is_empty() && !verification.skipped {
        text.push_str("  no signature\n");
    }
    text.push('\n');
    text
}

/// The same for the one signature of a file.
#[must_use]
pub fn explain_blob(document: &VerifyBlobDocument<'_>) -> String {
    let mut text = String::new();
    explain_statement(&mut text, document.blob, document.verification.statement());
    let _ = writeln!(text, "  signature {}", document.signature);
    explain_signature(&mut text, document.verification);
    text.push('\n');
    text
}

fn explain_statement(text: &mut String, name: &str, statement: &AppliedStatement) {
    let _ = writeln!(text, "{name}");
    let _ = writeln!(text, "  policy:    {}", statement.file);
    let _ = writeln!(
        text,
        "  statement: {} (level {}), since {}",
        statement.name, statement.level, statement.matched_because
    );
}

fn explain_signature(text: &mut String, verification: &Verification) {
    if let Some(signer) = verification.signer() {
        let _ = writeln!(
            text,
            "    signer: {} (issued by {})",
            signer.subject, signer.issuer
        );
    }
    for outcome in verification.outcomes() {
        let (mark, because) = match &outcome.result {
            StepResult::Passed { because } => ("passed", because.clone()),
            StepResult::Failed { because } => ("FAILED", chain_of(because)),
            StepResult::NotPerformed { because } => ("not performed", because.clone()),
        };
        let _ = writeln!(
            text,
            "    {} [{}]: {mark}: {because}",
            outcome.step,
            outcome.action.as_str()
        );
        for fact in &outcome.inputs {
            let _ = writeln!(text, "      {}: {}", fact.name, fact.value);
        }
        for certificate in &outcome.certificates {
            let CertificateRevocation {
                subject,
                status,
                evidence,
            } = certificate;
            let _ = writeln!(text, "      certificate \"{subject}\": {status}");
            for line in evidence {
                let _ = writeln!(text, "        {line}");
            }
        }
    }
}
