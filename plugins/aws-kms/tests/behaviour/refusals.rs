//! What is wrong, and what the plugin says about it: one JSON error, the right code, and what to do.

use std::time::Duration;

use apostille_testing::aws::StubAnswer;
use notary_plugin_protocol::KeySpec;
use serde_json::json;

use crate::cloud::{
    NOWHERE, alias, at, certified, key, key_with, proxy, self_signed, shared, signer, unique,
};
use crate::plugin::Plugin;

const UUID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

fn arn() -> String {
    format!("arn:aws:kms:eu-west-1:111122223333:key/{UUID}")
}

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
    let refusal = plugin.describe(&arn()).unwrap_err();
    refusal.is("ACCESS_DENIED", &["no credentials were found", "profile"]);
}

#[test]
fn a_profile_that_does_not_exist_is_access_denied_even_with_credentials_in_the_environment() {
    let plugin = at(NOWHERE.to_owned()).with("profile", "release");
    let refusal = plugin.describe(&arn()).unwrap_err();
    refusal.is("ACCESS_DENIED", &["credentials", "release"]);
}

#[test]
fn secrets_in_the_configuration_are_refused() {
    for name in ["secret_access_key", "session_token"] {
        let plugin = at(NOWHERE.to_owned()).with(name, "hunter2hunter2");
        let refusal = plugin.describe(&arn()).unwrap_err();
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
fn key_specs_that_the_emulator_does_not_have_are_refused_as_well() {
    let Some(server) = shared() else { return };
    let arn = key(&server, KeySpec::Ec256);
    for spec in ["SM2", "ML_DSA_44", "ECC_NIST_EDWARDS25519"] {
        let proxy = proxy(&server);
        let body = json!({ "KeyId": arn, "KeySpec": spec, "KeyUsage": "SIGN_VERIFY", "PublicKey": "MAA=" });
        let mut answer = StubAnswer::aws_json(200, "", "");
        answer.body = body.to_string();
        proxy.answer("GetPublicKey", 1, answer);
        let refusal = at(proxy.address()).describe(&arn).unwrap_err();
        refusal.is("VALIDATION_ERROR", &[&format!("of spec {spec}")]);
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

/// What the real service says, and what that means.
#[test]
fn answers_of_the_real_service_become_the_right_codes() {
    let Some(server) = shared() else { return };
    let (arn, plugin) = certified(&server);
    let denied = format!(
        "User: arn:aws:sts::111122223333:assumed-role/ci/build is not authorized to perform: kms:Sign on resource: {arn} because no identity-based policy allows the kms:Sign action"
    );
    for (status, code, message, expected, words) in [
        (
            400,
            "AccessDeniedException",
            denied.as_str(),
            "ACCESS_DENIED",
            &["assumed-role/ci/build", "grant"][..],
        ),
        (
            400,
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
            "ACCESS_DENIED",
            &["does not know these credentials"],
        ),
        (
            400,
            "ExpiredTokenException",
            "The security token included in the request is expired",
            "ACCESS_DENIED",
            &["have expired", "log in again"],
        ),
        (
            403,
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
            "ACCESS_DENIED",
            &["secret access key"],
        ),
        (
            400,
            "InvalidGrantTokenException",
            "",
            "ACCESS_DENIED",
            &["kms:Sign", "grant"],
        ),
        (
            400,
            "NotFoundException",
            "Key 'arn:aws:kms:eu-west-1:111122223333:key/x' does not exist",
            "VALIDATION_ERROR",
            &["does not exist", "account and region"],
        ),
        (
            400,
            "KMSInvalidStateException",
            "arn:aws:kms:eu-west-1:111122223333:key/x is pending import.",
            "VALIDATION_ERROR",
            &["no key material"],
        ),
        (
            400,
            "InvalidKeyUsageException",
            "arn:aws:kms:eu-west-1:111122223333:key/x key usage is ENCRYPT_DECRYPT which is not valid for Sign.",
            "VALIDATION_ERROR",
            &["SIGN_VERIFY"],
        ),
        (
            400,
            "ThrottlingException",
            "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.",
            "THROTTLED",
            &["Cryptographic operations (ECC) request rate"],
        ),
        (400, "LimitExceededException", "", "THROTTLED", &["quota"]),
        (
            500,
            "KMSInternalException",
            "",
            "ERROR",
            &["the service failed", "try again"],
        ),
        (
            500,
            "DependencyTimeoutException",
            "",
            "TIMEOUT",
            &["did not finish in time"],
        ),
        (503, "ServiceUnavailableException", "", "TIMEOUT", &["503"]),
        (
            400,
            "SomethingNewException",
            "New in this version.",
            "VALIDATION_ERROR",
            &["New in this version."],
        ),
    ] {
        let proxy = proxy(&server);
        proxy.answer("Sign", 9, StubAnswer::aws_json(status, code, message));
        let plugin = plugin.again().variable("AWS_ENDPOINT_URL", proxy.address());
        let refusal = plugin.sign(&arn, KeySpec::Ec256, b"payload").unwrap_err();
        refusal.is(expected, words);
        assert_eq!(
            refusal.metadata["requestId"],
            "7b1c4a52-7f3e-4a53-9b6e-5d1f0e1f2a3b"
        );
        assert_eq!(refusal.metadata["awsErrorCode"], code);
        assert!(!refusal.printed.contains("wJalrXUtnFEMI"));
    }
}

#[test]
fn a_wrong_clock_is_named_with_how_far_it_is_off() {
    let Some(server) = shared() else { return };
    let (arn, plugin) = certified(&server);
    let proxy = proxy(&server);
    let message = "Signature expired: 20150830T123600Z is now earlier than 20150830T124100Z (20150830T124600Z - 5 min.)";
    let answer = StubAnswer::aws_json(400, "InvalidSignatureException", message)
        .with_header("Date", "Sun, 30 Aug 2015 12:46:00 GMT");
    proxy.answer("Sign", 1, answer);
    let plugin = plugin.variable("AWS_ENDPOINT_URL", proxy.address());
    let refusal = plugin.sign(&arn, KeySpec::Ec256, b"payload").unwrap_err();
    refusal.is(
        "ACCESS_DENIED",
        &["clock is wrong", "ahead of AWS's", "NTP"],
    );
}

#[test]
fn what_passes_is_tried_again() {
    let Some(server) = shared() else { return };
    let (arn, plugin) = certified(&server);
    let proxy = proxy(&server);
    proxy.answer(
        "Sign",
        1,
        StubAnswer::aws_json(400, "ThrottlingException", ""),
    );
    proxy.answer(
        "Sign",
        1,
        StubAnswer::aws_json(500, "KMSInternalException", ""),
    );
    let plugin = plugin
        .variable("AWS_ENDPOINT_URL", proxy.address())
        .variable("AWS_MAX_ATTEMPTS", "3");
    plugin.sign_well(&arn, KeySpec::Ec256);
    assert_eq!(proxy.operations(), ["Sign"; 3]);
}

#[test]
fn what_is_forbidden_is_asked_once() {
    let Some(server) = shared() else { return };
    let (arn, plugin) = certified(&server);
    let proxy = proxy(&server);
    proxy.answer(
        "Sign",
        9,
        StubAnswer::aws_json(400, "AccessDeniedException", ""),
    );
    let plugin = plugin
        .variable("AWS_ENDPOINT_URL", proxy.address())
        .variable("AWS_MAX_ATTEMPTS", "3");
    plugin.sign(&arn, KeySpec::Ec256, b"payload").unwrap_err();
    assert_eq!(proxy.operations(), ["Sign"]);
}

#[test]
fn a_service_that_hangs_is_a_timeout_at_the_deadline() {
    let Some(server) = shared() else { return };
    let (arn, plugin) = certified(&server);
    let proxy = proxy(&server);
    let late = StubAnswer::aws_json(500, "KMSInternalException", "").after(Duration::from_secs(5));
    proxy.answer("Sign", 1, late);
    let plugin = plugin
        .variable("AWS_ENDPOINT_URL", proxy.address())
        .with("deadline", "1s");
    let refusal = plugin.sign(&arn, KeySpec::Ec256, b"payload").unwrap_err();
    refusal.is("TIMEOUT", &["1s"]);
}

#[test]
fn an_endpoint_that_is_not_reached_is_a_timeout() {
    let refusal = at(NOWHERE.to_owned()).describe(&arn()).unwrap_err();
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
        let refusal = plugin.describe(&arn()).unwrap_err();
        refusal.is("VALIDATION_ERROR", &[insecure, "only https"]);
    }
}

#[test]
fn an_endpoint_that_is_not_aws_is_no_success() {
    let Some(server) = shared() else { return };
    let proxy = proxy(&server);
    let mut page = StubAnswer::aws_json(200, "", "");
    page.body = "<html>Welcome</html>".to_owned();
    proxy.answer("GetPublicKey", 1, page);
    let refusal = at(proxy.address()).describe(&arn()).unwrap_err();
    refusal.is("ERROR", &["does not answer as AWS does"]);
}

#[test]
fn an_answer_that_is_too_long_is_cut_off() {
    let Some(server) = shared() else { return };
    let proxy = proxy(&server);
    let mut endless = StubAnswer::aws_json(200, "", "");
    endless.body = format!("{{\"KeyId\":\"{}\"}}", "a".repeat(3 * 1024 * 1024));
    proxy.answer("GetPublicKey", 1, endless);
    let refusal = at(proxy.address()).describe(&arn()).unwrap_err();
    assert!(refusal.message.contains("limit"), "{}", refusal.message);
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
    let refusal = plugin.describe(&arn()).unwrap_err();
    refusal.is("VALIDATION_ERROR", &["external_id", "role_arn"]);
}
