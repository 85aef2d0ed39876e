//! The order of the steps.
//!
//! What needs no network comes first, and nothing is fetched or executed on the word of a signer
//! whose chain has not been found in a trust store. An enforced failure ends the verification; a
//! logged one is kept and the next step is taken.

use apostille_signature::VerifiedEnvelope;
use notary_plugin_protocol::VerificationCheck;
use notary_x509::describe_time;

use super::failure::Failure;
use super::input::VerificationInput;
use super::outcome::{
    AppliedStatement, Fact, Inputs, Signer, Step, StepOutcome, StepResult, TimeSource, TimeUsed,
    Verdict, Verification,
};
use super::plugins::{self, Delegate};
use super::{authenticity, integrity, metadata, timeliness, timestamp};
use crate::policy::{Action, TrustStatement};
use crate::revocation::{AsksNobody, ChainPurpose, RevocationChecker, RevocationQuestion};

/// Verifies one signature under the statement that applies to its artifact.
///
/// The result holds the outcome of every step; see [`Verification::is_trusted`]. Only the traits in
/// `input` do anything beyond computing.
pub async fn verify_envelope(input: &VerificationInput<'_>) -> Verification {
    let mut run = Run::new(input);
    if run.statement().verification().skips_verification() {
        return run.finish(None, Verdict::Skipped, "the statement's level is skip");
    }
    let (envelope, completed) = match integrity::check(input) {
        Ok(envelope) => {
            let completed = run.judge(&envelope).await;
            (Some(envelope), completed)
        }
        Err(failure) => (
            None,
            run.record(Step::Integrity, Err(failure), Vec::new())
                .map(|_| ()),
        ),
    };
    // Without an envelope there is nothing to trust, whatever a policy might say about integrity.
    let verdict = match (&envelope, completed) {
        (Some(_), Ok(())) => Verdict::Trusted,
        _ => Verdict::NotTrusted,
    };
    run.finish(envelope, verdict, "an enforced check failed before")
}

/// An enforced failure was recorded.
struct Stop;

/// Whether a step passed; `false` is a logged failure.
type Recorded = Result<bool, Stop>;

struct Run<'a> {
    input: &'a VerificationInput<'a>,
    outcomes: Vec<StepOutcome>,
    notices: Vec<String>,
    signer: Option<Signer>,
    time_used: Option<TimeUsed>,
    /// The time of signing, once a check has proven it.
    proven_signing_time: Option<time::OffsetDateTime>,
}

impl<'a> Run<'a> {
    fn new(input: &'a VerificationInput<'a>) -> Self {
        Self {
            input,
            outcomes: Vec::new(),
            notices: Vec::new(),
            signer: None,
            time_used: None,
            proven_signing_time: None,
        }
    }

    fn statement(&self) -> &'a TrustStatement {
        self.input.statement.statement
    }

    fn action(&self, step: Step) -> Action {
        let verification = self.statement().verification();
        step.check()
            .map_or(Action::Enforce, |check| verification.action(check))
    }

    /// Everything behind integrity.
    async fn judge(&mut self, envelope: &VerifiedEnvelope) -> Result<(), Stop> {
        self.signer = Some(signer(envelope));
        self.record(
            Step::Integrity,
            Ok(INTACT.to_owned()),
            integrity_facts(envelope),
        )?;
        self.user_metadata(envelope)?;
        if envelope.verification_plugin().is_none() {
            self.record(
                Step::CriticalAttributes,
                nothing_unknown(envelope),
                Vec::new(),
            )?;
        }
        let anchored = self.trust_store(envelope)?;
        let delegate = self.verification_plugin(envelope, anchored).await?;
        let does = |check| {
            delegate
                .as_ref()
                .is_some_and(|delegate| delegate.does(check))
        };
        if !does(VerificationCheck::TrustedIdentity) {
            self.trusted_identity(envelope, anchored)?;
        }
        self.expiry(envelope)?;
        self.authentic_timestamp(envelope).await?;
        if !does(VerificationCheck::RevocationCheck) {
            self.revocation(envelope, anchored).await?;
        }
        match delegate {
            Some(delegate) => self.ask(&delegate, envelope).await,
            None => Ok(()),
        }
    }

    fn user_metadata(&mut self, envelope: &VerifiedEnvelope) -> Result<(), Stop> {
        let wanted = self.input.user_metadata;
        if wanted.is_empty() {
            self.not_performed(Step::UserMetadata, "none was asked for");
            return Ok(());
        }
        let facts = wanted.iter().map(|(key, value)| Fact {
            name: "wanted",
            value: format!("{key}={value}"),
        });
        self.record(
            Step::UserMetadata,
            metadata::check(envelope, wanted),
            facts.collect::<Vec<_>>(),
        )?;
        Ok(())
    }

    fn trust_store(&mut self, envelope: &VerifiedEnvelope) -> Recorded {
        let facts = vec![
            Fact {
                name: "signing scheme",
                value: envelope.signing_scheme().to_string(),
            },
            Fact {
                name: "trust stores",
                value: join(self.statement().trust_stores()),
            },
        ];
        let found = authenticity::trust_store(envelope, self.statement(), self.input.stores);
        let result = found.map(|found| {
            self.notices.extend(found.warnings);
            found.because
        });
        self.record(Step::TrustStore, result, facts)
    }

    fn trusted_identity(
        &mut self,
        envelope: &VerifiedEnvelope,
        anchored: bool,
    ) -> Result<(), Stop> {
        if !anchored {
            self.not_performed(Step::TrustedIdentity, "the chain leads to no trust store");
            return Ok(());
        }
        let facts = vec![
            Fact {
                name: "subject",
                value: envelope.certificate_chain().leaf().subject().to_string(),
            },
            Fact {
                name: "trusted identities",
                value: join(self.statement().trusted_identities()),
            },
        ];
        let result = authenticity::trusted_identity(envelope, self.statement());
        self.record(Step::TrustedIdentity, result, facts)?;
        Ok(())
    }

    fn expiry(&mut self, envelope: &VerifiedEnvelope) -> Result<(), Stop> {
        let result = timeliness::expiry(envelope, self.input.now);
        let facts = vec![Fact {
            name: "now",
            value: describe_time(self.input.now),
        }];
        self.record(Step::Expiry, result, facts)?;
        Ok(())
    }

    async fn authentic_timestamp(&mut self, envelope: &VerifiedEnvelope) -> Result<(), Stop> {
        let (time, result, inputs) =
            if timeliness::needs_timestamp(envelope, self.statement(), self.input.now) {
                timestamp::check(envelope, self.input).await
            } else {
                let time = timeliness::time_without_timestamp(envelope, self.input.now);
                let result = timeliness::certificates_valid(envelope, time);
                (Some(time), result, Inputs::default())
            };
        self.time_used = time;
        let passed = self.record(Step::AuthenticTimestamp, result, inputs)?;
        self.proven_signing_time = time
            .filter(|time| passed && time.source != TimeSource::VerificationTime)
            .map(|time| time.time);
        Ok(())
    }

    async fn revocation(
        &mut self,
        envelope: &VerifiedEnvelope,
        anchored: bool,
    ) -> Result<(), Stop> {
        if self.action(Step::Revocation) == Action::Skip {
            self.not_performed(Step::Revocation, "the statement sets revocation to skip");
            return Ok(());
        }
        let chain = envelope.certificate_chain();
        let question = RevocationQuestion {
            chain,
            purpose: ChainPurpose::Signing,
            now: self.input.now,
            signing_time: self.proven_signing_time,
        };
        let checker: &dyn RevocationChecker = if anchored {
            self.input.revocation
        } else {
            &AsksNobody {
                because: "the chain leads to no trust store, so nobody is asked on its word",
            }
        };
        let report = checker.check(question).await;
        let result = report.judge(chain.certificates().len(), ChainPurpose::Signing);
        let inputs = Inputs {
            facts: Vec::new(),
            certificates: report.certificates,
        };
        self.record(Step::Revocation, result.map_err(Failure::from), inputs)?;
        Ok(())
    }

    /// Finds the plugin that the signature asks for and what it takes over.
    async fn verification_plugin(
        &mut self,
        envelope: &VerifiedEnvelope,
        anchored: bool,
    ) -> Result<Option<Delegate>, Stop> {
        let Some(wanted) = envelope.verification_plugin() else {
            self.not_performed(Step::VerificationPlugin, "the signature asks for none");
            return Ok(None);
        };
        let found = match plugins::name_of(wanted) {
            Ok(name) if !anchored => Err(Failure::PluginOfUntrustedSigner { name }),
            Ok(name) => match self.input.plugins.metadata(&name).await {
                Ok(metadata) => {
                    let min_version = wanted.min_version.as_deref();
                    plugins::delegate(name, min_version, &metadata, self.statement())
                }
                Err(source) => Err(Failure::Plugin { name, source }),
            },
            Err(failure) => Err(failure),
        };
        let (delegate, result) = match found {
            Ok(delegate) => {
                let text = format!("`{}` {} is installed", delegate.name, delegate.version);
                (Some(delegate), Ok(text))
            }
            Err(failure) => (None, Err(failure)),
        };
        let facts = vec![Fact {
            name: "lowest version",
            value: wanted
                .min_version
                .clone()
                .unwrap_or_else(|| "any".to_owned()),
        }];
        self.record(Step::VerificationPlugin, result, facts)?;
        Ok(delegate)
    }

    /// Asks the plugin for the checks that it takes over and for the attributes that only it knows.
    async fn ask(&mut self, delegate: &Delegate, envelope: &VerifiedEnvelope) -> Result<(), Stop> {
        let nothing_to_check = delegate.checks.is_empty();
        if nothing_to_check {
            // The plugin is not asked, so its attributes remain unknown.
            self.record(
                Step::CriticalAttributes,
                nothing_unknown(envelope),
                Vec::new(),
            )?;
            self.not_performed(Step::Revocation, "the statement sets revocation to skip");
            return Ok(());
        }
        let question = plugins::question(
            delegate,
            envelope,
            self.statement(),
            self.input.plugin_config,
        );
        let question = match question {
            Ok(question) => question,
            Err(failure) => {
                self.record(Step::CriticalAttributes, Err(failure), Vec::new())?;
                return Ok(());
            }
        };
        let answer = match self
            .input
            .plugins
            .verify_signature(&delegate.name, &question)
            .await
        {
            Ok(response) => plugins::check_answer(delegate, &question, &response)
                .map(|notice| (response, notice)),
            Err(source) => Err(Failure::Plugin {
                name: delegate.name.clone(),
                source,
            }),
        };
        let (response, notice) = match answer {
            Ok(answer) => answer,
            Err(failure) => {
                self.record(Step::VerificationPlugin, Err(failure), Vec::new())?;
                return Ok(());
            }
        };
        self.notices.extend(notice);
        let processed = question.signature.unprocessed_attributes.join(", ");
        let understood = if processed.is_empty() {
            NO_UNKNOWN.to_owned()
        } else {
            format!(
                "the verification plugin `{}` processed {processed}",
                delegate.name
            )
        };
        self.record(Step::CriticalAttributes, Ok(understood), Vec::new())?;
        for check in &delegate.checks {
            let step = match check {
                VerificationCheck::TrustedIdentity => Step::TrustedIdentity,
                VerificationCheck::RevocationCheck => Step::Revocation,
            };
            self.record(
                step,
                plugins::result(delegate, &response, *check),
                Vec::new(),
            )?;
        }
        Ok(())
    }

    /// Keeps the outcome of a step, in place of an earlier one.
    fn record(
        &mut self,
        step: Step,
        result: Result<String, Failure>,
        inputs: impl Into<Inputs>,
    ) -> Recorded {
        let inputs = inputs.into();
        let action = self.action(step);
        let (result, recorded) = match result {
            Ok(because) => (StepResult::Passed { because }, Ok(true)),
            Err(because) if action == Action::Log => (StepResult::Failed { because }, Ok(false)),
            Err(because) => (StepResult::Failed { because }, Err(Stop)),
        };
        self.outcomes.retain(|outcome| outcome.step != step);
        self.outcomes.push(StepOutcome {
            step,
            action,
            result,
            inputs: inputs.facts,
            certificates: inputs.certificates,
        });
        recorded
    }

    fn not_performed(&mut self, step: Step, because: &str) {
        let action = self.action(step);
        let result = StepResult::NotPerformed {
            because: because.to_owned(),
        };
        self.outcomes.push(StepOutcome {
            step,
            action,
            result,
            inputs: Vec::new(),
            certificates: Vec::new(),
        });
    }

    fn finish(
        mut self,
        envelope: Option<VerifiedEnvelope>,
        verdict: Verdict,
        why_not_performed: &str,
    ) -> Verification {
        for step in Step::ALL {
            if !self.outcomes.iter().any(|outcome| outcome.step == step) {
                self.not_performed(step, why_not_performed);
            }
        }
        self.outcomes.sort_by_key(|outcome| outcome.step);
        Verification {
            verdict,
            statement: AppliedStatement::from(self.input.statement),
            verified_at: self.input.now,
            signer: self.signer,
            time_used: self.time_used,
            outcomes: self.outcomes,
            notices: self.notices,
            envelope,
        }
    }
}

const INTACT: &str = "the envelope is intact and signs this artifact";
const NO_UNKNOWN: &str = "there are none that the specification does not define";

fn nothing_unknown(envelope: &VerifiedEnvelope) -> Result<String, Failure> {
    let names = plugins::unknown_critical(envelope);
    if names.is_empty() {
        return Ok(NO_UNKNOWN.to_owned());
    }
    Err(Failure::UnknownCriticalAttributes {
        names: names.iter().map(ToString::to_string).collect(),
    })
}

fn signer(envelope: &VerifiedEnvelope) -> Signer {
    let leaf = envelope.certificate_chain().leaf();
    Signer {
        subject: leaf.subject().to_string(),
        issuer: leaf.issuer().to_string(),
        fingerprint: hex::encode(leaf.sha256_fingerprint()),
    }
}

fn integrity_facts(envelope: &VerifiedEnvelope) -> Vec<Fact> {
    let artifact = envelope.payload().target_artifact();
    vec![
        Fact {
            name: "format",
            value: envelope.format().to_string(),
        },
        Fact {
            name: "signature algorithm",
            value: envelope.algorithm().to_string(),
        },
        Fact {
            name: "digest",
            value: artifact.digest.to_string(),
        },
        Fact {
            name: "media type",
            value: artifact.media_type.clone(),
        },
        Fact {
            name: "size",
            value: artifact.size.to_string(),
        },
    ]
}

fn join<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    items
        .into_iter()
        .map(|item| item.to_string())
        .collect::<Vec<_>>()
        .join(", ")
}
