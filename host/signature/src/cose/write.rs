//! Writing COSE envelopes.

use notary_plugin_protocol::SigningAlgorithm;
use notary_x509::Certificate;
use time::OffsetDateTime;

use super::cbor::{self, write_bytes};
use super::{
    ALGORITHMS, LABEL_ALG, LABEL_CONTENT_TYPE, LABEL_CRIT, LABEL_X5CHAIN, REGISTERED_LABELS,
    TAG_EPOCH, TAG_SIGN1,
};
use crate::Error;
use crate::attributes::{
    AUTHENTIC_SIGNING_TIME, EXPIRY, SIGNING_AGENT, SIGNING_SCHEME, SignedAttributes,
    TIMESTAMP_SIGNATURE, UnsignedAttributes, VERIFICATION_PLUGIN, VERIFICATION_PLUGIN_MIN_VERSION,
};
use crate::payload::PAYLOAD_MEDIA_TYPE;
use crate::rfc3339::YEARS;
use crate::value::{AttributeName, AttributeValue};

/// The protected header as CBOR, deterministically encoded.
pub(crate) fn protected_header(
    algorithm: SigningAlgorithm,
    attributes: &SignedAttributes,
) -> Result<Vec<u8>, Error> {
    let mut header = Header::default();
    for (label, of) in ALGORITHMS {
        if of == algorithm {
            header.add(
                AttributeName::Integer(LABEL_ALG),
                AttributeValue::Integer(label),
            );
        }
    }
    header.add(
        AttributeName::Integer(LABEL_CONTENT_TYPE),
        PAYLOAD_MEDIA_TYPE.into(),
    );
    header.add_critical(SIGNING_SCHEME.into(), attributes.scheme.as_str().into());

    let time_name = SignedAttributes::signing_time_name(attributes.scheme);
    let signing_time = time(attributes.signing_time)?;
    if time_name == AUTHENTIC_SIGNING_TIME {
        header.add_critical(time_name.into(), signing_time);
    } else {
        header.add(time_name.into(), signing_time);
    }
    if let Some(expiry) = attributes.expiry {
        header.add_critical(EXPIRY.into(), time(expiry)?);
    }
    if let Some(plugin) = &attributes.verification_plugin {
        header.add_critical(VERIFICATION_PLUGIN.into(), plugin.name.as_str().into());
        if let Some(version) = &plugin.min_version {
            header.add_critical(
                VERIFICATION_PLUGIN_MIN_VERSION.into(),
                version.as_str().into(),
            );
        }
    }
    for attribute in &attributes.extended {
        check_name(&attribute.name)?;
        if attribute.critical {
            header.add_critical(attribute.name.clone(), attribute.value.clone());
        } else {
            header.add(attribute.name.clone(), attribute.value.clone());
        }
    }
    header.encode()
}

#[derive(Default)]
struct Header {
    members: Vec<(AttributeName, AttributeValue)>,
    critical: Vec<AttributeValue>,
}

impl Header {
    fn add(&mut self, name: AttributeName, value: AttributeValue) {
        self.members.push((name, value));
    }

    fn add_critical(&mut self, name: AttributeName, value: AttributeValue) {
        self.critical.push(match &name {
            AttributeName::Integer(label) => AttributeValue::Integer(*label),
            AttributeName::Text(text) => AttributeValue::Text(text.clone()),
        });
        self.add(name, value);
    }

    fn encode(mut self) -> Result<Vec<u8>, Error> {
        let critical = AttributeValue::Array(std::mem::take(&mut self.critical));
        self.add(AttributeName::Integer(LABEL_CRIT), critical);
        cbor::write(&AttributeValue::Map(self.members)).ok_or_else(|| {
            Error::request("an extended attribute holds a floating-point number or an integer of more than 64 bits")
        })
    }
}

fn check_name(name: &AttributeName) -> Result<(), Error> {
    match name {
        AttributeName::Integer(label)
            if REGISTERED_LABELS.contains(label) || *label == LABEL_X5CHAIN =>
        {
            Err(Error::request(format!(
                "the label {label} cannot name an extended attribute in COSE"
            )))
        }
        _ => Ok(()),
    }
}

fn time(time: OffsetDateTime) -> Result<AttributeValue, Error> {
    if !YEARS.contains(&time.to_utc().year()) {
        return Err(Error::request(format!(
            "the time {time} is not from 1970 to 9999"
        )));
    }
    let seconds = AttributeValue::Integer(time.unix_timestamp().into());
    Ok(AttributeValue::Tagged(TAG_EPOCH, Box::new(seconds)))
}

/// The Sig_structure (RFC 9052 §4.4), around the protected header as it was received or written.
pub(crate) fn bytes_to_sign(protected: &[u8], payload: &[u8]) -> Vec<u8> {
    // An array of four, and the text "Signature1".
    let mut bytes = b"\x84\x6aSignature1".to_vec();
    write_bytes(&mut bytes, protected);
    write_bytes(&mut bytes, &[]);
    write_bytes(&mut bytes, payload);
    bytes
}

/// The complete envelope.
pub(crate) fn envelope(
    protected: &[u8],
    payload: &[u8],
    signature: &[u8],
    certificates: &[Certificate],
    unsigned: &UnsignedAttributes,
) -> Result<Vec<u8>, Error> {
    let bytes = |bytes: &[u8]| AttributeValue::Bytes(bytes.to_vec());
    let chain = certificates
        .iter()
        .map(|certificate| bytes(certificate.as_der()))
        .collect();
    let mut header = vec![(
        AttributeName::Integer(LABEL_X5CHAIN),
        AttributeValue::Array(chain),
    )];
    if let Some(token) = &unsigned.timestamp {
        header.push((TIMESTAMP_SIGNATURE.into(), bytes(token)));
    }
    if let Some(agent) = &unsigned.signing_agent {
        header.push((SIGNING_AGENT.into(), agent.as_str().into()));
    }
    let sign1 = AttributeValue::Array(vec![
        bytes(protected),
        AttributeValue::Map(header),
        bytes(payload),
        bytes(signature),
    ]);
    cbor::write(&AttributeValue::Tagged(TAG_SIGN1, Box::new(sign1)))
        .ok_or_else(|| Error::request("the envelope cannot be written as CBOR"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attributes::ExtendedAttribute;
    use notary_plugin_protocol::SigningScheme;

    /// The vector of the reference implementation: the exact bytes of a protected header, and of the
    /// envelope around it.
    #[test]
    fn the_headers_are_the_reference_vectors_byte_for_byte() {
        let vector: serde_json::Value = serde_json::from_str(include_str!(
            "../../../../testdata/reference/notation-core-go/cose-conformance.json"
        ))
        .unwrap();
        let bytes = |value: &serde_json::Value| hex::decode(value.as_str().unwrap()).unwrap();
        let time = |name: &str| {
            OffsetDateTime::from_unix_timestamp(vector[name].as_i64().unwrap()).unwrap()
        };
        let extended = |name: &str, value: &str, critical| ExtendedAttribute {
            name: name.into(),
            value: value.into(),
            critical,
        };
        let attributes = SignedAttributes {
            scheme: SigningScheme::NotaryX509,
            signing_time: time("signingTime"),
            expiry: Some(time("expiry")),
            verification_plugin: None,
            extended: vec![
                extended("signedCritKey1", "signedCritValue1", true),
                extended("signedKey1", "signedValue1", false),
            ],
        };
        let protected = protected_header(SigningAlgorithm::RsassaPssSha384, &attributes).unwrap();
        assert_eq!(protected, bytes(&vector["protectedHeaders"]["cborHex"]));

        // The vector's envelope has no certificates, which no envelope of ours lacks: read it as CBOR.
        let expected = bytes(&vector["expectedOutput"]["cborHex"]);
        let AttributeValue::Tagged(TAG_SIGN1, sign1) = cbor::read(&expected).unwrap() else {
            panic!("the vector is not COSE_Sign1_Tagged");
        };
        let AttributeValue::Array(parts) = sign1.as_ref() else {
            panic!("the vector is not an array");
        };
        assert_eq!(parts[0], AttributeValue::Bytes(protected));
        assert_eq!(parts[2], AttributeValue::Bytes(bytes(&vector["payload"])));
        assert_eq!(
            cbor::write(&parts[1]).unwrap(),
            bytes(&vector["unprotectedHeaders"]["cborHex"])
        );
        assert_eq!(
            cbor::write(&AttributeValue::Tagged(TAG_SIGN1, sign1.clone())).unwrap(),
            expected
        );
    }
}
