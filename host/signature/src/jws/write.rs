//! Writing JWS envelopes.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use notary_plugin_protocol::SigningAlgorithm;
use notary_x509::Certificate;
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;

use super::{ALGORITHMS, REGISTERED_NAMES};
use crate::attributes::{
    AUTHENTIC_SIGNING_TIME, EXPIRY, ExtendedAttribute, SIGNING_SCHEME, SignedAttributes,
    UnsignedAttributes, VERIFICATION_PLUGIN, VERIFICATION_PLUGIN_MIN_VERSION,
};
use crate::payload::PAYLOAD_MEDIA_TYPE;
use crate::value::AttributeValue;
use crate::{Error, rfc3339};

/// The protected header as JSON, its members sorted by name.
pub(crate) fn protected_header(
    algorithm: SigningAlgorithm,
    attributes: &SignedAttributes,
) -> Result<Vec<u8>, Error> {
    let mut members: BTreeMap<&str, Value> = BTreeMap::new();
    let mut critical = vec![SIGNING_SCHEME];

    members.insert("cty", PAYLOAD_MEDIA_TYPE.into());
    for (name, of) in ALGORITHMS {
        if of == algorithm {
            members.insert("alg", name.into());
        }
    }
    members.insert(SIGNING_SCHEME, attributes.scheme.as_str().into());
    if let Some(plugin) = &attributes.verification_plugin {
        members.insert(VERIFICATION_PLUGIN, plugin.name.as_str().into());
        critical.push(VERIFICATION_PLUGIN);
        if let Some(version) = &plugin.min_version {
            members.insert(VERIFICATION_PLUGIN_MIN_VERSION, version.as_str().into());
            critical.push(VERIFICATION_PLUGIN_MIN_VERSION);
        }
    }
    for attribute in &attributes.extended {
        let (name, value) = extended(attribute)?;
        if attribute.critical {
            critical.push(name);
        }
        members.insert(name, value);
    }
    let time_name = SignedAttributes::signing_time_name(attributes.scheme);
    members.insert(time_name, time(attributes.signing_time)?);
    if time_name == AUTHENTIC_SIGNING_TIME {
        critical.push(AUTHENTIC_SIGNING_TIME);
    }
    if let Some(expiry) = attributes.expiry {
        members.insert(EXPIRY, time(expiry)?);
        critical.push(EXPIRY);
    }
    members.insert("crit", critical.into());
    to_json(&members)
}

fn time(time: OffsetDateTime) -> Result<Value, Error> {
    rfc3339::write(time)
        .map(Value::from)
        .ok_or_else(|| Error::request(format!("the time {time} is not from 1970 to 9999")))
}

fn extended(attribute: &ExtendedAttribute) -> Result<(&str, Value), Error> {
    let name = attribute
        .name
        .as_text()
        .filter(|name| !REGISTERED_NAMES.contains(name))
        .ok_or_else(|| {
            Error::request(format!(
                "\"{}\" cannot name an extended attribute in JWS",
                attribute.name
            ))
        })?;
    if !is_json(&attribute.value) {
        return Err(Error::request(format!(
            "the value of the extended attribute \"{name}\" cannot be written as JSON"
        )));
    }
    Ok((name, attribute.value.to_json()))
}

/// Whether the value comes out of JSON as it went in.
fn is_json(value: &AttributeValue) -> bool {
    match value {
        AttributeValue::Null | AttributeValue::Bool(_) | AttributeValue::Text(_) => true,
        AttributeValue::Integer(value) => {
            i64::try_from(*value).is_ok() || u64::try_from(*value).is_ok()
        }
        AttributeValue::Float(value) => value.is_finite(),
        AttributeValue::Array(elements) => elements.iter().all(is_json),
        AttributeValue::Map(members) => members
            .iter()
            .all(|(name, value)| name.as_text().is_some() && is_json(value)),
        AttributeValue::Bytes(_) | AttributeValue::Tagged(..) => false,
    }
}

/// The JWS signing input (RFC 7515 §5.1).
pub(crate) fn bytes_to_sign(protected: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut input = URL_SAFE_NO_PAD.encode(protected);
    input.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut input);
    input.into_bytes()
}

#[derive(Serialize)]
struct EnvelopeWire {
    payload: String,
    protected: String,
    header: HeaderWire,
    signature: String,
}

#[derive(Serialize)]
struct HeaderWire {
    #[serde(
        rename = "io.cncf.notary.timestampSignature",
        skip_serializing_if = "Option::is_none"
    )]
    timestamp: Option<String>,
    x5c: Vec<String>,
    #[serde(
        rename = "io.cncf.notary.signingAgent",
        skip_serializing_if = "Option::is_none"
    )]
    signing_agent: Option<String>,
}

/// The complete envelope.
pub(crate) fn envelope(
    protected: &[u8],
    payload: &[u8],
    signature: &[u8],
    certificates: &[Certificate],
    unsigned: &UnsignedAttributes,
) -> Result<Vec<u8>, Error> {
    to_json(&EnvelopeWire {
        payload: URL_SAFE_NO_PAD.encode(payload),
        protected: URL_SAFE_NO_PAD.encode(protected),
        header: HeaderWire {
            timestamp: unsigned
                .timestamp
                .as_ref()
                .map(|token| STANDARD.encode(token)),
            x5c: certificates
                .iter()
                .map(|certificate| STANDARD.encode(certificate.as_der()))
                .collect(),
            signing_agent: unsigned.signing_agent.clone(),
        },
        signature: URL_SAFE_NO_PAD.encode(signature),
    })
}

fn to_json(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|error| Error::request(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use notary_plugin_protocol::SigningScheme;
    use time::macros::datetime;

    /// The vector of the reference implementation: the exact bytes of a protected header.
    #[test]
    fn the_protected_header_is_the_reference_vectors_byte_for_byte() {
        let vector: Value = serde_json::from_str(include_str!(
            "../../../../testdata/reference/notation-core-go/jws-conformance.json"
        ))
        .unwrap();
        let extended = |name: &str, value: &str, critical| ExtendedAttribute {
            name: name.into(),
            value: value.into(),
            critical,
        };
        let attributes = SignedAttributes {
            scheme: SigningScheme::NotaryX509,
            signing_time: datetime!(2022-08-29 13:50:00 UTC),
            expiry: Some(datetime!(2099-08-30 13:50:00 UTC)),
            verification_plugin: None,
            extended: vec![
                extended("signedCritKey1", "signedCritValue1", true),
                extended("signedKey1", "signedValue1", false),
                extended("signedKey2", "signedValue1", false),
                extended("signedKey3", "signedValue1", false),
                extended("signedKey4", "signedValue1", false),
            ],
        };
        let protected = protected_header(SigningAlgorithm::EcdsaSha256, &attributes).unwrap();
        let signing_input = bytes_to_sign(&protected, br#"{"key":"hello JWS"}"#);
        let expected = format!(
            "{}.{}",
            vector["protected"].as_str().unwrap(),
            vector["payload"].as_str().unwrap()
        );
        assert_eq!(String::from_utf8(signing_input).unwrap(), expected);
    }
}
