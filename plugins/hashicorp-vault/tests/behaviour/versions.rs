//! The version of a key that signs, and the certificate that belongs to it.

use notary_plugin_protocol::KeySpec;
use serde_json::json;

use crate::vault::{certified, root, self_signed, shared};

#[test]
fn a_rotated_key_without_a_new_certificate_is_an_error_that_names_both_versions() {
    let Some(server) = shared() else { return };
    let (name, plugin) = certified(&server);
    plugin.sign_well(&name, KeySpec::Ec256);
    let admin = server.admin().unwrap();
    admin
        .write(&format!("transit/keys/{name}/rotate"), &json!({}))
        .unwrap();
    let refusal = plugin.sign(&name, KeySpec::Ec256, b"payload").unwrap_err();
    refusal.is(
        "VALIDATION_ERROR",
        &[
            "version 2 signed",
            "belongs to version 1",
            &format!("{name}@1"),
        ],
    );
    // Pinned, the old certificate goes on.
    plugin.sign_well(&format!("{name}@1"), KeySpec::Ec256);
}

#[test]
fn a_version_that_the_key_s_owner_has_retired_is_refused_with_the_limit() {
    let Some(server) = shared() else { return };
    let (name, plugin) = certified(&server);
    let admin = server.admin().unwrap();
    let path = format!("transit/keys/{name}");
    admin.write(&format!("{path}/rotate"), &json!({})).unwrap();
    let pinned = format!("{name}@1");
    for limit in ["min_encryption_version", "min_decryption_version"] {
        admin
            .write(&format!("{path}/config"), &json!({ limit: 2 }))
            .unwrap();
        let refusal = plugin.describe(&pinned).unwrap_err();
        refusal.is("VALIDATION_ERROR", &[limit, "version 1"]);
        let refusal = plugin
            .sign(&pinned, KeySpec::Ec256, b"payload")
            .unwrap_err();
        refusal.is("VALIDATION_ERROR", &[limit]);
        admin
            .write(&format!("{path}/config"), &json!({ limit: 0 }))
            .unwrap();
    }
}

#[test]
fn a_version_out_of_range_is_refused_with_the_latest() {
    let Some(server) = shared() else { return };
    let (name, plugin) = certified(&server);
    let refusal = plugin.describe(&format!("{name}@7")).unwrap_err();
    refusal.is("VALIDATION_ERROR", &["version 7", "the latest is 1"]);
    let signed = plugin.sign(&format!("{name}@7"), KeySpec::Ec256, b"payload");
    signed
        .unwrap_err()
        .is("VALIDATION_ERROR", &["no such version"]);
}

#[test]
fn the_certificate_of_another_key_is_refused() {
    let Some(server) = shared() else { return };
    let (name, _) = certified(&server);
    let (other, plugin) = certified(&server);
    assert_ne!(name, other);
    let refusal = plugin.sign(&name, KeySpec::Ec256, b"payload").unwrap_err();
    refusal.is("VALIDATION_ERROR", &["belongs to no version of this key"]);
}

#[test]
fn a_certificate_is_made_for_the_version_that_is_pinned() {
    let Some(server) = shared() else { return };
    let (name, _) = certified(&server);
    let admin = server.admin().unwrap();
    admin
        .write(&format!("transit/keys/{name}/rotate"), &json!({}))
        .unwrap();
    for version in [1, 2] {
        let key_id = format!("{name}@{version}");
        let plugin = root(&server);
        let file = plugin.file("chain.pem", &self_signed(&plugin, &key_id));
        let plugin = plugin.with("certificates", file.to_str().unwrap());
        plugin.sign_well(&key_id, KeySpec::Ec256);
    }
}
