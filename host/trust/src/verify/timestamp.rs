//! The timestamp countersignature of a signature under `notary.x509`.
//!
//! Once the policy asks for it, all of it has to hold: it is there, it is on this signature, its
//! signer leads to a `tsa` trust store, none of the authority's certificates is revoked at the time
//! of verification, and the signing certificates were valid all the time that the timestamp's
//! accuracy leaves open. What becomes of a failure is the policy's action for `authenticTimestamp`.

use apostille_signature::VerifiedEnvelope;
use apostille_signature::timestamp::{TimestampToken, VerifiedTimestamp};
use notary_x509::{Certificate, describe_time};

use super::authenticity::stores_of;
use super::failure::Failure;
use super::input::VerificationInput;
use super::outcome::{Fact, Inputs, TimeSource, TimeUsed};
use super::timeliness;
use crate::revocation::{ChainPurpose, RevocationQuestion};
use crate::store::StoreType;

/// The time that was stamped, if the token is genuine; the outcome; what was looked at.
pub(super) async fn check(
    envelope: &VerifiedEnvelope,
    input: &VerificationInput<'_>,
) -> (Option<TimeUsed>, Result<String, Failure>, Inputs) {
    let timestamp = match genuine(envelope, input) {
        Ok(timestamp) => timestamp,
        Err(failure) => return (None, Err(failure), Inputs::default()),
    };
    let source = TimeSource::TimestampCountersignature;
    let time = Some(TimeUsed {
        time: timestamp.time(),
        source,
    });
    let mut inputs = Inputs::from(facts(&timestamp));
    // Both ends of the time that the accuracy leaves open; validity has no gaps in between.
    let valid = timeliness::check_validity(envelope, timestamp.earliest(), source)
        .and_then(|()| timeliness::check_validity(envelope, timestamp.latest(), source));
    if let Err(failure) = valid {
        return (time, Err(failure), inputs);
    }
    let chain = timestamp.certificate_chain();
    let question = RevocationQuestion {
        chain,
        purpose: ChainPurpose::Timestamping,
        now: input.now,
        signing_time: None,
    };
    let report = input.revocation.check(question).await;
    let result = report
        .judge(chain.certificates().len(), ChainPurpose::Timestamping)
        .map(|_| describe(&timestamp))
        .map_err(Failure::from);
    inputs.certificates = report.certificates;
    (time, result, inputs)
}

fn genuine(
    envelope: &VerifiedEnvelope,
    input: &VerificationInput<'_>,
) -> Result<VerifiedTimestamp, Failure> {
    let statement = input.statement.statement;
    let token = envelope
        .timestamp_token()
        .ok_or_else(|| Failure::TimestampMissing {
            setting: statement.verification().verify_timestamp().as_str(),
        })?;
    let token = TimestampToken::parse(token)?;
    let mut roots: Vec<Certificate> = Vec::new();
    for reference in stores_of(statement, StoreType::Tsa) {
        let store = input.stores.store(reference)?;
        roots.extend(
            store
                .anchors()
                .iter()
                .map(|anchor| anchor.certificate.clone()),
        );
    }
    Ok(token.verify(envelope.signature(), &roots)?)
}

fn facts(timestamp: &VerifiedTimestamp) -> Vec<Fact> {
    let authority = timestamp.certificate_chain().leaf().subject().to_string();
    vec![
        Fact {
            name: "timestamp",
            value: describe_time(timestamp.time()),
        },
        Fact {
            name: "accuracy",
            value: format!("{} s", timestamp.accuracy().as_seconds_f64()),
        },
        Fact {
            name: "timestamping authority",
            value: authority,
        },
    ]
}

fn describe(timestamp: &VerifiedTimestamp) -> String {
    format!(
        "\"{}\" stamped the signature on {}, when every certificate of the chain was valid",
        timestamp.certificate_chain().leaf().subject(),
        describe_time(timestamp.time())
    )
}
