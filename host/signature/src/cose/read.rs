//! Reading COSE envelopes.

use notary_plugin_protocol::SigningAlgorithm;
use time::OffsetDateTime;

use super::write::bytes_to_sign;
use super::{
    ALGORITHMS, LABEL_ALG, LABEL_CONTENT_TYPE, LABEL_CRIT, LABEL_X5CHAIN, REGISTERED_LABELS,
    TAG_EPOCH, TAG_SIGN1, cbor,
};
use crate::attributes::{ProtectedHeader, SIGNING_AGENT, TIMESTAMP_SIGNATURE, UnsignedAttributes};
use crate::envelope::read_certificates;
use crate::limits::{MAX_CERTIFICATES, MAX_TIMESTAMP_LEN};
use crate::rfc3339::YEARS;
use crate::value::{AttributeName, AttributeValue};
use crate::{Envelope, EnvelopeFormat, Error};

const ENVELOPE: &str = "the COSE envelope";
const PROTECTED: &str = "the protected header";
const HEADER: &str = "the unprotected header";
const SIGN1: &str = "COSE_Sign1_Tagged: tag 18 on an array of protected header, unprotected header, payload and signature";

type Map = Vec<(AttributeName, AttributeValue)>;

/// The envelope in `bytes`.
pub(crate) fn parse(bytes: &[u8]) -> Result<Envelope, Error> {
    let Sign1 {
        protected: protected_bytes,
        mut header,
        payload,
        signature,
    } = read_sign1(bytes)?;
    let mut protected = match read(PROTECTED, &protected_bytes)? {
        AttributeValue::Map(members) => members,
        other => return Err(expected_map(PROTECTED, &other)),
    };
    refuse_shared_names(&protected, &header)?;

    // RFC 9360 §2 and the specification allow the chain in either header.
    let chain = take(&mut header, LABEL_X5CHAIN).or_else(|| take(&mut protected, LABEL_X5CHAIN));
    let certificates = read_certificates(&read_chain(chain)?)?;
    let unsigned = read_unsigned(&mut header)?;
    let protected = read_protected(protected)?;
    Ok(Envelope {
        format: EnvelopeFormat::Cose,
        algorithm: protected.algorithm,
        content_type: protected.content_type.clone(),
        attributes: protected.into_attributes()?,
        unsigned,
        certificates,
        signed_bytes: bytes_to_sign(&protected_bytes, &payload),
        payload,
        signature,
    })
}

struct Sign1 {
    protected: Vec<u8>,
    header: Map,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

fn read_sign1(bytes: &[u8]) -> Result<Sign1, Error> {
    let not_sign1 = || malformed(ENVELOPE, format!("it is not {SIGN1}"));
    let AttributeValue::Tagged(TAG_SIGN1, sign1) = read(ENVELOPE, bytes)? else {
        return Err(not_sign1());
    };
    let AttributeValue::Array(parts) = *sign1 else {
        return Err(not_sign1());
    };
    let [protected, header, payload, signature] =
        <[AttributeValue; 4]>::try_from(parts).map_err(|_| not_sign1())?;
    let AttributeValue::Map(header) = header else {
        return Err(expected_map(HEADER, &header));
    };
    Ok(Sign1 {
        protected: expect_bytes(PROTECTED, protected)?,
        header,
        payload: expect_bytes("the payload", payload)?,
        signature: expect_bytes("the signature", signature)?,
    })
}

fn read(what: &'static str, bytes: &[u8]) -> Result<AttributeValue, Error> {
    cbor::read(bytes).map_err(|reason| malformed(what, reason))
}

fn malformed(what: &'static str, reason: String) -> Error {
    Error::Malformed { what, reason }
}

fn expected_map(what: &'static str, found: &AttributeValue) -> Error {
    malformed(
        what,
        format!("it is {} where a map is expected", found.kind()),
    )
}

/// Bytes that are there: a payload that is nil is detached, which the specification does not allow.
fn expect_bytes(what: &'static str, value: AttributeValue) -> Result<Vec<u8>, Error> {
    match value {
        AttributeValue::Bytes(bytes) if bytes.is_empty() => {
            Err(malformed(what, "it is empty".to_owned()))
        }
        AttributeValue::Bytes(bytes) => Ok(bytes),
        other => Err(malformed(
            what,
            format!("it is {} where a byte string is expected", other.kind()),
        )),
    }
}

/// RFC 9052 §3: a label stands in one of the two headers only.
fn refuse_shared_names(protected: &Map, header: &Map) -> Result<(), Error> {
    match header
        .iter()
        .find(|(name, _)| protected.iter().any(|(other, _)| other == name))
    {
        Some((name, _)) => Err(Error::attribute(
            name,
            "it is both in the protected and in the unprotected header",
        )),
        None => Ok(()),
    }
}

fn take(map: &mut Map, label: i128) -> Option<AttributeValue> {
    let at = map
        .iter()
        .position(|(name, _)| *name == AttributeName::Integer(label))?;
    Some(map.remove(at).1)
}

fn take_named(map: &mut Map, wanted: &str) -> Option<AttributeValue> {
    let at = map.iter().position(|(name, _)| name.is(wanted))?;
    Some(map.remove(at).1)
}

fn read_protected(mut header: Map) -> Result<ProtectedHeader, Error> {
    Ok(ProtectedHeader {
        algorithm: read_algorithm(take(&mut header, LABEL_ALG))?,
        content_type: read_content_type(take(&mut header, LABEL_CONTENT_TYPE))?,
        critical: read_critical(take(&mut header, LABEL_CRIT))?,
        rest: header,
        read_time,
        is_registered: |name| matches!(name, AttributeName::Integer(label) if REGISTERED_LABELS.contains(label)),
    })
}

fn read_algorithm(value: Option<AttributeValue>) -> Result<SigningAlgorithm, Error> {
    let found = match value {
        None => {
            return Err(Error::MissingAttribute {
                name: "alg (label 1) in the protected header".to_owned(),
            });
        }
        Some(AttributeValue::Integer(label)) => {
            if let Some((_, algorithm)) = ALGORITHMS.iter().find(|(known, _)| *known == label) {
                return Ok(*algorithm);
            }
            label.to_string()
        }
        Some(other) => other.kind().to_owned(),
    };
    Err(Error::UnsupportedAlgorithm {
        found,
        expected: "one of -37, -38, -39, -7, -35 and -36 is expected",
    })
}

fn read_content_type(value: Option<AttributeValue>) -> Result<String, Error> {
    match value {
        None => Err(Error::MissingAttribute {
            name: "content type (label 3)".to_owned(),
        }),
        Some(AttributeValue::Text(text)) => Ok(text),
        Some(other) => Err(Error::attribute(
            "content type (label 3)",
            format!("it is {} where a text is expected", other.kind()),
        )),
    }
}

fn read_critical(value: Option<AttributeValue>) -> Result<Vec<AttributeName>, Error> {
    let refuse = |reason: String| Error::InvalidCritical { reason };
    match value {
        None => Err(refuse("it is missing".to_owned())),
        Some(AttributeValue::Array(entries)) => entries
            .into_iter()
            .map(|entry| match entry {
                AttributeValue::Text(text) => Ok(AttributeName::Text(text)),
                AttributeValue::Integer(label) => Ok(AttributeName::Integer(label)),
                other => Err(refuse(format!(
                    "it holds {} where a label is expected",
                    other.kind()
                ))),
            })
            .collect(),
        Some(other) => Err(refuse(format!(
            "it is {} where an array is expected",
            other.kind()
        ))),
    }
}

/// Seconds since the epoch under tag 1. A fraction should not be there, but may.
fn read_time(value: &AttributeValue) -> Option<OffsetDateTime> {
    let AttributeValue::Tagged(TAG_EPOCH, seconds) = value else {
        return None;
    };
    let nanoseconds = match **seconds {
        AttributeValue::Integer(seconds) => seconds.checked_mul(1_000_000_000)?,
        // The cast saturates, and what it saturates to is out of range below.
        AttributeValue::Float(seconds) if seconds.is_finite() => (seconds * 1e9) as i128,
        _ => return None,
    };
    let time = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).ok()?;
    YEARS.contains(&time.year()).then_some(time)
}

/// An array of certificates, or a lone one (RFC 9360 §2).
fn read_chain(value: Option<AttributeValue>) -> Result<Vec<Vec<u8>>, Error> {
    const X5CHAIN: &str = "x5chain (label 33)";
    match value {
        None => Err(Error::NoCertificates),
        Some(AttributeValue::Bytes(der)) => Ok(vec![der]),
        Some(AttributeValue::Array(entries)) if entries.len() > MAX_CERTIFICATES => {
            Err(Error::TooManyCertificates {
                actual: entries.len(),
            })
        }
        Some(AttributeValue::Array(entries)) => entries
            .into_iter()
            .map(|entry| match entry {
                AttributeValue::Bytes(der) => Ok(der),
                other => Err(Error::attribute(
                    X5CHAIN,
                    format!("it holds {} where byte strings are expected", other.kind()),
                )),
            })
            .collect(),
        Some(other) => Err(Error::attribute(
            X5CHAIN,
            format!("it is {} where byte strings are expected", other.kind()),
        )),
    }
}

fn read_unsigned(header: &mut Map) -> Result<UnsignedAttributes, Error> {
    let timestamp = match take_named(header, TIMESTAMP_SIGNATURE) {
        None => None,
        Some(value) => {
            let token = expect_bytes(TIMESTAMP_SIGNATURE, value)?;
            Error::check_size("the timestamp token", token.len(), MAX_TIMESTAMP_LEN)?;
            Some(token)
        }
    };
    let signing_agent = match take_named(header, SIGNING_AGENT) {
        Some(AttributeValue::Text(agent)) => Some(agent),
        _ => None,
    };
    Ok(UnsignedAttributes {
        timestamp,
        signing_agent,
    })
}
