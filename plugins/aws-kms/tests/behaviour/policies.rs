//! The policies of the documentation, on an emulator that enforces them: each is enough, and no action of it is
//! too much.

use apostille_testing::aws::{AccessKey, AwsServer, AwsServerOptions};
use notary_plugin_protocol::KeySpec;
use serde_json::{Value, json};

use crate::cloud::{alias, key, self_signed, signer, start, unique};
use crate::plugin::Plugin;

const PAGE: &str = include_str!("../../../../docs/plugins/aws-kms.md");

fn enforcing() -> Option<AwsServer> {
    start(AwsServerOptions {
        enforce: true,
        ..AwsServerOptions::default()
    })
}

/// The policy of a name in the documentation.
fn documented(name: &str) -> Value {
    let start = format!("```json policy={name}\n");
    let (_, rest) = PAGE.split_once(&start).unwrap();
    serde_json::from_str(rest.split_once("```").unwrap().0).unwrap()
}

/// The statements of a policy, about `resource`.
fn about(mut policy: Value, resource: &str) -> Value {
    for statement in policy["Statement"].as_array_mut().unwrap() {
        if statement["Resource"] != "*" {
            statement["Resource"] = resource.into();
        }
    }
    policy
}

/// The policy without one of its actions.
fn without(policy: &Value, action: &str) -> Value {
    let mut policy = policy.clone();
    for statement in policy["Statement"].as_array_mut().unwrap() {
        let actions = statement["Action"].as_array_mut().unwrap();
        actions.retain(|one| one != action);
    }
    policy
}

fn user(server: &AwsServer, policy: &Value) -> AccessKey {
    server.user(&unique("signer"), policy).unwrap()
}

fn of_user(server: &AwsServer, key: &AccessKey) -> Plugin {
    signer(server)
        .variable("AWS_ACCESS_KEY_ID", &key.id)
        .variable("AWS_SECRET_ACCESS_KEY", &key.secret)
}

/// A plugin of somebody who may do everything. The emulator takes this one as its root.
fn root(server: &AwsServer) -> Plugin {
    signer(server)
        .variable("AWS_ACCESS_KEY_ID", "test")
        .variable("AWS_SECRET_ACCESS_KEY", "test")
}

#[test]
fn the_policy_for_signing_is_enough_and_not_too_much() {
    let Some(server) = enforcing() else { return };
    let arn = key(&server, KeySpec::Ec256);
    let policy = about(documented("sign"), &arn);
    let plugin = of_user(&server, &user(&server, &policy));
    let file = plugin.file("chain.pem", &self_signed(&plugin, &arn));
    let file = file.to_str().unwrap();
    let plugin = plugin.with("certificates", file);
    // Not by alias: the emulator looks for a policy about the alias, the real service for one about its key.
    plugin.describe(&arn).unwrap();
    plugin.sign_well(&arn, KeySpec::Ec256);
    plugin.person(&["doctor", "--key-id", &arn]).unwrap();
    plugin
        .person(&["csr", "--key-id", &arn, "--subject", "CN=release"])
        .unwrap();

    let lacking = of_user(
        &server,
        &user(&server, &without(&policy, "kms:GetPublicKey")),
    );
    let refusal = lacking.describe(&arn).unwrap_err();
    refusal.is("ACCESS_DENIED", &["kms:GetPublicKey", &arn]);
    let lacking =
        of_user(&server, &user(&server, &without(&policy, "kms:Sign"))).with("certificates", file);
    let refusal = lacking.sign(&arn, KeySpec::Ec256, b"payload").unwrap_err();
    refusal.is("ACCESS_DENIED", &["kms:Sign", &arn]);
}

#[test]
fn the_policy_for_signing_is_for_one_key() {
    let Some(server) = enforcing() else { return };
    let (arn, other) = (key(&server, KeySpec::Ec256), key(&server, KeySpec::Ec256));
    let policy = about(documented("sign"), &arn);
    let plugin = of_user(&server, &user(&server, &policy));
    let refusal = plugin.describe(&other).unwrap_err();
    refusal.is("ACCESS_DENIED", &["kms:GetPublicKey", &other]);
}

#[test]
fn the_policy_for_keys_is_enough() {
    let Some(server) = enforcing() else { return };
    let arn = key(&server, KeySpec::Ec256);
    let name = alias(&server, &arn);
    let plugin = of_user(&server, &user(&server, &documented("keys")));
    let list = plugin.person(&["keys"]).unwrap();
    assert!(list.contains(&arn) && list.contains(&name), "{list}");
    let policy = without(&documented("keys"), "kms:ListKeys");
    let printed = of_user(&server, &user(&server, &policy))
        .person(&["keys"])
        .unwrap_err();
    assert!(printed.contains("kms:ListKeys"), "{printed}");
}

#[test]
fn the_policies_for_certificates_are_enough() {
    let Some(server) = enforcing() else { return };
    let arn = key(&server, KeySpec::Ec256);
    let pem = self_signed(&root(&server), &arn);
    let parameter = json!({ "Name": "/signing/release", "Value": pem, "Type": "String" });
    server
        .call("ssm", "AmazonSSM.PutParameter", &parameter)
        .unwrap();
    let secret = json!({ "Name": "signing/release", "SecretString": pem });
    server
        .call("secretsmanager", "secretsmanager.CreateSecret", &secret)
        .unwrap();
    server.put_object("pki", "release.pem", &pem).unwrap();
    let account = arn.split(':').nth(4).unwrap();
    let policy = documented("certificates").to_string();
    let policy: Value = serde_json::from_str(&policy.replace("111122223333", account)).unwrap();
    let signing = about(documented("sign"), &arn);
    for (sid, setting, value) in [
        ("Parameter", "certificate_parameter", "/signing/release"),
        ("Secret", "certificate_secret", "signing/release"),
        ("Object", "certificate_object", "s3://pki/release.pem"),
    ] {
        let statements = policy["Statement"].as_array().unwrap();
        let statement = statements
            .iter()
            .find(|statement| statement["Sid"] == sid)
            .unwrap();
        let mut both = signing.clone();
        let list = both["Statement"].as_array_mut().unwrap();
        list.push(statement.clone());
        let plugin = of_user(&server, &user(&server, &both)).with(setting, value);
        plugin.sign_well(&arn, KeySpec::Ec256);
        let plugin = of_user(&server, &user(&server, &signing)).with(setting, value);
        let refusal = plugin.sign(&arn, KeySpec::Ec256, b"payload").unwrap_err();
        refusal.is("ACCESS_DENIED", &[value]);
    }
}

#[test]
fn a_wrong_secret_key_is_access_denied_and_never_shown() {
    let Some(server) = enforcing() else { return };
    let arn = key(&server, KeySpec::Ec256);
    let mut credentials = user(&server, &about(documented("sign"), &arn));
    credentials.secret = "not-the-secret-that-it-was".to_owned();
    let refusal = of_user(&server, &credentials).describe(&arn).unwrap_err();
    refusal.is("ACCESS_DENIED", &["signature", "secret access key"]);
    assert!(!refusal.printed.contains("not-the-secret"));
}

#[test]
fn credentials_that_aws_does_not_know_are_access_denied() {
    let Some(server) = enforcing() else { return };
    let arn = key(&server, KeySpec::Ec256);
    let stranger = AccessKey {
        id: "AKIAI44QH8DHBEXAMPLE".to_owned(),
        secret: "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY".to_owned(),
    };
    let refusal = of_user(&server, &stranger).describe(&arn).unwrap_err();
    refusal.is("ACCESS_DENIED", &["does not know these credentials"]);
}
