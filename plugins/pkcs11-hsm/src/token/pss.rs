//! EMSA-PSS (RFC 8017 §9.1.1), for tokens that only offer the bare RSA operation.

use notary_plugin_protocol::HashAlgorithm;
use sha2::{Sha256, Sha384, Sha512};

use super::error::TokenError;

/// Encodes a digest for an RSA operation with a modulus of `modulus_bits` bits (a multiple of 8), with a
/// random salt as long as the digest. The result is as long as the modulus.
///
/// # Errors
/// [`TokenError::Random`] if the system has no random numbers.
pub(super) fn encode(
    digest: &[u8],
    hash: HashAlgorithm,
    modulus_bits: usize,
) -> Result<Vec<u8>, TokenError> {
    let mut salt = vec![0; hash.output_len()];
    getrandom::fill(&mut salt).map_err(|error| TokenError::Random(error.to_string()))?;
    Ok(encode_with_salt(digest, &salt, hash, modulus_bits))
}

fn encode_with_salt(
    digest: &[u8],
    salt: &[u8],
    hash: HashAlgorithm,
    modulus_bits: usize,
) -> Vec<u8> {
    let length = modulus_bits / 8;
    let block_length = length.saturating_sub(digest.len() + 1);
    let seed = hash_of(hash, &[&[0; 8], digest, salt]);

    // DB = padding ‖ 1 ‖ salt
    let mut block = vec![0; block_length.saturating_sub(salt.len() + 1)];
    block.push(1);
    block.extend_from_slice(salt);
    for (byte, mask) in block.iter_mut().zip(mask(hash, &seed, block_length)) {
        *byte ^= mask;
    }
    // emBits is one less than the modulus, so that the number is smaller than it.
    if let Some(first) = block.first_mut() {
        *first &= 0x7f;
    }
    block.extend_from_slice(&seed);
    block.push(0xbc);
    block
}

/// MGF1 (RFC 8017 §B.2.1).
fn mask(hash: HashAlgorithm, seed: &[u8], length: usize) -> Vec<u8> {
    let mut mask = Vec::with_capacity(length + hash.output_len());
    for counter in 0_u32.. {
        if mask.len() >= length {
            break;
        }
        mask.extend(hash_of(hash, &[seed, &counter.to_be_bytes()]));
    }
    mask.truncate(length);
    mask
}

fn hash_of(hash: HashAlgorithm, parts: &[&[u8]]) -> Vec<u8> {
    fn all<D: sha2::Digest>(parts: &[&[u8]]) -> Vec<u8> {
        let mut hasher = D::new();
        for part in parts {
            hasher.update(part);
        }
        hasher.finalize().to_vec()
    }
    match hash {
        HashAlgorithm::Sha256 => all::<Sha256>(parts),
        HashAlgorithm::Sha384 => all::<Sha384>(parts),
        HashAlgorithm::Sha512 => all::<Sha512>(parts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads an encoding back as RFC 8017 §9.1.2 does, independently of how it was written.
    fn salt_of(encoded: &[u8], digest: &[u8], hash: HashAlgorithm) -> Option<Vec<u8>> {
        let (rest, trailer) = encoded.split_at(encoded.len() - 1);
        let (masked, seed) = rest.split_at(rest.len() - hash.output_len());
        let mut block: Vec<u8> = masked
            .iter()
            .zip(mask(hash, seed, masked.len()))
            .map(|(a, b)| a ^ b)
            .collect();
        block[0] &= 0x7f;
        let one = block.iter().position(|byte| *byte != 0)?;
        let salt = block.get(one + 1..)?.to_vec();
        let right = trailer == [0xbc] && block[one] == 1 && masked[0] & 0x80 == 0;
        (right && hash_of(hash, &[&[0; 8], digest, &salt]) == seed).then_some(salt)
    }

    #[test]
    fn an_encoding_is_as_long_as_the_modulus_and_reads_back() {
        for (bits, hash) in [
            (2048, HashAlgorithm::Sha256),
            (3072, HashAlgorithm::Sha384),
            (4096, HashAlgorithm::Sha512),
        ] {
            let digest = hash_of(hash, &[b"payload"]);
            let encoded = encode(&digest, hash, bits).unwrap();
            assert_eq!(encoded.len(), bits / 8);
            let salt = salt_of(&encoded, &digest, hash).unwrap();
            assert_eq!(salt.len(), hash.output_len());
            assert_eq!(salt_of(&encoded, &hash_of(hash, &[b"other"]), hash), None);
        }
    }

    #[test]
    fn two_encodings_of_one_digest_differ() {
        let digest = [7; 32];
        let encode = || encode(&digest, HashAlgorithm::Sha256, 2048).unwrap();
        assert_ne!(encode(), encode());
    }
}
