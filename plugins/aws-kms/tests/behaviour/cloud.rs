//! The emulator that the tests of this program share, with what each of them asks it to have.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use apostille_testing::aws::{AwsServer, AwsServerError, AwsServerOptions, FaultProxy, REGION};
use notary_plugin_protocol::KeySpec;
use serde_json::{Value, json};

use crate::plugin::Plugin;

/// The subject of every certificate that is made here.
pub const SUBJECT: &str = "CN=release,O=Example,ST=England,C=GB";

/// An endpoint at which nobody listens.
pub const NOWHERE: &str = "http://127.0.0.1:1";

/// The id of a key that does not exist.
pub const UUID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

/// The ARN of a key that does not exist.
pub fn nobodys_arn() -> String {
    format!("arn:aws:kms:{REGION}:111122223333:key/{UUID}")
}

/// The shared emulator. `None`, which is said, where there is none on this machine.
///
/// It lives as long as some test holds it: a server in a `static` would outlive the program.
pub fn shared() -> Option<Arc<AwsServer>> {
    static SERVER: Mutex<Weak<AwsServer>> = Mutex::new(Weak::new());
    // A test that failed while it held the lock must not fail the others.
    let mut known = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = known.upgrade() {
        return Some(server);
    }
    let server = Arc::new(start(AwsServerOptions::default())?);
    *known = Arc::downgrade(&server);
    Some(server)
}

/// An emulator of the test's own.
pub fn start(options: AwsServerOptions) -> Option<AwsServer> {
    match AwsServer::start_with(options) {
        Err(AwsServerError::Missing(missing)) => {
            println!("skipped: {missing}");
            None
        }
        server => Some(server.unwrap()),
    }
}

/// The plugin with credentials and region, and an endpoint for every service.
pub fn at(address: String) -> Plugin {
    Plugin::bare()
        .variable("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .variable(
            "AWS_SECRET_ACCESS_KEY",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        )
        .variable("AWS_REGION", REGION)
        .variable("AWS_ENDPOINT_URL", address)
}

/// The plugin at the emulator.
pub fn signer(server: &AwsServer) -> Plugin {
    at(server.address())
}

/// A proxy in front of the emulator.
pub fn proxy(server: &AwsServer) -> FaultProxy {
    FaultProxy::start(&server.address()).unwrap()
}

/// A name that no other test uses.
pub fn unique(stem: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("{stem}-{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// The name of a key spec in KMS.
pub fn kind(key_spec: KeySpec) -> &'static str {
    match key_spec {
        KeySpec::Rsa2048 => "RSA_2048",
        KeySpec::Rsa3072 => "RSA_3072",
        KeySpec::Rsa4096 => "RSA_4096",
        KeySpec::Ec256 => "ECC_NIST_P256",
        KeySpec::Ec384 => "ECC_NIST_P384",
        KeySpec::Ec521 => "ECC_NIST_P521",
    }
}

/// Makes a key and gives what KMS says of it.
pub fn key_with(server: &AwsServer, body: &Value) -> Value {
    server.kms("CreateKey", body).unwrap()["KeyMetadata"].take()
}

/// Makes a signing key and gives its ARN.
pub fn key(server: &AwsServer, key_spec: KeySpec) -> String {
    let body = json!({ "KeySpec": kind(key_spec), "KeyUsage": "SIGN_VERIFY" });
    key_with(server, &body)["Arn"].as_str().unwrap().to_owned()
}

/// Names a key, and gives the alias with its prefix.
pub fn alias(server: &AwsServer, key: &str) -> String {
    let name = format!("alias/{}", unique("release"));
    let body = json!({ "AliasName": name, "TargetKeyId": key });
    server.kms("CreateAlias", &body).unwrap();
    name
}

/// A self-signed certificate (PEM) for a key, made by the plugin.
pub fn self_signed(plugin: &Plugin, key_id: &str) -> String {
    plugin
        .person(&["self-sign", "--key-id", key_id, "--subject", SUBJECT])
        .unwrap()
}

/// Makes a P-256 key with a certificate in a file: its ARN, and the plugin set up for it.
pub fn certified(server: &AwsServer) -> (String, Plugin) {
    let arn = key(server, KeySpec::Ec256);
    let plugin = signer(server);
    let pem = self_signed(&plugin, &arn);
    let file = plugin.file("chain.pem", &pem);
    (arn, plugin.with("certificates", file.to_str().unwrap()))
}
