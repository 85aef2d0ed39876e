//! The contract is not Rust's: a plugin in Python with the standard library alone.

use std::{fs, os::unix::fs::PermissionsExt};

use notary_plugin_sdk::protocol::KeySpec;
use serde_json::json;

use crate::plugin::{Plugin, available, signature_request, source};

fn python() -> Option<Plugin> {
    if !available("python3") {
        return None;
    }
    let mut plugin = Plugin::at(source("examples/python/notation-python-rsa"));
    plugin.set("PATH", &std::env::var("PATH").unwrap());
    assert!(
        fs::metadata(source("examples/python/notation-python-rsa"))
            .unwrap()
            .permissions()
            .mode()
            & 0o100
            != 0
    );
    Some(plugin)
}

#[test]
fn its_metadata_is_valid() {
    let Some(plugin) = python() else { return };
    let metadata = plugin.run(&["get-plugin-metadata"], "{}").answer();
    assert_eq!(
        (&metadata["name"], &metadata["capabilities"]),
        (&json!("python-rsa"), &json!(["SIGNATURE_GENERATOR.RAW"]))
    );
}

#[test]
fn it_signs_with_every_rsa_key_spec() {
    let Some(plugin) = python() else { return };
    for key_spec in [KeySpec::Rsa2048, KeySpec::Rsa3072, KeySpec::Rsa4096] {
        let key = plugin.add_key("key.pem", key_spec);
        let mut signer = Plugin::example("software-key");
        signer.set("SOFTWARE_KEY_DIRECTORY", ".");
        fs::write(
            signer.path("key.pem"),
            key.to_pkcs8_pem().unwrap().as_bytes(),
        )
        .unwrap();
        signer.self_sign("key.pem", "certificate.pem");
        fs::copy(
            signer.path("certificate.pem"),
            plugin.path("certificate.pem"),
        )
        .unwrap();
        let described = plugin
            .ask(
                "describe-key",
                &json!({ "contractVersion": "1.0", "keyId": "key.pem" }),
            )
            .answer();
        assert_eq!(
            described,
            json!({ "keyId": "key.pem", "keySpec": key_spec.as_str() })
        );
        let answer = plugin
            .ask(
                "generate-signature",
                &signature_request("key.pem", key_spec, b"\x00payload"),
            )
            .answer();
        crate::signing::check_signature(&answer, key_spec, b"\x00payload");
    }
}

#[test]
fn its_errors_follow_the_contract() {
    let Some(plugin) = python() else { return };
    for (command, request, expected) in [
        ("describe-key", "", "VALIDATION_ERROR"),
        ("describe-key", "[]", "VALIDATION_ERROR"),
        (
            "describe-key",
            "{\"contractVersion\":\"1.0\"}",
            "VALIDATION_ERROR",
        ),
        (
            "describe-key",
            "{\"contractVersion\":\"1.0\",\"keyId\":\"nope\"}",
            "VALIDATION_ERROR",
        ),
        (
            "describe-key",
            "{\"contractVersion\":\"9.0\",\"keyId\":\"nope\"}",
            "UNSUPPORTED_CONTRACT_VERSION",
        ),
        ("no-such-command", "{}", "VALIDATION_ERROR"),
    ] {
        assert_eq!(
            plugin.run(&[command], request).error().0,
            expected,
            "{command} {request}"
        );
    }
}
