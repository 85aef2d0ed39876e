//! `generate-signature`: what is checked of every answer.

use super::asking::{GENERATE_SIGNATURE, PROBE_PAYLOAD, described_spec, key, needs};
use super::signature::{self, Form};
use super::{Check, Checked, Stop, kept, output, schema};
use crate::{Execution, Subject};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notary_plugin_protocol::KeySpec;
use notary_x509::{Certificate, CertificateChain};
use serde_json::Value;
use time::OffsetDateTime;

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("NP-GS-100", answer_is_complete),
    ("NP-GS-101", key_id_is_echoed),
    ("NP-GS-102", signature_is_standard_base64),
    ("NP-GS-103", algorithm_belongs_to_the_key_spec),
    ("NP-GS-104", |subject| {
        signature_verifies(subject, PROBE_PAYLOAD)
    }),
    ("NP-GS-105", salt_is_as_long_as_the_hash),
    ("NP-GS-106", ecdsa_is_fixed_width),
    ("NP-GS-107", rsa_is_as_long_as_the_modulus),
    ("NP-GS-108", certificates_are_der_and_nothing_else),
    ("NP-GS-109", chain_is_ordered_and_complete),
    ("NP-GS-110", leaf_follows_the_rules),
    ("NP-GS-111", authorities_follow_the_rules),
    ("NP-GS-112", leaf_key_is_of_the_described_spec),
    ("NP-GS-113", certificates_are_valid_now),
    ("NP-GS-217", |subject| {
        let run = signed(subject, PROBE_PAYLOAD)?.run;
        kept(run.files_left.is_empty(), || {
            format!("it left {}", run.files_left.join(", "))
        })
    }),
    ("NP-GS-218", |subject| {
        output::prints_only_json(&signed(subject, PROBE_PAYLOAD)?.run)
    }),
    ("NP-GS-219", |subject| {
        output::standard_error_is_empty(&signed(subject, PROBE_PAYLOAD)?.run)
    }),
];

/// A run over a payload, and the key spec under which it was asked for.
pub(super) struct Signed {
    pub(super) key_id: String,
    pub(super) spec: KeySpec,
    pub(super) payload: Vec<u8>,
    pub(super) run: Execution,
}

/// The request for a signature, where there is a key and its spec is known.
pub(super) fn request(subject: &Subject, payload: &[u8]) -> Result<(KeySpec, Value), Stop> {
    needs(subject, GENERATE_SIGNATURE)?;
    let id = &key(subject)?.id;
    let spec = described_spec(subject)?
        .ok_or_else(|| Stop::elsewhere("describe-key answers no key spec".to_owned()))?;
    Ok((spec, subject.generate_signature_request(id, spec, payload)))
}

/// A signature over the payload; made once for all checks.
pub(super) fn signed(subject: &Subject, payload: &[u8]) -> Result<Signed, Stop> {
    let (spec, request) = request(subject, payload)?;
    let known = subject.seen.signed.borrow().get(payload).cloned();
    let run = match known {
        Some(run) => run,
        None => subject.request(GENERATE_SIGNATURE, &request)?,
    };
    subject
        .seen
        .signed
        .borrow_mut()
        .insert(payload.to_vec(), run.clone());
    Ok(Signed {
        key_id: key(subject)?.id.clone(),
        spec,
        payload: payload.to_vec(),
        run,
    })
}

impl Signed {
    pub(super) fn answer(&self) -> Result<Value, Stop> {
        self.run.answer_in_any_form().map_err(Stop::elsewhere)
    }

    /// A member; the rule on completeness says where it is missing.
    fn text(&self, member: &str) -> Result<String, Stop> {
        self.answer()?
            .get(member)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
            .ok_or_else(|| Stop::elsewhere(format!("{member} is missing or empty")))
    }

    /// The signature's bytes, from any base64.
    pub(super) fn signature(&self) -> Result<Vec<u8>, Stop> {
        signature::any_base64(&self.text("signature")?)
            .ok_or_else(|| Stop::elsewhere("signature is no base64".to_owned()))
    }

    /// The certificates' bytes as they were sent.
    fn encoded_certificates(&self) -> Result<Vec<Vec<u8>>, Stop> {
        let answer = self.answer()?;
        let list = answer.get("certificateChain").and_then(Value::as_array);
        let list =
            list.ok_or_else(|| Stop::elsewhere("there is no certificateChain".to_owned()))?;
        list.iter()
            .map(|entry| {
                entry
                    .as_str()
                    .and_then(signature::any_base64)
                    .ok_or_else(|| Stop::elsewhere("a certificate is no base64".to_owned()))
            })
            .collect()
    }

    /// The certificates; bytes after one belong to a rule of their own.
    pub(super) fn certificates(&self) -> Result<Vec<Certificate>, Stop> {
        let list: Result<Vec<_>, _> = self
            .encoded_certificates()?
            .iter()
            .map(|der| Certificate::from_der(signature::first_value(der)))
            .collect();
        match list {
            Ok(list) if !list.is_empty() => Ok(list),
            Ok(_) => Err(Stop::elsewhere("certificateChain is empty".to_owned())),
            Err(error) => Err(Stop::elsewhere(format!("a certificate: {error}"))),
        }
    }

    pub(super) fn leaf(&self) -> Result<Certificate, Stop> {
        let mut list = self.certificates()?;
        Ok(list.swap_remove(0))
    }

    /// Which form the signature has and whether it is one over the payload.
    pub(super) fn form(&self) -> Result<Form, String> {
        let unreadable = |_| "the answer cannot be read".to_owned();
        let certificates = self.certificates().map_err(unreadable)?;
        let signature = self.signature().map_err(unreadable)?;
        // In a chain of another order, which has a rule of its own, the leaf may stand anywhere.
        let candidates = if in_order(&certificates).is_ok() {
            1
        } else {
            certificates.len()
        };
        let mut first_error = None;
        for certificate in certificates.iter().take(candidates) {
            match signature::verify_in_any_form(
                certificate.public_key(),
                self.spec.hash_algorithm(),
                &self.payload,
                &signature,
            ) {
                Ok(form) => return Ok(form),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        Err(first_error.unwrap_or_else(|| "there is no certificate".to_owned()))
    }

    /// The form, where the signature verifies at all.
    fn verified_form(&self) -> Result<Form, Stop> {
        self.form().map_err(Stop::elsewhere)
    }

    fn chain(&self) -> Result<CertificateChain, Stop> {
        in_order(&self.certificates()?).map_err(Stop::elsewhere)?;
        CertificateChain::new(self.certificates()?)
            .map_err(|error| Stop::elsewhere(error.to_string()))
    }
}

fn answer_is_complete(subject: &Subject) -> Checked {
    let signed = signed(subject, PROBE_PAYLOAD)?;
    schema::check(subject, GENERATE_SIGNATURE, &signed.run)?;
    for member in ["keyId", "signature", "signingAlgorithm"] {
        kept(signed.text(member).is_ok(), || {
            format!("{member} is missing or empty")
        })?;
    }
    kept(
        signed
            .encoded_certificates()
            .is_ok_and(|list| !list.is_empty()),
        || "certificateChain is empty".to_owned(),
    )
}

fn key_id_is_echoed(subject: &Subject) -> Checked {
    let signed = signed(subject, PROBE_PAYLOAD)?;
    let echoed = signed.text("keyId")?;
    kept(echoed == signed.key_id, || {
        format!("keyId {echoed:?} does not echo {:?}", signed.key_id)
    })
}

fn signature_is_standard_base64(subject: &Subject) -> Checked {
    let signed = signed(subject, PROBE_PAYLOAD)?;
    let text = signed.text("signature")?;
    STANDARD
        .decode(&text)
        .map(|_| ())
        .map_err(|error| format!("signature: {error}").into())
}

fn algorithm_belongs_to_the_key_spec(subject: &Subject) -> Checked {
    let signed = signed(subject, PROBE_PAYLOAD)?;
    let expected = signed.spec.signing_algorithm().as_str();
    let found = signed.text("signingAlgorithm")?;
    kept(found == expected, || {
        format!("{found} for {}, where {expected} is due", signed.spec)
    })
}

/// Over exactly these bytes, with the leaf's key and the hash of the request, in whatever form.
pub(super) fn signature_verifies(subject: &Subject, payload: &[u8]) -> Checked {
    let signed = signed(subject, payload)?;
    if signed.run.succeeded() {
        signed.leaf()?;
        signed.signature()?;
    }
    kept(signed.run.answer_in_any_form().is_ok(), || {
        signed.run.described()
    })?;
    signed.form()?;
    Ok(())
}

fn salt_is_as_long_as_the_hash(subject: &Subject) -> Checked {
    let signed = signed(subject, PROBE_PAYLOAD)?;
    let hash = signed.spec.hash_algorithm();
    match signed.verified_form()? {
        Form::Pss { salt_len, .. } => kept(salt_len == hash.output_len(), || {
            format!(
                "the salt has {salt_len} bytes, where {hash} has {}",
                hash.output_len()
            )
        }),
        Form::Pkcs1 => Err("it is RSASSA-PKCS1-v1_5 and not RSASSA-PSS"
            .to_owned()
            .into()),
        _ => Err(not_this_kind("RSA")),
    }
}

fn not_this_kind(kind: &str) -> Stop {
    Stop::NotApplicable(format!("the key is no {kind} key"))
}

fn ecdsa_is_fixed_width(subject: &Subject) -> Checked {
    match signed(subject, PROBE_PAYLOAD)?.verified_form()? {
        Form::FixedWidth => Ok(()),
        Form::Der { length, width } => {
            Err(format!("{length} bytes of DER, where r‖s has {width}").into())
        }
        _ => Err(not_this_kind("ECDSA")),
    }
}

fn rsa_is_as_long_as_the_modulus(subject: &Subject) -> Checked {
    match signed(subject, PROBE_PAYLOAD)?.verified_form()? {
        Form::Pss {
            length,
            modulus_len,
            ..
        } => kept(length == modulus_len, || {
            format!("{length} bytes, where the modulus has {modulus_len}")
        }),
        _ => Err(not_this_kind("RSA")),
    }
}

fn certificates_are_der_and_nothing_else(subject: &Subject) -> Checked {
    let signed = signed(subject, PROBE_PAYLOAD)?;
    signed
        .encoded_certificates()?
        .iter()
        .enumerate()
        .try_for_each(|(index, der)| {
            Certificate::from_der(der)
                .map(|_| ())
                .map_err(|error| format!("certificateChain[{index}]: {error}").into())
        })
}

/// Each certificate issued by the next, and the last by itself.
pub(super) fn in_order(certificates: &[Certificate]) -> Result<(), String> {
    for (below, above) in certificates.iter().zip(certificates.iter().skip(1)) {
        below.check_issued_by(above).map_err(|error| {
            format!(
                "\"{}\" is followed by \"{}\", which did not issue it: {error}",
                below.subject(),
                above.subject()
            )
        })?;
    }
    match certificates.last() {
        Some(last) if last.is_self_signed() => Ok(()),
        Some(last) => Err(format!(
            "the last certificate, \"{}\", is not self-signed",
            last.subject()
        )),
        None => Err("there is no certificate".to_owned()),
    }
}

fn chain_is_ordered_and_complete(subject: &Subject) -> Checked {
    Ok(in_order(&signed(subject, PROBE_PAYLOAD)?.certificates()?)?)
}

/// The first rule that a certificate at these positions breaks.
fn certificate_rules(subject: &Subject, positions: impl Fn(usize) -> bool) -> Checked {
    let chain = signed(subject, PROBE_PAYLOAD)?.chain()?;
    match chain.check_code_signing(None) {
        Err(violation) if positions(violation.position) => Err(violation.to_string().into()),
        _ => Ok(()),
    }
}

fn leaf_follows_the_rules(subject: &Subject) -> Checked {
    certificate_rules(subject, |position| position == 0)
}

fn authorities_follow_the_rules(subject: &Subject) -> Checked {
    certificate_rules(subject, |position| position > 0)
}

fn leaf_key_is_of_the_described_spec(subject: &Subject) -> Checked {
    let signed = signed(subject, PROBE_PAYLOAD)?;
    let certificates = signed.certificates()?;
    in_order(&certificates).map_err(Stop::elsewhere)?;
    let found = signed.leaf()?.public_key().key_spec();
    let found = found.map_err(|error| Stop::elsewhere(error.to_string()))?;
    kept(found == signed.spec, || {
        format!("describe-key says {}, the certificate {found}", signed.spec)
    })
}

fn certificates_are_valid_now(subject: &Subject) -> Checked {
    let now = OffsetDateTime::now_utc();
    for certificate in signed(subject, PROBE_PAYLOAD)?.certificates()? {
        kept(certificate.is_valid_at(now), || {
            format!("\"{}\" is not valid now", certificate.subject())
        })?;
    }
    Ok(())
}
