//! The process contract (plugin specification, "Plugin contract").

use std::{fs, io::Write, time::Duration};

use serde_json::json;

use crate::plugin::Plugin;

#[test]
fn metadata_is_answered_whatever_the_input() {
    let plugin = Plugin::example("software-key");
    for input in [
        "{}",
        "",
        "{\"pluginConfig\":{\"unknown\":\"x\"},\"contractVersion\":\"9.0\"}",
        " {\n}\n",
    ] {
        let metadata = plugin.run(&["get-plugin-metadata"], input).answer();
        assert_eq!(metadata["name"], "software-key");
        assert_eq!(metadata["supportedContractVersions"], json!(["1.0"]));
        assert_eq!(metadata["capabilities"], json!(["SIGNATURE_GENERATOR.RAW"]));
    }
}

#[test]
fn metadata_needs_neither_a_configuration_nor_a_home() {
    // The environment is empty, and the key directory that the plugin requires is not set.
    assert_eq!(
        Plugin::example("software-key")
            .run(&["get-plugin-metadata"], "{}")
            .code,
        Some(0)
    );
}

#[test]
fn a_request_may_be_spread_over_lines_and_escaped() {
    let plugin = Plugin::troublemaker();
    let request = "\r\n{\n\t\"contractVersion\" :\n\"1.0\",\n \"keyId\": \"\\u003cgood\\u003e é\",\n\"new\": [1,2]}\n\n";
    let answer = plugin.run(&["describe-key"], request).answer();
    assert_eq!(answer, json!({ "keyId": "<good> é", "keySpec": "EC-256" }));
}

#[test]
fn a_request_may_arrive_in_pieces() {
    let plugin = Plugin::troublemaker();
    let mut child = plugin.command(&["describe-key"]).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    for piece in ["{\"contractVersion\":", "\"1.0\",\"keyI", "d\":\"good\"}"] {
        input.write_all(piece.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(30));
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn broken_requests_are_validation_errors() {
    let plugin = Plugin::troublemaker();
    for request in [
        "",
        "   ",
        "not json",
        "[]",
        "\"text\"",
        "{\"contractVersion\":\"1.0\"}",
        "{\"contractVersion\":\"1.0\",\"keyId\":\"\"}",
        "{\"contractVersion\":\"1.0\",\"keyId\":7}",
        "{\"keyId\":\"good\"}",
        "{\"contractVersion\":\"1.0\",\"keyId\":\"good\"} {}",
        "{\"contractVersion\":\"1.0\",\"keyId\":\"good\"",
    ] {
        let (code, _) = plugin.run(&["describe-key"], request).error();
        assert_eq!(code, "VALIDATION_ERROR", "{request}");
    }
}

#[test]
fn a_contract_version_that_is_not_spoken_has_its_own_code() {
    let plugin = Plugin::troublemaker();
    for version in ["2.0", "99.0", "0.9"] {
        let run = plugin.ask(
            "describe-key",
            &json!({ "contractVersion": version, "keyId": "good" }),
        );
        assert_eq!(run.error().0, "UNSUPPORTED_CONTRACT_VERSION", "{version}");
    }
}

#[test]
fn a_request_beyond_the_limit_is_refused() {
    let plugin = Plugin::troublemaker();
    let padding = " ".repeat(notary_plugin_sdk::INPUT_LIMIT);
    let request = format!("{{\"contractVersion\":\"1.0\",{padding}\"keyId\":\"good\"}}");
    let (code, message) = plugin.run(&["describe-key"], &request).error();
    assert_eq!(code, "VALIDATION_ERROR");
    assert!(message.contains("67108864 bytes"), "{message}");
}

#[test]
fn a_command_takes_no_further_arguments() {
    let plugin = Plugin::troublemaker();
    let (code, message) = plugin.run(&["describe-key", "good"], "{}").error();
    assert_eq!(
        (code.as_str(), message.contains("standard input")),
        ("VALIDATION_ERROR", true),
        "{message}"
    );
}

#[test]
fn an_unknown_command_gets_an_error_object_and_a_suggestion() {
    let plugin = Plugin::troublemaker();
    let (code, message) = plugin.run(&["generate-signatures"], "{}").error();
    assert_eq!(code, "VALIDATION_ERROR");
    assert!(
        message.ends_with("did you mean `generate-signature`?"),
        "{message}"
    );
}

#[test]
fn a_command_of_a_capability_that_the_plugin_lacks_is_refused() {
    let plugin = Plugin::troublemaker();
    let (code, message) = plugin.run(&["verify-signature"], "{}").error();
    assert_eq!(code, "VALIDATION_ERROR");
    assert!(
        message.contains("its capabilities are SIGNATURE_GENERATOR.RAW"),
        "{message}"
    );
}

#[test]
fn an_unknown_configuration_key_is_refused_with_a_suggestion() {
    let plugin = Plugin::troublemaker();
    let request = json!({ "contractVersion": "1.0", "keyId": "good", "pluginConfig": { "certificate": "x" } });
    let (code, message) = plugin.ask("describe-key", &request).error();
    assert_eq!(code, "VALIDATION_ERROR");
    assert!(
        message.ends_with("did you mean `certificates`?"),
        "{message}"
    );
}

#[test]
fn a_secret_in_the_configuration_is_refused_and_not_repeated() {
    let plugin = Plugin::troublemaker();
    let request =
        json!({ "contractVersion": "1.0", "keyId": "good", "pluginConfig": { "pin": "s3cret" } });
    let run = plugin.ask("describe-key", &request);
    assert!(run.error().1.contains("TROUBLE_PIN"));
    assert!(!run.stderr.contains("s3cret"));
}

#[test]
fn a_panic_is_an_error_object_without_the_panic_s_text() {
    let plugin = Plugin::troublemaker();
    let run = plugin.sign("panic", b"payload");
    let (code, message) = run.error();
    assert_eq!(code, "ERROR");
    assert!(message.contains("troublemaker.rs:"), "{message}");
    assert!(!run.stderr.contains("1234"), "{run:?}");
}

#[test]
fn an_error_keeps_its_code_and_its_metadata() {
    let plugin = Plugin::troublemaker();
    let run = plugin.sign("denied", b"payload");
    assert_eq!(
        run.error(),
        ("ACCESS_DENIED".to_owned(), "not yours".to_owned())
    );
    assert!(
        run.stderr
            .contains("\"errorMetadata\":{\"requestId\":\"r-1\"}"),
        "{run:?}"
    );
}

#[test]
fn nothing_but_the_answer_is_written_although_dependencies_print() {
    let run = Plugin::troublemaker().sign("good", b"payload");
    run.answer();
    assert_eq!(run.stdout.lines().count(), 1);
}

#[test]
fn a_host_that_closes_the_output_gets_a_failure_and_no_hang() {
    let plugin = Plugin::troublemaker();
    let mut child = plugin.command(&["describe-key"]).spawn().unwrap();
    drop(child.stdout.take());
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"{\"contractVersion\":\"1.0\",\"keyId\":\"good\"}")
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn nothing_is_written_into_the_working_directory() {
    let plugin = Plugin::troublemaker();
    let before = fs::read_dir(plugin.directory.path()).unwrap().count();
    plugin.sign("good", b"payload").answer();
    assert_eq!(
        fs::read_dir(plugin.directory.path()).unwrap().count(),
        before
    );
}

#[test]
fn a_log_is_written_on_request_and_has_no_secrets() {
    let mut plugin = Plugin::troublemaker();
    plugin.set("NOTATION_PLUGIN_LOG", "log.txt");
    plugin.set("TROUBLE_PIN", "s3cret");
    plugin.sign("denied", b"payload").error();
    let log = plugin.read("log.txt");
    assert!(log.contains("generate-signature"), "{log}");
    assert!(log.contains("opened with pin Some([redacted])"), "{log}");
    assert!(log.contains("failed: not yours (ACCESS_DENIED)"), "{log}");
    assert!(
        log.contains("text of a dependency on standard error"),
        "{log}"
    );
    assert!(!log.contains("s3cret"), "{log}");
}

#[cfg(unix)]
#[test]
fn the_log_is_for_its_owner_s_eyes() {
    use std::os::unix::fs::PermissionsExt;
    let mut plugin = Plugin::troublemaker();
    plugin.set("NOTATION_PLUGIN_LOG", "log.txt");
    plugin.sign("good", b"payload").answer();
    assert_eq!(
        fs::metadata(plugin.path("log.txt"))
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o600
    );
}

#[test]
fn a_log_that_cannot_be_written_is_an_error_of_the_command() {
    let mut plugin = Plugin::troublemaker();
    plugin.set("NOTATION_PLUGIN_LOG", "no/such/directory/log.txt");
    let (code, message) = plugin.sign("good", b"payload").error();
    assert_eq!(code, "VALIDATION_ERROR");
    assert!(message.contains("NOTATION_PLUGIN_LOG"), "{message}");
}
