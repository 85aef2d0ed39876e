//! What the plugin costs on top of the server: a one-shot `generate-signature` beside its bare round trips, and
//! bulk signing in a warm session beside a plain keep-alive client that sends the same requests to the same
//! server. Both sides in one run: `cargo bench -p notation-hashicorp-vault`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    dead_code,
    missing_docs,
    unreachable_pub
)]

#[path = "../tests/behaviour/plugin.rs"]
mod plugin;
#[path = "../tests/behaviour/vault.rs"]
mod vault;

use std::time::{Duration, Instant};

use apostille_testing::vault::{VaultServer, VaultServerOptions};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt as _;
use notary_plugin_protocol::KeySpec;
use plugin::Plugin;
use serde_json::{Value, json};

/// Payloads of a bulk run.
const BULK: usize = 1000;
/// Requests under way at a time: what a session offers.
const TOGETHER: usize = 16;
/// Repetitions of a one-shot command; the fastest counts, since everything else is the machine's noise.
const ONE_SHOT: usize = 20;

fn main() {
    println!(
        "{:<6} {:<9} {:>11} {:>11} {:>8} {:>11} {:>11} {:>7} {:>11} {:>11} {:>7}",
        "",
        "key",
        "round trip",
        "one-shot",
        "more",
        "plain /s",
        "session /s",
        "ratio",
        "plain 16",
        "session 16",
        "ratio"
    );
    for tls in [false, true] {
        let options = VaultServerOptions {
            tls,
            ..VaultServerOptions::default()
        };
        let Some(server) = vault::start(options) else {
            return;
        };
        for key_spec in [KeySpec::Ec256, KeySpec::Rsa2048, KeySpec::Rsa3072] {
            measure(&server, tls, key_spec);
        }
    }
}

fn measure(server: &VaultServer, tls: bool, key_spec: KeySpec) {
    let mut plugin = vault::root(server);
    if tls {
        plugin = plugin.variable("VAULT_CACERT", server.ca_file().to_str().unwrap());
    }
    let name = vault::key(&server.admin().unwrap(), vault::kind(key_spec));
    let file = plugin.file("chain.pem", &vault::self_signed(&plugin, &name));
    let plugin = plugin.with("certificates", file.to_str().unwrap());

    let client = PlainClient::new(server, tls, &name, key_spec);
    let bare = fastest(|| client.fresh().sign_all(1, 1));
    let once = fastest(|| {
        plugin.sign(&name, key_spec, &[7; 900]).unwrap();
    });
    let rates: Vec<f64> = [1, TOGETHER]
        .into_iter()
        .flat_map(|together| {
            client.sign_all(TOGETHER, together);
            let plain = timed(|| client.sign_all(BULK, together));
            [plain, session(&plugin, &name, key_spec, together)]
        })
        .map(|time| BULK as f64 / time.as_secs_f64())
        .collect();
    println!(
        "{:<6} {:<9} {:>11.1?} {:>11.1?} {:>8.1?} {:>11.0} {:>11.0} {:>6.0}% {:>11.0} {:>11.0} {:>6.0}%",
        if tls { "https" } else { "http" },
        key_spec.as_str(),
        bare,
        once,
        once.saturating_sub(bare),
        rates[0],
        rates[1],
        100.0 * rates[1] / rates[0],
        rates[2],
        rates[3],
        100.0 * rates[3] / rates[2],
    );
}

fn timed(operation: impl FnOnce()) -> Duration {
    let start = Instant::now();
    operation();
    start.elapsed()
}

fn fastest(mut operation: impl FnMut()) -> Duration {
    (0..ONE_SHOT).map(|_| timed(&mut operation)).min().unwrap()
}

/// Sends the plugin's requests, and does nothing with the answers but read them.
struct PlainClient {
    runtime: tokio::runtime::Runtime,
    http: reqwest::Client,
    url: String,
    token: String,
    ca: Option<Vec<u8>>,
    body: Value,
}

impl PlainClient {
    fn new(server: &VaultServer, tls: bool, name: &str, key_spec: KeySpec) -> Self {
        let length = key_spec.hash_algorithm().output_len();
        let mut body = json!({
            "input": STANDARD.encode(vec![7; length]), "prehashed": true,
            "hash_algorithm": format!("sha2-{}", 8 * length),
        });
        if vault::kind(key_spec).starts_with("rsa") {
            body["signature_algorithm"] = "pss".into();
            body["salt_length"] = "hash".into();
        } else {
            body["marshaling_algorithm"] = "jws".into();
        }
        let ca = tls.then(|| std::fs::read(server.ca_file()).unwrap());
        Self {
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
            http: http(ca.as_deref()),
            url: format!("{}/v1/transit/sign/{name}", server.address()),
            token: server.root_token().to_owned(),
            ca,
            body,
        }
    }

    /// The same without an open connection.
    fn fresh(&self) -> Self {
        Self {
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
            http: http(self.ca.as_deref()),
            url: self.url.clone(),
            token: self.token.clone(),
            ca: self.ca.clone(),
            body: self.body.clone(),
        }
    }

    fn sign_all(&self, count: usize, together: usize) {
        let one = || async {
            let request = self
                .http
                .post(&self.url)
                .header("X-Vault-Token", &self.token);
            let answer = request.body(self.body.to_string()).send().await.unwrap();
            assert!(answer.status().is_success());
            answer.bytes().await.unwrap();
        };
        let all = futures::stream::iter(0..count).map(|_| one());
        self.runtime
            .block_on(all.buffer_unordered(together).collect::<Vec<()>>());
    }
}

fn http(ca: Option<&[u8]>) -> reqwest::Client {
    let roots = ca.map(|pem| reqwest::Certificate::from_pem(pem).unwrap());
    reqwest::Client::builder()
        .tls_certs_only(roots)
        .no_proxy()
        .build()
        .unwrap()
}

fn session(plugin: &Plugin, name: &str, key_spec: KeySpec, together: usize) -> Duration {
    let mut session = plugin.session();
    let receive = |session: &mut plugin::WarmSession| {
        let answer = session.receive();
        assert!(answer["response"].is_object(), "{answer}");
    };
    // The first requests pay for start, log-in, connections and finding the key.
    for _ in 0..together {
        session.send(name, key_spec, &[7; 900]);
    }
    (0..together).for_each(|_| receive(&mut session));
    let elapsed = timed(|| {
        for number in 0..BULK {
            if number >= together {
                receive(&mut session);
            }
            let payload = [vec![7; 900], number.to_be_bytes().to_vec()].concat();
            session.send(name, key_spec, &payload);
        }
        (0..together).for_each(|_| receive(&mut session));
    });
    session.end();
    elapsed
}
