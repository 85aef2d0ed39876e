//! Certificates and requests signed by a key that lives elsewhere.
//!
//! A key in an HSM or a KMS signs one thing only: bytes that it is given. So making a certificate
//! has two steps: prepare the bytes, have them signed, assemble. The signature is checked before
//! anything is handed out.

mod alt_name;
mod request;
mod self_signed;

pub use alt_name::SubjectAltName;
pub use request::{CertificationRequest, RequestTemplate, UnsignedRequest};
pub use self_signed::{
    SelfSignedCertificate, SelfSignedTemplate, SerialNumber, UnsignedCertificate,
};

use aws_lc_rs::digest;
use notary_plugin_protocol::{EcdsaSignature, KeySpec, RawSignature};

use crate::algorithm::SignatureAlgorithm;
use crate::asn1::write;
use crate::{Error, PublicKey, oid};

/// keyUsage with digitalSignature alone.
const DIGITAL_SIGNATURE: [u8; 4] = [0x03, 0x02, 0x07, 0x80];
/// basicConstraints of an end entity: an empty SEQUENCE, cA being FALSE by default.
const NOT_A_CA: [u8; 2] = [0x30, 0x00];

/// The DER `SEQUENCE { what was signed, algorithm, signature }` of a certificate or a request.
fn assemble(to_be_signed: &[u8], key: &PublicKey, raw_signature: &[u8]) -> Result<Vec<u8>, Error> {
    let key_spec = key.key_spec()?;
    key.verify(key_spec.signing_algorithm(), to_be_signed, raw_signature)?;
    Ok(write::sequence(&[
        to_be_signed,
        &SignatureAlgorithm::for_signing(key_spec.signing_algorithm()).to_algorithm_identifier(),
        &write::bit_string(0, &x509_signature(key_spec, raw_signature)?),
    ]))
}

/// A raw signature in the form of X.509.
fn x509_signature(key_spec: KeySpec, raw: &[u8]) -> Result<Vec<u8>, Error> {
    let signature = RawSignature::new(key_spec.signing_algorithm(), raw.to_vec())?;
    if key_spec.is_elliptic_curve() {
        Ok(EcdsaSignature::from_raw(key_spec, signature.as_bytes())?.to_der())
    } else {
        Ok(signature.into_bytes())
    }
}

/// What both a request and a self-signed certificate say about the use of the key.
fn usage_extensions(alt_names: &[SubjectAltName]) -> Vec<Vec<u8>> {
    let mut extensions = vec![
        extension(oid::BASIC_CONSTRAINTS, true, &NOT_A_CA),
        extension(oid::KEY_USAGE, true, &DIGITAL_SIGNATURE),
        extension(
            oid::EXTENDED_KEY_USAGE,
            false,
            &write::sequence(&[&write::object_identifier(oid::CODE_SIGNING)]),
        ),
    ];
    if !alt_names.is_empty() {
        let names: Vec<Vec<u8>> = alt_names.iter().map(SubjectAltName::to_der).collect();
        extensions.push(extension(oid::SUBJECT_ALT_NAME, false, &concat(&names)));
    }
    extensions
}

fn extension(id: der::asn1::ObjectIdentifier, critical: bool, value: &[u8]) -> Vec<u8> {
    /// BOOLEAN TRUE; FALSE is the default and so, in DER, absent.
    const TRUE: [u8; 3] = [0x01, 0x01, 0xff];
    write::sequence(&[
        &write::object_identifier(id),
        if critical { &TRUE } else { &[] },
        &write::octet_string(value),
    ])
}

/// A key identifier by method 1 of RFC 7093 §2: the leftmost 160 bits of SHA-256, not SHA-1.
fn key_identifier(key: &PublicKey) -> Vec<u8> {
    let mut hash = digest::digest(&digest::SHA256, key.key_bytes())
        .as_ref()
        .to_vec();
    hash.truncate(20);
    hash
}

/// A SEQUENCE of `parts`.
fn concat(parts: &[Vec<u8>]) -> Vec<u8> {
    write::sequence(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
}
