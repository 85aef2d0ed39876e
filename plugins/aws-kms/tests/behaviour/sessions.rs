//! Warm sessions: one connection, one resolution of an alias.

use notary_plugin_protocol::KeySpec;
use serde_json::json;

use crate::cloud::{alias, certified, key, proxy, shared};
use crate::plugin::Signed;

#[test]
fn a_session_resolves_an_alias_once_and_stays_with_its_key() {
    let Some(server) = shared() else { return };
    let (arn, plugin) = certified(&server);
    let alias = alias(&server, &arn);
    let proxy = proxy(&server);
    let plugin = plugin.variable("AWS_ENDPOINT_URL", proxy.address());
    let mut session = plugin.session();
    for _ in 0..3 {
        let answer = session.sign(&alias, KeySpec::Ec256);
        Signed::from_answer(&answer["response"]);
    }
    let moved = json!({ "AliasName": alias, "TargetKeyId": key(&server, KeySpec::Ec256) });
    server.kms("UpdateAlias", &moved).unwrap();
    let answer = session.sign(&alias, KeySpec::Ec256);
    Signed::from_answer(&answer["response"]);
    session.end();
    let asked: Vec<bool> = proxy
        .seen()
        .iter()
        .map(|seen| seen.body.contains(&alias))
        .collect();
    assert_eq!(asked, [true, false, false, false]);
}

#[test]
fn a_session_keeps_its_connection() {
    let Some(server) = shared() else { return };
    let (arn, plugin) = certified(&server);
    let proxy = proxy(&server);
    let plugin = plugin.variable("AWS_ENDPOINT_URL", proxy.address());
    let mut session = plugin.session();
    for _ in 0..5 {
        Signed::from_answer(&session.sign(&arn, KeySpec::Ec256)["response"]);
    }
    session.end();
    assert_eq!((proxy.operations().len(), proxy.connections()), (5, 1));
}

#[test]
fn a_session_signs_many_at_a_time() {
    let Some(server) = shared() else { return };
    let (arn, plugin) = certified(&server);
    let mut session = plugin.session();
    for number in 0..12_u8 {
        session.send(&arn, KeySpec::Ec256, &[number; 64]);
    }
    let mut answered: Vec<u64> = (0..12)
        .map(|_| {
            let answer = session.receive();
            let id = answer["id"].as_u64().unwrap();
            let payload = [u8::try_from(id - 1).unwrap(); 64];
            let signed = Signed::from_answer(&answer["response"]);
            let key = signed.chain[0].public_key();
            let algorithm = KeySpec::Ec256.signing_algorithm();
            key.verify(algorithm, &payload, &signed.signature).unwrap();
            id
        })
        .collect();
    session.end();
    answered.sort_unstable();
    assert_eq!(answered, (1..=12).collect::<Vec<u64>>());
}
