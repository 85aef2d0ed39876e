//! Signatures by keys in KMS, checked with another cryptographic library.

use notary_plugin_protocol::KeySpec;

use crate::cloud::{alias, at, certified, key, proxy, self_signed, shared, signer};

#[test]
fn each_key_spec_is_described_and_signs() {
    let Some(server) = shared() else { return };
    for key_spec in KeySpec::ALL {
        let arn = key(&server, *key_spec);
        let plugin = signer(&server);
        assert_eq!(plugin.describe(&arn).unwrap(), *key_spec);
        let file = plugin.file("chain.pem", &self_signed(&plugin, &arn));
        let plugin = plugin.with("certificates", file.to_str().unwrap());
        let signed = plugin.sign_well(&arn, *key_spec);
        assert_eq!(signed.chain.len(), 1);
    }
}

#[test]
fn every_form_of_key_id_signs_with_the_same_key() {
    let Some(server) = shared() else { return };
    let (arn, plugin) = certified(&server);
    let alias = alias(&server, &arn);
    let (account, id) = arn.rsplit_once(":key/").unwrap();
    for key_id in [
        id.to_owned(),
        format!("{account}:{alias}"),
        alias.clone(),
        format!("awskms:///{arn}"),
    ] {
        assert_eq!(plugin.describe(&key_id).unwrap(), KeySpec::Ec256);
        plugin.sign_well(&key_id, KeySpec::Ec256);
    }
}

#[test]
fn each_command_costs_one_request() {
    let Some(server) = shared() else { return };
    let (arn, plugin) = certified(&server);
    let proxy = proxy(&server);
    let plugin = plugin.variable("AWS_ENDPOINT_URL", proxy.address());
    plugin.describe(&arn).unwrap();
    assert_eq!(proxy.operations(), ["GetPublicKey"]);
    plugin.sign_well(&arn, KeySpec::Ec256);
    assert_eq!(proxy.operations(), ["GetPublicKey", "Sign"]);
}

#[test]
fn only_the_digest_travels() {
    let Some(server) = shared() else { return };
    let (arn, plugin) = certified(&server);
    let proxy = proxy(&server);
    let plugin = plugin.variable("AWS_ENDPOINT_URL", proxy.address());
    let payload = vec![b'a'; 1024 * 1024];
    let signed = plugin.sign(&arn, KeySpec::Ec256, &payload).unwrap();
    let algorithm = KeySpec::Ec256.signing_algorithm();
    let leaf = signed.chain[0].public_key();
    leaf.verify(algorithm, &payload, &signed.signature).unwrap();
    let body = &proxy.seen()[0].body;
    assert!(body.len() < 1024 && body.contains("\"DIGEST\""), "{body}");
}

#[test]
fn the_user_agent_names_the_plugin_and_its_version() {
    let Some(server) = shared() else { return };
    let (arn, plugin) = certified(&server);
    let proxy = proxy(&server);
    let plugin = plugin.variable("AWS_ENDPOINT_URL", proxy.address());
    plugin.sign_well(&arn, KeySpec::Ec256);
    let agent = &proxy.seen()[0].user_agent;
    let expected = concat!(
        "notation-aws-kms/",
        env!("CARGO_PKG_VERSION"),
        " aws-sdk-rust/"
    );
    assert!(agent.starts_with(expected), "{agent}");
}

#[test]
fn the_region_is_the_arn_s_before_the_configured_one() {
    let Some(server) = shared() else { return };
    let (arn, _) = certified(&server);
    let proxy = proxy(&server);
    let plugin = at(proxy.address()).with("region", "us-east-2");
    plugin.describe(&arn).unwrap();
    let id = arn.rsplit_once('/').unwrap().1;
    let _ = plugin.describe(id);
    let seen = proxy.seen();
    assert!(seen[0].authorization.contains("/eu-west-1/kms/"));
    assert!(seen[1].authorization.contains("/us-east-2/kms/"));
}
