//! What is wrong, and what the plugin says about it: one JSON error, the right code, and what to do.

use notary_plugin_protocol::KeySpec;
use serde_json::json;

use crate::cloud::{
    NOWHERE, UUID, alias, at, certified, key, key_with, nobodys_arn, self_signed, shared, signer,
    unique,
};
use crate::plugin::Plugin;

#[test]
fn key_ids_that_can_be_none_are_refused_before_anything_is_asked() {
    for (key_id, words) in [
        ("release", &["names no KMS key", "alias/NAME"][..]),
        ("arn:aws:kms:eu-west-1", &["no ARN of a KMS key"]),
        (
            "arn:aws:s3:::bucket/key",
            &["no ARN of a KMS key", "service `s3`"],
        ),
        (
            &format!("arn:aws:kms:cn-north-1:111122223333:key/{UUID}"),
            &["partition `aws-cn`, not `aws`"],
        ),
        ("arn:aws:kms:eu-west-1:1:key/x", &["12 digits"]),
    ] {
        let refusal = at(NOWHERE.to_owned()).describe(key_id).unwrap_err();
        refusal.is("VALIDATION_ERROR", words);
    }
}

#[test]
fn a_missing_region_is_named_with_the_ways_to_give_one() {
    let plugin = Plugin::bare()
        .variable("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .variable("AWS_SECRET_ACCESS_KEY", "secret");
    let refusal = plugin.describe(UUID).unwrap_err();
    refusal.is(
        "VALIDATION_ERROR",
        &["no region", "ARN", "`region`", "AWS_REGION"],
    );
}

#[test]
fn a_region_that_is_none_never_becomes_a_host_name() {
    for region in ["evil.example/#", "EU WEST", "x"] {
        let plugin = at(NOWHERE.to_owned()).with("region", region);
        let refusal = plugin.describe(UUID).unwrap_err();
        refusal.is("VALIDATION_ERROR", &["is no region"]);
    }
}

#[test]
fn missing_credentials_are_access_denied() {
    let plugin = Plugin::bare().variable("AWS_ENDPOINT_URL", NOWHERE);
    let refusal = plugin.describe(&nobodys_arn()).unwrap_err();
    refusal.is("ACCESS_DENIED", &["no credentials were found", "profile"]);
}

#[test]
fn a_profile_that_does_not_exist_is_access_denied_even_with_credentials_in_the_environment() {
    let plugin = at(NOWHERE.to_owned()).with("profile", "release");
    let refusal = plugin.describe(&nobodys_arn()).unwrap_err();
    refusal.is("ACCESS_DENIED", &["credentials", "release"]);
}

#[test]
fn secrets_in_the_configuration_are_refused() {
    for name in ["secret_access_key", "session_token"] {
        let plugin = at(NOWHERE.to_owned()).with(name, "hunter2hunter2");
        let refusal = plugin.describe(&nobodys_arn()).unwrap_err();
        refusal.is("VALIDATION_ERROR", &[name, "environment variable"]);
        assert!(!refusal.printed.contains("hunter2"));
    }
}

#[test]
fn keys_that_do_not_sign_are_refused_with_what_to_make_instead() {
    let Some(server) = shared() else { return };
    let plugin = signer(&server);
    for (spec, usage, words) in [
        ("HMAC_256", "GENERATE_VERIFY_MAC", "SIGN_VERIFY"),
        ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "SIGN_VERIFY"),
        (
            "RSA_2048",
            "ENCRYPT_DECRYPT",
            "usage ENCRYPT_DECRYPT, which cannot be changed",
        ),
        ("ECC_SECG_P256K1", "SIGN_VERIFY", "of spec ECC_SECG_P256K1"),
    ] {
        let made = key_with(&server, &json!({ "KeySpec": spec, "KeyUsage": usage }));
        let refusal = plugin.describe(made["Arn"].as_str().unwrap()).unwrap_err();
        refusal.is("VALIDATION_ERROR", &[words, "RSA_3072"]);
    }
}

#[test]
fn an_encryption_key_is_refused_when_it_shall_sign() {
    let Some(server) = shared() else { return };
    let (_, plugin) = certified(&server);
    let made = key_with(
        &server,
        &json!({ "KeySpec": "RSA_2048", "KeyUsage": "ENCRYPT_DECRYPT" }),
    );
    let arn = made["Arn"].as_str().unwrap();
    let refusal = plugin.sign(arn, KeySpec::Ec256, b"payload").unwrap_err();
    refusal.is("VALIDATION_ERROR", &["kms:Sign", "SIGN_VERIFY"]);
}

#[test]
fn states_in_which_a_key_does_not_sign_are_named_in_words() {
    let Some(server) = shared() else { return };
    let (arn, plugin) = certified(&server);
    server.kms("DisableKey", &json!({ "KeyId": arn })).unwrap();
    let refusal = plugin.sign(&arn, KeySpec::Ec256, b"payload").unwrap_err();
    refusal.is("VALIDATION_ERROR", &["disabled", "enable-key"]);
    let body = json!({ "KeyId": arn, "PendingWindowInDays": 7 });
    server.kms("ScheduleKeyDeletion", &body).unwrap();
    let refusal = plugin.sign(&arn, KeySpec::Ec256, b"payload").unwrap_err();
    refusal.is(
        "VALIDATION_ERROR",
        &["waits for its deletion", "cancel-key-deletion"],
    );
}

#[test]
fn a_key_that_does_not_exist_is_named() {
    let Some(server) = shared() else { return };
    for key_id in [UUID, "alias/no-such-key"] {
        let refusal = signer(&server).describe(key_id).unwrap_err();
        refusal.is("VALIDATION_ERROR", &[key_id, "does not exist", "region"]);
        assert!(refusal.metadata["requestId"].is_string());
    }
}

#[test]
fn an_endpoint_that_is_not_reached_is_a_timeout() {
    let refusal = at(NOWHERE.to_owned()).describe(&nobodys_arn()).unwrap_err();
    refusal.is("TIMEOUT", &["not reached", "endpoint", "proxy"]);
}

#[test]
fn plain_http_over_the_network_is_refused_wherever_it_comes_from() {
    let insecure = "http://kms.example.com";
    for plugin in [
        at(insecure.to_owned()),
        at(NOWHERE.to_owned()).variable("AWS_ENDPOINT_URL_KMS", insecure),
        at(NOWHERE.to_owned()).with("endpoint_url", insecure),
    ] {
        let refusal = plugin.describe(&nobodys_arn()).unwrap_err();
        refusal.is("VALIDATION_ERROR", &[insecure, "only https"]);
    }
}

#[test]
fn the_certificate_of_another_key_is_refused_with_the_key_that_signed() {
    let Some(server) = shared() else { return };
    let (_, plugin) = certified(&server);
    let other = key(&server, KeySpec::Ec256);
    let alias = alias(&server, &other);
    for key_id in [&other, &alias] {
        let refusal = plugin.sign(key_id, KeySpec::Ec256, b"payload").unwrap_err();
        refusal.is("VALIDATION_ERROR", &["another key than", &other]);
    }
}

#[test]
fn a_certificate_is_needed() {
    let Some(server) = shared() else { return };
    let arn = key(&server, KeySpec::Ec256);
    let refusal = signer(&server)
        .sign(&arn, KeySpec::Ec256, b"payload")
        .unwrap_err();
    refusal.is("VALIDATION_ERROR", &["certificates"]);
}

#[test]
fn a_directory_of_certificates_is_read() {
    let Some(server) = shared() else { return };
    let arn = key(&server, KeySpec::Ec384);
    let plugin = signer(&server);
    let directory = plugin.home().join(unique("certificates"));
    std::fs::create_dir(&directory).unwrap();
    std::fs::write(directory.join("README"), "no certificate").unwrap();
    std::fs::write(directory.join("leaf.pem"), self_signed(&plugin, &arn)).unwrap();
    let plugin = plugin.with("certificates", directory.to_str().unwrap());
    plugin.sign_well(&arn, KeySpec::Ec384);
}

#[test]
fn an_external_id_without_a_role_is_refused() {
    let plugin = at(NOWHERE.to_owned()).with("external_id", "partner");
    let refusal = plugin.describe(&nobodys_arn()).unwrap_err();
    refusal.is("VALIDATION_ERROR", &["external_id", "role_arn"]);
}

#[test]
fn settings_that_have_no_endpoint_together_are_refused() {
    let plugin = at(NOWHERE.to_owned())
        .with("endpoint_url", NOWHERE)
        .with("use_fips_endpoint", "true");
    let refusal = plugin.describe(&nobodys_arn()).unwrap_err();
    refusal.is("VALIDATION_ERROR", &["no endpoint", "FIPS"]);
}

#[test]
fn a_ca_bundle_that_is_too_large_is_refused() {
    let plugin = at(NOWHERE.to_owned());
    let file = plugin.file("ca.pem", &"a".repeat(1024 * 1024 + 1));
    let plugin = plugin.with("ca_bundle", file.to_str().unwrap());
    let refusal = plugin.describe(&nobodys_arn()).unwrap_err();
    refusal.is("VALIDATION_ERROR", &["ca_bundle", "larger than"]);
}
