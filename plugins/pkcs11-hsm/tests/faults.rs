//! Modules and tokens that fail: the answer is always one JSON error, with the right code and in time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::time::{Duration, Instant};

use apostille_testing::SoftHsm;
use notary_plugin_protocol::KeySpec;
use support::{Plugin, Refusal, compile};

const SPEC: KeySpec = KeySpec::Ec256;

fn with_key() -> Plugin {
    let plugin = Plugin::new();
    plugin.certified_key(SPEC, "release", 1);
    plugin
}

fn sign_fails(plugin: &Plugin, code: &str) -> Refusal {
    let refusal = plugin.sign("release", SPEC, b"payload").err().unwrap();
    assert_eq!(refusal.code, code, "{}", refusal.message);
    refusal
}

#[test]
fn a_module_that_does_not_exist_or_is_none_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let text = directory.path().join("text.so");
    std::fs::write(&text, "this is not a library").unwrap();
    let c = directory.path().join("empty.c");
    std::fs::write(&c, "int nothing;").unwrap();
    let library = directory.path().join("library.so");
    compile(&c, &library);
    let foreign = directory.path().join("foreign.so");
    let mut bytes = std::fs::read(&library).unwrap();
    bytes[18] = if cfg!(target_arch = "s390x") { 62 } else { 22 };
    std::fs::write(&foreign, bytes).unwrap();

    for (module, words) in [
        ("/no/such/module.so", "cannot be read"),
        (text.to_str().unwrap(), "not a shared library"),
        (library.to_str().unwrap(), "no PKCS#11 module"),
        (foreign.to_str().unwrap(), "is built for"),
        ("nonesuch", "no PKCS#11 module is called"),
    ] {
        let refusal = Plugin::new()
            .with("module", module)
            .describe("release")
            .unwrap_err();
        assert!(
            refusal.message.contains(words),
            "{module}: {}",
            refusal.message
        );
        assert_eq!(refusal.code, "VALIDATION_ERROR", "{}", refusal.message);
    }
}

#[test]
fn a_module_that_crashes_wherever_it_is_gives_an_error_that_says_so() {
    for (word, doing) in [("crash-load", "connecting"), ("crash-sign", "signing")] {
        let plugin = with_key().with_shim(word);
        let refusal = sign_fails(&plugin, "ERROR");
        assert!(
            refusal.message.contains("took its process down"),
            "{}",
            refusal.message
        );
        assert!(refusal.message.contains(doing), "{}", refusal.message);
    }
}

#[test]
fn a_module_that_crashes_after_the_signature_does_not_lose_it() {
    with_key()
        .with_shim("crash-finalize")
        .sign("release", SPEC, b"payload")
        .unwrap();
}

#[test]
fn a_module_that_hangs_is_ended_at_the_deadline() {
    for word in ["hang-initialize", "hang-sign"] {
        let plugin = with_key().with_shim(word).with("deadline", "1500ms");
        let start = Instant::now();
        let refusal = sign_fails(&plugin, "TIMEOUT");
        assert!(
            refusal.message.contains("did not answer in time"),
            "{}",
            refusal.message
        );
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "{:?}",
            start.elapsed()
        );
    }
}

#[test]
fn a_module_that_prints_or_floods_standard_output_harms_nothing() {
    for word in ["print", "flood"] {
        with_key()
            .with_shim(word)
            .sign("release", SPEC, b"payload")
            .unwrap();
    }
}

#[test]
fn a_token_that_is_removed_between_finding_the_key_and_signing_is_reported() {
    let refusal = sign_fails(&with_key().with_shim("remove"), "ERROR");
    assert!(refusal.message.contains("went away"), "{}", refusal.message);
}

#[test]
fn a_lost_session_is_opened_again_and_logged_in_with_the_pin_that_worked() {
    let plugin = with_key().with_shim("lose-session");
    plugin.sign("release", SPEC, b"payload").unwrap();
    assert_eq!(plugin.logged("open").len(), 2);
    assert_eq!(plugin.logged("login").len(), 2);
}

#[test]
fn a_token_with_a_clock_that_does_not_parse_works() {
    with_key()
        .with_shim("strange-clock")
        .sign("release", SPEC, b"payload")
        .unwrap();
}

#[test]
fn a_key_type_that_nobody_knows_does_not_hide_the_keys() {
    let plugin = with_key().with_shim("strange-key-type");
    assert!(plugin.person(&["keys"]).unwrap().contains("object=release"));
    plugin.sign("release", SPEC, b"payload").unwrap();
}

#[test]
fn a_token_that_is_absent_or_not_initialised_is_named() {
    let refusal = Plugin::on(SoftHsm::uninitialised("blank").unwrap())
        .describe("release")
        .unwrap_err();
    assert!(
        refusal.message.contains("not initialised"),
        "{}",
        refusal.message
    );

    let refusal = Plugin::new()
        .describe("pkcs11:token=other;object=release")
        .unwrap_err();
    assert_eq!(refusal.code, "VALIDATION_ERROR");
    assert!(
        refusal.message.contains("`apostille-test`"),
        "{}",
        refusal.message
    );
}

#[test]
fn a_module_without_its_configuration_is_reported_with_the_variable_that_names_it() {
    let plugin = Plugin::new().with_variable("SOFTHSM2_CONF", "/no/such/softhsm2.conf");
    let refusal = plugin.describe("release").unwrap_err();
    assert!(
        refusal.message.contains("SOFTHSM2_CONF"),
        "{}",
        refusal.message
    );
}

#[test]
fn a_certificate_of_another_key_is_not_used_and_not_stored() {
    let plugin = Plugin::new();
    plugin.certified_key(SPEC, "other", 1);
    plugin
        .hsm
        .import_key(SPEC.as_str(), "release", &[2])
        .unwrap();
    let refusal = sign_fails(&plugin, "VALIDATION_ERROR");
    assert!(
        refusal.message.contains("certificate"),
        "{}",
        refusal.message
    );

    let foreign = plugin.hsm.directory().join("other.pem");
    let error = plugin
        .person(&[
            "import-cert",
            "--key-id",
            "release",
            foreign.to_str().unwrap(),
        ])
        .unwrap_err();
    assert!(error.contains("nothing was written"), "{error}");
}
