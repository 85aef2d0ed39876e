//! Every way to credentials that the SDK has and a test can have, with what the doctor says of it.

use std::collections::BTreeMap;

use apostille_testing::aws::{FaultProxy, StubAnswer};
use notary_plugin_protocol::KeySpec;
use serde_json::{Value, json};

use crate::cloud::{NOWHERE, certified, key, proxy, self_signed, shared, signer};
use crate::plugin::Plugin;

const ROLE: &str = "arn:aws:iam::000000000000:role/signer";

/// The plugin at an endpoint, without credentials.
fn nobody(address: String) -> Plugin {
    Plugin::bare()
        .variable("AWS_REGION", "eu-west-1")
        .variable("AWS_ENDPOINT_URL", address)
}

/// The access keys with which requests to KMS were signed.
fn signers(proxy: &FaultProxy) -> Vec<String> {
    let of = |authorization: &str| {
        let (_, rest) = authorization.split_once("Credential=").unwrap();
        rest.split('/').next().unwrap().to_owned()
    };
    proxy
        .seen()
        .iter()
        .filter(|seen| seen.operation.starts_with("TrentService"))
        .map(|seen| of(&seen.authorization))
        .collect()
}

fn text_answer(body: &str) -> StubAnswer {
    StubAnswer {
        status: 200,
        headers: vec![("Content-Type".to_owned(), "text/plain".to_owned())],
        body: body.to_owned(),
        delay: std::time::Duration::ZERO,
    }
}

fn temporary(id: &str) -> Value {
    json!({
        "Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2026-01-01T00:00:00Z", "AccessKeyId": id,
        "SecretAccessKey": "secret", "Token": "session-token", "Expiration": "2099-01-01T00:00:00Z",
    })
}

#[test]
fn a_profile_of_the_configuration_file_signs() {
    let Some(server) = shared() else { return };
    let arn = key(&server, KeySpec::Ec256);
    let proxy = proxy(&server);
    let plugin = nobody(proxy.address());
    let file = plugin.file(
        "config",
        "[profile release]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = secret\n",
    );
    let plugin = plugin
        .variable("AWS_CONFIG_FILE", file.to_str().unwrap())
        .variable("AWS_PROFILE", "release");
    plugin.describe(&arn).unwrap();
    assert_eq!(signers(&proxy), ["AKIAPROFILE"]);
    let report = plugin.person(&["doctor", "--key-id", &arn]);
    let report = report.unwrap_or_else(|printed| printed);
    assert!(
        report.contains("a profile of the AWS configuration"),
        "{report}"
    );
}

#[test]
fn a_process_of_the_profile_gives_credentials() {
    let Some(server) = shared() else { return };
    let arn = key(&server, KeySpec::Ec256);
    let proxy = proxy(&server);
    let plugin = nobody(proxy.address());
    let answer = json!({ "Version": 1, "AccessKeyId": "AKIAPROCESS", "SecretAccessKey": "secret" });
    let output = plugin.file("answer.json", &answer.to_string());
    let config = format!("[default]\ncredential_process = cat {}\n", output.display());
    let file = plugin.file("config", &config);
    let plugin = plugin.variable("AWS_CONFIG_FILE", file.to_str().unwrap());
    plugin.describe(&arn).unwrap();
    assert_eq!(signers(&proxy), ["AKIAPROCESS"]);
}

#[test]
fn what_a_process_prints_is_never_shown() {
    let plugin = nobody(NOWHERE.to_owned());
    let output = plugin.file(
        "answer.json",
        "{\"Version\": 1, \"SecretAccessKey\": \"hunter2\", oops",
    );
    let config = format!("[default]\ncredential_process = cat {}\n", output.display());
    let file = plugin.file("config", &config);
    let plugin = plugin.variable("AWS_CONFIG_FILE", file.to_str().unwrap());
    let refusal = plugin.describe("alias/release").unwrap_err();
    refusal.is("ACCESS_DENIED", &["credentials"]);
    assert!(!refusal.printed.contains("hunter2"), "{}", refusal.printed);
}

#[test]
fn a_web_identity_token_is_exchanged_for_a_role() {
    let Some(server) = shared() else { return };
    let arn = key(&server, KeySpec::Ec256);
    let proxy = proxy(&server);
    let plugin = nobody(proxy.address());
    let token = plugin.file("token", "header.claims.signature");
    let plugin = plugin
        .variable("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap())
        .variable("AWS_ROLE_ARN", ROLE);
    plugin.describe(&arn).unwrap();
    let seen = proxy.seen();
    let exchange = &seen[0].body;
    assert!(
        exchange.contains("Action=AssumeRoleWithWebIdentity"),
        "{exchange}"
    );
    assert!(exchange.contains("header.claims.signature"), "{exchange}");
    let report = plugin.person(&["doctor", "--key-id", &arn]);
    let report = report.unwrap_or_else(|printed| printed);
    assert!(report.contains("a web identity token (STS)"), "{report}");
    assert!(!report.contains("header.claims"), "{report}");
}

#[test]
fn a_role_that_cannot_be_assumed_is_access_denied_in_the_words_of_sts() {
    let Some(server) = shared() else { return };
    let (arn, plugin) = certified(&server);
    let proxy = proxy(&server);
    let mut denied = text_answer(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: arn:aws:iam::111122223333:user/ci is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::000000000000:role/signer</Message></Error><RequestId>0a0a0a0a-1111-2222-3333-444444444444</RequestId></ErrorResponse>",
    );
    denied.status = 403;
    proxy.answer("POST /", 9, denied);
    let plugin = plugin
        .variable("AWS_ENDPOINT_URL", proxy.address())
        .with("role_arn", ROLE);
    let refusal = plugin.sign(&arn, KeySpec::Ec256, b"payload").unwrap_err();
    refusal.is(
        "ACCESS_DENIED",
        &["the role cannot be assumed", "user/ci is not authorized"],
    );
}

#[test]
fn the_container_s_endpoint_gives_credentials() {
    let Some(server) = shared() else { return };
    let arn = key(&server, KeySpec::Ec256);
    let container = FaultProxy::start(NOWHERE).unwrap();
    container.answer(
        "GET /credentials",
        9,
        text_answer(&temporary("ASIACONTAINER").to_string()),
    );
    let proxy = proxy(&server);
    let plugin = nobody(proxy.address()).variable(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        format!("{}/credentials", container.address()),
    );
    let token = plugin.file("token", "pod-identity-token");
    let plugin = plugin.variable(
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        token.to_str().unwrap(),
    );
    plugin.describe(&arn).unwrap();
    assert_eq!(signers(&proxy), ["ASIACONTAINER"]);
    assert_eq!(container.seen()[0].authorization, "pod-identity-token");
}

#[test]
fn the_instance_s_role_gives_credentials_by_imdsv2() {
    let Some(server) = shared() else { return };
    let arn = key(&server, KeySpec::Ec256);
    let metadata = FaultProxy::start(NOWHERE).unwrap();
    let mut token = text_answer("metadata-token");
    token.headers.push((
        "x-aws-ec2-metadata-token-ttl-seconds".to_owned(),
        "21600".to_owned(),
    ));
    metadata.answer("PUT /latest/api/token", 9, token);
    let base = "/latest/meta-data/iam/security-credentials";
    for path in [
        base.to_owned(),
        format!("{base}/"),
        format!("{base}-extended"),
        format!("{base}-extended/"),
    ] {
        metadata.answer(&format!("GET {path}"), 9, text_answer("signer"));
    }
    for path in [format!("{base}/signer"), format!("{base}-extended/signer")] {
        let body = temporary("ASIAINSTANCE").to_string();
        metadata.answer(&format!("GET {path}"), 9, text_answer(&body));
    }
    let proxy = proxy(&server);
    let plugin = nobody(proxy.address())
        .variable("AWS_EC2_METADATA_DISABLED", "false")
        .variable("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.address());
    plugin.describe(&arn).unwrap();
    assert_eq!(signers(&proxy), ["ASIAINSTANCE"]);
    let report = plugin.person(&["doctor", "--key-id", &arn]);
    let report = report.unwrap_or_else(|printed| printed);
    assert!(report.contains("IMDSv2"), "{report}");
}

const SSO: &str = "[default]\nsso_session = work\nsso_account_id = 111122223333\nsso_role_name = signer\n\
    [sso-session work]\nsso_region = eu-west-1\nsso_start_url = https://work.awsapps.com/start\n";

#[test]
fn sso_that_is_not_logged_in_says_what_to_do() {
    let plugin = nobody(NOWHERE.to_owned());
    let file = plugin.file("config", SSO);
    let plugin = plugin.variable("AWS_CONFIG_FILE", file.to_str().unwrap());
    let refusal = plugin.describe("alias/release").unwrap_err();
    refusal.is("ACCESS_DENIED", &["credentials", "aws sso login"]);
}

#[test]
fn sso_that_is_logged_in_gives_credentials() {
    let Some(server) = shared() else { return };
    let arn = key(&server, KeySpec::Ec256);
    let proxy = proxy(&server);
    let role = json!({ "roleCredentials": {
        "accessKeyId": "ASIASSO", "secretAccessKey": "secret", "sessionToken": "session-token",
        "expiration": 4_070_908_800_000_u64,
    } });
    let portal = "GET /federation/credentials?role_name=signer&account_id=111122223333";
    proxy.answer(portal, 9, text_answer(&role.to_string()));
    let plugin = nobody(proxy.address());
    let file = plugin.file("config", SSO);
    // Where `aws sso login` leaves its token: by the SHA-1 of the session's name.
    let cache = plugin.home().join(".aws/sso/cache");
    std::fs::create_dir_all(&cache).unwrap();
    let token = json!({ "accessToken": "sso-token", "expiresAt": "2099-01-01T00:00:00Z" });
    let name = "e274eeff768c6396088ec6eb091f4bf4d47ab1e0.json";
    std::fs::write(cache.join(name), token.to_string()).unwrap();
    let plugin = plugin.variable("AWS_CONFIG_FILE", file.to_str().unwrap());
    plugin.describe(&arn).unwrap();
    assert_eq!(signers(&proxy), ["ASIASSO"]);
    let report = plugin.person(&["doctor", "--key-id", &arn]);
    let report = report.unwrap_or_else(|printed| printed);
    assert!(report.contains("SSO"), "{report}");
}

#[test]
fn a_session_assumes_its_role_once() {
    let Some(server) = shared() else { return };
    let (arn, plugin) = certified(&server);
    let proxy = proxy(&server);
    let plugin = plugin
        .variable("AWS_ENDPOINT_URL", proxy.address())
        .with("role_arn", ROLE);
    let mut session = plugin.session();
    for _ in 0..4 {
        let answer = session.sign(&arn, KeySpec::Ec256);
        assert!(answer["response"].is_object(), "{answer}");
    }
    session.end();
    let mut asked = BTreeMap::<String, usize>::new();
    for operation in proxy.operations() {
        *asked.entry(operation).or_default() += 1;
    }
    assert_eq!(asked.get("POST /"), Some(&1), "{asked:?}");
    assert_eq!(asked.get("Sign"), Some(&4), "{asked:?}");
}

#[test]
fn a_multi_region_key_signs() {
    let Some(server) = shared() else { return };
    let body =
        json!({ "KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY", "MultiRegion": true });
    let made = crate::cloud::key_with(&server, &body);
    let (id, arn) = (
        made["KeyId"].as_str().unwrap(),
        made["Arn"].as_str().unwrap(),
    );
    assert!(id.starts_with("mrk-"), "{id}");
    let plugin = signer(&server);
    let file = plugin.file("chain.pem", &self_signed(&plugin, id));
    let plugin = plugin.with("certificates", file.to_str().unwrap());
    for key_id in [id, arn] {
        plugin.sign_well(key_id, KeySpec::Ec256);
    }
}
