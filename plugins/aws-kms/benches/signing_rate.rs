//! What the plugin costs on top of the service: a one-shot `generate-signature` beside one bare round trip of the
//! same request over a connection of its own, and a warm session beside a plain keep-alive client that sends the
//! same requests. Both sides in one run, against the same emulator: `cargo bench -p notation-aws-kms`.
//!
//! `roots` is how many authorities the TLS connection is checked with: the emulator's alone, or the system's too,
//! as in production. The bare client always knows the emulator's alone.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    dead_code,
    missing_docs,
    unreachable_pub
)]

#[path = "../tests/behaviour/cloud.rs"]
mod cloud;
#[path = "../tests/behaviour/plugin.rs"]
mod plugin;

use std::time::{Duration, Instant};

use apostille_testing::aws::{AwsServer, AwsServerOptions, REGION};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt as _;
use notary_plugin_protocol::KeySpec;
use plugin::Plugin;
use serde_json::{Value, json};

/// Payloads of a bulk run: the emulator makes a few hundred signatures a second.
const BULK: usize = 200;
/// Requests under way at a time.
const TOGETHER: usize = 8;
/// Repetitions of a one-shot command; the fastest counts, since everything else is the machine's noise.
const ONE_SHOT: usize = 20;

/// Where Debian and most images keep the system's authorities.
const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

fn main() {
    println!(
        "{:<6} {:<7} {:<9} {:>11} {:>11} {:>9} {:>10} {:>10} {:>6}",
        "", "roots", "key", "round trip", "one-shot", "more", "plain /s", "session /s", "ratio"
    );
    for tls in [false, true] {
        let options = AwsServerOptions {
            tls,
            ..AwsServerOptions::default()
        };
        let Some(server) = cloud::start(options) else {
            return;
        };
        for key_spec in [KeySpec::Ec256, KeySpec::Rsa3072] {
            measure(&server, tls, false, key_spec);
            if tls {
                measure(&server, tls, true, key_spec);
            }
        }
    }
}

fn measure(server: &AwsServer, tls: bool, system_roots: bool, key_spec: KeySpec) {
    let mut plugin = cloud::signer(server);
    let ca = tls.then(|| std::fs::read_to_string(server.ca_file()).unwrap());
    let mut roots = 0;
    if let Some(ca) = &ca {
        let system = match system_roots {
            true => std::fs::read_to_string(SYSTEM_ROOTS).unwrap_or_default(),
            false => String::new(),
        };
        let bundle = format!("{ca}{system}");
        roots = bundle.matches("BEGIN CERTIFICATE").count();
        let file = plugin.file("ca.pem", &bundle);
        plugin = plugin.variable("AWS_CA_BUNDLE", file.to_str().unwrap());
    }
    let arn = cloud::key(server, key_spec);
    let file = plugin.file("chain.pem", &cloud::self_signed(&plugin, &arn));
    let plugin = plugin.with("certificates", file.to_str().unwrap());

    let client = PlainClient::new(server, ca, &arn, key_spec);
    let bare = fastest(|| client.fresh().sign_all(1, 1));
    let once = fastest(|| {
        plugin.sign(&arn, key_spec, &[7; 900]).unwrap();
    });
    client.sign_all(TOGETHER, TOGETHER);
    let plain = timed(|| client.sign_all(BULK, TOGETHER));
    let warm = session(&plugin, &arn, key_spec);
    let rate = |time: Duration| BULK as f64 / time.as_secs_f64();
    println!(
        "{:<6} {:<7} {:<9} {:>11.1?} {:>11.1?} {:>9.1?} {:>10.0} {:>10.0} {:>5.0}%",
        if tls { "https" } else { "http" },
        roots,
        key_spec.as_str(),
        bare,
        once,
        once.saturating_sub(bare),
        rate(plain),
        rate(warm),
        100.0 * rate(warm) / rate(plain),
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

/// Sends the plugin's requests without a signature, and does nothing with the answers but read them.
struct PlainClient {
    runtime: tokio::runtime::Runtime,
    http: reqwest::Client,
    url: String,
    ca: Option<String>,
    body: Value,
}

impl PlainClient {
    fn new(server: &AwsServer, ca: Option<String>, arn: &str, key_spec: KeySpec) -> Self {
        let length = key_spec.hash_algorithm().output_len();
        let family = match cloud::kind(key_spec).starts_with("RSA") {
            true => "RSASSA_PSS_SHA",
            false => "ECDSA_SHA",
        };
        let body = json!({
            "KeyId": arn, "Message": STANDARD.encode(vec![7; length]), "MessageType": "DIGEST",
            "SigningAlgorithm": format!("{family}_{}", 8 * length),
        });
        Self {
            runtime: runtime(),
            http: http(ca.as_deref()),
            url: server.address(),
            ca,
            body,
        }
    }

    /// The same without an open connection.
    fn fresh(&self) -> Self {
        Self {
            runtime: runtime(),
            http: http(self.ca.as_deref()),
            url: self.url.clone(),
            ca: self.ca.clone(),
            body: self.body.clone(),
        }
    }

    fn sign_all(&self, count: usize, together: usize) {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/kms/aws4_request, SignedHeaders=host, Signature=0"
        );
        let one = || async {
            let request = self
                .http
                .post(&self.url)
                .header("X-Amz-Target", "TrentService.Sign")
                .header("Content-Type", "application/x-amz-json-1.1")
                .header("Authorization", &authorization);
            let answer = request.body(self.body.to_string()).send().await.unwrap();
            assert!(answer.status().is_success());
            answer.bytes().await.unwrap();
        };
        let all = futures::stream::iter(0..count).map(|_| one());
        self.runtime
            .block_on(all.buffer_unordered(together).collect::<Vec<()>>());
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn http(ca: Option<&str>) -> reqwest::Client {
    let roots = ca.map(|pem| reqwest::Certificate::from_pem(pem.as_bytes()).unwrap());
    reqwest::Client::builder()
        .tls_certs_only(roots)
        .no_proxy()
        .build()
        .unwrap()
}

fn session(plugin: &Plugin, arn: &str, key_spec: KeySpec) -> Duration {
    let mut session = plugin.session();
    let receive = |session: &mut plugin::WarmSession| {
        let answer = session.receive();
        assert!(answer["response"].is_object(), "{answer}");
    };
    // The first requests pay for start, credentials, connections and certificates.
    for _ in 0..TOGETHER {
        session.send(arn, key_spec, &[7; 900]);
    }
    (0..TOGETHER).for_each(|_| receive(&mut session));
    let elapsed = timed(|| {
        for number in 0..BULK {
            if number >= TOGETHER {
                receive(&mut session);
            }
            session.send(arn, key_spec, &[7; 900]);
        }
        (0..TOGETHER).for_each(|_| receive(&mut session));
    });
    session.end();
    elapsed
}
