//! Reading JWS envelopes.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use notary_plugin_protocol::SigningAlgorithm;
use time::OffsetDateTime;

use super::{ALGORITHMS, REGISTERED_NAMES};
use crate::attributes::{
    ProtectedHeader, SIGNED_NAMES, SIGNING_AGENT, TIMESTAMP_SIGNATURE, UnsignedAttributes,
};
use crate::envelope::read_certificates;
use crate::json::{Members, read_object};
use crate::limits::{MAX_CERTIFICATES, MAX_TIMESTAMP_LEN};
use crate::value::{AttributeName, AttributeValue};
use crate::{Envelope, EnvelopeFormat, Error, rfc3339};

const ENVELOPE: &str = "the JWS envelope";
const PROTECTED: &str = "the protected header";
const HEADER: &str = "the unprotected header";

/// The envelope in `bytes`.
pub(crate) fn parse(bytes: &[u8]) -> Result<Envelope, Error> {
    let mut envelope = read_object(ENVELOPE, bytes)?;
    let payload_text = envelope.take_text("payload")?;
    let protected_text = envelope.take_text("protected")?;
    let signature_text = envelope.take_text("signature")?;
    let header = envelope
        .take("header")
        .ok_or_else(|| envelope.malformed("member \"header\" is missing".to_owned()))?;
    envelope.refuse_rest()?;

    let payload = non_empty("the payload", base64_url("the payload", &payload_text)?)?;
    let signature = non_empty(
        "the signature",
        base64_url("the signature", &signature_text)?,
    )?;
    let protected = read_object(PROTECTED, &base64_url(PROTECTED, &protected_text)?)?;
    let mut header = Members::of(HEADER, header)?;
    refuse_shared_names(&protected, &header)?;

    let certificates = read_certificates(&take_chain(&mut header)?)?;
    let unsigned = take_unsigned(&mut header)?;
    let protected = read_protected(protected)?;
    let algorithm = protected.algorithm;
    let content_type = protected.content_type.clone();
    Ok(Envelope {
        format: EnvelopeFormat::Jws,
        algorithm,
        content_type,
        attributes: protected.into_attributes()?,
        unsigned,
        certificates,
        payload,
        signature,
        // Over the received texts: decoding and encoding them again could give others.
        signed_bytes: [protected_text.as_bytes(), b".", payload_text.as_bytes()].concat(),
    })
}

/// RFC 7515 §7.2.1: a name stands in one of the two headers only.
fn refuse_shared_names(protected: &Members, header: &Members) -> Result<(), Error> {
    match header.names().find(|name| protected.contains(name)) {
        Some(name) => Err(Error::attribute(
            name,
            "it is both in the protected and in the unprotected header",
        )),
        None => Ok(()),
    }
}

fn read_protected(mut header: Members) -> Result<ProtectedHeader, Error> {
    header.refuse_case_variants(&REGISTERED_NAMES)?;
    header.refuse_case_variants(&SIGNED_NAMES)?;
    header.refuse_case_variants(&[TIMESTAMP_SIGNATURE, SIGNING_AGENT])?;
    if header.take("b64").is_some() {
        // RFC 7797 changes what is signed; RFC 7515 §4.1.11 lets nobody ignore it.
        return Err(Error::attribute(
            "b64",
            "an unencoded payload is not supported",
        ));
    }
    Ok(ProtectedHeader {
        algorithm: read_algorithm(&header.take_text("alg")?)?,
        content_type: header.take_text("cty")?,
        critical: read_critical(header.take("crit"))?,
        rest: header.into_rest(),
        read_time,
        is_registered: |name| {
            name.as_text()
                .is_some_and(|name| REGISTERED_NAMES.contains(&name))
        },
    })
}

fn read_algorithm(name: &str) -> Result<SigningAlgorithm, Error> {
    ALGORITHMS
        .iter()
        .find_map(|(known, algorithm)| (*known == name).then_some(*algorithm))
        .ok_or_else(|| Error::UnsupportedAlgorithm {
            found: name.chars().take(100).collect(),
            expected: "one of PS256, PS384, PS512, ES256, ES384 and ES512 is expected",
        })
}

fn read_critical(value: Option<AttributeValue>) -> Result<Vec<AttributeName>, Error> {
    let refuse = |reason: &str| Error::InvalidCritical {
        reason: reason.to_owned(),
    };
    match value {
        None => Err(refuse("it is missing")),
        Some(AttributeValue::Array(entries)) => entries
            .into_iter()
            .map(|entry| match entry {
                AttributeValue::Text(name) => Ok(AttributeName::Text(name)),
                other => Err(refuse(&format!(
                    "it holds {} where a text is expected",
                    other.kind()
                ))),
            })
            .collect(),
        Some(other) => Err(refuse(&format!(
            "it is {} where an array is expected",
            other.kind()
        ))),
    }
}

fn read_time(value: &AttributeValue) -> Option<OffsetDateTime> {
    rfc3339::read(value.as_text()?)
}

fn take_chain(header: &mut Members) -> Result<Vec<Vec<u8>>, Error> {
    header.refuse_case_variants(&["x5c"])?;
    let entries = match header.take("x5c") {
        None => return Err(Error::NoCertificates),
        Some(AttributeValue::Array(entries)) => entries,
        Some(other) => {
            return Err(header.malformed(format!(
                "member \"x5c\" is {} where an array is expected",
                other.kind()
            )));
        }
    };
    if entries.len() > MAX_CERTIFICATES {
        return Err(Error::TooManyCertificates {
            actual: entries.len(),
        });
    }
    entries
        .iter()
        .map(|entry| match entry {
            AttributeValue::Text(text) => base64_standard("member \"x5c\"", text),
            other => Err(header.malformed(format!(
                "member \"x5c\" holds {} where texts are expected",
                other.kind()
            ))),
        })
        .collect()
}

/// The signing agent's name in another case is an unknown member like any other: the agent must not
/// decide over acceptance.
fn take_unsigned(header: &mut Members) -> Result<UnsignedAttributes, Error> {
    header.refuse_case_variants(&[TIMESTAMP_SIGNATURE])?;
    let timestamp = match header.take(TIMESTAMP_SIGNATURE) {
        None => None,
        Some(AttributeValue::Text(text)) => {
            let token = non_empty(
                TIMESTAMP_SIGNATURE,
                base64_standard(TIMESTAMP_SIGNATURE, &text)?,
            )?;
            Error::check_size("the timestamp token", token.len(), MAX_TIMESTAMP_LEN)?;
            Some(token)
        }
        Some(other) => {
            return Err(Error::attribute(
                TIMESTAMP_SIGNATURE,
                format!("it is {} where a text is expected", other.kind()),
            ));
        }
    };
    let signing_agent = match header.take(SIGNING_AGENT) {
        Some(AttributeValue::Text(agent)) => Some(agent),
        _ => None,
    };
    Ok(UnsignedAttributes {
        timestamp,
        signing_agent,
    })
}

fn non_empty(what: &'static str, bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
    if bytes.is_empty() {
        return Err(Error::Malformed {
            what,
            reason: "it is empty".to_owned(),
        });
    }
    Ok(bytes)
}

/// Base64url without padding, white space or stray bits: bytes have exactly one spelling.
fn base64_url(what: &'static str, text: &str) -> Result<Vec<u8>, Error> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|error| Error::Malformed {
            what,
            reason: format!("it is not base64url without padding: {error}"),
        })
}

fn base64_standard(what: &'static str, text: &str) -> Result<Vec<u8>, Error> {
    STANDARD.decode(text).map_err(|error| Error::Malformed {
        what,
        reason: format!("it is not base64 with padding: {error}"),
    })
}
