//! The server that the tests of this program share, with what each of them asks it to have.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use apostille_testing::vault::{Admin, VaultServer, VaultServerError, VaultServerOptions};
use notary_plugin_protocol::KeySpec;
use serde_json::{Value, json};

use crate::plugin::Plugin;

/// The subject of every certificate that is made here.
pub const SUBJECT: &str = "CN=release,O=Example,ST=England,C=GB";

/// The shared server over plain HTTP: Transit at `transit`, KV at `secret` (version 2) and `kv1`. `None`,
/// which is said, where there is no server program on this machine.
///
/// It lives as long as some test holds it: a server in a `static` would outlive the program.
pub fn shared() -> Option<Arc<VaultServer>> {
    static SERVER: Mutex<Weak<VaultServer>> = Mutex::new(Weak::new());
    // A test that failed while it held the lock must not fail the others.
    let mut known = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = known.upgrade() {
        return Some(server);
    }
    let server = Arc::new(start(VaultServerOptions::default())?);
    *known = Arc::downgrade(&server);
    Some(server)
}

/// A server of the test's own.
pub fn start(options: VaultServerOptions) -> Option<VaultServer> {
    let server = match VaultServer::start_with(options) {
        Err(VaultServerError::Missing(missing)) => {
            println!("skipped: {missing}");
            return None;
        }
        server => server.unwrap(),
    };
    set_up(&server.admin().unwrap());
    Some(server)
}

/// Mounts the engines.
pub fn set_up(admin: &Admin) {
    for (path, body) in [
        ("transit", json!({ "type": "transit" })),
        (
            "secret",
            json!({ "type": "kv", "options": { "version": "2" } }),
        ),
        (
            "kv1",
            json!({ "type": "kv", "options": { "version": "1" } }),
        ),
    ] {
        admin.write(&format!("sys/mounts/{path}"), &body).unwrap();
    }
}

/// The plugin with the server's address, and nothing to log in with.
pub fn visitor(server: &VaultServer) -> Plugin {
    Plugin::bare().variable("VAULT_ADDR", server.address())
}

/// The plugin with the root token.
pub fn root(server: &VaultServer) -> Plugin {
    visitor(server).variable("VAULT_TOKEN", server.root_token())
}

/// A name that no other test uses.
pub fn unique(stem: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("{stem}-{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// Makes a Transit key and gives its name.
pub fn key(admin: &Admin, kind: &str) -> String {
    key_with(admin, json!({ "type": kind }))
}

/// As [`key`], with every option.
pub fn key_with(admin: &Admin, body: Value) -> String {
    let name = unique("key");
    admin.write(&format!("transit/keys/{name}"), &body).unwrap();
    name
}

/// A self-signed certificate (PEM) for a key id, made by the plugin.
pub fn self_signed(plugin: &Plugin, key_id: &str) -> String {
    plugin
        .person(&["self-sign", "--key-id", key_id, "--subject", SUBJECT])
        .unwrap()
}

/// Makes a P-256 key with a certificate in a file: its name, and the plugin set up for it as root.
pub fn certified(server: &VaultServer) -> (String, Plugin) {
    certified_by(server, root(server))
}

/// As [`certified`], for a plugin that logs in otherwise.
pub fn certified_by(server: &VaultServer, plugin: Plugin) -> (String, Plugin) {
    let name = key(&server.admin().unwrap(), "ecdsa-p256");
    let pem = self_signed(&root_of(server), &name);
    let file = plugin.file("chain.pem", &pem);
    (name, plugin.with("certificates", file.to_str().unwrap()))
}

/// The root's plugin, whatever the server's scheme.
fn root_of(server: &VaultServer) -> Plugin {
    let plugin = root(server);
    if server.ca_file().is_file() {
        plugin.variable("VAULT_CACERT", server.ca_file().to_str().unwrap())
    } else {
        plugin
    }
}

/// The name of a key spec's type in Transit.
pub fn kind(key_spec: KeySpec) -> &'static str {
    match key_spec {
        KeySpec::Rsa2048 => "rsa-2048",
        KeySpec::Rsa3072 => "rsa-3072",
        KeySpec::Rsa4096 => "rsa-4096",
        KeySpec::Ec256 => "ecdsa-p256",
        KeySpec::Ec384 => "ecdsa-p384",
        KeySpec::Ec521 => "ecdsa-p521",
    }
}

/// The requests that the audit log has for a token's path, in order: `operation path`.
pub fn audited(server: &VaultServer, from: usize) -> Vec<String> {
    let log = server.audit_log();
    log.get(from..)
        .unwrap_or_default()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|entry| entry["type"] == "request")
        .map(|entry| {
            let text = |name: &str| {
                entry["request"][name]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            };
            format!("{} {}", text("operation"), text("path"))
        })
        .collect()
}
