//! `generate-envelope`: the answer, and what the envelope says.

use super::asking::{GENERATE_ENVELOPE, JWS, VALIDATION_ERROR, key, needs, refused, target};
use super::generate_signature::in_order;
use super::jws::Jws;
use super::signature::{self, Form};
use super::{Check, Checked, Stop, hygiene, kept, output, schema};
use crate::subject::{PAYLOAD_TYPE, STAND_IN_KEY};
use crate::{Execution, Stdin, Subject};
use apostille_signature::{Envelope, EnvelopeFormat};
use notary_plugin_protocol::KeySpec;
use notary_x509::CertificateChain;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("NP-GE-140", type_is_echoed),
    ("NP-GE-141", envelope_is_jws),
    ("NP-GE-142", annotations_are_there),
    ("NP-GE-143", |subject| {
        form(&jws(subject)?).map(|_| ()).map_err(Stop::Broken)
    }),
    ("NP-GE-144", content_type_is_the_payloads),
    ("NP-GE-145", descriptor_is_unchanged),
    ("NP-GE-146", annotations_are_kept),
    ("NP-GE-147", nothing_else_is_added),
    ("NP-GE-148", scheme_is_known_and_critical),
    ("NP-GE-149", time_belongs_to_the_scheme),
    ("NP-GE-150", expiry_is_what_was_asked_for),
    ("NP-GE-151", no_expiry_unasked),
    ("NP-GE-152", algorithm_belongs_to_the_key),
    ("NP-GE-153", chain_follows_the_rules),
    ("NP-GE-155", signature_has_the_form_of_jws),
    ("NP-GE-160", unknown_key_is_a_validation_error),
    ("NP-GE-161", verification_plugin_is_critical),
    ("NP-GE-162", crit_names_what_is_there),
    ("NP-GE-163", annotations_leave_the_hosts_keys),
    ("NP-GE-164", cose_envelope_verifies),
    ("NP-GE-166", sha_512_targets_are_signed),
    ("NP-GE-200", |subject| {
        let run = enveloped(subject)?;
        schema::check(subject, GENERATE_ENVELOPE, &run)
    }),
    ("NP-GE-211", unknown_attributes_are_ignored),
    ("NP-GE-212", request_in_several_lines),
    ("NP-GE-213", two_at_once),
    ("NP-GE-218", |subject| {
        output::prints_only_json(&enveloped(subject)?)
    }),
];

const SCHEME: &str = "io.cncf.notary.signingScheme";
const SIGNING_TIME: &str = "io.cncf.notary.signingTime";
const AUTHENTIC_TIME: &str = "io.cncf.notary.authenticSigningTime";
const EXPIRY: &str = "io.cncf.notary.expiry";
const PLUGIN: &str = "io.cncf.notary.verificationPlugin";
const MINIMUM: &str = "io.cncf.notary.verificationPluginMinVersion";

/// The duration that envelopes with an expiry are asked for, in seconds.
const VALID_FOR: i64 = 7200;

/// The annotations of the signature manifest that hosts write (signature specification, "Storage").
const HOSTS_KEYS: [&str; 2] = [
    "io.cncf.notary.x509chain.thumbprint#S256",
    "org.opencontainers.image.created",
];

fn request(subject: &Subject) -> Result<Value, Stop> {
    needs(subject, GENERATE_ENVELOPE)?;
    Ok(subject.generate_envelope_request(&key(subject)?.id, JWS, &target()))
}

fn with(mut request: Value, name: &str, value: Value) -> Value {
    if let Some(members) = request.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
    request
}

/// The run with the usual request, made once.
fn enveloped(subject: &Subject) -> Result<Execution, Stop> {
    run_once(subject, &request(subject)?)
}

fn run_once(subject: &Subject, request: &Value) -> Result<Execution, Stop> {
    let text = request.to_string();
    let known = subject.seen.enveloped.borrow().get(&text).cloned();
    if let Some(run) = known {
        return Ok(run);
    }
    let run = subject.request(GENERATE_ENVELOPE, request)?;
    subject
        .seen
        .enveloped
        .borrow_mut()
        .insert(text, run.clone());
    Ok(run)
}

/// The envelope of a run.
fn bytes(run: &Execution) -> Result<Vec<u8>, String> {
    let answer = run.answer_in_any_form()?;
    answer
        .get("signatureEnvelope")
        .and_then(Value::as_str)
        .and_then(signature::any_base64)
        .ok_or_else(|| "signatureEnvelope is missing or no base64".to_owned())
}

/// The usual envelope; where it cannot be read, another rule says so.
fn jws(subject: &Subject) -> Result<Jws, Stop> {
    let run = enveloped(subject)?;
    bytes(&run)
        .and_then(|bytes| Jws::read(&bytes))
        .map_err(Stop::elsewhere)
}

/// Whether an envelope verifies, in whatever form its signature is.
fn form(jws: &Jws) -> Result<Form, String> {
    let leaf = jws.certificates.first().ok_or("there is no certificate")?;
    let spec = leaf
        .public_key()
        .key_spec()
        .map_err(|error| error.to_string())?;
    signature::verify_in_any_form(
        leaf.public_key(),
        spec.hash_algorithm(),
        &jws.signed,
        &jws.signature,
    )
}

fn answer(subject: &Subject) -> Result<Value, Stop> {
    enveloped(subject)?
        .answer_in_any_form()
        .map_err(Stop::elsewhere)
}

fn type_is_echoed(subject: &Subject) -> Checked {
    let answer = answer(subject)?;
    let found = answer.get("signatureEnvelopeType").and_then(Value::as_str);
    let found = found.ok_or_else(|| Stop::elsewhere("there is no type".to_owned()))?;
    kept(found == JWS, || format!("{found}, where {JWS} is due"))
}

fn envelope_is_jws(subject: &Subject) -> Checked {
    let run = enveloped(subject)?;
    let bytes = bytes(&run).map_err(Stop::elsewhere)?;
    Jws::read(&bytes)?;
    Ok(())
}

fn annotations_are_there(subject: &Subject) -> Checked {
    let answer = answer(subject)?;
    kept(answer.get("annotations").is_some(), || {
        "there are no annotations".to_owned()
    })
}

fn content_type_is_the_payloads(subject: &Subject) -> Checked {
    let jws = jws(subject)?;
    kept(jws.text("cty") == Some(PAYLOAD_TYPE), || {
        format!("cty is {:?}", jws.header("cty"))
    })
}

fn descriptor_is_unchanged(subject: &Subject) -> Checked {
    let jws = jws(subject)?;
    for member in ["mediaType", "digest", "size"] {
        let pointer = format!("/targetArtifact/{member}");
        let (found, asked) = (jws.payload.pointer(&pointer), target());
        kept(found == asked.pointer(&pointer), || {
            format!(
                "{member} is {found:?}, where the request has {:?}",
                asked.pointer(&pointer)
            )
        })?;
    }
    Ok(())
}

fn annotations_are_kept(subject: &Subject) -> Checked {
    let jws = jws(subject)?;
    let asked = target();
    let pointer = "/targetArtifact/annotations";
    for (name, value) in asked
        .pointer(pointer)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let found = jws.payload.pointer(pointer).and_then(|all| all.get(name));
        kept(found == Some(value), || {
            format!("{name} is {found:?}, where the request has {value}")
        })?;
    }
    Ok(())
}

fn nothing_else_is_added(subject: &Subject) -> Checked {
    let jws = jws(subject)?;
    let asked = target();
    for pointer in ["", "/targetArtifact"] {
        let members = jws.payload.pointer(pointer).and_then(Value::as_object);
        let allowed = asked.pointer(pointer);
        for name in members.into_iter().flat_map(|members| members.keys()) {
            kept(allowed.is_some_and(|all| all.get(name).is_some()), || {
                format!("{pointer}/{name} was added")
            })?;
        }
    }
    Ok(())
}

fn scheme_is_known_and_critical(subject: &Subject) -> Checked {
    let jws = jws(subject)?;
    let known = ["notary.x509", "notary.x509.signingAuthority"];
    kept(
        jws.text(SCHEME)
            .is_some_and(|scheme| known.contains(&scheme)),
        || format!("the scheme is {:?}", jws.header(SCHEME)),
    )?;
    kept(jws.critical().contains(&SCHEME), || {
        "crit does not name it".to_owned()
    })
}

fn time_belongs_to_the_scheme(subject: &Subject) -> Checked {
    let jws = jws(subject)?;
    let (needed, forbidden) = match jws.text(SCHEME) {
        Some("notary.x509") => (SIGNING_TIME, AUTHENTIC_TIME),
        Some("notary.x509.signingAuthority") => (AUTHENTIC_TIME, SIGNING_TIME),
        _ => return Err(Stop::elsewhere("the scheme is not known".to_owned())),
    };
    kept(time(&jws, needed).is_some(), || {
        format!("{needed} is {:?}", jws.header(needed))
    })?;
    kept(jws.header(forbidden).is_none(), || {
        format!("{forbidden} is there")
    })?;
    kept(
        needed != AUTHENTIC_TIME || jws.critical().contains(&AUTHENTIC_TIME),
        || format!("crit does not name {AUTHENTIC_TIME}"),
    )
}

fn time(jws: &Jws, name: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(jws.text(name)?, &Rfc3339).ok()
}

fn expiry_is_what_was_asked_for(subject: &Subject) -> Checked {
    jws(subject)?;
    let request = with(
        request(subject)?,
        "expiryDurationInSeconds",
        json!(VALID_FOR),
    );
    let run = run_once(subject, &request)?;
    let jws = Jws::read(&bytes(&run)?)?;
    let signed_at = time(&jws, SIGNING_TIME)
        .or_else(|| time(&jws, AUTHENTIC_TIME))
        .ok_or_else(|| Stop::elsewhere("there is no time of signing".to_owned()))?;
    let expiry =
        time(&jws, EXPIRY).ok_or_else(|| format!("{EXPIRY} is {:?}", jws.header(EXPIRY)))?;
    let off = expiry - signed_at - Duration::seconds(VALID_FOR);
    kept(off.abs() <= Duration::SECOND, || {
        format!("the expiry is {} s off", off.whole_seconds())
    })?;
    kept(jws.critical().contains(&EXPIRY), || {
        format!("crit does not name {EXPIRY}")
    })
}

fn no_expiry_unasked(subject: &Subject) -> Checked {
    let jws = jws(subject)?;
    kept(jws.header(EXPIRY).is_none(), || {
        format!("{EXPIRY} is {:?}", jws.header(EXPIRY))
    })
}

/// The JWS name of the algorithm of a key spec (RFC 7518 §3.1).
fn jws_name(spec: KeySpec) -> &'static str {
    match spec {
        KeySpec::Rsa2048 => "PS256",
        KeySpec::Rsa3072 => "PS384",
        KeySpec::Rsa4096 => "PS512",
        KeySpec::Ec256 => "ES256",
        KeySpec::Ec384 => "ES384",
        KeySpec::Ec521 => "ES512",
    }
}

fn algorithm_belongs_to_the_key(subject: &Subject) -> Checked {
    let jws = jws(subject)?;
    let spec = jws
        .certificates
        .first()
        .and_then(|leaf| leaf.public_key().key_spec().ok())
        .ok_or_else(|| Stop::elsewhere("the leaf's key has no key spec".to_owned()))?;
    kept(jws.text("alg") == Some(jws_name(spec)), || {
        format!(
            "alg is {:?}, where {} is due",
            jws.header("alg"),
            jws_name(spec)
        )
    })
}

fn chain_follows_the_rules(subject: &Subject) -> Checked {
    let certificates = jws(subject)?.certificates;
    in_order(&certificates)?;
    let chain = CertificateChain::new(certificates).map_err(|error| error.to_string())?;
    chain
        .check_code_signing(Some(OffsetDateTime::now_utc()))
        .map_err(|violation| violation.to_string().into())
}

fn signature_has_the_form_of_jws(subject: &Subject) -> Checked {
    let jws = jws(subject)?;
    let form = form(&jws).map_err(Stop::elsewhere)?;
    let right = match form {
        Form::FixedWidth => true,
        Form::Pss {
            salt_len,
            length,
            modulus_len,
        } => {
            let hash = jws
                .certificates
                .first()
                .and_then(|leaf| leaf.public_key().key_spec().ok())
                .map(KeySpec::hash_algorithm);
            length == modulus_len && hash.is_some_and(|hash| hash.output_len() == salt_len)
        }
        _ => false,
    };
    kept(right, || format!("the signature is {form:?}"))
}

fn unknown_key_is_a_validation_error(subject: &Subject) -> Checked {
    let request = with(request(subject)?, "keyId", json!(STAND_IN_KEY));
    refused(
        &subject.request(GENERATE_ENVELOPE, &request)?,
        &[VALIDATION_ERROR],
    )
}

fn verification_plugin_is_critical(subject: &Subject) -> Checked {
    let jws = jws(subject)?;
    for name in [PLUGIN, MINIMUM] {
        if jws.header(name).is_none() {
            continue;
        }
        kept(
            jws.text(name).is_some_and(|text| !text.trim().is_empty()),
            || format!("{name} is {:?}", jws.header(name)),
        )?;
        kept(jws.critical().contains(&name), || {
            format!("crit does not name {name}")
        })?;
    }
    kept(
        jws.header(MINIMUM).is_none() || jws.header(PLUGIN).is_some(),
        || format!("{MINIMUM} is there without {PLUGIN}"),
    )
}

fn crit_names_what_is_there(subject: &Subject) -> Checked {
    let jws = jws(subject)?;
    let mut names = jws.critical();
    for name in &names {
        kept(jws.header(name).is_some(), || {
            format!("crit names {name}, which is not there")
        })?;
    }
    names.sort_unstable();
    kept(
        names.windows(2).all(|pair| pair.first() != pair.last()),
        || format!("crit names one twice: {}", names.join(", ")),
    )
}

fn annotations_leave_the_hosts_keys(subject: &Subject) -> Checked {
    let answer = answer(subject)?;
    let annotations = answer.get("annotations").and_then(Value::as_object);
    for name in HOSTS_KEYS {
        let taken = annotations.is_some_and(|all| all.contains_key(name));
        kept(!taken, || format!("annotations has {name}"))?;
    }
    Ok(())
}

fn cose_envelope_verifies(subject: &Subject) -> Checked {
    let request = with(
        request(subject)?,
        "signatureEnvelopeType",
        json!("application/cose"),
    );
    let run = subject.request(GENERATE_ENVELOPE, &request)?;
    if let Ok(error) = run.error_in_any_form() {
        let code = error.get("errorCode").and_then(Value::as_str);
        kept(code == Some(VALIDATION_ERROR), || run.described())?;
        return Err(Stop::NotApplicable(
            "the plugin makes no COSE envelopes".to_owned(),
        ));
    }
    let envelope = Envelope::parse(EnvelopeFormat::Cose, &bytes(&run)?)
        .and_then(Envelope::verify_integrity)
        .map_err(|error| error.to_string())?;
    let digest = target()["targetArtifact"]["digest"].clone();
    kept(
        digest == json!(envelope.payload().target_artifact().digest.to_string()),
        || "the envelope is on another artifact".to_owned(),
    )
}

fn sha_512_targets_are_signed(subject: &Subject) -> Checked {
    needs(subject, GENERATE_ENVELOPE)?;
    // The rule on the descriptor says where the usual envelope has another digest.
    descriptor_is_unchanged(subject)
        .map_err(|_| Stop::elsewhere("the plugin changes descriptors".to_owned()))?;
    let digest = format!("sha512:{}", "c0ffee42".repeat(16));
    let mut target = target();
    target["targetArtifact"]["digest"] = json!(digest);
    let request = subject.generate_envelope_request(&key(subject)?.id, JWS, &target);
    let jws = Jws::read(&bytes(&run_once(subject, &request)?)?)?;
    let found = jws.payload.pointer("/targetArtifact/digest");
    kept(found == Some(&json!(digest)), || {
        format!("the digest is {found:?}")
    })
}

/// A request as text makes an envelope that verifies, where the usual one does.
fn signs(subject: &Subject, request: &str) -> Checked {
    form(&jws(subject)?).map_err(Stop::elsewhere)?;
    let run = subject.run(GENERATE_ENVELOPE, Stdin::Bytes(request.as_bytes()))?;
    form(&Jws::read(&bytes(&run)?)?)?;
    Ok(())
}

fn unknown_attributes_are_ignored(subject: &Subject) -> Checked {
    let request = with(
        request(subject)?,
        "attributeOfALaterContract",
        json!([null]),
    );
    signs(subject, &request.to_string())
}

fn request_in_several_lines(subject: &Subject) -> Checked {
    signs(subject, &format!("{:#}\n", request(subject)?))
}

fn two_at_once(subject: &Subject) -> Checked {
    form(&jws(subject)?).map_err(Stop::elsewhere)?;
    let request = request(subject)?.to_string();
    for run in hygiene::both_at_once(subject, GENERATE_ENVELOPE, request.as_bytes())? {
        form(&Jws::read(&bytes(&run)?)?)?;
    }
    Ok(())
}
