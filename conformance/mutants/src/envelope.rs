//! `generate-envelope`, in JWS.

use crate::answer::Failure;
use crate::faults::Fault;
use crate::keys::{Key, broken};
use crate::signing::{AttributeRules, check_version, find_key};
use apostille_signature::{EnvelopeFormat, Payload, SignatureParts, SigningRequest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use notary_x509::CertificateChain;
use notary_x509::asn1::write;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

const VALIDATION_ERROR: &str = "VALIDATION_ERROR";
const PAYLOAD_TYPE: &str = "application/vnd.cncf.notary.payload.v1+json";
const JWS: &str = "application/jose+json";
const COSE: &str = "application/cose";

/// The request's attributes, checked.
struct Asked {
    key: Key,
    payload: Vec<u8>,
    expiry: Option<i64>,
}

fn read(fault: &Fault, request: &Value) -> Result<Asked, Failure> {
    let refuse =
        |rule: &str, message: &str| Failure::by_rule(fault, rule, VALIDATION_ERROR, message);
    let text = |name, missing, empty| {
        AttributeRules {
            name,
            missing,
            empty,
            wrong_type: &[],
        }
        .read(fault, request)
    };
    check_version(fault, request, ["NP-GE-202", "", "", "NP-GE-201"])?;
    let id = text("keyId", "NP-GE-203", "NP-GE-210")?;
    if text("payloadType", "NP-GE-204", "")? != PAYLOAD_TYPE {
        return Err(refuse("NP-GE-156", "this type of payload is not supported"));
    }
    match text("signatureEnvelopeType", "NP-GE-205", "")? {
        JWS | COSE => {}
        _ => return Err(refuse("NP-GE-157", "this format is not supported")),
    }
    let payload = STANDARD
        .decode(text("payload", "NP-GE-158", "NP-GE-206")?)
        .map_err(|_| refuse("NP-GE-159", "payload is no base64"))?;
    if serde_json::from_slice::<Value>(&payload).is_err() {
        return Err(refuse("NP-GE-207", "payload is no JSON"));
    }
    let expiry = match request.get("expiryDurationInSeconds") {
        None => None,
        Some(Value::String(_)) => return Err(refuse("NP-GE-208", "the expiry is a text")),
        Some(number) => match number.as_i64() {
            Some(seconds @ 1..) => Some(seconds),
            Some(_) => return Err(refuse("NP-GE-165", "the expiry is not above zero")),
            None => return Err(refuse("NP-GE-209", "the expiry is no whole number")),
        },
    };
    let key = find_key(fault, id, "NP-GE-160")?;
    Ok(Asked {
        key,
        payload,
        expiry,
    })
}

pub(crate) fn generate(fault: &Fault, request: &Value) -> Result<Value, Failure> {
    let asked = read(fault, request)?;
    if fault.is("NP-GE-211") && request.get("attributeOfALaterContract").is_some() {
        return Err(Failure::validation("there is an unknown attribute"));
    }
    let envelope_type = request["signatureEnvelopeType"].clone();
    // This fault makes one format, whatever it is asked for.
    if envelope_type == COSE && !fault.is("NP-GE-164") {
        return Ok(json!({
            "signatureEnvelope": STANDARD.encode(cose(fault, &asked)?),
            "signatureEnvelopeType": envelope_type,
            "annotations": {},
        }));
    }
    let envelope = envelope(fault, &asked)?.to_string();
    let mut answer = json!({
        "signatureEnvelope": STANDARD.encode(&envelope),
        "signatureEnvelopeType": envelope_type,
        "annotations": {},
    });
    match () {
        () if fault.is("NP-GE-140") => answer["signatureEnvelopeType"] = json!("JWS"),
        () if fault.is("NP-GE-141") => {
            let compact = envelope.replace(['{', '}'], "");
            answer["signatureEnvelope"] = json!(STANDARD.encode(compact));
        }
        () if fault.is("NP-GE-142") => {
            answer = json!({
                "signatureEnvelope": answer["signatureEnvelope"],
                "signatureEnvelopeType": answer["signatureEnvelopeType"],
            });
        }
        () if fault.is("NP-GE-163") => {
            answer["annotations"] = json!({ "org.opencontainers.image.created": "today" });
        }
        () if fault.is("NP-GE-200") => answer["annotations"] = json!(["build=4711"]),
        () => {}
    }
    Ok(answer)
}

/// A COSE envelope. The host's library makes it: how envelopes in COSE are wrong is not a fault of
/// this corpus.
fn cose(fault: &Fault, asked: &Asked) -> Result<Vec<u8>, Failure> {
    let private = asked.key.private()?;
    let payload = Payload::from_json(&asked.payload).map_err(broken)?;
    let unsigned = SigningRequest::new(payload, private.key_spec(), OffsetDateTime::now_utc())
        .prepare(EnvelopeFormat::Cose)
        .map_err(broken)?;
    let signature = private.sign(unsigned.bytes_to_sign()).map_err(broken)?;
    // What is signed in COSE is binary.
    let chain = asked.key.chain(fault, true)?;
    let parts = SignatureParts {
        signature,
        certificate_chain: CertificateChain::from_ders(&chain).map_err(broken)?,
        timestamp: None,
    };
    let signed = unsigned.assemble(parts).map_err(broken)?;
    Ok(signed.into_bytes())
}

/// The flattened JSON serialisation of a JWS (RFC 7515 §7.2.2).
fn envelope(fault: &Fault, asked: &Asked) -> Result<Value, Failure> {
    let payload = URL_SAFE_NO_PAD.encode(payload(fault, &asked.payload)?);
    let header = protected(fault, asked)?;
    let protected = URL_SAFE_NO_PAD.encode(header.to_string());
    let private = asked.key.private()?;
    let signed = match () {
        // The payload alone.
        () if fault.is("NP-GE-143") => payload.clone(),
        () => format!("{protected}.{payload}"),
    };
    let mut signature = private.sign(signed.as_bytes()).map_err(broken)?;
    if fault.is("NP-GE-155") {
        let (r, s) = signature.split_at(signature.len() / 2);
        signature = write::sequence(&[&write::integer(r), &write::integer(s)]);
    }
    let mut chain = asked.key.chain(fault, false)?;
    if fault.is("NP-GE-153-incomplete") {
        chain.truncate(2);
    }
    let certificates: Vec<String> = chain.iter().map(|der| STANDARD.encode(der)).collect();
    Ok(json!({
        "payload": payload,
        "protected": protected,
        "header": { "x5c": certificates, "io.cncf.notary.signingAgent": "mutant/1.2.3" },
        "signature": URL_SAFE_NO_PAD.encode(signature),
    }))
}

fn payload(fault: &Fault, asked: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut payload: Value = serde_json::from_slice(asked).map_err(broken)?;
    let target = &mut payload["targetArtifact"];
    let digest = target["digest"].as_str().unwrap_or_default().to_owned();
    match () {
        () if fault.is("NP-GE-145") => target["size"] = json!(0),
        () if fault.is("NP-GE-145-digest") => {
            target["digest"] = json!(digest.replace("c0ffee", "decafe"))
        }
        () if fault.is("NP-GE-146") => target["annotations"] = json!({ "by": "mutant" }),
        () if fault.is("NP-GE-147") => target["artifactType"] = json!("application/vnd.mutant"),
        () if fault.is("NP-GE-147-top") => payload["signedBy"] = json!("mutant"),
        () if fault.is("NP-GE-166") => {
            target["digest"] = json!(digest.replace("sha512", "sha256"));
        }
        // What plugins may do.
        () => target["annotations"]["com.example.mutant"] = json!("added"),
    }
    Ok(payload.to_string().into_bytes())
}

fn protected(fault: &Fault, asked: &Asked) -> Result<Value, Failure> {
    let now = OffsetDateTime::now_utc();
    let now = now.replace_nanosecond(0).unwrap_or(now);
    let text = |time: OffsetDateTime| time.format(&Rfc3339).map_err(broken);
    let mut critical = vec!["io.cncf.notary.signingScheme"];
    let algorithm = if asked.key == Key::Ec {
        "ES256"
    } else {
        "PS256"
    };
    let mut header = json!({
        "alg": algorithm,
        "cty": PAYLOAD_TYPE,
        "io.cncf.notary.signingScheme": "notary.x509",
        "io.cncf.notary.signingTime": text(now)?,
    });
    let expiry = match asked.expiry {
        Some(_) if fault.is("NP-GE-150-ignored") => None,
        // Minutes taken for seconds.
        Some(seconds) if fault.is("NP-GE-150") => Some(seconds * 60),
        None if fault.is("NP-GE-151") => Some(3600),
        as_asked => as_asked,
    };
    if let Some(seconds) = expiry {
        header["io.cncf.notary.expiry"] = json!(text(now + Duration::seconds(seconds))?);
        if !fault.is("NP-GE-150-not-critical") {
            critical.push("io.cncf.notary.expiry");
        }
    }
    match () {
        () if fault.is("NP-GE-144") => header["cty"] = json!("application/json"),
        () if fault.is("NP-GE-148") => critical.retain(|name| !name.ends_with("signingScheme")),
        () if fault.is("NP-GE-149") => {
            header["io.cncf.notary.authenticSigningTime"] = json!(text(now)?);
        }
        () if fault.is("NP-GE-152") => header["alg"] = json!("RS256"),
        () if fault.is("NP-GE-161") => {
            header["io.cncf.notary.verificationPlugin"] = json!("mutant");
        }
        () if fault.is("NP-GE-162") => critical.push("com.example.absent"),
        () => {}
    }
    header["crit"] = json!(critical);
    Ok(header)
}
