//! What the plugin costs on top of the token: bulk signing in a warm session beside the raw `C_Sign` rate of
//! the same token, key, mechanism and module, and a one-shot `generate-signature` beside the module's own
//! load, log-in and signature. Both sides in one run: `cargo bench -p notation-pkcs11-hsm`, and `-- EC-256` for
//! one kind of key. The ratio is that to a single thread; what as many threads as the plugin has sessions make
//! of the raw token stands beside it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, ObjectClass};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use notary_plugin_protocol::KeySpec;
use serde_json::{Value, json};
use support::Plugin;

/// Payloads of a bulk run.
const BULK: usize = 1000;
/// How many requests the plugin offers to have in flight.
const IN_FLIGHT: usize = 16;
/// Sessions in which the plugin signs at a time, at most.
const LANES: usize = 8;
/// Repetitions of a one-shot command; the fastest counts, since everything else is the machine's noise.
const ONE_SHOT: usize = 20;

fn main() {
    if let Ok(label) = std::env::var("RAW_LABEL") {
        return raw(&label);
    }
    println!(
        "{:<9} {:>9} {:>13} {:>11} {:>6} {:>13} {:>10} {:>8}",
        "key", "raw /s", "raw threads/s", "session /s", "ratio", "raw one-shot", "one-shot", "more"
    );
    let asked: Vec<KeySpec> = std::env::args()
        .filter_map(|word| word.parse().ok())
        .collect();
    for key_spec in [KeySpec::Ec256, KeySpec::Rsa2048, KeySpec::Rsa3072] {
        if !asked.is_empty() && !asked.contains(&key_spec) {
            continue;
        }
        let plugin = Plugin::new();
        plugin.certified_key(key_spec, key_spec.as_str(), 1);
        let raw_bulk = measure_raw(&plugin, key_spec, 1);
        let raw_threads = measure_raw(&plugin, key_spec, LANES);
        let raw_once = fastest(|| {
            let mut once = raw_command(&plugin, key_spec, 1, 1);
            assert!(once.output().unwrap().status.success());
        });
        let bulk = measure_session(&plugin, key_spec);
        let once = fastest(|| {
            plugin.sign(key_spec.as_str(), key_spec, &[7; 900]).unwrap();
        });
        let rate = |time: Duration| BULK as f64 / time.as_secs_f64();
        println!(
            "{:<9} {:>9.0} {:>13.0} {:>11.0} {:>5.0}% {:>13.1?} {:>10.1?} {:>8.1?}",
            key_spec.as_str(),
            rate(raw_bulk),
            rate(raw_threads),
            rate(bulk),
            100.0 * rate(bulk) / rate(raw_bulk),
            raw_once,
            once,
            once.saturating_sub(raw_once),
        );
    }
}

fn fastest(mut operation: impl FnMut()) -> Duration {
    let once = |()| {
        let start = Instant::now();
        operation();
        start.elapsed()
    };
    std::iter::repeat_n((), ONE_SHOT).map(once).min().unwrap()
}

/// A child process of this program: SoftHSM2 reads its configuration from the environment.
fn raw_command(plugin: &Plugin, key_spec: KeySpec, count: usize, threads: usize) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .envs(plugin.hsm.env())
        .env("RAW_LABEL", key_spec.as_str())
        .env("RAW_COUNT", count.to_string())
        .env("RAW_THREADS", threads.to_string())
        .env("RAW_MODULE", plugin.hsm.module())
        .env("RAW_PIN", plugin.hsm.pin());
    command
}

fn measure_raw(plugin: &Plugin, key_spec: KeySpec, threads: usize) -> Duration {
    let mut command = raw_command(plugin, key_spec, BULK, threads);
    let output = command.output().unwrap();
    let seconds = String::from_utf8(output.stdout).unwrap();
    Duration::from_secs_f64(seconds.trim().parse().unwrap())
}

/// The mechanism that the plugin takes for such a key, and a digest for it.
fn mechanism(label: &str) -> (Mechanism<'static>, Vec<u8>) {
    let pss = |hash_alg, mgf, length: cryptoki_sys::CK_ULONG| {
        Mechanism::RsaPkcsPss(PkcsPssParams {
            hash_alg,
            mgf,
            s_len: length.into(),
        })
    };
    match label {
        "EC-256" => (Mechanism::Ecdsa, vec![7; 32]),
        "RSA-2048" => (
            pss(MechanismType::SHA256, PkcsMgfType::MGF1_SHA256, 32),
            vec![7; 32],
        ),
        _ => (
            pss(MechanismType::SHA384, PkcsMgfType::MGF1_SHA384, 48),
            vec![7; 48],
        ),
    }
}

/// Loads the module, logs in and signs digests in a loop, in one session per thread; prints
/// how long that took.
fn raw(label: &str) {
    let variable = |name: &str| std::env::var(name).unwrap();
    let functions = Pkcs11::new(variable("RAW_MODULE")).unwrap();
    functions
        .initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))
        .unwrap();
    let slots = functions.get_slots_with_initialized_token().unwrap();
    let session = functions.open_ro_session(slots[0]).unwrap();
    session
        .login(
            UserType::User,
            Some(&AuthPin::new(variable("RAW_PIN").into())),
        )
        .unwrap();
    let template = [
        Attribute::Class(ObjectClass::PRIVATE_KEY),
        Attribute::Label(label.as_bytes().to_vec()),
    ];
    let key = session.find_objects(&template).unwrap()[0];
    let count: usize = variable("RAW_COUNT").parse().unwrap();
    let threads: usize = variable("RAW_THREADS").parse().unwrap();
    let more: Vec<Session> = (1..threads)
        .map(|_| functions.open_ro_session(slots[0]).unwrap())
        .collect();
    let start = Instant::now();
    std::thread::scope(|scope| {
        for session in std::iter::once(session).chain(more) {
            scope.spawn(move || {
                let (mechanism, digest) = mechanism(label);
                for _ in 0..count / threads {
                    session.sign(&mechanism, key, &digest).unwrap();
                }
            });
        }
    });
    println!("{}", start.elapsed().as_secs_f64());
}

fn measure_session(plugin: &Plugin, key_spec: KeySpec) -> Duration {
    let mut child = plugin
        .command()
        .arg("serve-session")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut requests = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    let request = |id: usize| {
        let payload = STANDARD.encode([vec![7; 900], id.to_be_bytes().to_vec()].concat());
        json!({ "id": id, "command": "generate-signature", "request": {
            "contractVersion": "1.0",
            "keyId": key_spec.as_str(),
            "keySpec": key_spec.as_str(),
            "hashAlgorithm": key_spec.hash_algorithm().as_str(),
            "payload": payload,
            "pluginConfig": plugin.config(),
        }})
        .to_string()
    };
    let mut next = || {
        let answer: Value = serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap();
        assert!(answer["response"].is_object(), "{answer}");
    };
    // The first request pays for start, log-in and finding the key.
    writeln!(requests, "{}", request(0)).unwrap();
    next();
    let lines: Vec<String> = (1..=BULK).map(request).collect();
    let mut lines = lines.iter();
    let start = Instant::now();
    for line in lines.by_ref().take(IN_FLIGHT) {
        writeln!(requests, "{line}").unwrap();
    }
    for _ in 0..BULK {
        next();
        if let Some(line) = lines.next() {
            writeln!(requests, "{line}").unwrap();
        }
    }
    let elapsed = start.elapsed();
    drop(requests);
    child.wait().unwrap();
    elapsed
}
