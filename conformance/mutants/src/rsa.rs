//! RSA signatures of every form, which no library makes: other salts, other hashes, other paddings.

use crate::answer::Failure;
use crate::keys::broken;
use der::Tag;
use notary_plugin_protocol::HashAlgorithm;
use notary_x509::asn1::Fields;
use num_bigint::BigUint;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

const KEY: &str = include_str!("../testdata/rsa.key.pem");

/// DigestInfo of SHA-256 up to the digest (RFC 8017 §9.2).
const SHA256_INFO: &[u8] =
    b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";

pub(crate) fn digest(hash: HashAlgorithm, message: &[u8]) -> Vec<u8> {
    match hash {
        HashAlgorithm::Sha256 => Sha256::digest(message).to_vec(),
        HashAlgorithm::Sha384 => Sha384::digest(message).to_vec(),
        HashAlgorithm::Sha512 => Sha512::digest(message).to_vec(),
    }
}

/// RSASSA-PSS over a digest with a salt of this length.
pub(crate) fn sign_pss(
    hash: HashAlgorithm,
    digest_of_message: &[u8],
    salt_len: usize,
) -> Result<Vec<u8>, Failure> {
    let (modulus, exponent) = private_parts()?;
    let length = modulus.to_bytes_be().len();
    let salt = vec![0x5a; salt_len];
    let found = digest(
        hash,
        &[[0; 8].as_slice(), digest_of_message, &salt].concat(),
    );
    let zeros = length - found.len() - salt_len - 2;
    let block = [vec![0; zeros].as_slice(), &[1], &salt].concat();
    let mut masked: Vec<u8> = block
        .iter()
        .zip(mgf1(hash, &found, block.len()))
        .map(|(byte, mask)| byte ^ mask)
        .collect();
    if let Some(first) = masked.first_mut() {
        *first &= 0x7f;
    }
    Ok(raise(
        &[masked.as_slice(), &found, &[0xbc]].concat(),
        &exponent,
        &modulus,
    ))
}

/// RSASSA-PKCS1-v1_5 with SHA-256.
pub(crate) fn sign_pkcs1(message: &[u8]) -> Result<Vec<u8>, Failure> {
    let (modulus, exponent) = private_parts()?;
    let digest = digest(HashAlgorithm::Sha256, message);
    let length = modulus.to_bytes_be().len();
    let padding = vec![0xff; length - 3 - SHA256_INFO.len() - digest.len()];
    let block = [&[0, 1], padding.as_slice(), &[0], SHA256_INFO, &digest].concat();
    Ok(raise(&block, &exponent, &modulus))
}

fn raise(block: &[u8], exponent: &BigUint, modulus: &BigUint) -> Vec<u8> {
    let raised = BigUint::from_bytes_be(block)
        .modpow(exponent, modulus)
        .to_bytes_be();
    let length = modulus.to_bytes_be().len();
    [vec![0; length - raised.len()].as_slice(), &raised].concat()
}

fn mgf1(hash: HashAlgorithm, seed: &[u8], length: usize) -> Vec<u8> {
    (0_u32..)
        .flat_map(|counter| digest(hash, &[seed, &counter.to_be_bytes()].concat()))
        .take(length)
        .collect()
}

/// Modulus and private exponent of the key's PKCS#8.
fn private_parts() -> Result<(BigUint, BigUint), Failure> {
    use base64::Engine as _;
    let text: String = KEY.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::engine::general_purpose::STANDARD
        .decode(text)
        .map_err(broken)?;
    let outer = Fields::single(&der, Tag::Sequence).map_err(broken)?;
    let mut fields = outer.fields().map_err(broken)?;
    fields.expect(Tag::Integer).map_err(broken)?;
    fields.expect(Tag::Sequence).map_err(broken)?;
    let inner = fields.expect(Tag::OctetString).map_err(broken)?;
    let key = Fields::single(inner.value, Tag::Sequence).map_err(broken)?;
    let mut fields = key.fields().map_err(broken)?;
    let mut next = || {
        fields
            .expect(Tag::Integer)
            .map(|integer| BigUint::from_bytes_be(integer.value))
            .map_err(broken)
    };
    let (_version, modulus, _public, private) = (next()?, next()?, next()?, next()?);
    Ok((modulus, private))
}
