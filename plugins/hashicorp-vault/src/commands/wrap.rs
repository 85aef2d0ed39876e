//! A key on its way into Transit: wrapped as the import of Transit wants it.
//!
//! A new AES key encrypts the private key (AES-KWP, RFC 5649), and the server's RSA key the AES key (OAEP with
//! SHA-256). Only the server can undo it.

use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrapPadded as _};
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use der::Document;
use notary_plugin_sdk::PluginError;
use zeroize::Zeroizing;

const AES_LENGTH: usize = 32;
/// What RFC 5649 adds at most.
const KWP_OVERHEAD: usize = 16;

/// Wraps a private key (PKCS#8, DER) for the owner of `wrapping_key` (PEM, `SubjectPublicKeyInfo`).
///
/// # Errors
/// `ERROR` where the server's key is none.
pub(super) fn wrap(private_key: &[u8], wrapping_key: &str) -> Result<String, PluginError> {
    let failed = |what: &str| PluginError::error(format!("the key cannot be wrapped: {what}"));
    let (_, document) = Document::from_pem(wrapping_key)
        .map_err(|_| failed("the server's wrapping key is not PEM"))?;
    let recipient = PublicEncryptingKey::from_der(document.as_bytes())
        .map_err(|_| failed("the server's wrapping key is no RSA key"))
        .and_then(|key| {
            OaepPublicEncryptingKey::new(key).map_err(|_| failed("the wrapping key is not usable"))
        })?;

    let mut ephemeral = Zeroizing::new([0_u8; AES_LENGTH]);
    aws_lc_rs::rand::fill(ephemeral.as_mut_slice()).map_err(|_| failed("no random numbers"))?;

    let mut encrypted_key = vec![0; recipient.ciphertext_size()];
    let encrypted_key = recipient
        .encrypt(
            &OAEP_SHA256_MGF1SHA256,
            ephemeral.as_slice(),
            &mut encrypted_key,
            None,
        )
        .map_err(|_| failed("encryption failed"))?;

    let aes =
        AesKek::new(&AES_256, ephemeral.as_slice()).map_err(|_| failed("encryption failed"))?;
    let mut wrapped = vec![0; private_key.len() + KWP_OVERHEAD];
    let wrapped = aes
        .wrap_with_padding(private_key, &mut wrapped)
        .map_err(|_| failed("encryption failed"))?;
    Ok(STANDARD.encode([&*encrypted_key, &*wrapped].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapping_key_that_is_none_is_refused() {
        for pem in [
            "",
            "no key",
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        ] {
            assert!(wrap(b"key", pem).is_err(), "{pem}");
        }
    }
}
