//! Warm sessions: one log-in for many signatures, and what happens when the server goes away meanwhile.

use apostille_testing::vault::VaultServerOptions;
use notary_plugin_protocol::KeySpec;
use serde_json::json;

use crate::plugin::Signed;
use crate::vault::{
    audited, certified, certified_by, key, root, self_signed, shared, start, visitor,
};

const SPEC: KeySpec = KeySpec::Ec256;

#[test]
fn many_signatures_of_a_session_cost_one_request_each() {
    let Some(server) = start(VaultServerOptions::default()) else {
        return;
    };
    let (name, plugin) = certified(&server);
    let before = server.audit_log().len();
    let mut session = plugin.session();
    // As many at a time as every session takes.
    const TOGETHER: u8 = 4;
    for round in 0..10 {
        let payload = |number: u8| vec![round * TOGETHER + number; 100];
        let first = u64::from(round * TOGETHER) + 1;
        for number in 0..TOGETHER {
            session.send(&name, SPEC, &payload(number));
        }
        for _ in 0..TOGETHER {
            let answer = session.receive();
            let number = u8::try_from(answer["id"].as_u64().unwrap() - first).unwrap();
            let signed = Signed::from_answer(&answer["response"]);
            let leaf = signed.chain[0].public_key();
            leaf.verify(
                SPEC.signing_algorithm(),
                &payload(number),
                &signed.signature,
            )
            .unwrap();
        }
    }
    session.end();
    let requests = audited(&server, before);
    let expected = format!("update transit/sign/{name}");
    assert_eq!(requests, vec![expected; 40]);
}

#[test]
fn a_session_notices_at_once_that_a_key_was_rotated_and_has_a_new_certificate() {
    let Some(server) = shared() else { return };
    let admin = server.admin().unwrap();
    let name = key(&admin, "ecdsa-p256");
    let plugin = root(&server);
    let certify = || {
        let file = plugin.file("chain.pem", &self_signed(&plugin, &name));
        let arguments = ["set-certificate", "--key-id", &name, file.to_str().unwrap()];
        plugin.person(&arguments).unwrap();
    };
    certify();
    let mut session = plugin.session();
    assert!(session.sign(&name, SPEC)["response"].is_object());
    let rotate = format!("transit/keys/{name}/rotate");
    admin.write(&rotate, &json!({})).unwrap();
    let answer = session.sign(&name, SPEC);
    assert_eq!(answer["error"]["errorCode"], "VALIDATION_ERROR", "{answer}");
    certify();
    let answer = session.sign(&name, SPEC);
    assert!(answer["response"].is_object(), "{answer}");
    session.end();
}

#[test]
fn a_session_takes_the_new_token_of_a_file_when_the_old_one_ends() {
    let Some(server) = shared() else { return };
    let admin = server.admin().unwrap();
    let old = admin.write("auth/token/create", &json!({})).unwrap();
    let old = old["auth"]["client_token"].as_str().unwrap();
    let plugin = visitor(&server);
    let file = plugin.file("token", old);
    let (name, plugin) = certified_by(&server, plugin.with("token_file", file.to_str().unwrap()));
    let mut session = plugin.session();
    assert!(session.sign(&name, SPEC)["response"].is_object());
    admin
        .write("auth/token/revoke", &json!({ "token": old }))
        .unwrap();
    plugin.file("token", server.root_token());
    let answer = session.sign(&name, SPEC);
    assert!(answer["response"].is_object(), "{answer}");
    session.end();
}

#[test]
fn doctor_and_a_one_shot_command_say_that_the_server_is_sealed() {
    let Some(server) = start(VaultServerOptions::default()) else {
        return;
    };
    let (name, plugin) = certified(&server);
    server.seal().unwrap();
    let refusal = plugin.sign(&name, SPEC, b"payload").unwrap_err();
    refusal.is("TIMEOUT", &["is sealed"]);
    let report = plugin.person(&["doctor", "--key-id", &name]).unwrap_err();
    assert!(report.contains("is sealed"), "{report}");
}

#[test]
fn a_session_survives_a_server_that_is_sealed_and_unsealed() {
    let Some(server) = start(VaultServerOptions::default()) else {
        return;
    };
    let (name, plugin) = certified(&server);
    let mut session = plugin.session();
    assert!(session.sign(&name, SPEC)["response"].is_object());
    server.seal().unwrap();
    let answer = session.sign(&name, SPEC);
    assert_eq!(answer["error"]["errorCode"], "TIMEOUT", "{answer}");
    let message = answer["error"]["errorMessage"].as_str().unwrap();
    assert!(message.contains("is sealed"), "{message}");
    server.unseal().unwrap();
    let answer = session.sign(&name, SPEC);
    assert!(answer["response"].is_object(), "{answer}");
    session.end();
}

#[test]
fn a_session_survives_a_server_that_is_restarted() {
    let options = VaultServerOptions {
        durable: true,
        ..VaultServerOptions::default()
    };
    let Some(server) = start(options) else { return };
    let (name, plugin) = certified(&server);
    let mut session = plugin.session();
    assert!(session.sign(&name, SPEC)["response"].is_object());
    server.stop();
    let answer = session.sign(&name, SPEC);
    assert_eq!(answer["error"]["errorCode"], "TIMEOUT", "{answer}");
    server.restart().unwrap();
    let answer = session.sign(&name, SPEC);
    assert_eq!(answer["error"]["errorCode"], "TIMEOUT", "{answer}");
    server.unseal().unwrap();
    let answer = session.sign(&name, SPEC);
    assert!(answer["response"].is_object(), "{answer}");
    session.end();
}

#[test]
fn a_quota_of_the_server_is_throttling_with_the_time_to_wait() {
    let Some(server) = start(VaultServerOptions::default()) else {
        return;
    };
    let (name, plugin) = certified(&server);
    let admin = server.admin().unwrap();
    let headers = json!({ "enable_rate_limit_response_headers": true });
    admin.write("sys/quotas/config", &headers).unwrap();
    let quota = json!({ "path": "transit", "rate": 1, "interval": "60s" });
    admin
        .write("sys/quotas/rate-limit/signing", &quota)
        .unwrap();
    plugin.sign_well(&name, SPEC);
    let refusal = plugin.sign(&name, SPEC, b"payload").unwrap_err();
    refusal.is("THROTTLED", &["quota"]);
    assert_eq!(refusal.metadata["httpStatus"], "429");
    let wait: u64 = refusal.metadata["retryAfter"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
}

#[test]
fn a_token_that_was_obtained_is_renewed_while_the_session_lasts_and_revoked_at_its_end() {
    let Some(server) = shared() else { return };
    let admin = server.admin().unwrap();
    let mount = crate::vault::unique("userpass");
    admin
        .write(&format!("sys/auth/{mount}"), &json!({ "type": "userpass" }))
        .unwrap();
    admin
        .write(
            &format!("auth/{mount}/users/alice"),
            &json!({ "password": "correct horse", "token_policies": ["root-like"], "token_ttl": "3s", "token_max_ttl": "1h" }),
        )
        .unwrap();
    admin
        .write(
            "sys/policies/acl/root-like",
            &json!({ "policy": "path \"*\" { capabilities = [\"read\", \"update\"] }" }),
        )
        .unwrap();
    let alice = visitor(&server)
        .with("auth_method", "userpass")
        .with("auth_mount", &*mount)
        .with("username", "alice")
        .variable("NOTATION_VAULT_PASSWORD", "correct horse");
    let (name, alice) = certified_by(&server, alice);
    let before = server.audit_log().len();
    let mut session = alice.session();
    for _ in 0..3 {
        let answer = session.sign(&name, SPEC);
        assert!(answer["response"].is_object(), "{answer}");
        std::thread::sleep(std::time::Duration::from_millis(2200));
    }
    session.end();
    let requests = audited(&server, before);
    let count = |what: &str| requests.iter().filter(|request| *request == what).count();
    // On a machine that is so busy that the token ran out, there is another log-in instead.
    let log_in = format!("update auth/{mount}/login/alice");
    assert!(
        count(&log_in) + count("update auth/token/renew-self") >= 3,
        "{requests:?}"
    );
    assert!(count("update auth/token/revoke-self") >= 1, "{requests:?}");
}
