//! Raw signatures made and checked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use aws_lc_rs::rsa::RsaPssSaltLength;
use notary_plugin_protocol::{EcdsaSignature, KeySpec, SigningAlgorithm};
use notary_x509::{Error, PrivateKey};

#[test]
fn each_key_spec_signs_with_its_own_algorithm_and_no_other() {
    for &spec in KeySpec::ALL {
        let key = PrivateKey::generate(spec).unwrap();
        let signature = key.sign(b"message").unwrap();
        assert_eq!(signature.len(), spec.signature_len());
        for &algorithm in SigningAlgorithm::ALL {
            let result = key.public_key().verify(algorithm, b"message", &signature);
            if algorithm == spec.signing_algorithm() {
                result.unwrap();
            } else {
                assert!(
                    matches!(result, Err(Error::AlgorithmKeyMismatch { .. })),
                    "{spec} {algorithm}"
                );
            }
        }
        let other = key
            .public_key()
            .verify(spec.signing_algorithm(), b"massage", &signature);
        assert!(matches!(other, Err(Error::SignatureInvalid { .. })));
    }
}

#[test]
fn a_key_survives_being_written_as_pkcs8() {
    for &spec in KeySpec::ALL {
        let key = PrivateKey::generate(spec).unwrap();
        let again = PrivateKey::from_pem(key.to_pkcs8_pem().unwrap().as_bytes()).unwrap();
        assert!(again.public_key() == key.public_key());
    }
}

#[test]
fn an_ecdsa_signature_in_der_is_refused_and_named_as_such() {
    let key = PrivateKey::generate(KeySpec::Ec384).unwrap();
    let raw = key.sign(b"message").unwrap();
    let der = EcdsaSignature::from_raw(KeySpec::Ec384, &raw)
        .unwrap()
        .to_der();
    let error = key
        .public_key()
        .verify(SigningAlgorithm::EcdsaSha384, b"message", &der)
        .unwrap_err();
    assert!(error.to_string().contains("ASN.1 DER"), "{error}");
}

#[test]
fn an_rsa_pss_signature_with_another_salt_length_is_refused() {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{RSA_PSS_SHA256, RsaKeyPair};

    let key = PrivateKey::generate(KeySpec::Rsa2048).unwrap();
    let pem = key.to_pkcs8_pem().unwrap();
    let pair = RsaKeyPair::from_pkcs8(&der::pem::decode_vec(pem.as_bytes()).unwrap().1).unwrap();
    for (salt, good) in [
        (RsaPssSaltLength::Digest, true),
        (RsaPssSaltLength::Max, false),
        (RsaPssSaltLength::Custom(20), false),
        (RsaPssSaltLength::Custom(0), false),
    ] {
        let padding: &'static _ = Box::leak(Box::new(RSA_PSS_SHA256.with_pss_salt_length(salt)));
        let mut signature = vec![0; 256];
        pair.sign(padding, &SystemRandom::new(), b"message", &mut signature)
            .unwrap();
        let result =
            key.public_key()
                .verify(SigningAlgorithm::RsassaPssSha256, b"message", &signature);
        assert_eq!(result.is_ok(), good, "{salt:?}");
    }
}
