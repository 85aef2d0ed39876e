//! Certificates where Vault's users keep them.

use std::sync::Arc;

use apostille_testing::vault::VaultServer;
use notary_plugin_protocol::KeySpec;
use serde_json::{Value, json};

use crate::plugin::Plugin;
use crate::vault::{SUBJECT, certified, key, root, self_signed, shared, unique};

const SPEC: KeySpec = KeySpec::Ec256;

/// A key, its certificate (PEM), and the root's plugin with no place for certificates configured.
fn key_and_certificate(server: &VaultServer) -> (String, String, Plugin) {
    let plugin = root(server);
    let name = key(&server.admin().unwrap(), "ecdsa-p256");
    let pem = self_signed(&plugin, &name);
    (name, pem, plugin)
}

fn write(server: &VaultServer, path: &str, body: Value) {
    server.admin().unwrap().write(path, &body).unwrap();
}

#[test]
fn the_layout_of_the_existing_plugin_is_read_as_it_is() {
    let Some(server) = shared() else { return };
    let (name, pem, plugin) = key_and_certificate(&server);
    let secret = unique("app");
    let body = json!({ "data": { "certificate": pem } });
    write(&server, &format!("secret/data/{secret}"), body);
    let plugin = plugin
        .with("kvName", "secret")
        .with("transitName", "transit")
        .with("transitKeyName", &*name);
    assert_eq!(plugin.describe(&secret).unwrap(), SPEC);
    plugin.sign_well(&secret, SPEC);
}

#[test]
fn a_secret_of_either_version_of_kv_is_read_from_the_field_that_is_configured() {
    let Some(server) = shared() else { return };
    let (name, pem, _) = key_and_certificate(&server);
    let inside = format!("certificates/{name}");
    write(
        &server,
        &format!("secret/data/{inside}"),
        json!({ "data": { "chain": pem } }),
    );
    write(&server, &format!("kv1/{inside}"), json!({ "chain": pem }));
    for (mount, version) in [("secret", "2"), ("kv1", "1")] {
        let plugin = root(&server).with("kv_field", "chain");
        let known = plugin
            .with("kvName", mount)
            .with("kv_version", version)
            .with("kv_path", &*inside);
        known.sign_well(&name, SPEC);
        let plugin = root(&server).with("kv_field", "chain");
        let whole = plugin.with("kv_path", format!("{mount}/{inside}"));
        whole.sign_well(&name, SPEC);
    }
}

#[test]
fn a_secret_that_is_missing_deleted_or_has_other_fields_is_said() {
    let Some(server) = shared() else { return };
    let (name, pem, plugin) = key_and_certificate(&server);
    let plugin = plugin.with("kvName", "secret");
    let path = format!("secret/data/{name}");
    let refusal = plugin.sign(&name, SPEC, b"payload").unwrap_err();
    refusal.is("VALIDATION_ERROR", &[&path, "no secret with certificates"]);

    write(
        &server,
        &path,
        json!({ "data": { "cert": pem, "note": "x" } }),
    );
    let refusal = plugin.sign(&name, SPEC, b"payload").unwrap_err();
    refusal.is(
        "VALIDATION_ERROR",
        &["`certificate`", "cert, note", "kv_field"],
    );

    server.admin().unwrap().delete(&path).unwrap();
    let refusal = plugin.sign(&name, SPEC, b"payload").unwrap_err();
    refusal.is("VALIDATION_ERROR", &["was deleted", "undelete"]);
}

#[test]
fn malformed_pem_in_a_secret_is_refused() {
    let Some(server) = shared() else { return };
    let (name, pem, plugin) = key_and_certificate(&server);
    let plugin = plugin.with("kvName", "secret");
    for content in [
        json!("no PEM"),
        json!(pem.replace("MII", "***")),
        json!(""),
        json!(17),
    ] {
        let body = json!({ "data": { "certificate": content } });
        write(&server, &format!("secret/data/{name}"), body);
        let refusal = plugin.sign(&name, SPEC, b"payload").unwrap_err();
        refusal.is("VALIDATION_ERROR", &["field `certificate`"]);
    }
}

#[test]
fn a_key_without_any_certificate_is_said_with_what_to_do() {
    let Some(server) = shared() else { return };
    let (name, _, plugin) = key_and_certificate(&server);
    let refusal = plugin.sign(&name, SPEC, b"payload").unwrap_err();
    refusal.is(
        "VALIDATION_ERROR",
        &["has no certificate", "kvName", "`csr`"],
    );
}

#[test]
fn set_certificate_stores_a_chain_in_transit_or_in_kv_and_keeps_other_fields() {
    let Some(server) = shared() else { return };
    let (name, pem, plugin) = key_and_certificate(&server);
    let file = plugin.file("chain.pem", &pem);
    let arguments = ["set-certificate", "--key-id", &name, file.to_str().unwrap()];

    plugin.person(&arguments).unwrap();
    plugin.sign_well(&name, SPEC);

    let path = format!("secret/data/{name}");
    write(&server, &path, json!({ "data": { "owner": "alice" } }));
    let plugin = plugin.with("kvName", "secret");
    plugin.person(&arguments).unwrap();
    plugin.person(&arguments).unwrap();
    plugin.sign_well(&name, SPEC);
    let secret = server.admin().unwrap().read(&path).unwrap();
    assert_eq!(secret["data"]["data"]["owner"], "alice");
    // The second time there was nothing to write.
    assert_eq!(secret["data"]["metadata"]["version"], 2);
}

#[test]
fn set_certificate_refuses_the_certificate_of_another_key() {
    let Some(server) = shared() else { return };
    let (_, pem, _) = key_and_certificate(&server);
    let (name, _, plugin) = key_and_certificate(&server);
    let file = plugin.file("chain.pem", &pem);
    let refusal = plugin
        .person(&["set-certificate", "--key-id", &name, file.to_str().unwrap()])
        .unwrap_err();
    assert!(refusal.contains("VALIDATION_ERROR"), "{refusal}");
}

#[test]
fn doctor_signs_a_probe_and_keys_lists_what_can_sign() {
    let Some(server) = shared() else { return };
    let (name, plugin) = certified(&server);
    let report = plugin.person(&["doctor", "--key-id", &name]).unwrap();
    for line in [
        "server: http://127.0.0.1",
        "log-in: a token from",
        "a probe was signed",
    ] {
        assert!(report.contains(line), "{report}");
    }
    let aes = key(&server.admin().unwrap(), "aes256-gcm96");
    let list = plugin.person(&["keys"]).unwrap();
    assert!(list.contains(&format!("transit/keys/{name}")), "{list}");
    assert!(
        list.contains(&aes) && list.contains("outside the specification"),
        "{list}"
    );
}

/// Mounts a PKI engine with a root that may issue certificates for signing code.
fn pki(server: &Arc<VaultServer>) -> String {
    let admin = server.admin().unwrap();
    let mount = unique("pki");
    let write = |path: &str, body: Value| admin.write(path, &body).unwrap();
    write(&format!("sys/mounts/{mount}"), json!({ "type": "pki" }));
    write(
        &format!("{mount}/root/generate/internal"),
        json!({ "common_name": "Example Root", "organization": "Example", "country": "GB", "ttl": "700h", "key_type": "ec", "key_bits": 384 }),
    );
    write(
        &format!("{mount}/roles/notation"),
        json!({
            "allow_any_name": true, "enforce_hostnames": false, "server_flag": false, "client_flag": false,
            "code_signing_flag": true, "key_usage": ["DigitalSignature"], "key_type": "any", "cn_validations": ["disabled"],
            "organization": "Example", "country": "GB", "province": "England", "max_ttl": "600h",
        }),
    );
    write(
        &format!("{mount}/roles/server"),
        json!({ "allow_any_name": true, "enforce_hostnames": false, "key_type": "any", "max_ttl": "24h" }),
    );
    mount
}

#[test]
fn issue_cert_gets_a_certificate_from_the_pki_engine_and_stores_it() {
    let Some(server) = shared() else { return };
    let mount = pki(&server);
    let role = format!("{mount}/sign/notation");
    for (kind, key_spec) in [("ecdsa-p256", SPEC), ("rsa-2048", KeySpec::Rsa2048)] {
        let name = key(&server.admin().unwrap(), kind);
        let plugin = root(&server);
        plugin
            .person(&[
                "issue-cert",
                "--key-id",
                &name,
                "--subject",
                SUBJECT,
                "--pki",
                &role,
                "--ttl",
                "24h",
            ])
            .unwrap();
        let signed = plugin.sign_well(&name, key_spec);
        assert_eq!(signed.chain.len(), 2);
        assert_eq!(signed.chain[0].subject().to_string(), SUBJECT);
    }
}

#[test]
fn issue_cert_writes_a_file_or_kv_where_that_is_asked_for() {
    let Some(server) = shared() else { return };
    let role = format!("{}/sign/notation", pki(&server));
    let (name, _, plugin) = key_and_certificate(&server);
    let out = plugin.home().join("issued.pem");
    let arguments = [
        "issue-cert",
        "--key-id",
        &name,
        "--subject",
        SUBJECT,
        "--pki",
        &role,
    ];
    plugin
        .person(&[arguments.as_slice(), &["--out", out.to_str().unwrap()]].concat())
        .unwrap();
    root(&server)
        .with("certificates", out.to_str().unwrap())
        .sign_well(&name, SPEC);
    let plugin = plugin.with("kvName", "secret");
    plugin.person(&arguments).unwrap();
    plugin.sign_well(&name, SPEC);
}

#[test]
fn a_certificate_that_may_not_sign_code_is_not_stored() {
    let Some(server) = shared() else { return };
    let role = format!("{}/sign/server", pki(&server));
    let (name, _, plugin) = key_and_certificate(&server);
    let refusal = plugin
        .person(&[
            "issue-cert",
            "--key-id",
            &name,
            "--subject",
            SUBJECT,
            "--pki",
            &role,
        ])
        .unwrap_err();
    assert!(refusal.contains("it was not stored"), "{refusal}");
    let refusal = plugin.sign(&name, SPEC, b"payload").unwrap_err();
    refusal.is("VALIDATION_ERROR", &["has no certificate"]);
}
