//! Modules and tokens that fail: the answer is always one JSON error, with the right code and in time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::path::{Path, PathBuf};
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

fn module_refused(module: &Path, words: &str) {
    let refusal = Plugin::new()
        .with("module", module.to_str().unwrap())
        .describe("release")
        .unwrap_err();
    assert!(refusal.message.contains(words), "{}", refusal.message);
    assert_eq!(refusal.code, "VALIDATION_ERROR", "{}", refusal.message);
}

/// A shared library that is no PKCS#11 module.
fn library(directory: &Path) -> PathBuf {
    let source = directory.join("empty.c");
    std::fs::write(&source, "int nothing;").unwrap();
    let library = directory.join("library.so");
    compile(&source, &library);
    library
}

#[test]
fn a_module_that_does_not_exist_is_refused() {
    module_refused(Path::new("/no/such/module.so"), "cannot be read");
    module_refused(Path::new("nonesuch"), "no PKCS#11 module is called");
}

#[test]
fn a_module_for_another_architecture_is_refused_with_both_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = library(directory.path());
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[18] = if cfg!(target_arch = "s390x") { 62 } else { 22 };
    std::fs::write(&path, bytes).unwrap();
    module_refused(&path, "is built for");
    module_refused(&path, std::env::consts::ARCH);
}

#[test]
fn a_file_that_is_no_module_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let text = directory.path().join("text.so");
    std::fs::write(&text, "this is not a library").unwrap();
    module_refused(&text, "not a shared library");
    module_refused(&library(directory.path()), "no PKCS#11 module");
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
fn a_module_without_a_token_in_any_slot_says_so() {
    let refusal = sign_fails(&with_key().with_shim("empty-slots"), "ERROR");
    assert!(refusal.message.contains("no token"), "{}", refusal.message);
}

#[test]
fn a_token_that_is_not_initialised_is_refused_with_its_slot() {
    let refusal = Plugin::on(SoftHsm::uninitialised("blank").unwrap())
        .describe("release")
        .unwrap_err();
    assert_eq!(refusal.code, "ERROR", "{}", refusal.message);
    assert!(
        refusal.message.contains("not initialised"),
        "{}",
        refusal.message
    );
}

#[test]
fn a_token_that_is_not_there_is_refused_with_those_that_are() {
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
fn a_token_that_is_gone_between_describe_and_sign_is_missed_and_works_again_when_it_is_back() {
    let plugin = with_key().with("token", "apostille-test");
    plugin.describe("release").unwrap();
    let tokens = plugin.hsm.directory().join("tokens");
    let elsewhere = plugin.hsm.directory().join("elsewhere");
    std::fs::rename(&tokens, &elsewhere).unwrap();
    std::fs::create_dir(&tokens).unwrap();
    let refusal = sign_fails(&plugin, "VALIDATION_ERROR");
    assert!(
        refusal.message.contains("apostille-test"),
        "{}",
        refusal.message
    );
    std::fs::remove_dir(&tokens).unwrap();
    std::fs::rename(&elsewhere, &tokens).unwrap();
    plugin.sign("release", SPEC, b"payload").unwrap();
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
