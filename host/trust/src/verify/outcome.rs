//! What a verification found out, as data.

use std::fmt;

use apostille_signature::VerifiedEnvelope;
use notary_x509::describe_time;
use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use super::failure::Failure;
use crate::policy::{Action, ApplicableStatement, Check};
use crate::revocation::CertificateRevocation;

/// The steps of a verification, in the order in which they are taken.
///
/// They are finer than the [`Check`]s of a policy, so that an explanation can say which part of a
/// check failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    /// The envelope is intact and signs this artifact.
    Integrity,
    /// The user's metadata is signed.
    UserMetadata,
    /// Every critical attribute is understood, here or by the verification plugin.
    CriticalAttributes,
    /// The certificate chain leads to a trust store.
    TrustStore,
    /// The plugin that the signature asks for can be used.
    VerificationPlugin,
    /// The signer is a trusted identity.
    TrustedIdentity,
    /// The signature has not expired.
    Expiry,
    /// The certificates were valid when the signature was made.
    AuthenticTimestamp,
    /// No certificate was revoked.
    Revocation,
}

impl Step {
    /// Every step in its order.
    pub const ALL: [Self; 9] = [
        Self::Integrity,
        Self::UserMetadata,
        Self::CriticalAttributes,
        Self::TrustStore,
        Self::VerificationPlugin,
        Self::TrustedIdentity,
        Self::Expiry,
        Self::AuthenticTimestamp,
        Self::Revocation,
    ];

    /// The check of the policy that the step belongs to; `None` for steps that no policy can relax.
    #[must_use]
    pub fn check(self) -> Option<Check> {
        match self {
            Self::Integrity => Some(Check::Integrity),
            Self::TrustStore | Self::TrustedIdentity => Some(Check::Authenticity),
            Self::Expiry => Some(Check::Expiry),
            Self::AuthenticTimestamp => Some(Check::AuthenticTimestamp),
            Self::Revocation => Some(Check::Revocation),
            Self::UserMetadata | Self::CriticalAttributes | Self::VerificationPlugin => None,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Integrity => "integrity",
            Self::UserMetadata => "user metadata",
            Self::CriticalAttributes => "critical attributes",
            Self::TrustStore => "trust store",
            Self::VerificationPlugin => "verification plugin",
            Self::TrustedIdentity => "trusted identity",
            Self::Expiry => "expiry",
            Self::AuthenticTimestamp => "authentic timestamp",
            Self::Revocation => "revocation",
        })
    }
}

/// How a step ended.
#[derive(Debug, Serialize)]
#[serde(tag = "result", rename_all = "camelCase")]
pub enum StepResult {
    /// It holds.
    Passed {
        /// Why it holds.
        because: String,
    },
    /// It does not hold.
    Failed {
        /// Why it does not.
        #[serde(serialize_with = "with_causes")]
        because: Failure,
    },
    /// Nobody looked.
    NotPerformed {
        /// Why nobody did.
        because: String,
    },
}

/// Something that a step looked at, for explanations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// What it is, such as `trust store`.
    pub name: &'static str,
    /// What it says.
    pub value: String,
}

/// One step with its outcome.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepOutcome {
    /// The step.
    pub step: Step,
    /// What a failure of it means under the policy.
    pub action: Action,
    /// How it ended.
    #[serde(flatten)]
    pub result: StepResult,
    /// What it looked at.
    pub inputs: Vec<Fact>,
    /// What became known about the revocation of the certificates that it looked at, the leaf first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<CertificateRevocation>,
}

/// What a step looked at.
#[derive(Default)]
pub(super) struct Inputs {
    pub(super) facts: Vec<Fact>,
    pub(super) certificates: Vec<CertificateRevocation>,
}

impl From<Vec<Fact>> for Inputs {
    fn from(facts: Vec<Fact>) -> Self {
        Self {
            facts,
            certificates: Vec::new(),
        }
    }
}

impl StepOutcome {
    /// The failure, if it failed.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match &self.result {
            StepResult::Failed { because } => Some(because),
            _ => None,
        }
    }
}

/// The statement of the policy that was applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AppliedStatement {
    /// The file of the policy.
    pub file: String,
    /// The statement's name.
    pub name: String,
    /// Why it is this statement, in words.
    pub matched_because: String,
    /// The verification level, `custom` if anything is overridden.
    pub level: String,
}

impl From<&ApplicableStatement<'_>> for AppliedStatement {
    fn from(applicable: &ApplicableStatement<'_>) -> Self {
        Self {
            file: applicable.file.to_owned(),
            name: applicable.statement.name().to_owned(),
            matched_because: applicable.matched_by.to_string(),
            level: applicable.statement.verification().name().to_owned(),
        }
    }
}

/// Where the time comes from at which certificates have to be valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum TimeSource {
    /// The clock of the verifier: nothing proves when the signature was made.
    VerificationTime,
    /// The signing authority vouches for it.
    AuthenticSigningTime,
    /// A timestamping authority vouches for it.
    TimestampCountersignature,
}

impl TimeSource {
    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::VerificationTime => {
                "the time of verification, since nothing proves when the signature was made"
            }
            Self::AuthenticSigningTime => "the signing time that the signing authority vouches for",
            Self::TimestampCountersignature => "the time of the timestamp countersignature",
        }
    }
}

/// The time at which certificates have to be valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TimeUsed {
    /// The time.
    #[serde(serialize_with = "as_rfc_3339")]
    pub time: OffsetDateTime,
    /// Where it comes from.
    pub source: TimeSource,
}

/// Who made the signature, by the certificate that came with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Signer {
    /// The subject of the signing certificate (RFC 4514).
    pub subject: String,
    /// Its issuer.
    pub issuer: String,
    /// Its SHA-256 fingerprint in lower-case hexadecimal digits.
    pub fingerprint: String,
}

/// What all outcomes amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// Every enforced step passed.
    Trusted,
    /// An enforced step failed.
    NotTrusted,
    /// The policy says that nothing is verified; nothing is known about the signature.
    Skipped,
}

/// The verification of one signature, with every outcome.
///
/// It serialises to the explanation that people and programs read. A time is RFC 3339 text.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    pub(super) verdict: Verdict,
    pub(super) statement: AppliedStatement,
    #[serde(serialize_with = "as_rfc_3339")]
    pub(super) verified_at: OffsetDateTime,
    pub(super) signer: Option<Signer>,
    pub(super) time_used: Option<TimeUsed>,
    pub(super) outcomes: Vec<StepOutcome>,
    pub(super) notices: Vec<String>,
    #[serde(skip)]
    pub(super) envelope: Option<VerifiedEnvelope>,
}

impl Verification {
    /// Whether the signature is trusted.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Whether every enforced step passed.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        self.verdict == Verdict::Trusted
    }

    /// The statement that was applied and why it was this one.
    #[must_use]
    pub fn statement(&self) -> &AppliedStatement {
        &self.statement
    }

    /// The present, as it was passed in.
    #[must_use]
    pub fn verified_at(&self) -> OffsetDateTime {
        self.verified_at
    }

    /// Who signed; known once the envelope's integrity is proven.
    #[must_use]
    pub fn signer(&self) -> Option<&Signer> {
        self.signer.as_ref()
    }

    /// The time at which the certificates had to be valid, if the verification got so far.
    #[must_use]
    pub fn time_used(&self) -> Option<TimeUsed> {
        self.time_used
    }

    /// Every step in its order, those that were not taken as well.
    #[must_use]
    pub fn outcomes(&self) -> &[StepOutcome] {
        &self.outcomes
    }

    /// The outcome of a step.
    #[must_use]
    pub fn outcome(&self, step: Step) -> Option<&StepOutcome> {
        self.outcomes.iter().find(|outcome| outcome.step == step)
    }

    /// The failure because of which the signature is not trusted.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.failures(Action::Enforce)
            .next()
            .map(|(_, failure)| failure)
    }

    /// The failures that the policy lets pass with a word.
    pub fn logged_failures(&self) -> impl Iterator<Item = (Step, &Failure)> {
        self.failures(Action::Log)
    }

    fn failures(&self, action: Action) -> impl Iterator<Item = (Step, &Failure)> {
        self.outcomes
            .iter()
            .filter(move |outcome| outcome.action == action)
            .filter_map(|outcome| outcome.failure().map(|failure| (outcome.step, failure)))
    }

    /// What is worth a word and is no failure, such as a directory inside a trust store.
    #[must_use]
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// The envelope, if its integrity is proven. Whether its signer is trusted is said by
    /// [`verdict`](Self::verdict).
    #[must_use]
    pub fn envelope(&self) -> Option<&VerifiedEnvelope> {
        self.envelope.as_ref()
    }
}

/// The failure and what is behind it, where it does not say that itself.
fn with_causes<S: Serializer>(failure: &Failure, serializer: S) -> Result<S::Ok, S::Error> {
    let mut text = failure.to_string();
    let mut cause = std::error::Error::source(failure);
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    serializer.serialize_str(&text)
}

fn as_rfc_3339<S: Serializer>(time: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&describe_time(*time))
}
