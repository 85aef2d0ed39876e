//! `describe-key` and `generate-signature`, made from the two traits.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use notary_plugin_sdk::{
    protocol::KeySpec,
    x509::{Certificate, PublicKey},
};
use serde_json::{Value, json};

use crate::plugin::{Plugin, Run, signature_request};

pub(crate) fn check_signature(answer: &Value, key_spec: KeySpec, payload: &[u8]) {
    let leaf = STANDARD
        .decode(answer["certificateChain"][0].as_str().unwrap())
        .unwrap();
    let signature = STANDARD
        .decode(answer["signature"].as_str().unwrap())
        .unwrap();
    assert_eq!(
        answer["signingAlgorithm"],
        key_spec.signing_algorithm().as_str()
    );
    let leaf_key: PublicKey = Certificate::from_der(&leaf).unwrap().public_key().clone();
    leaf_key
        .verify(key_spec.signing_algorithm(), payload, &signature)
        .unwrap();
}

#[test]
fn every_key_spec_is_described_and_signs() {
    let mut plugin = Plugin::example("software-key");
    plugin.set("SOFTWARE_KEY_DIRECTORY", ".");
    for key_spec in KeySpec::ALL {
        plugin.add_key(key_spec.as_str(), *key_spec);
        let _ = std::fs::remove_file(plugin.path("certificate.pem"));
        plugin.self_sign(key_spec.as_str(), "certificate.pem");
        let described = plugin
            .ask(
                "describe-key",
                &json!({ "contractVersion": "1.0", "keyId": key_spec.as_str() }),
            )
            .answer();
        assert_eq!(
            described,
            json!({ "keyId": key_spec.as_str(), "keySpec": key_spec.as_str() })
        );
        // Bytes that are no text, as COSE has them.
        let payload = b"\x00\xff\x84jSignature1\n";
        let answer = plugin
            .ask(
                "generate-signature",
                &signature_request(key_spec.as_str(), *key_spec, payload),
            )
            .answer();
        assert_eq!(answer["keyId"], key_spec.as_str());
        check_signature(&answer, *key_spec, payload);
    }
}

#[test]
fn a_payload_of_a_mebibyte_is_signed() {
    let payload = vec![0xa5; 1024 * 1024];
    let answer = Plugin::troublemaker().sign("good", &payload).answer();
    check_signature(&answer, KeySpec::Ec256, &payload);
}

#[test]
fn ecdsa_in_asn_1_is_converted() {
    let answer = Plugin::troublemaker().sign("der", b"payload").answer();
    check_signature(&answer, KeySpec::Ec256, b"payload");
}

#[test]
fn a_key_whose_public_half_is_remote_is_not_asked_for_it() {
    let answer = Plugin::troublemaker().sign("remote", b"payload").answer();
    check_signature(&answer, KeySpec::Ec256, b"payload");
}

fn fails(run: &Run, code: &str, text: &str) {
    let (found, message) = run.error();
    assert_eq!(found, code, "{message}");
    assert!(message.contains(text), "{message}");
}

#[test]
fn a_signature_over_other_bytes_does_not_leave() {
    fails(
        &Plugin::troublemaker().sign("other-payload", b"payload"),
        "ERROR",
        "does not verify",
    );
}

#[test]
fn a_signature_of_the_wrong_length_does_not_leave() {
    fails(
        &Plugin::troublemaker().sign("truncated", b"payload"),
        "ERROR",
        "64 bytes",
    );
}

#[test]
fn an_unknown_key_is_a_validation_error() {
    fails(
        &Plugin::troublemaker().sign("missing", b"payload"),
        "VALIDATION_ERROR",
        "no key `missing`",
    );
}

#[test]
fn a_key_spec_that_is_not_the_key_s_is_refused_before_anything_is_signed() {
    let plugin = Plugin::troublemaker();
    let mut request = signature_request("good", KeySpec::Ec384, b"payload");
    request["pluginConfig"]["counter"] = json!("counter");
    fails(
        &plugin.ask("generate-signature", &request),
        "VALIDATION_ERROR",
        "of spec EC-384, but the key is EC-256",
    );
    assert_eq!(plugin.read("counter"), "o");
}

#[test]
fn a_hash_algorithm_of_another_key_spec_is_refused() {
    let plugin = Plugin::troublemaker();
    let mut request = signature_request("good", KeySpec::Ec256, b"payload");
    request["hashAlgorithm"] = json!("SHA-384");
    fails(
        &plugin.ask("generate-signature", &request),
        "VALIDATION_ERROR",
        "hashAlgorithm",
    );
}

#[test]
fn nothing_is_signed_without_a_certificate() {
    let plugin = Plugin::troublemaker();
    let mut request = signature_request("good", KeySpec::Ec256, b"payload");
    request["pluginConfig"] = json!({ "counter": "counter" });
    fails(
        &plugin.ask("generate-signature", &request),
        "VALIDATION_ERROR",
        "`certificates` (not set)",
    );
    assert_eq!(plugin.read("counter"), "o");
}

#[test]
fn two_processes_do_not_disturb_each_other() {
    let plugin = Plugin::troublemaker();
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| plugin.sign("good", b"payload")))
            .collect();
        for run in runs {
            check_signature(&run.join().unwrap().answer(), KeySpec::Ec256, b"payload");
        }
    });
}
