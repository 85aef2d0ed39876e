//! Warm sessions: one process, many requests.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout},
    time::{Duration, Instant},
};

use notary_plugin_sdk::protocol::KeySpec;
use serde_json::{Value, json};

use crate::plugin::{Plugin, signature_request};

struct Session {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Session {
    fn start(plugin: &Plugin) -> Self {
        let mut child = plugin.command(&["serve-session"]).spawn().unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            input,
            output,
        }
    }

    fn send(&mut self, id: u64, command: &str, request: &Value) {
        let frame = json!({ "id": id, "command": command, "request": request });
        self.send_line(&frame.to_string());
    }

    fn send_line(&mut self, line: &str) {
        self.input
            .as_mut()
            .unwrap()
            .write_all(format!("{line}\n").as_bytes())
            .unwrap();
    }

    fn receive(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    fn ask(&mut self, id: u64, command: &str, request: &Value) -> Value {
        self.send(id, command, request);
        let answer = self.receive();
        assert_eq!(answer["id"], id);
        answer
    }

    /// Ends the input, and returns the exit code and what was still on standard output and error.
    fn end(mut self) -> (Option<i32>, String, String) {
        drop(self.input.take());
        let mut rest = String::new();
        while self.output.read_line(&mut rest).unwrap() > 0 {}
        let output = self.child.wait_with_output().unwrap();
        (
            output.status.code(),
            rest,
            String::from_utf8(output.stderr).unwrap(),
        )
    }
}

fn signing(key_id: &str) -> Value {
    let mut request = signature_request(key_id, KeySpec::Ec256, b"payload");
    request["pluginConfig"]["counter"] = json!("counter");
    request
}

#[test]
fn sessions_are_advertised() {
    let metadata = Plugin::troublemaker()
        .run(&["get-plugin-metadata"], "{}")
        .answer();
    assert_eq!(
        metadata["warmSessions"],
        json!({ "version": 1, "maxInFlight": 16, "idleTimeoutInSeconds": 60 })
    );
}

#[test]
fn one_session_answers_every_command_and_opens_the_keys_once() {
    let plugin = Plugin::troublemaker();
    let mut session = Session::start(&plugin);
    assert_eq!(
        session.ask(1, "get-plugin-metadata", &json!({}))["response"]["name"],
        "troublemaker"
    );
    for id in 2..6 {
        let answer = session.ask(id, "generate-signature", &signing("good"));
        crate::signing::check_signature(&answer["response"], KeySpec::Ec256, b"payload");
    }
    assert_eq!(session.end(), (Some(0), String::new(), String::new()));
    assert_eq!(plugin.read("counter"), "ossss");
}

#[test]
fn a_failure_concerns_its_own_request_alone() {
    let plugin = Plugin::troublemaker();
    let mut session = Session::start(&plugin);
    for (id, key_id, code) in [
        (1, "missing", "VALIDATION_ERROR"),
        (2, "denied", "ACCESS_DENIED"),
        (3, "panic", "ERROR"),
        (4, "truncated", "ERROR"),
    ] {
        assert_eq!(
            session.ask(id, "generate-signature", &signing(key_id))["error"]["errorCode"],
            code
        );
    }
    assert_eq!(
        session.ask(5, "verify-signature", &json!({}))["error"]["errorCode"],
        "VALIDATION_ERROR"
    );
    assert_eq!(
        session.ask(6, "no-such-command", &json!({}))["error"]["errorCode"],
        "VALIDATION_ERROR"
    );
    assert!(session.ask(7, "generate-signature", &signing("good"))["response"].is_object());
    assert_eq!(session.end().0, Some(0));
}

#[test]
fn after_a_failure_that_reopening_may_cure_the_keys_are_opened_again() {
    let plugin = Plugin::troublemaker();
    let mut session = Session::start(&plugin);
    session.ask(1, "generate-signature", &signing("good"));
    session.ask(2, "generate-signature", &signing("denied"));
    session.ask(3, "generate-signature", &signing("good"));
    session.end();
    assert_eq!(plugin.read("counter"), "ossos");
}

#[test]
fn a_slow_request_does_not_hold_up_the_others() {
    let plugin = Plugin::troublemaker();
    let mut session = Session::start(&plugin);
    let mut slow = signing("slow");
    slow["pluginConfig"]["deadline"] = json!("3s");
    session.send(1, "generate-signature", &slow);
    session.send(
        2,
        "describe-key",
        &json!({ "contractVersion": "1.0", "keyId": "good" }),
    );
    assert_eq!(session.receive()["id"], 2);
    let late = session.receive();
    assert_eq!(
        (&late["id"], &late["error"]["errorCode"]),
        (&json!(1), &json!("TIMEOUT"))
    );
    assert_eq!(session.end().0, Some(0));
}

#[test]
fn what_is_in_flight_at_the_end_of_input_is_answered() {
    let plugin = Plugin::troublemaker();
    let mut session = Session::start(&plugin);
    for id in 0..16 {
        session.send(id, "generate-signature", &signing("good"));
    }
    let (code, rest, _) = session.end();
    assert_eq!((code, rest.lines().count()), (Some(0), 16));
}

#[test]
fn a_line_that_is_no_frame_ends_the_session() {
    for line in ["log text", "{\"id\":-1}", "[]"] {
        let plugin = Plugin::troublemaker();
        let mut session = Session::start(&plugin);
        session.send_line(line);
        let answer = session.receive();
        assert_eq!(
            (&answer["id"], &answer["error"]["errorCode"]),
            (&Value::Null, &json!("VALIDATION_ERROR")),
            "{line}"
        );
        assert_eq!(session.end().0, Some(1));
    }
}

#[test]
fn an_id_that_is_in_flight_already_ends_the_session() {
    let plugin = Plugin::troublemaker();
    let mut session = Session::start(&plugin);
    let mut slow = signing("slow");
    slow["pluginConfig"]["deadline"] = json!("1s");
    session.send(1, "generate-signature", &slow);
    session.send(1, "generate-signature", &slow);
    assert_eq!(session.receive()["id"], Value::Null);
    assert_eq!(session.receive()["id"], 1);
    assert_eq!(session.end().0, Some(1));
}

#[test]
fn native_code_that_never_returns_costs_the_session_but_not_the_answer() {
    let plugin = Plugin::troublemaker();
    let mut session = Session::start(&plugin);
    let mut hanging = signing("hang");
    hanging["pluginConfig"]["deadline"] = json!("300ms");
    let begun = Instant::now();
    let answer = session.ask(9, "generate-signature", &hanging);
    assert_eq!(answer["error"]["errorCode"], "TIMEOUT");
    assert_eq!(session.end().0, Some(1));
    assert!(begun.elapsed() < Duration::from_secs(15));
}

#[test]
fn a_session_without_requests_ends_well() {
    assert_eq!(
        Session::start(&Plugin::troublemaker()).end(),
        (Some(0), String::new(), String::new())
    );
}

#[test]
fn more_requests_than_were_offered_are_throttled() {
    let plugin = Plugin::troublemaker();
    let mut session = Session::start(&plugin);
    let mut slow = signing("slow");
    slow["pluginConfig"]["deadline"] = json!("2s");
    for id in 0..17 {
        session.send(id, "generate-signature", &slow);
    }
    let surplus = session.receive();
    assert_eq!(
        (&surplus["id"], &surplus["error"]["errorCode"]),
        (&json!(16), &json!("THROTTLED"))
    );
    for _ in 0..16 {
        assert_eq!(session.receive()["error"]["errorCode"], "TIMEOUT");
    }
    assert_eq!(session.end().0, Some(0));
}

#[test]
fn an_idle_session_ends_although_its_input_is_open() {
    let plugin = Plugin::example("verifier");
    let mut session = Session::start(&plugin);
    session.ask(1, "get-plugin-metadata", &json!({}));
    let input = session.input.take();
    let begun = Instant::now();
    assert_eq!(session.child.wait().unwrap().code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(15));
    drop(input);
}

#[test]
fn a_line_beyond_the_limit_ends_the_session() {
    let plugin = Plugin::troublemaker();
    let mut session = Session::start(&plugin);
    let mut input = session.input.take().unwrap();
    let chunk = vec![b' '; 1 << 20];
    // The plugin stops reading in the midst of the line, so that the last writes may fail.
    for _ in 0..=notary_plugin_sdk::protocol::session::MAX_FRAME_LEN / chunk.len() + 1 {
        if input.write_all(&chunk).is_err() {
            break;
        }
    }
    let answer = session.receive();
    assert_eq!(
        (&answer["id"], &answer["error"]["errorCode"]),
        (&Value::Null, &json!("VALIDATION_ERROR"))
    );
    drop(input);
    assert_eq!(session.end().0, Some(1));
}
