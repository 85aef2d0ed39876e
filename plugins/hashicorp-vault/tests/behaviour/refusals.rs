//! Bad input: one JSON error, the right code, and what to do.

use std::time::{Duration, Instant};

use apostille_testing::registry::{Answer, MisbehavingProxy};
use apostille_testing::vault::VaultServerOptions;
use notary_plugin_protocol::KeySpec;
use serde_json::{Value, json};

use crate::plugin::{Plugin, Refusal};
use crate::vault::{certified, certified_by, key, key_with, root, shared, start, unique, visitor};

const SPEC: KeySpec = KeySpec::Ec256;

#[test]
fn without_an_address_the_user_is_told_what_to_set() {
    let refusal = Plugin::bare()
        .variable("VAULT_TOKEN", "s.abc")
        .describe("release")
        .unwrap_err();
    refusal.is(
        "VALIDATION_ERROR",
        &["`address`", "`BAO_ADDR`", "`VAULT_ADDR`"],
    );
}

#[test]
fn plain_http_to_another_machine_is_refused_before_the_token_leaves() {
    let plugin = Plugin::bare()
        .variable("VAULT_ADDR", "http://192.0.2.1:8200")
        .variable("VAULT_TOKEN", "s.hunter2");
    let refusal = plugin.describe("release").unwrap_err();
    refusal.is("VALIDATION_ERROR", &["allow_http"]);
    assert!(!refusal.printed.contains("hunter2"));
}

#[test]
fn a_server_that_is_not_there_is_a_timeout_at_once() {
    let Some(server) = shared() else { return };
    let begun = Instant::now();
    let plugin = root(&server).variable("VAULT_ADDR", "http://127.0.0.1:1");
    let refusal = plugin.describe("release").unwrap_err();
    refusal.is("TIMEOUT", &["http://127.0.0.1:1", "not reached"]);
    assert!(begun.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_wrong_token_and_an_expired_one_are_said_and_not_shown() {
    let Some(server) = shared() else { return };
    let admin = server.admin().unwrap();
    let token = admin
        .write(
            "auth/token/create",
            &json!({ "ttl": "1s", "policies": ["default"] }),
        )
        .unwrap();
    let expired = token["auth"]["client_token"].as_str().unwrap();
    std::thread::sleep(Duration::from_millis(2100));
    for token in ["s.hunter2", expired] {
        let refusal = visitor(&server)
            .variable("VAULT_TOKEN", token)
            .describe("release")
            .unwrap_err();
        refusal.is("ACCESS_DENIED", &["does not accept the token"]);
        assert!(!refusal.printed.contains(token), "{}", refusal.printed);
    }
    let refusal = visitor(&server)
        .variable("VAULT_TOKEN", "a\u{7f}b")
        .describe("release")
        .unwrap_err();
    refusal.is("ACCESS_DENIED", &["characters"]);
}

#[test]
fn a_secret_in_the_plugin_configuration_is_refused() {
    let Some(server) = shared() else { return };
    for (name, variable) in [
        ("token", "BAO_TOKEN"),
        ("secret_id", "NOTATION_VAULT_SECRET_ID"),
        ("password", "NOTATION_VAULT_PASSWORD"),
    ] {
        let refusal = visitor(&server)
            .with(name, "hunter2")
            .describe("release")
            .unwrap_err();
        refusal.is("VALIDATION_ERROR", &[variable]);
        assert!(!refusal.printed.contains("hunter2"));
    }
}

#[test]
fn a_wrong_mount_and_a_missing_key_are_told_apart() {
    let Some(server) = shared() else { return };
    let refusal = root(&server).describe("nowhere/keys/release").unwrap_err();
    refusal.is("VALIDATION_ERROR", &["no engine is mounted", "namespace"]);
    let refusal = root(&server).describe("no-such-key").unwrap_err();
    refusal.is("VALIDATION_ERROR", &["no key `no-such-key`", "`keys`"]);
    let refusal = root(&server)
        .sign("no-such-key", SPEC, b"payload")
        .unwrap_err();
    refusal.is("VALIDATION_ERROR", &["no", "key"]);
}

#[test]
fn a_key_of_a_type_that_cannot_sign_is_refused_with_those_that_can() {
    let Some(server) = shared() else { return };
    let admin = server.admin().unwrap();
    for (kind, size) in [
        ("aes256-gcm96", None),
        ("ed25519", None),
        ("hmac", Some(32)),
    ] {
        let name = match size {
            Some(size) => key_with(&admin, json!({ "type": kind, "key_size": size })),
            None => key(&admin, kind),
        };
        let refusal = root(&server).describe(&name).unwrap_err();
        refusal.is("VALIDATION_ERROR", &[kind, "ecdsa-p256"]);
        let refusal = root(&server).sign(&name, SPEC, b"payload").unwrap_err();
        refusal.is("VALIDATION_ERROR", &[]);
    }
}

#[test]
fn a_derived_or_exportable_key_is_refused_unless_it_is_allowed() {
    let Some(server) = shared() else { return };
    let admin = server.admin().unwrap();
    let derived = key_with(&admin, json!({ "type": "ed25519", "derived": true }));
    root(&server)
        .describe(&derived)
        .unwrap_err()
        .is("VALIDATION_ERROR", &["derived"]);
    for exposure in ["exportable", "allow_plaintext_backup"] {
        let name = key_with(&admin, json!({ "type": "ecdsa-p256", exposure: true }));
        let refusal = root(&server).describe(&name).unwrap_err();
        refusal.is("VALIDATION_ERROR", &["allow_exportable"]);
        let allowed = root(&server).with("allow_exportable", "true");
        assert_eq!(allowed.describe(&name).unwrap(), SPEC);
    }
}

#[test]
fn tls_that_cannot_be_trusted_is_said_with_what_to_set() {
    let options = VaultServerOptions {
        tls: true,
        ..VaultServerOptions::default()
    };
    let Some(server) = start(options) else { return };
    let text = |path: std::path::PathBuf| path.to_str().unwrap().to_owned();
    let ca = text(server.ca_file());
    let (name, trusting) = certified_by(&server, root(&server).variable("VAULT_CACERT", &*ca));
    trusting.sign_well(&name, SPEC);

    // The system's authorities do not know it.
    let refusal = root(&server).describe(&name).unwrap_err();
    refusal.is("VALIDATION_ERROR", &["no TLS connection", "VAULT_CACERT"]);
    // Another authority, and what is none.
    let other = root(&server).variable(
        "VAULT_CACERT",
        text(server.client_certificate().certificate),
    );
    other
        .describe(&name)
        .unwrap_err()
        .is("VALIDATION_ERROR", &["no TLS connection"]);
    let key_file = root(&server).variable("VAULT_CACERT", text(server.client_certificate().key));
    key_file
        .describe(&name)
        .unwrap_err()
        .is("VALIDATION_ERROR", &["client.key"]);
    let absent = root(&server).variable("VAULT_CACERT", "/no/such/file");
    absent
        .describe(&name)
        .unwrap_err()
        .is("VALIDATION_ERROR", &["/no/such/file"]);

    // A name that the certificate has, and one that it has not.
    let named = |name: &str| {
        root(&server)
            .variable("VAULT_CACERT", &*ca)
            .variable("VAULT_TLS_SERVER_NAME", name)
    };
    assert_eq!(named("vault.example.com").describe(&name).unwrap(), SPEC);
    let refusal = named("other.example.com").describe(&name).unwrap_err();
    refusal.is("VALIDATION_ERROR", &["no TLS connection"]);

    // The other ways to name the authority, and not to check at all.
    let directory = tempfile::tempdir().unwrap();
    std::fs::copy(server.ca_file(), directory.path().join("ca.pem")).unwrap();
    std::fs::write(directory.path().join("notes.txt"), "not a certificate").unwrap();
    for (variable, value) in [
        ("VAULT_CAPATH", text(directory.path().to_owned())),
        ("BAO_CACERT", ca.clone()),
        ("VAULT_CACERT_BYTES", std::fs::read_to_string(&ca).unwrap()),
        ("VAULT_SKIP_VERIFY", "1".to_owned()),
    ] {
        let plugin = root(&server).variable(variable, value);
        assert_eq!(plugin.describe(&name).unwrap(), SPEC, "{variable}");
    }
    let refusal = root(&server)
        .variable("VAULT_SKIP_VERIFY", "perhaps")
        .describe(&name)
        .unwrap_err();
    refusal.is("VALIDATION_ERROR", &["VAULT_SKIP_VERIFY"]);
    // Half of a client certificate.
    let half = named("vault.example.com").variable("VAULT_CLIENT_CERT", &*ca);
    half.describe(&name)
        .unwrap_err()
        .is("VALIDATION_ERROR", &["`client_key`"]);
}

/// What the plugin says where each request is answered like this.
fn answered(answer: Answer) -> Refusal {
    let server = MisbehavingProxy::start(None, move |_| answer.clone()).unwrap();
    Plugin::bare()
        .variable("VAULT_ADDR", format!("http://{}", server.host()))
        .variable("VAULT_TOKEN", "s.abc")
        .describe("release")
        .unwrap_err()
}

#[test]
fn answers_of_something_else_than_a_vault_server_are_refused() {
    let json = |status: u16, body: Value| Answer::respond(status, &[], body.to_string());
    let page = "<!doctype html><title>Log in</title>";
    for (answer, code, word) in [
        (
            Answer::respond(200, &[], page),
            "VALIDATION_ERROR",
            "a web page",
        ),
        (
            Answer::respond(404, &[], page),
            "VALIDATION_ERROR",
            "a web page",
        ),
        (Answer::respond(503, &[], page), "TIMEOUT", "a web page"),
        (Answer::respond(200, &[], ""), "ERROR", "it is empty"),
        (
            Answer::respond(200, &[], "hello"),
            "VALIDATION_ERROR",
            "no JSON",
        ),
        (
            Answer::respond(200, &[], vec![0xff; 100]),
            "VALIDATION_ERROR",
            "no JSON",
        ),
        (json(200, json!([1, 2])), "VALIDATION_ERROR", "no JSON"),
        (json(200, json!({})), "ERROR", "it is empty"),
        (
            json(200, json!({ "data": {} })),
            "ERROR",
            "`type` is missing",
        ),
        (
            json(200, json!({ "data": { "type": 7 } })),
            "ERROR",
            "another type",
        ),
        (
            json(200, json!({ "data": { "type": "rsa-2048" } })),
            "VALIDATION_ERROR",
            "no version 0",
        ),
        (
            json(
                200,
                json!({ "data": null, "wrap_info": { "token": "s.x" } }),
            ),
            "ACCESS_DENIED",
            "control group",
        ),
        (
            json(418, json!({ "errors": ["teapot"] })),
            "VALIDATION_ERROR",
            "teapot",
        ),
        (
            json(500, json!({ "errors": ["internal error"] })),
            "ERROR",
            "internal error",
        ),
        (json(502, json!({ "errors": [] })), "TIMEOUT", "502"),
        (
            Answer::respond(302, &[("location", "https://login.example.com/")], ""),
            "VALIDATION_ERROR",
            "points elsewhere",
        ),
        (Answer::Cut, "TIMEOUT", "connection broke"),
    ] {
        answered(answer).is(code, &[word]);
    }
}

#[test]
fn an_answer_without_end_is_cut_off() {
    let refusal = answered(Answer::EndlessBody(Vec::new()));
    refusal.is("ERROR", &["4194304 bytes"]);
}

#[test]
fn a_deeply_nested_answer_is_refused() {
    let body = format!("{{\"data\":{}", "[".repeat(100_000));
    answered(Answer::respond(200, &[], body)).is("VALIDATION_ERROR", &["no JSON"]);
}

#[test]
fn signatures_that_are_none_never_leave_the_plugin() {
    let Some(server) = shared() else { return };
    let (name, _) = certified(&server);
    let zeros = "A".repeat(86);
    for signature in [
        json!("vault:v1:"),
        json!("vault:v1:!!!"),
        json!("MEUCIQ"),
        json!(null),
        json!(format!("vault:v1:{zeros}")),
        json!("vault:v99999999999999:AAAA"),
    ] {
        let body = json!({ "data": { "signature": signature } }).to_string();
        let sign = format!("/v1/transit/sign/{name}");
        let proxy = MisbehavingProxy::start(Some(&server.host()), move |request| {
            if request.target == sign {
                Answer::respond(200, &[], body.clone())
            } else {
                Answer::Forward
            }
        })
        .unwrap();
        let plugin = visitor(&server);
        let pem = crate::vault::self_signed(&root(&server), &name);
        let file = plugin.file("chain.pem", &pem);
        let plugin = plugin
            .with("certificates", file.to_str().unwrap())
            .variable("VAULT_TOKEN", server.root_token())
            .variable("VAULT_ADDR", format!("http://{}", proxy.host()));
        let refusal = plugin.sign(&name, SPEC, b"payload").unwrap_err();
        refusal.is("ERROR", &[]);
    }
}

#[test]
fn a_log_in_that_wants_a_second_factor_is_refused_in_words() {
    let answer =
        json!({ "auth": { "client_token": "", "mfa_requirement": { "mfa_request_id": "x" } } });
    let server =
        MisbehavingProxy::start(None, move |_| Answer::respond(200, &[], answer.to_string()))
            .unwrap();
    let plugin = Plugin::bare()
        .variable("VAULT_ADDR", format!("http://{}", server.host()))
        .with("auth_method", "userpass")
        .with("username", "alice")
        .variable("NOTATION_VAULT_PASSWORD", "correct horse");
    let refusal = plugin.describe("release").unwrap_err();
    refusal.is("ACCESS_DENIED", &["second factor"]);
}

#[test]
fn a_busy_server_is_asked_again_as_often_as_the_variable_says() {
    let server = MisbehavingProxy::start(None, |_| Answer::respond(503, &[], "{}")).unwrap();
    for (retries, requests) in [("0", 1), ("2", 3)] {
        let before = server.requests().len();
        let plugin = Plugin::bare()
            .variable("VAULT_ADDR", format!("http://{}", server.host()))
            .variable("VAULT_TOKEN", "s.abc")
            .variable("VAULT_MAX_RETRIES", retries);
        plugin.describe("release").unwrap_err().is("TIMEOUT", &[]);
        assert_eq!(server.requests().len() - before, requests);
    }
}

#[test]
fn a_standby_s_redirect_is_followed_with_method_body_and_token() {
    let Some(server) = shared() else { return };
    let (name, plugin) = certified(&server);
    let active = server.address();
    let standby = MisbehavingProxy::start(None, move |request| {
        let location = format!("{active}{}", request.target);
        Answer::respond(307, &[("location", &location)], "")
    })
    .unwrap();
    let plugin = plugin.variable("VAULT_ADDR", format!("http://{}", standby.host()));
    plugin.sign_well(&name, SPEC);
    let strict = plugin.variable("VAULT_DISABLE_REDIRECTS", "true");
    let refusal = strict.sign(&name, SPEC, b"payload").unwrap_err();
    refusal.is("VALIDATION_ERROR", &["points elsewhere"]);
}

#[test]
fn a_proxy_is_used_where_one_is_configured() {
    let Some(server) = shared() else { return };
    let (name, plugin) = certified(&server);
    let proxy = MisbehavingProxy::start(Some(&server.host()), |_| Answer::Forward).unwrap();
    let plugin = plugin.variable("VAULT_PROXY_ADDR", format!("http://{}", proxy.host()));
    plugin.sign_well(&name, SPEC);
    let target = proxy.requests()[0].target.clone();
    assert_eq!(
        target,
        format!("{}/v1/transit/sign/{name}", server.address())
    );
}

#[test]
fn a_server_that_never_answers_is_given_up_after_the_configured_time() {
    let server = MisbehavingProxy::start(None, |_| {
        std::thread::sleep(Duration::from_secs(5));
        Answer::Cut
    })
    .unwrap();
    let plugin = Plugin::bare()
        .variable("VAULT_ADDR", format!("http://{}", server.host()))
        .variable("VAULT_TOKEN", "s.abc");
    let refusal = plugin
        .variable("VAULT_CLIENT_TIMEOUT", "300ms")
        .describe(&unique("key"))
        .unwrap_err();
    refusal.is("TIMEOUT", &["no answer in time"]);
}
