//! Warm sessions: one process and one log-in for many signatures.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notary_plugin_protocol::KeySpec;
use serde_json::{Value, json};
use support::Plugin;

const SPEC: KeySpec = KeySpec::Ec256;

/// How many requests the plugin offers to have in flight.
const IN_FLIGHT: usize = 16;

/// Has `payloads` signed with as many requests in flight as are offered; gives the answers by their number.
fn sign_all(plugin: &Plugin, payloads: &[Vec<u8>]) -> Vec<Value> {
    let mut child = plugin
        .command()
        .arg("serve-session")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut requests = child.stdin.take().unwrap();
    let lines: Vec<String> = payloads
        .iter()
        .enumerate()
        .map(|(id, payload)| {
            let request = json!({
                "contractVersion": "1.0",
                "keyId": "release",
                "keySpec": SPEC.as_str(),
                "hashAlgorithm": SPEC.hash_algorithm().as_str(),
                "payload": STANDARD.encode(payload),
                "pluginConfig": plugin.config(),
            });
            json!({ "id": id, "command": "generate-signature", "request": request }).to_string()
        })
        .collect();
    let mut lines = lines.iter();
    for line in lines.by_ref().take(IN_FLIGHT) {
        writeln!(requests, "{line}").unwrap();
    }
    let mut answers: Vec<Value> = Vec::new();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    while answers.len() < payloads.len() {
        answers.push(serde_json::from_str(&output.next().unwrap().unwrap()).unwrap());
        if let Some(line) = lines.next() {
            writeln!(requests, "{line}").unwrap();
        }
    }
    drop(requests);
    assert!(output.next().is_none());
    assert!(child.wait().unwrap().success());
    answers.sort_by_key(|answer| answer["id"].as_u64());
    answers
}

fn payloads(count: u8) -> Vec<Vec<u8>> {
    (0..count).map(|number| vec![number; 100]).collect()
}

#[test]
fn one_log_in_serves_many_signatures() {
    let plugin = Plugin::new().with_shim("log");
    let public_key = plugin.certified_key(SPEC, "release", 1);
    let payloads = payloads(100);
    for (payload, answer) in payloads.iter().zip(sign_all(&plugin, &payloads)) {
        let signature = STANDARD
            .decode(answer["response"]["signature"].as_str().unwrap())
            .unwrap();
        public_key
            .verify(SPEC.signing_algorithm(), payload, &signature)
            .unwrap();
    }
    assert_eq!(plugin.logged("login").len(), 1);
    assert_eq!(plugin.logged("sign").len(), 100);
    assert_eq!(plugin.logged("finalize").len(), 1);
}

/// Has 64 payloads signed by a module that does `words`, and holds each signature against the key.
fn sign_and_verify(words: &str) -> Plugin {
    let plugin = Plugin::new().with_shim(words);
    let public_key = plugin.certified_key(SPEC, "release", 1);
    let payloads = payloads(64);
    for (payload, answer) in payloads.iter().zip(sign_all(&plugin, &payloads)) {
        let signature = answer["response"]["signature"].as_str();
        let signature = STANDARD
            .decode(signature.unwrap_or_else(|| panic!("{answer}")))
            .unwrap();
        public_key
            .verify(SPEC.signing_algorithm(), payload, &signature)
            .unwrap();
    }
    plugin
}

#[test]
fn a_slow_token_signs_in_several_sessions_at_a_time_under_one_log_in() {
    let plugin = sign_and_verify("log,slow");
    assert!(!plugin.logged("overlap").is_empty());
    assert!(plugin.logged("open").len() > 1);
    assert_eq!(plugin.logged("login").len(), 1);
    assert_eq!(plugin.logged("finalize").len(), 1);
}

#[test]
fn a_token_that_gives_one_session_signs_everything_in_it() {
    let plugin = sign_and_verify("log,slow,one-session");
    assert!(plugin.logged("overlap").is_empty());
    assert_eq!(plugin.logged("sign").len(), 64);
}

#[test]
fn a_session_lost_among_several_is_opened_again_and_no_request_fails() {
    let plugin = sign_and_verify("log,slow,lose-fifth-session");
    assert_eq!(plugin.logged("sign").len(), 65);
}

#[test]
fn a_wrong_pin_is_tried_once_however_many_requests_there_are() {
    let plugin = Plugin::new().with_shim("log");
    plugin.certified_key(SPEC, "release", 1);
    let plugin = plugin
        .without("pin_file")
        .with_variable("NOTATION_PKCS11_PIN", "wrong-pin");
    for answer in sign_all(&plugin, &payloads(16)) {
        assert_eq!(answer["error"]["errorCode"], "ACCESS_DENIED", "{answer}");
    }
    assert_eq!(plugin.logged("login").len(), 1);
}

#[test]
fn a_module_that_crashes_once_costs_one_answer_and_not_the_session() {
    let plugin = Plugin::new().with_shim("crash-third-sign");
    plugin.certified_key(SPEC, "release", 1);
    let answers = sign_all(&plugin, &payloads(1));
    assert!(answers[0]["response"].is_object(), "{}", answers[0]);
    // Requests that were under way with the third one are lost with it; later ones get a new worker.
    let answers = sign_all(&plugin, &payloads(60));
    let served = answers
        .iter()
        .filter(|answer| answer["response"].is_object())
        .count();
    let lost = answers
        .iter()
        .filter(|answer| answer["error"]["errorCode"] == "ERROR")
        .count();
    assert_eq!(served + lost, answers.len());
    assert!(lost >= 1 && served > 2, "{served} served, {lost} lost");
    assert!(plugin.logged("login").len() > 2);
}

/// What Linux tells about a process and its children.
#[cfg(target_os = "linux")]
mod proc {
    pub(crate) fn read(process: u32, file: &str) -> String {
        let bytes = std::fs::read(format!("/proc/{process}/{file}")).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub(crate) fn child_of(process: u32) -> u32 {
        let parent = format!("PPid:\t{process}\n");
        std::fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .find(|candidate: &u32| {
                let status = std::fs::read(format!("/proc/{candidate}/status")).unwrap_or_default();
                String::from_utf8_lossy(&status).contains(&parent)
            })
            .unwrap()
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_process_with_the_pin_dumps_no_core_and_shows_the_pin_in_no_argument() {
    let plugin = Plugin::new();
    plugin.certified_key(SPEC, "release", 1);
    let mut child = plugin
        .command()
        .arg("serve-session")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut requests = child.stdin.take().unwrap();
    let request =
        json!({ "contractVersion": "1.0", "keyId": "release", "pluginConfig": plugin.config() });
    let frame = json!({ "id": 1, "command": "describe-key", "request": request });
    writeln!(requests, "{frame}").unwrap();
    let mut answer = String::new();
    let mut answers = BufReader::new(child.stdout.take().unwrap());
    answers.read_line(&mut answer).unwrap();
    assert!(answer.contains("EC-256"), "{answer}");

    let worker = proc::child_of(child.id());
    let limits = proc::read(worker, "limits");
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let words: Vec<&str> = core.unwrap().split_whitespace().collect();
    assert_eq!(words[4..6], ["0", "0"], "{limits}");
    for process in [child.id(), worker] {
        assert!(!proc::read(process, "cmdline").contains(plugin.hsm.pin()));
    }
    let may_lock = limits
        .lines()
        .any(|line| line.starts_with("Max locked memory") && !line.contains(" 0 "));
    if may_lock {
        let status = proc::read(worker, "status");
        assert!(!status.contains("VmLck:\t       0 kB"), "{status}");
    }
    drop(requests);
    assert!(child.wait().unwrap().success());
}
