//! The policies of the documentation are enough, and the requests are those that it lists.

use std::collections::BTreeSet;

use apostille_testing::vault::{VaultServer, VaultServerOptions};
use notary_plugin_protocol::KeySpec;
use serde_json::{Value, json};

use crate::plugin::Plugin;
use crate::vault::{SUBJECT, audited, key, root, self_signed, shared, start, unique, visitor};

const SPEC: KeySpec = KeySpec::Ec256;
const PAGE: &str = include_str!("../../../../docs/plugins/hashicorp-vault.md");

/// A policy as it stands in the documentation, for another key.
fn documented(name: &str, key: &str) -> String {
    let fence = format!("```hcl policy={name}\n");
    let (_, rest) = PAGE.split_once(&fence).unwrap();
    let (policy, _) = rest.split_once("```").unwrap();
    policy.replace("release", key)
}

/// The plugin with a token that has only these policies of the documentation, and the default one.
fn allowed(server: &VaultServer, key: &str, policies: &[&str]) -> Plugin {
    let admin = server.admin().unwrap();
    let text: String = policies.iter().map(|name| documented(name, key)).collect();
    let name = unique("policy");
    admin
        .write(
            &format!("sys/policies/acl/{name}"),
            &json!({ "policy": text }),
        )
        .unwrap();
    let token = admin
        .write("auth/token/create", &json!({ "policies": [name] }))
        .unwrap();
    visitor(server).variable(
        "VAULT_TOKEN",
        token["auth"]["client_token"].as_str().unwrap(),
    )
}

/// A key with a certificate beside it.
fn certified_in_transit(server: &VaultServer) -> String {
    let name = key(&server.admin().unwrap(), "ecdsa-p256");
    let plugin = root(server);
    let file = plugin.file("chain.pem", &self_signed(&plugin, &name));
    plugin
        .person(&["set-certificate", "--key-id", &name, file.to_str().unwrap()])
        .unwrap();
    name
}

#[test]
fn the_policy_for_signing_is_enough_to_sign_and_for_csr_and_doctor() {
    let Some(server) = shared() else { return };
    let name = certified_in_transit(&server);
    let plugin = allowed(&server, &name, &["sign"]);
    assert_eq!(plugin.describe(&name).unwrap(), SPEC);
    plugin.sign_well(&name, SPEC);
    plugin.person(&["doctor", "--key-id", &name]).unwrap();
    plugin
        .person(&["csr", "--key-id", &name, "--subject", SUBJECT])
        .unwrap();
    self_signed(&plugin, &name);
}

#[test]
fn with_the_policy_for_kv_the_certificates_are_read_there() {
    let Some(server) = shared() else { return };
    let name = key(&server.admin().unwrap(), "ecdsa-p256");
    let pem = self_signed(&root(&server), &name);
    let body = json!({ "data": { "certificate": pem } });
    let admin = server.admin().unwrap();
    admin.write(&format!("secret/data/{name}"), &body).unwrap();
    for place in [
        ("kvName", "secret".to_owned()),
        ("kv_path", format!("secret/{name}")),
    ] {
        let plugin = allowed(&server, &name, &["sign", "kv"]).with(place.0, place.1);
        plugin.sign_well(&name, SPEC);
    }
}

#[test]
fn the_policy_for_keys_is_enough_to_list_them() {
    let Some(server) = shared() else { return };
    let name = certified_in_transit(&server);
    let plugin = allowed(&server, &name, &["keys"]);
    let list = plugin.person(&["keys"]).unwrap();
    assert!(
        list.contains(&name) && list.contains("CN=release"),
        "{list}"
    );
}

#[test]
fn the_policies_for_certificates_and_import_are_enough() {
    let Some(server) = start(VaultServerOptions::default()) else {
        return;
    };
    let admin = server.admin().unwrap();
    let write = |path: &str, body: Value| admin.write(path, &body).unwrap();
    write("sys/mounts/pki", json!({ "type": "pki" }));
    write(
        "pki/root/generate/internal",
        json!({ "common_name": "Root", "ttl": "700h" }),
    );
    write("pki/roles/notation", documented_role());
    let name = key(&admin, "ecdsa-p256");
    let plugin = allowed(&server, &name, &["sign", "certificates"]);
    plugin
        .person(&[
            "issue-cert",
            "--key-id",
            &name,
            "--subject",
            SUBJECT,
            "--pki",
            "pki/sign/notation",
            "--ttl",
            "24h",
        ])
        .unwrap();
    plugin.sign_well(&name, SPEC);
    let file = plugin.file("chain.pem", &self_signed(&plugin, &name));
    plugin
        .person(&["set-certificate", "--key-id", &name, file.to_str().unwrap()])
        .unwrap();

    let name = unique("imported");
    let plugin = allowed(&server, &name, &["sign", "import"]);
    let luggage = crate::imports::pack(&plugin, SPEC);
    crate::imports::import(&plugin, &name, &luggage.key, &luggage.chain).unwrap();
    plugin.sign_well(&name, SPEC);
}

/// The role that the documentation makes with `vault write`.
fn documented_role() -> Value {
    let (_, rest) = PAGE.split_once("vault write pki/roles/notation ").unwrap();
    let (words, _) = rest.split_once("```").unwrap();
    let pairs = words
        .split_whitespace()
        .filter_map(|word| word.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect::<serde_json::Map<_, Value>>()
        .into()
}

#[test]
fn without_a_policy_the_capability_that_is_lacking_is_named() {
    let Some(server) = shared() else { return };
    let name = certified_in_transit(&server);
    let stranger = allowed(&server, "another", &["sign"]);
    let refusal = stranger.describe(&name).unwrap_err();
    refusal.is(
        "ACCESS_DENIED",
        &["`read`", &format!("`transit/keys/{name}`")],
    );
    assert_eq!(refusal.metadata["httpStatus"], "403");
    let said = refusal.metadata["vaultErrors"].as_str().unwrap();
    assert!(said.contains("permission denied"), "{said}");
    let file = stranger.file("chain.pem", &self_signed(&root(&server), &name));
    let stranger = stranger.with("certificates", file.to_str().unwrap());
    let refusal = stranger.sign(&name, SPEC, b"payload").unwrap_err();
    refusal.is(
        "ACCESS_DENIED",
        &["`update`", &format!("`transit/sign/{name}`")],
    );
}

#[test]
fn the_audit_log_has_the_documented_requests_and_no_secret() {
    let Some(server) = start(VaultServerOptions::default()) else {
        return;
    };
    let name = certified_in_transit(&server);
    let plugin = allowed(&server, &name, &["sign"]);
    let mut from = server.audit_log().len();
    let mut new = || {
        let requests = audited(&server, from);
        from = server.audit_log().len();
        requests
    };
    plugin.call("get-plugin-metadata", json!({})).unwrap();
    assert_eq!(new(), Vec::<String>::new());
    plugin.describe(&name).unwrap();
    assert_eq!(new(), [format!("read transit/keys/{name}")]);
    plugin.sign_well(&name, SPEC);
    let expected = [
        format!("read transit/keys/{name}"),
        format!("update transit/sign/{name}"),
    ];
    assert_eq!(
        new().into_iter().collect::<BTreeSet<_>>(),
        BTreeSet::from(expected)
    );
    let file = plugin.file("chain.pem", &self_signed(&root(&server), &name));
    new();
    let plugin = plugin.with("certificates", file.to_str().unwrap());
    plugin.sign_well(&name, SPEC);
    assert_eq!(new(), [format!("update transit/sign/{name}")]);
    plugin
        .sign(&format!("{name}x"), SPEC, b"payload")
        .unwrap_err();
    assert_eq!(
        new(),
        [
            format!("update transit/sign/{name}x"),
            "update sys/capabilities-self".to_owned()
        ]
    );
    assert!(!server.audit_log().contains(server.root_token()));
}
