//! Hash algorithms as CMS names them.

use der::Tag;
use der::asn1::ObjectIdentifier;
use notary_plugin_protocol::HashAlgorithm;
use notary_x509::asn1::Tlv;
use sha2::Digest as _;

use super::ber::tlv;

const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");

/// The hash of `bytes`.
pub(super) fn hash(algorithm: HashAlgorithm, bytes: &[u8]) -> Vec<u8> {
    match algorithm {
        HashAlgorithm::Sha256 => sha2::Sha256::digest(bytes).to_vec(),
        HashAlgorithm::Sha384 => sha2::Sha384::digest(bytes).to_vec(),
        HashAlgorithm::Sha512 => sha2::Sha512::digest(bytes).to_vec(),
    }
}

/// The AlgorithmIdentifier, with the NULL parameters that RFC 3161 implementations expect.
pub(super) fn identifier(algorithm: HashAlgorithm) -> Vec<u8> {
    let oid = match algorithm {
        HashAlgorithm::Sha256 => SHA256,
        HashAlgorithm::Sha384 => SHA384,
        HashAlgorithm::Sha512 => SHA512,
    };
    tlv(0x30, &[tlv(0x06, oid.as_bytes()), tlv(0x05, &[])].concat())
}

/// The algorithm that an AlgorithmIdentifier names. RFC 5754 §2 wants absent parameters and tells
/// everyone to accept NULL.
pub(super) fn read(identifier: &Tlv<'_>) -> Result<HashAlgorithm, String> {
    let read = || -> Result<(ObjectIdentifier, Option<Tlv<'_>>), der::Error> {
        let mut fields = identifier.fields()?;
        let oid = fields.expect(Tag::ObjectIdentifier)?.oid()?;
        let parameters = fields.optional(Tag::Null)?;
        fields.finish()?;
        Ok((oid, parameters))
    };
    match read()
        .map_err(|error| format!("the hash algorithm: {error}"))?
        .0
    {
        SHA256 => Ok(HashAlgorithm::Sha256),
        SHA384 => Ok(HashAlgorithm::Sha384),
        SHA512 => Ok(HashAlgorithm::Sha512),
        other => Err(format!(
            "the hash algorithm {other} is not SHA-256, SHA-384 or SHA-512"
        )),
    }
}
