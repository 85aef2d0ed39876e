//! Signatures by keys in Transit, checked with another cryptographic library.

use notary_plugin_protocol::KeySpec;
use serde_json::json;

use crate::vault::{certified, key, kind, root, self_signed, shared, unique};

#[test]
fn each_key_spec_is_described_and_signs() {
    let Some(server) = shared() else { return };
    let admin = server.admin().unwrap();
    for key_spec in KeySpec::ALL {
        let name = key(&admin, kind(*key_spec));
        let plugin = root(&server);
        assert_eq!(plugin.describe(&name).unwrap(), *key_spec);
        let file = plugin.file("chain.pem", &self_signed(&plugin, &name));
        let plugin = plugin.with("certificates", file.to_str().unwrap());
        let signed = plugin.sign_well(&name, *key_spec);
        assert_eq!(signed.chain.len(), 1);
    }
}

#[test]
fn every_form_of_key_id_signs_with_the_same_key() {
    let Some(server) = shared() else { return };
    let (name, plugin) = certified(&server);
    for key_id in [
        format!("{name}@1"),
        format!("transit/keys/{name}"),
        format!("/transit/keys/{name}@1"),
        format!("hashivault://{name}"),
    ] {
        plugin.sign_well(&key_id, KeySpec::Ec256);
    }
}

#[test]
fn a_transit_engine_elsewhere_is_reached_by_key_id_or_setting() {
    let Some(server) = shared() else { return };
    let admin = server.admin().unwrap();
    let mount = format!("team/{}", unique("transit"));
    admin
        .write(
            &format!("sys/mounts/{mount}"),
            &json!({ "type": "transit" }),
        )
        .unwrap();
    let list = root(&server).with("transitName", &*mount).person(&["keys"]);
    assert_eq!(list.unwrap(), "No signing keys.\n");
    admin
        .write(
            &format!("{mount}/keys/release"),
            &json!({ "type": "rsa-2048" }),
        )
        .unwrap();
    let by_key_id = root(&server).describe(&format!("{mount}/keys/release"));
    assert_eq!(by_key_id.unwrap(), KeySpec::Rsa2048);
    let by_setting = root(&server).with("transitName", mount).describe("release");
    assert_eq!(by_setting.unwrap(), KeySpec::Rsa2048);
}

#[test]
fn the_key_spec_of_the_request_has_to_be_that_of_the_key() {
    let Some(server) = shared() else { return };
    let (name, plugin) = certified(&server);
    let refusal = plugin.sign(&name, KeySpec::Ec384, b"payload").unwrap_err();
    refusal.is("VALIDATION_ERROR", &["EC-256", "EC-384"]);
}

#[test]
fn a_namespace_has_keys_of_its_own() {
    let Some(server) = shared() else { return };
    let admin = server.admin().unwrap();
    let name = unique("team");
    if admin
        .write(&format!("sys/namespaces/{name}"), &json!({}))
        .is_err()
    {
        println!("skipped: this server has no namespaces");
        return;
    }
    let inside = server.admin().unwrap().in_namespace(&name);
    inside
        .write("sys/mounts/transit", &json!({ "type": "transit" }))
        .unwrap();
    inside
        .write("transit/keys/release", &json!({ "type": "ecdsa-p384" }))
        .unwrap();
    for plugin in [
        root(&server).with("namespace", &*name),
        root(&server).variable("VAULT_NAMESPACE", format!("{name}/")),
        root(&server)
            .variable("VAULT_NAMESPACE", "elsewhere")
            .variable("BAO_NAMESPACE", &*name),
    ] {
        assert_eq!(plugin.describe("release").unwrap(), KeySpec::Ec384);
    }
    let refusal = root(&server).describe("release").unwrap_err();
    refusal.is("VALIDATION_ERROR", &["there is no key `release`"]);
}
