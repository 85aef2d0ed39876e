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
