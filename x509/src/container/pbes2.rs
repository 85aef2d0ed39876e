//! PBES2 (RFC 8018 §6.2) under the empty password: encryption in form only, which key vaults and
//! OpenSSL apply to PKCS#12 files without a password.

use std::num::NonZeroU32;

use aws_lc_rs::cipher::{
    AES_128, AES_256, Algorithm, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::pbkdf2;
use der::Tag;
use der::asn1::ObjectIdentifier;

use crate::asn1::Tlv;
use crate::{algorithm, oid};

/// The most iterations of PBKDF2 that are made for a file. Files have 2000 to 600 000; this many
/// take about half a second.
const MAX_ITERATIONS: u32 = 1_000_000;
/// More than any real salt has, and less than any that would take time to hash.
const MAX_SALT_LEN: usize = 1024;

struct Parameters<'a> {
    prf: pbkdf2::Algorithm,
    salt: &'a [u8],
    iterations: NonZeroU32,
    cipher: &'static Algorithm,
    key_len: usize,
    iv: [u8; 16],
}

/// The plain text of `ciphertext`, encrypted as the `AlgorithmIdentifier` `scheme` says.
///
/// # Errors
/// A reason in words: another scheme, out of bounds, or a password that is not empty.
pub(super) fn decrypt(scheme: Tlv<'_>, ciphertext: &[u8]) -> Result<Vec<u8>, String> {
    let parameters = read_parameters(scheme)
        .map_err(|_| "its PBES2 parameters cannot be decoded".to_owned())?
        .ok_or("not with PBES2, PBKDF2 and AES-CBC within the usual bounds")?;
    let mut key = vec![0; parameters.key_len];
    pbkdf2::derive(
        parameters.prf,
        parameters.iterations,
        parameters.salt,
        b"",
        &mut key,
    );
    let needs_password = |_| "under a password that is not empty".to_owned();
    let mut buffer = ciphertext.to_vec();
    UnboundCipherKey::new(parameters.cipher, &key)
        .and_then(PaddedBlockDecryptingKey::cbc_pkcs7)
        .and_then(|key| {
            let context = DecryptionContext::Iv128(FixedLength::from(parameters.iv));
            key.decrypt(&mut buffer, context)
                .map(|plain| plain.to_vec())
        })
        .map_err(needs_password)
}

/// `None` for what is well-formed but not supported.
fn read_parameters(scheme: Tlv<'_>) -> Result<Option<Parameters<'_>>, der::Error> {
    let (oid::PBES2, Some(parameters)) = algorithm::split(scheme.raw)? else {
        return Ok(None);
    };
    let mut fields = parameters.fields()?;
    let (derivation, derivation_parameters) = algorithm::split(fields.expect(Tag::Sequence)?.raw)?;
    let (cipher, iv) = algorithm::split(fields.expect(Tag::Sequence)?.raw)?;
    fields.finish()?;
    let (oid::PBKDF2, Some(derivation_parameters), Some(iv)) =
        (derivation, derivation_parameters, iv)
    else {
        return Ok(None);
    };
    let (cipher, key_len) = match cipher {
        oid::AES_128_CBC => (&AES_128, 16),
        oid::AES_256_CBC => (&AES_256, 32),
        _ => return Ok(None),
    };
    let mut fields = derivation_parameters.fields()?;
    let salt = fields.expect(Tag::OctetString)?.value;
    let iterations = fields.expect(Tag::Integer)?.small_integer()?;
    fields.optional(Tag::Integer)?;
    let prf = match fields.optional(Tag::Sequence)? {
        Some(prf) => pseudo_random_function(algorithm::split(prf.raw)?.0),
        // RFC 8018 A.2.
        None => Some(pbkdf2::PBKDF2_HMAC_SHA1),
    };
    fields.finish()?;
    let iterations = NonZeroU32::new(iterations).filter(|count| count.get() <= MAX_ITERATIONS);
    let (Some(prf), Some(iterations), Ok(iv)) = (prf, iterations, <[u8; 16]>::try_from(iv.value))
    else {
        return Ok(None);
    };
    Ok((salt.len() <= MAX_SALT_LEN).then_some(Parameters {
        prf,
        salt,
        iterations,
        cipher,
        key_len,
        iv,
    }))
}

fn pseudo_random_function(name: ObjectIdentifier) -> Option<pbkdf2::Algorithm> {
    match name {
        oid::HMAC_SHA1 => Some(pbkdf2::PBKDF2_HMAC_SHA1),
        oid::HMAC_SHA256 => Some(pbkdf2::PBKDF2_HMAC_SHA256),
        oid::HMAC_SHA384 => Some(pbkdf2::PBKDF2_HMAC_SHA384),
        oid::HMAC_SHA512 => Some(pbkdf2::PBKDF2_HMAC_SHA512),
        _ => None,
    }
}
