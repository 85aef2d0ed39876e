//! Reads signatures in every form in which plugins send them, so that a wrong form is told from a
//! signature over something else.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use notary_plugin_protocol::HashAlgorithm;
use notary_x509::asn1::{Fields, write};
use notary_x509::{KeyKind, PublicKey, SignatureAlgorithm};
use num_bigint::BigUint;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// The form that a signature over the right bytes has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// ECDSA as r‖s.
    FixedWidth,
    /// ECDSA as a DER `ECDSA-Sig-Value`.
    Der { length: usize, width: usize },
    /// RSASSA-PSS.
    Pss {
        salt_len: usize,
        length: usize,
        modulus_len: usize,
    },
    /// RSASSA-PKCS1-v1_5.
    Pkcs1,
}

/// Decodes base64 of either alphabet, with or without padding.
pub(super) fn any_base64(text: &str) -> Option<Vec<u8>> {
    let text: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD]
        .into_iter()
        .find_map(|alphabet| alphabet.decode(&text).ok())
}

/// The first ASN.1 value, without what follows it; everything where that cannot be told.
pub(super) fn first_value(der: &[u8]) -> &[u8] {
    let length = match der {
        [_, short @ ..=0x7f, ..] => Some(2 + usize::from(*short)),
        [_, 0x81, one, ..] => Some(3 + usize::from(*one)),
        [_, 0x82, high, low, ..] => Some(4 + usize::from(u16::from_be_bytes([*high, *low]))),
        _ => None,
    };
    length.and_then(|length| der.get(..length)).unwrap_or(der)
}

/// The digest of a message.
pub(super) fn digest(hash: HashAlgorithm, message: &[u8]) -> Vec<u8> {
    match hash {
        HashAlgorithm::Sha256 => Sha256::digest(message).to_vec(),
        HashAlgorithm::Sha384 => Sha384::digest(message).to_vec(),
        HashAlgorithm::Sha512 => Sha512::digest(message).to_vec(),
    }
}

/// Verifies a signature over a message in whatever form, and says which form it has.
pub(super) fn verify_in_any_form(
    key: &PublicKey,
    hash: HashAlgorithm,
    message: &[u8],
    signature: &[u8],
) -> Result<Form, String> {
    let width = match key.kind() {
        KeyKind::P256 => 64,
        KeyKind::P384 => 96,
        KeyKind::P521 => 132,
        _ => return verify_rsa(key, hash, message, signature),
    };
    let (form, der) = if signature.len() == width {
        (Form::FixedWidth, der_of(signature))
    } else {
        let length = signature.len();
        (Form::Der { length, width }, signature.to_vec())
    };
    key.verify_x509(SignatureAlgorithm::Ecdsa(hash), message, &der)
        .map(|()| form)
        .map_err(|_| format!("{NOT_OVER_PAYLOAD}, with {hash} and ECDSA in either form"))
}

const NOT_OVER_PAYLOAD: &str =
    "the signature is not one over the bytes of the payload with the leaf's key";

fn der_of(fixed: &[u8]) -> Vec<u8> {
    let (r, s) = fixed.split_at(fixed.len() / 2);
    write::sequence(&[&write::integer(r), &write::integer(s)])
}

fn verify_rsa(
    key: &PublicKey,
    hash: HashAlgorithm,
    message: &[u8],
    signature: &[u8],
) -> Result<Form, String> {
    let (modulus, encoded) = opened(key, signature).ok_or("the leaf's key is no RSA key")?;
    let modulus_len = modulus.to_bytes_be().len();
    if let Some(salt_len) = pss_salt(&encoded, &modulus, hash, message) {
        return Ok(Form::Pss {
            salt_len,
            length: signature.len(),
            modulus_len,
        });
    }
    key.verify_x509(SignatureAlgorithm::RsaPkcs1(hash), message, signature)
        .map(|()| Form::Pkcs1)
        .map_err(|_| format!("{NOT_OVER_PAYLOAD}, with {hash} and RSASSA-PSS of any salt"))
}

/// The modulus, and the signature raised to the public exponent, as long as the modulus.
fn opened(key: &PublicKey, signature: &[u8]) -> Option<(BigUint, Vec<u8>)> {
    // RFC 8017 A.1.1: SEQUENCE { modulus, publicExponent }.
    let sequence = Fields::single(key.key_bytes(), der::Tag::Sequence).ok()?;
    let mut fields = sequence.fields().ok()?;
    let modulus = BigUint::from_bytes_be(fields.expect(der::Tag::Integer).ok()?.value);
    let exponent = BigUint::from_bytes_be(fields.expect(der::Tag::Integer).ok()?.value);
    if modulus == BigUint::ZERO {
        return None;
    }
    let opened = BigUint::from_bytes_be(signature)
        .modpow(&exponent, &modulus)
        .to_bytes_be();
    let length = modulus.to_bytes_be().len();
    let mut padded = vec![0; length.saturating_sub(opened.len())];
    padded.extend(opened);
    Some((modulus, padded))
}

/// EMSA-PSS-VERIFY (RFC 8017 §9.1.2) with MGF1 of the same hash, for a salt of any length: how long it is.
fn pss_salt(
    encoded: &[u8],
    modulus: &BigUint,
    hash: HashAlgorithm,
    message: &[u8],
) -> Option<usize> {
    let hash_len = hash.output_len();
    // The encoded message has one bit less than the modulus.
    let bits = modulus.bits().checked_sub(1)?;
    let length = usize::try_from(bits.div_ceil(8)).ok()?;
    let encoded = encoded.get(encoded.len().checked_sub(length)?..)?;
    let (body, [0xbc]) = encoded.split_at_checked(length.checked_sub(1)?)? else {
        return None;
    };
    let (masked, found) = body.split_at_checked(body.len().checked_sub(hash_len)?)?;
    let mut block: Vec<u8> = masked
        .iter()
        .zip(mgf1(hash, found, masked.len()))
        .map(|(byte, mask)| byte ^ mask)
        .collect();
    let unused = u32::try_from(length as u64 * 8 - bits).ok()?;
    if let Some(first) = block.first_mut() {
        *first &= 0xff_u8.checked_shr(unused)?;
    }
    let one = block.iter().position(|byte| *byte != 0)?;
    let (1, salt) = (block.get(one)?, block.get(one + 1..)?) else {
        return None;
    };
    let mut padded = vec![0; 8];
    padded.extend(digest(hash, message));
    padded.extend(salt);
    (digest(hash, &padded) == found).then_some(salt.len())
}

/// MGF1 (RFC 8017 B.2.1).
fn mgf1(hash: HashAlgorithm, seed: &[u8], length: usize) -> Vec<u8> {
    (0_u32..)
        .flat_map(|counter| {
            let mut block = seed.to_vec();
            block.extend(counter.to_be_bytes());
            digest(hash, &block)
        })
        .take(length)
        .collect()
}
