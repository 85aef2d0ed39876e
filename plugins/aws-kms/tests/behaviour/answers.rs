//! Answers that only the real service gives, replayed with their JSON and headers, and those that no service
//! should give.

use std::time::Duration;

use apostille_testing::aws::StubAnswer;
use notary_plugin_protocol::KeySpec;
use serde_json::json;

use crate::cloud::{at, certified, key, nobodys_arn, proxy, shared};

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
fn an_endpoint_that_is_not_aws_is_no_success() {
    let Some(server) = shared() else { return };
    let proxy = proxy(&server);
    let mut page = StubAnswer::aws_json(200, "", "");
    page.body = "<html>Welcome</html>".to_owned();
    proxy.answer("GetPublicKey", 1, page);
    let refusal = at(proxy.address()).describe(&nobodys_arn()).unwrap_err();
    refusal.is("ERROR", &["does not answer as AWS does"]);
}

#[test]
fn an_answer_that_is_too_long_is_cut_off() {
    let Some(server) = shared() else { return };
    let proxy = proxy(&server);
    let mut endless = StubAnswer::aws_json(200, "", "");
    endless.body = format!("{{\"KeyId\":\"{}\"}}", "a".repeat(3 * 1024 * 1024));
    proxy.answer("GetPublicKey", 1, endless);
    let refusal = at(proxy.address()).describe(&nobodys_arn()).unwrap_err();
    assert!(refusal.message.contains("limit"), "{}", refusal.message);
}

#[test]
fn an_answer_of_another_key_is_an_error() {
    let Some(server) = shared() else { return };
    let (arn, plugin) = certified(&server);
    let other = key(&server, KeySpec::Ec256);
    let proxy = proxy(&server);
    let plugin = plugin.variable("AWS_ENDPOINT_URL", proxy.address());
    let mut answer = StubAnswer::aws_json(200, "", "");
    answer.body = json!({ "KeyId": other, "Signature": "MAA=" }).to_string();
    proxy.answer("Sign", 1, answer);
    let refusal = plugin.sign(&arn, KeySpec::Ec256, b"payload").unwrap_err();
    refusal.is("ERROR", &[&arn, &other, "answered"]);
}

#[test]
fn a_list_of_keys_that_never_ends_is_cut_off() {
    let Some(server) = shared() else { return };
    let proxy = proxy(&server);
    for (operation, member) in [("ListKeys", "Keys"), ("ListAliases", "Aliases")] {
        let mut page = StubAnswer::aws_json(200, "", "");
        page.body = json!({ member: [], "Truncated": true, "NextMarker": "more" }).to_string();
        proxy.answer(operation, usize::MAX, page);
    }
    at(proxy.address()).person(&["keys"]).unwrap();
    assert_eq!(proxy.operations().len(), 40);
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
