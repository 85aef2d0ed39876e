//! The two things that are written to a token, and only when a person asks: a key pair and a certificate.

use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, CertificateType, KeyType, ObjectClass};
use cryptoki_sys::CK_ULONG;
use der::asn1::AnyRef;
use der::{Encode as _, Tag};
use notary_plugin_protocol::KeySpec;
use notary_x509::Certificate;

use super::connection::Connection;
use super::error::TokenError;
use super::objects;

/// Makes a key pair on the token. The private key is sensitive, cannot be extracted and can only sign.
///
/// # Errors
/// [`TokenError::Exists`] if the label or the id is taken, or what the token said.
pub(crate) fn generate_key(
    connection: &Connection,
    key_spec: KeySpec,
    label: &str,
    id: &[u8],
) -> Result<(), TokenError> {
    if objects::exists(connection, ObjectClass::PRIVATE_KEY, label, id)? {
        return Err(TokenError::Exists(format!(
            "a key with the label `{label}` or the id {}",
            hex::encode(id)
        )));
    }
    let (mechanism, key_type, parameters) = kind(key_spec);
    let mut public = vec![
        Attribute::Token(true),
        Attribute::KeyType(key_type),
        Attribute::Verify(true),
        Attribute::Label(label.as_bytes().to_vec()),
        Attribute::Id(id.to_vec()),
    ];
    public.extend(parameters);
    let private = [
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::KeyType(key_type),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Sign(true),
        // What is left out has the token's own default, and SoftHSM2's is to allow everything.
        Attribute::Decrypt(false),
        Attribute::Unwrap(false),
        Attribute::Derive(false),
        Attribute::Label(label.as_bytes().to_vec()),
        Attribute::Id(id.to_vec()),
    ];
    connection
        .session()
        .generate_key_pair(&mechanism, &public, &private)
        .map_err(TokenError::call("generating the key"))?;
    Ok(())
}

/// Stores a certificate under the label and id of its key. The same certificate is not stored twice.
///
/// # Errors
/// What the token said.
pub(crate) fn store_certificate(
    connection: &Connection,
    certificate: &Certificate,
    label: &str,
    id: &[u8],
) -> Result<(), TokenError> {
    let present = objects::certificates(connection, id)?;
    if present.iter().any(|der| der == certificate.as_der()) {
        return Ok(());
    }
    let template = [
        Attribute::Class(ObjectClass::CERTIFICATE),
        Attribute::CertificateType(CertificateType::X_509),
        Attribute::Token(true),
        Attribute::Private(false),
        Attribute::Label(label.as_bytes().to_vec()),
        Attribute::Id(id.to_vec()),
        Attribute::Subject(certificate.subject().as_der().to_vec()),
        Attribute::Issuer(certificate.issuer().as_der().to_vec()),
        Attribute::SerialNumber(serial_number(certificate)?),
        Attribute::Value(certificate.as_der().to_vec()),
    ];
    connection
        .session()
        .create_object(&template)
        .map_err(TokenError::call("storing the certificate"))?;
    Ok(())
}

/// `CKA_SERIAL_NUMBER` is the DER INTEGER (PKCS#11 §4.6.3). Optional in the standard; NSS insists.
fn serial_number(certificate: &Certificate) -> Result<Vec<u8>, TokenError> {
    AnyRef::new(Tag::Integer, certificate.serial())
        .and_then(|serial| serial.to_der())
        .map_err(|error| TokenError::Certificate(format!("its serial number is broken: {error}")))
}

fn kind(key_spec: KeySpec) -> (Mechanism<'static>, KeyType, Vec<Attribute>) {
    let rsa = |bits: CK_ULONG| {
        let parameters = vec![
            Attribute::ModulusBits(bits.into()),
            Attribute::PublicExponent(vec![1, 0, 1]),
        ];
        (Mechanism::RsaPkcsKeyPairGen, KeyType::RSA, parameters)
    };
    let ec = |curve: &[u8]| {
        let parameters = vec![Attribute::EcParams(curve.to_vec())];
        (Mechanism::EccKeyPairGen, KeyType::EC, parameters)
    };
    match key_spec {
        KeySpec::Rsa2048 => rsa(2048),
        KeySpec::Rsa3072 => rsa(3072),
        KeySpec::Rsa4096 => rsa(4096),
        // The object identifiers of RFC 5480 §2.1.1.1, in DER.
        KeySpec::Ec256 => ec(&[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]),
        KeySpec::Ec384 => ec(&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22]),
        KeySpec::Ec521 => ec(&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23]),
    }
}
