//! `generate-signature`: the answer is checked with another implementation than the plugin's.

use super::{describe_key, failed_with, no_key, verdict};
use crate::subject::PROBE_PAYLOAD;
use crate::{HarnessError, Subject, Verdict};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notary_plugin_protocol::KeySpec;
use notary_x509::{Certificate, CertificateChain};
use serde_json::Value;
use time::OffsetDateTime;

const COMMAND: &str = "generate-signature";

/// An answer, and the key spec under which it was asked for.
struct Signed {
    key_id: String,
    spec: KeySpec,
    answer: Value,
}

/// Runs a check on a signature over the probe payload; skips it without a key.
fn on_signature(
    subject: &Subject,
    check: impl FnOnce(&Signed) -> Result<(), String>,
) -> Result<Verdict, HarnessError> {
    let Some(key) = subject.key() else {
        return Ok(no_key());
    };
    let spec = match describe_key::described(subject, &key.id)? {
        Ok(spec) => spec,
        Err(reason) => {
            return Ok(Verdict::Skip {
                reason: format!("describe-key does not work: {reason}"),
            });
        }
    };
    let request = subject.generate_signature_request(&key.id, spec.as_str(), PROBE_PAYLOAD);
    let answer = subject.request(COMMAND, &request)?.answer();
    Ok(verdict(answer.and_then(|answer| {
        check(&Signed {
            key_id: key.id.clone(),
            spec,
            answer,
        })
    })))
}

impl Signed {
    fn text(&self, member: &str) -> Result<&str, String> {
        self.answer
            .get(member)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
            .ok_or_else(|| format!("{member} is missing or empty"))
    }

    fn signature(&self) -> Result<Vec<u8>, String> {
        STANDARD
            .decode(self.text("signature")?)
            .map_err(|error| format!("signature is not base64: {error}"))
    }

    fn certificates(&self) -> Result<Vec<Certificate>, String> {
        let list = self
            .answer
            .get("certificateChain")
            .and_then(Value::as_array)
            .filter(|list| !list.is_empty())
            .ok_or("certificateChain is missing or empty")?;
        list.iter()
            .enumerate()
            .map(|(index, entry)| {
                let der = STANDARD
                    .decode(entry.as_str().unwrap_or_default())
                    .map_err(|error| format!("certificateChain[{index}] is not base64: {error}"))?;
                Certificate::from_der(&der)
                    .map_err(|error| format!("certificateChain[{index}]: {error}"))
            })
            .collect()
    }
}

pub(super) fn answer_is_complete(subject: &Subject) -> Result<Verdict, HarnessError> {
    on_signature(subject, |signed| {
        let echoed = signed.text("keyId")?;
        if echoed != signed.key_id {
            return Err(format!(
                "keyId {echoed:?} does not echo {:?}",
                signed.key_id
            ));
        }
        signed.text("signingAlgorithm")?;
        signed.signature()?;
        signed.certificates().map(|_| ())
    })
}

pub(super) fn algorithm_belongs_to_the_key_spec(
    subject: &Subject,
) -> Result<Verdict, HarnessError> {
    on_signature(subject, |signed| {
        let expected = signed.spec.signing_algorithm().as_str();
        let found = signed.text("signingAlgorithm")?;
        if found == expected {
            Ok(())
        } else {
            Err(format!(
                "{found} for {}, where {expected} is due",
                signed.spec
            ))
        }
    })
}

pub(super) fn signature_verifies(subject: &Subject) -> Result<Verdict, HarnessError> {
    on_signature(subject, |signed| {
        let certificates = signed.certificates()?;
        let leaf = certificates.first().ok_or("certificateChain is empty")?;
        leaf.public_key()
            .verify(
                signed.spec.signing_algorithm(),
                PROBE_PAYLOAD,
                &signed.signature()?,
            )
            .map_err(|error| error.to_string())
    })
}

pub(super) fn ecdsa_is_fixed_width(subject: &Subject) -> Result<Verdict, HarnessError> {
    on_signature(subject, |signed| {
        let width = match signed.spec {
            KeySpec::Ec256 => 64,
            KeySpec::Ec384 => 96,
            KeySpec::Ec521 => 132,
            _ => return Ok(()),
        };
        let signature = signed.signature()?;
        match (signature.len() == width, signature.first()) {
            (true, _) => Ok(()),
            // 0x30 opens an ASN.1 SEQUENCE: the form that most key stores answer.
            (false, Some(0x30)) => Err(format!(
                "{} bytes of DER, where r‖s has {width}",
                signature.len()
            )),
            (false, _) => Err(format!("{} bytes, where r‖s has {width}", signature.len())),
        }
    })
}

pub(super) fn chain_follows_the_certificate_rules(
    subject: &Subject,
) -> Result<Verdict, HarnessError> {
    on_signature(subject, |signed| {
        let chain =
            CertificateChain::new(signed.certificates()?).map_err(|error| error.to_string())?;
        chain
            .check_code_signing(Some(OffsetDateTime::now_utc()))
            .map_err(|error| error.to_string())
    })
}

pub(super) fn missing_payload_is_a_validation_error(
    subject: &Subject,
) -> Result<Verdict, HarnessError> {
    let Some(key) = subject.key() else {
        return Ok(no_key());
    };
    let mut request = subject.generate_signature_request(&key.id, "EC-256", b"");
    if let Some(members) = request.as_object_mut() {
        members.remove("payload");
    }
    Ok(failed_with(
        &subject.request(COMMAND, &request)?,
        "VALIDATION_ERROR",
    ))
}
