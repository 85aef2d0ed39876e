//! The commands for people.

use apostille_testing::aws::{AwsServerOptions, FaultProxy, StubAnswer};
use notary_plugin_protocol::KeySpec;

use crate::cloud::{NOWHERE, alias, at, certified, key, proxy, shared, signer, start};
use crate::plugin::Plugin;

#[test]
fn the_doctor_says_where_the_credentials_come_from_and_who_that_is() {
    let Some(server) = shared() else { return };
    let (arn, plugin) = certified(&server);
    let report = plugin.person(&["doctor", "--key-id", &arn]).unwrap();
    for words in ["environment variables", "arn:aws:", "account", "eu-west-1"] {
        assert!(report.contains(words), "no `{words}` in: {report}");
    }
    assert!(!report.contains("wJalrXUtnFEMI"), "{report}");
}

#[test]
fn the_doctor_compares_the_clocks() {
    let Some(server) = shared() else { return };
    let proxy = proxy(&server);
    let mut answer =
        StubAnswer::aws_json(200, "", "").with_header("Date", "Sun, 30 Aug 2015 12:46:00 GMT");
    answer.body = "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/a</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>".to_owned();
    proxy.answer("POST /", 1, answer);
    let report = at(proxy.address()).person(&["doctor"]);
    let report = report.unwrap_or_else(|printed| printed);
    assert!(report.contains("warning  clock"), "{report}");
    assert!(
        report.contains("arn:aws:iam::111122223333:user/a"),
        "{report}"
    );
}

#[test]
fn the_doctor_reports_a_role() {
    let Some(server) = shared() else { return };
    let (arn, plugin) = certified(&server);
    let proxy = proxy(&server);
    let role = "arn:aws:iam::000000000000:role/signer";
    let plugin = plugin
        .variable("AWS_ENDPOINT_URL", proxy.address())
        .with("role_arn", role)
        .with("external_id", "partner-1")
        .with("role_session_name", "release-42");
    let report = plugin.person(&["doctor", "--key-id", &arn]).unwrap();
    assert!(report.contains("an assumed role (STS)"), "{report}");
    assert!(report.contains(role), "{report}");
    let seen = proxy.seen();
    let assumed = seen
        .iter()
        .find(|seen| seen.body.contains("Action=AssumeRole"))
        .unwrap();
    for words in ["ExternalId=partner-1", "RoleSessionName=release-42"] {
        assert!(assumed.body.contains(words), "{}", assumed.body);
    }
}

#[test]
fn the_doctor_names_missing_credentials_as_the_failure() {
    let report = Plugin::bare()
        .variable("AWS_REGION", "eu-west-1")
        .person(&["doctor"])
        .unwrap_err();
    assert!(report.contains("no credentials were found"), "{report}");
}

#[test]
fn keys_lists_the_signing_keys_with_their_aliases() {
    let Some(server) = start(AwsServerOptions::default()) else {
        return;
    };
    let arn = key(&server, KeySpec::Ec384);
    let alias = alias(&server, &arn);
    let body = serde_json::json!({ "KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC" });
    let other = crate::cloud::key_with(&server, &body);
    let list = signer(&server).person(&["keys"]).unwrap();
    for words in [arn.as_str(), &alias, "EC-384", "Enabled"] {
        assert!(list.contains(words), "no `{words}` in: {list}");
    }
    assert!(!list.contains(other["KeyId"].as_str().unwrap()), "{list}");
}

#[test]
fn a_request_for_a_certificate_is_signed_by_the_key() {
    let Some(server) = shared() else { return };
    let arn = key(&server, KeySpec::Rsa2048);
    let csr = signer(&server)
        .person(&[
            "csr",
            "--key-id",
            &arn,
            "--subject",
            "CN=release,O=Example,C=GB",
        ])
        .unwrap();
    assert!(csr.starts_with("-----BEGIN CERTIFICATE REQUEST-----"));
}

#[test]
fn a_profile_that_is_named_wins_over_the_environment() {
    let Some(server) = shared() else { return };
    let proxy = proxy(&server);
    let plugin = at(proxy.address());
    let file = plugin.file(
        "credentials",
        "[release]\naws_access_key_id = AKIARELEASEPROFILE00\naws_secret_access_key = profile-secret\n",
    );
    let plugin = plugin
        .variable("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap())
        .with("profile", "release");
    let arn = key(&server, KeySpec::Ec256);
    plugin.describe(&arn).unwrap();
    assert!(
        proxy.seen()[0]
            .authorization
            .contains("AKIARELEASEPROFILE00")
    );
}

#[test]
fn a_ca_bundle_is_what_endpoints_are_checked_with() {
    let Some(server) = start(AwsServerOptions {
        tls: true,
        ..AwsServerOptions::default()
    }) else {
        return;
    };
    let arn = key(&server, KeySpec::Ec256);
    let refusal = signer(&server).describe(&arn).unwrap_err();
    refusal.is("VALIDATION_ERROR", &["no TLS connection", "AWS_CA_BUNDLE"]);
    let ca = server.ca_file();
    let by_variable = signer(&server).variable("AWS_CA_BUNDLE", ca.to_str().unwrap());
    by_variable.describe(&arn).unwrap();
    let by_setting = signer(&server).with("ca_bundle", ca.to_str().unwrap());
    by_setting.describe(&arn).unwrap();
}

#[test]
fn a_ca_bundle_without_certificates_is_refused() {
    let plugin = at("https://127.0.0.1:1".to_owned());
    let file = plugin.file(
        "ca.pem",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    );
    let plugin = plugin.variable("AWS_CA_BUNDLE", file.to_str().unwrap());
    let refusal = plugin.describe("alias/release").unwrap_err();
    refusal.is("VALIDATION_ERROR", &["AWS_CA_BUNDLE"]);
}

#[test]
fn grant_tokens_travel_with_every_use_of_the_key() {
    let Some(server) = shared() else { return };
    let (arn, plugin) = certified(&server);
    let proxy = proxy(&server);
    let plugin = plugin
        .variable("AWS_ENDPOINT_URL", proxy.address())
        .with("grant_tokens", "token-one, token-two");
    plugin.describe(&arn).unwrap();
    plugin.sign_well(&arn, KeySpec::Ec256);
    for seen in proxy.seen() {
        assert!(
            seen.body.contains("\"token-one\",\"token-two\""),
            "{}",
            seen.body
        );
    }
}

#[test]
fn fips_and_dual_stack_endpoints_are_asked_for_by_setting_and_through_the_proxy() {
    for (setting, host) in [
        ("use_fips_endpoint", "kms-fips.eu-west-1.amazonaws.com:443"),
        ("use_dualstack_endpoint", "kms.eu-west-1.api.aws:443"),
    ] {
        // Nothing leaves this machine: the proxy refuses, and shows where the request should have gone.
        let proxy = FaultProxy::start(NOWHERE).unwrap();
        proxy.answer(host, 1, StubAnswer::aws_json(403, "", ""));
        let plugin = Plugin::bare()
            .variable("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .variable("AWS_SECRET_ACCESS_KEY", "secret")
            .variable("AWS_REGION", "eu-west-1")
            .variable("HTTPS_PROXY", proxy.address())
            .with(setting, "true");
        let refusal = plugin.describe("alias/release").unwrap_err();
        refusal.is("TIMEOUT", &["not reached", "proxy"]);
        assert_eq!(proxy.seen()[0].operation, format!("CONNECT {host}"));
    }
}
