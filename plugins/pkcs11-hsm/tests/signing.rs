//! Signatures by keys in SoftHSM2, checked with another cryptographic library.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use notary_plugin_protocol::KeySpec;
use support::Plugin;

const PAYLOAD: &[u8] = b"\x00\xff payload with any bytes";

#[test]
fn each_key_spec_is_described_and_signs() {
    let plugin = Plugin::new();
    for (number, key_spec) in (1..).zip(KeySpec::ALL) {
        let public_key = plugin.certified_key(*key_spec, key_spec.as_str(), number);
        assert_eq!(
            plugin.describe(key_spec.as_str()).unwrap(),
            key_spec.as_str()
        );
        let signed = plugin.sign(key_spec.as_str(), *key_spec, PAYLOAD).unwrap();
        public_key
            .verify(key_spec.signing_algorithm(), PAYLOAD, &signed.signature)
            .unwrap();
        assert_eq!(signed.chain.len(), 1);
        assert_eq!(signed.chain[0].public_key(), &public_key);
    }
}

#[test]
fn a_key_that_is_generated_on_the_token_signs_after_self_sign_and_import() {
    let plugin = Plugin::new();
    for key_spec in [KeySpec::Ec256, KeySpec::Rsa3072] {
        let label = key_spec.as_str();
        let key_id = plugin
            .person(&["generate-key", "--label", label, "--key-spec", label])
            .unwrap();
        let pem = plugin.hsm.directory().join(format!("{label}.pem"));
        let pem = pem.to_str().unwrap();
        let subject = "CN=release,O=Example,ST=England,C=GB";
        plugin
            .person(&[
                "self-sign",
                "--key-id",
                label,
                "--subject",
                subject,
                "--out",
                pem,
            ])
            .unwrap();
        plugin
            .person(&["import-cert", "--key-id", label, pem])
            .unwrap();
        let signed = plugin.sign(key_id.trim(), key_spec, PAYLOAD).unwrap();
        let leaf = signed.chain[0].public_key();
        leaf.verify(key_spec.signing_algorithm(), PAYLOAD, &signed.signature)
            .unwrap();
    }
}

#[test]
fn a_token_that_hashes_itself_gets_the_payload() {
    let plugin = Plugin::new().with_shim("hash-and-sign-only");
    let public_key = plugin.certified_key(KeySpec::Rsa3072, "release", 1);
    let signed = plugin.sign("release", KeySpec::Rsa3072, PAYLOAD).unwrap();
    public_key
        .verify(
            KeySpec::Rsa3072.signing_algorithm(),
            PAYLOAD,
            &signed.signature,
        )
        .unwrap();
    // CKM_SHA384_RSA_PKCS_PSS
    assert_eq!(plugin.logged("mechanism"), [format!("mechanism {}", 0x44)]);
}

#[test]
fn a_token_with_bare_rsa_only_gets_our_padding() {
    let plugin = Plugin::new().with_shim("raw-rsa-only");
    for (number, key_spec) in [(1, KeySpec::Rsa2048), (2, KeySpec::Rsa4096)] {
        let public_key = plugin.certified_key(key_spec, key_spec.as_str(), number);
        let signed = plugin.sign(key_spec.as_str(), key_spec, PAYLOAD).unwrap();
        public_key
            .verify(key_spec.signing_algorithm(), PAYLOAD, &signed.signature)
            .unwrap();
    }
    // CKM_RSA_X_509
    assert_eq!(plugin.logged("mechanism"), ["mechanism 3", "mechanism 3"]);
}

#[test]
fn a_token_that_is_configured_for_one_mechanism_signs_with_that() {
    let plugin = Plugin::new();
    plugin
        .hsm
        .configure("slots.mechanisms = CKM_SHA256_RSA_PKCS_PSS")
        .unwrap();
    let plugin = plugin.with_shim("log");
    let public_key = plugin.certified_key(KeySpec::Rsa2048, "release", 1);
    let signed = plugin.sign("release", KeySpec::Rsa2048, PAYLOAD).unwrap();
    public_key
        .verify(
            KeySpec::Rsa2048.signing_algorithm(),
            PAYLOAD,
            &signed.signature,
        )
        .unwrap();
    // CKM_SHA256_RSA_PKCS_PSS
    assert_eq!(plugin.logged("mechanism"), [format!("mechanism {}", 0x43)]);
}

#[test]
fn a_mechanism_that_is_offered_and_refused_leads_to_the_next() {
    let plugin = Plugin::new().with_shim("refuse-pss");
    let public_key = plugin.certified_key(KeySpec::Rsa2048, "release", 1);
    let signed = plugin.sign("release", KeySpec::Rsa2048, PAYLOAD).unwrap();
    public_key
        .verify(
            KeySpec::Rsa2048.signing_algorithm(),
            PAYLOAD,
            &signed.signature,
        )
        .unwrap();
    assert_eq!(plugin.logged("mechanism").len(), 2);
}

#[test]
fn a_token_without_any_way_to_make_the_signature_is_named_with_what_it_lacks() {
    let plugin = Plugin::new().with_shim("no-pss");
    plugin.certified_key(KeySpec::Rsa2048, "release", 1);
    let refusal = plugin
        .sign("release", KeySpec::Rsa2048, PAYLOAD)
        .err()
        .unwrap();
    assert!(
        refusal.message.contains("CKM_RSA_PKCS_PSS"),
        "{}",
        refusal.message
    );
    assert!(
        refusal.message.contains("apostille-test"),
        "{}",
        refusal.message
    );
}

#[test]
fn a_wrong_signature_never_leaves_the_plugin() {
    for key_spec in [KeySpec::Ec256, KeySpec::Rsa2048] {
        let plugin = Plugin::new().with_shim("flip");
        plugin.certified_key(key_spec, "release", 1);
        let refusal = plugin.sign("release", key_spec, PAYLOAD).err().unwrap();
        assert_eq!(refusal.code, "ERROR", "{}", refusal.message);
    }
}

#[test]
fn signing_opens_read_only_sessions_logs_in_once_and_finalises() {
    let plugin = Plugin::new().with_shim("log");
    plugin.certified_key(KeySpec::Ec256, "release", 1);
    plugin.sign("release", KeySpec::Ec256, PAYLOAD).unwrap();
    // CKF_SERIAL_SESSION without CKF_RW_SESSION
    assert_eq!(plugin.logged("open"), ["open 4"]);
    // CKU_USER
    assert_eq!(plugin.logged("login"), ["login 1"]);
    assert_eq!(plugin.logged("sign"), ["sign 0"]);
    assert_eq!(plugin.logged("finalize"), ["finalize 0"]);
}

#[test]
fn the_key_spec_of_the_request_has_to_be_that_of_the_key() {
    let plugin = Plugin::new();
    plugin.certified_key(KeySpec::Ec256, "release", 1);
    let refusal = plugin
        .sign("release", KeySpec::Ec384, PAYLOAD)
        .err()
        .unwrap();
    assert_eq!(refusal.code, "VALIDATION_ERROR");
}
