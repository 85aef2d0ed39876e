//! Libraries of other people accept what is signed here, and refuse it once a byte has changed: OpenSSL the
//! signature itself, a JOSE and a COSE library the whole envelope.
//!
//! The two libraries are Python's; `cargo xtask servers install` brings them. Where it cannot, for want of a
//! package index, their tests say that they were skipped.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::path::Path;
use std::process::{Command, Output};

use apostille_signature::{Envelope, EnvelopeFormat};
use apostille_testing::tools::{find_tool, judges_python};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use notary_plugin_protocol::{EcdsaSignature, HashAlgorithm, KeySpec};
use support::Signer;

const CONTENT: &[u8] = b"what is signed";

#[test]
fn a_jose_library_verifies_our_jws_envelopes() {
    judged_by("verify_jws.py", EnvelopeFormat::Jws);
}

#[test]
fn a_cose_library_verifies_our_cose_envelopes() {
    judged_by("verify_cose.py", EnvelopeFormat::Cose);
}

fn judged_by(script: &str, format: EnvelopeFormat) {
    let Ok(python) = judges_python() else {
        println!("skipped: the Python libraries that judge envelopes are not installed");
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../testing/judges")
        .join(script);
    let directory = tempfile::tempdir().unwrap();
    let judge = |envelope: &[u8]| -> Output {
        let path = directory.path().join("envelope");
        std::fs::write(&path, envelope).unwrap();
        Command::new(&python)
            .arg(&script)
            .arg(path)
            .output()
            .unwrap()
    };
    for key_spec in KeySpec::ALL {
        let signer = Signer::new(*key_spec);
        let signed = signer.sign(signer.request(CONTENT), format);
        let envelope = signed.as_bytes();
        let verdict = judge(envelope);
        assert!(
            verdict.status.success(),
            "{key_spec}: {}",
            String::from_utf8_lossy(&verdict.stderr)
        );
        let parsed = Envelope::parse(format, envelope).unwrap();
        assert_eq!(verdict.stdout, parsed.payload_bytes(), "{key_spec}");

        let signature = parsed.signature();
        let changed = with_another_signature(format, envelope, signature);
        assert!(!judge(&changed).status.success(), "{key_spec}");
    }
}

/// The envelope with one byte of its signature changed.
fn with_another_signature(format: EnvelopeFormat, envelope: &[u8], signature: &[u8]) -> Vec<u8> {
    let needle = match format {
        EnvelopeFormat::Jws => URL_SAFE_NO_PAD.encode(signature).into_bytes(),
        EnvelopeFormat::Cose => signature.to_vec(),
    };
    let start = envelope
        .windows(needle.len())
        .position(|window| window == needle)
        .unwrap();
    let mut changed = envelope.to_vec();
    let byte = &mut changed[start + 10];
    // Both are letters of base64url as well.
    *byte = if *byte == b'A' { b'B' } else { b'A' };
    changed
}

#[test]
fn openssl_verifies_our_signatures_over_the_signed_bytes() {
    let openssl = find_tool("openssl").unwrap_or_else(|missing| panic!("{missing}"));
    for key_spec in KeySpec::ALL {
        for format in [EnvelopeFormat::Jws, EnvelopeFormat::Cose] {
            let signer = Signer::new(*key_spec);
            let signed = signer.sign(signer.request(CONTENT), format);
            let envelope = Envelope::parse(format, signed.as_bytes()).unwrap();
            let directory = tempfile::tempdir().unwrap();
            let write = |name: &str, bytes: &[u8]| {
                let path = directory.path().join(name);
                std::fs::write(&path, bytes).unwrap();
                path
            };
            let certificate = write("certificate.pem", signer.chain.leaf().to_pem().as_bytes());
            let public_key = Command::new(&openssl)
                .args(["x509", "-pubkey", "-noout", "-in"])
                .arg(certificate)
                .output()
                .unwrap();
            let public_key = write("public.pem", &public_key.stdout);
            let signature = write(
                "signature",
                &as_openssl_has_it(*key_spec, envelope.signature()),
            );
            let verify = |signed_bytes: &[u8]| {
                let mut command = Command::new(&openssl);
                command.args(["dgst", digest_option(*key_spec)]);
                if is_rsa(*key_spec) {
                    command.args(["-sigopt", "rsa_padding_mode:pss"]);
                    // -1: as long as the digest.
                    command.args(["-sigopt", "rsa_pss_saltlen:-1"]);
                }
                command.arg("-verify").arg(&public_key);
                command.arg("-signature").arg(&signature);
                command.arg(write("signed", signed_bytes));
                command.output().unwrap().status.success()
            };
            assert!(verify(envelope.signed_bytes()), "{key_spec} {format:?}");
            let other = [envelope.signed_bytes(), b"!"].concat();
            assert!(!verify(&other), "{key_spec} {format:?}");
        }
    }
}

/// Envelopes have ECDSA signatures as r‖s, OpenSSL as ASN.1.
fn as_openssl_has_it(key_spec: KeySpec, signature: &[u8]) -> Vec<u8> {
    if is_rsa(key_spec) {
        return signature.to_vec();
    }
    EcdsaSignature::from_raw(key_spec, signature)
        .unwrap()
        .to_der()
}

fn is_rsa(key_spec: KeySpec) -> bool {
    key_spec.as_str().starts_with("RSA")
}

fn digest_option(key_spec: KeySpec) -> &'static str {
    match key_spec.hash_algorithm() {
        HashAlgorithm::Sha256 => "-sha256",
        HashAlgorithm::Sha384 => "-sha384",
        HashAlgorithm::Sha512 => "-sha512",
    }
}
