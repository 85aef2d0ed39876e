//! Requests for signatures, and what comes back: `vault:v3:base64`.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use notary_plugin_protocol::{HashAlgorithm, KeySpec};
use notary_plugin_sdk::{PluginError, SigningInput};
use serde_json::{Value, json};

use crate::client::Call;
use crate::key_id::KeyAddress;

/// What every signature of Transit begins with.
const PREFIX: &str = "vault:v";

/// The request to sign a digest.
///
/// The salt length is asked for in words: without it servers make salts of maximum length, which the
/// specification of the Notary Project forbids. `jws` is r‖s of fixed width.
pub(crate) fn sign_request(address: &KeyAddress, input: &SigningInput) -> Call {
    let mut body = json!({
        "input": STANDARD.encode(input.digest()),
        "prehashed": true,
        "hash_algorithm": match input.hash_algorithm() {
            HashAlgorithm::Sha256 => "sha2-256",
            HashAlgorithm::Sha384 => "sha2-384",
            HashAlgorithm::Sha512 => "sha2-512",
        },
    });
    if is_rsa(input.key_spec()) {
        body["signature_algorithm"] = "pss".into();
        body["salt_length"] = "hash".into();
    } else {
        body["marshaling_algorithm"] = "jws".into();
    }
    if let Some(version) = address.version {
        body["key_version"] = version.get().into();
    }
    Call::write(address.sign_path(), body)
}

/// A signature, and the version of the key that made it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct VersionedSignature {
    pub(crate) version: u32,
    /// PSS bytes, or r‖s.
    pub(crate) raw: Vec<u8>,
}

impl VersionedSignature {
    /// Reads the `signature` of an answer.
    ///
    /// # Errors
    /// `ERROR` where it has another form.
    pub(crate) fn parse(answer: &Value, key_spec: KeySpec) -> Result<Self, PluginError> {
        let text = answer.get("signature").and_then(Value::as_str);
        let parsed = text.and_then(|text| {
            let (version, encoded) = text.strip_prefix(PREFIX)?.split_once(':')?;
            let raw = if is_rsa(key_spec) {
                STANDARD.decode(encoded).ok()?
            } else {
                URL_SAFE_NO_PAD.decode(encoded).ok()?
            };
            let version = version.parse().ok()?;
            Some(Self { version, raw })
        });
        parsed.ok_or_else(|| {
            PluginError::error(
                "the server's answer holds no signature of the form `vault:vVERSION:BASE64`",
            )
        })
    }
}

fn is_rsa(key_spec: KeySpec) -> bool {
    matches!(
        key_spec,
        KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_signature_is_read_with_its_version() {
        let answer = json!({ "signature": "vault:v12:_-8" });
        let signature = VersionedSignature::parse(&answer, KeySpec::Ec256).unwrap();
        assert_eq!(
            (signature.version, signature.raw.as_slice()),
            (12, [0xff, 0xef].as_slice())
        );
    }

    #[test]
    fn what_is_no_signature_is_refused() {
        for value in [
            json!(null),
            json!({}),
            json!({ "signature": 1 }),
            json!({ "signature": "" }),
            json!({ "signature": "vault:v1" }),
            json!({ "signature": "vault:1:AAAA" }),
            json!({ "signature": "vault:vx:AAAA" }),
            json!({ "signature": "vault:v1:*" }),
        ] {
            assert!(
                VersionedSignature::parse(&value, KeySpec::Rsa2048).is_err(),
                "{value}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,60}") {
            let _ = VersionedSignature::parse(&json!({ "signature": text }), KeySpec::Ec521);
        }
    }
}
