//! Public keys out of PKCS#11 attributes, as DER `SubjectPublicKeyInfo`.

use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use der::asn1::{AnyRef, BitStringRef, Null, OctetStringRef, UintRef};
use der::{Decode as _, Encode as _, Sequence};
use notary_x509::{Certificate, PublicKey};
use spki::{AlgorithmIdentifier, ObjectIdentifier, SubjectPublicKeyInfo};

use super::connection::Connection;
use super::error::TokenError;

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// RFC 8017 §A.1.1.
#[derive(Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    public_exponent: UintRef<'a>,
}

/// The attributes that tell a public key, from a private or a public key object.
#[derive(Debug, Default)]
struct Parts {
    modulus: Option<Vec<u8>>,
    public_exponent: Option<Vec<u8>>,
    ec_params: Option<Vec<u8>>,
    ec_point: Option<Vec<u8>>,
    public_key_info: Option<Vec<u8>>,
}

/// The public key that a key object tells, or `None` if it does not.
///
/// # Errors
/// [`TokenError::Broken`] for attributes that contradict the standard.
pub(super) fn read(
    connection: &Connection,
    object: ObjectHandle,
) -> Result<Option<Vec<u8>>, TokenError> {
    let wanted = [
        AttributeType::Modulus,
        AttributeType::PublicExponent,
        AttributeType::EcParams,
        AttributeType::EcPoint,
        AttributeType::PublicKeyInfo,
    ];
    let attributes = connection
        .session()
        .get_attributes(object, &wanted)
        .map_err(TokenError::call("reading the public key"))?;
    let mut parts = Parts::default();
    for attribute in attributes {
        match attribute {
            Attribute::Modulus(bytes) => parts.modulus = filled(bytes),
            Attribute::PublicExponent(bytes) => parts.public_exponent = filled(bytes),
            Attribute::EcParams(bytes) => parts.ec_params = filled(bytes),
            Attribute::EcPoint(bytes) => parts.ec_point = filled(bytes),
            Attribute::PublicKeyInfo(bytes) => parts.public_key_info = filled(bytes),
            _ => {}
        }
    }
    parts.spki().map_err(|error| TokenError::Broken {
        action: "reading the public key",
        reason: format!("its attributes do not encode one ({error})"),
    })
}

/// The public key of a certificate object, or `None` if its value is not on the token.
///
/// # Errors
/// [`TokenError`] if the object cannot be read or is no certificate.
pub(super) fn read_from_certificate(
    connection: &Connection,
    object: ObjectHandle,
) -> Result<Option<Vec<u8>>, TokenError> {
    let attributes = connection
        .session()
        .get_attributes(object, &[AttributeType::Value])
        .map_err(TokenError::call("reading a certificate"))?;
    let Some(Attribute::Value(der)) = attributes.into_iter().next() else {
        return Ok(None);
    };
    if der.is_empty() {
        return Ok(None);
    }
    let certificate = Certificate::from_der(&der).map_err(|error| {
        TokenError::Certificate(format!("a certificate on the token is broken: {error}"))
    })?;
    Ok(Some(certificate.public_key().spki_der().to_vec()))
}

impl Parts {
    fn spki(&self) -> Result<Option<Vec<u8>>, der::Error> {
        if let (Some(modulus), Some(exponent)) = (&self.modulus, &self.public_exponent) {
            let key = RsaPublicKey {
                modulus: UintRef::new(modulus)?,
                public_exponent: UintRef::new(exponent)?,
            };
            return spki(RSA_ENCRYPTION, AnyRef::from(Null), &key.to_der()?).map(Some);
        }
        if let (Some(params), Some(point)) = (&self.ec_params, &self.ec_point) {
            return spki(EC_PUBLIC_KEY, AnyRef::from_der(params)?, bare_point(point)).map(Some);
        }
        // Last, since modules fill it in rarely and some leave rubbish in it.
        Ok(self
            .public_key_info
            .clone()
            .filter(|info| PublicKey::from_spki_der(info).is_ok()))
    }
}

fn spki(
    algorithm: ObjectIdentifier,
    parameters: AnyRef<'_>,
    key: &[u8],
) -> Result<Vec<u8>, der::Error> {
    SubjectPublicKeyInfo {
        algorithm: AlgorithmIdentifier {
            oid: algorithm,
            parameters: Some(parameters),
        },
        subject_public_key: BitStringRef::from_bytes(key)?,
    }
    .to_der()
}

/// `CKA_EC_POINT` is the point inside a DER OCTET STRING (PKCS#11 §6.3.3). Some modules leave the
/// OCTET STRING out; an uncompressed point begins with 4, as the tag of an OCTET STRING does, so the
/// length decides.
fn bare_point(attribute: &[u8]) -> &[u8] {
    match <&OctetStringRef>::from_der(attribute) {
        Ok(inner) => inner.as_bytes(),
        Err(_) => attribute,
    }
}

fn filled(bytes: Vec<u8>) -> Option<Vec<u8>> {
    (!bytes.is_empty()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `06 08 …`: the object identifier of P-256.
    const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

    fn point() -> Vec<u8> {
        let mut point = vec![4];
        point.extend([7; 64]);
        point
    }

    #[test]
    fn a_point_with_and_without_its_octet_string_gives_the_same_key() {
        let mut wrapped = vec![4, 65];
        wrapped.extend(point());
        let spki = |ec_point: Vec<u8>| {
            let parts = Parts {
                ec_params: Some(P256.to_vec()),
                ec_point: Some(ec_point),
                ..Parts::default()
            };
            parts.spki().unwrap().unwrap()
        };
        assert_eq!(spki(point()), spki(wrapped));
        assert!(spki(point()).ends_with(&point()));
    }

    #[test]
    fn an_rsa_modulus_with_the_top_bit_stays_positive() {
        let parts = Parts {
            modulus: Some(vec![0xff; 256]),
            public_exponent: Some(vec![1, 0, 1]),
            ..Parts::default()
        };
        let key = PublicKey::from_spki_der(&parts.spki().unwrap().unwrap()).unwrap();
        assert_eq!(
            key.key_spec().unwrap(),
            notary_plugin_protocol::KeySpec::Rsa2048
        );
    }

    #[test]
    fn an_object_that_tells_nothing_gives_no_key() {
        assert_eq!(Parts::default().spki().unwrap(), None);
        let rubbish = Parts {
            public_key_info: Some(vec![1, 2]),
            ..Parts::default()
        };
        assert_eq!(rubbish.spki().unwrap(), None);
    }
}
