//! Deadlines and retries.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::plugin::Plugin;

/// Generous, for machines that are busy with other tests; far below the minute that the trouble lasts.
const SOON: Duration = Duration::from_secs(15);

fn timed_out(key_id: &str) {
    let mut plugin = Plugin::troublemaker();
    plugin.set("NOTATION_PLUGIN_DEADLINE", "300ms");
    let begun = Instant::now();
    let (code, message) = plugin.sign(key_id, b"payload").error();
    assert_eq!(code, "TIMEOUT");
    assert!(
        message.contains("300ms") && message.contains("NOTATION_PLUGIN_DEADLINE"),
        "{message}"
    );
    assert!(begun.elapsed() < SOON);
}

#[test]
fn a_backend_that_does_not_answer_is_a_timeout() {
    timed_out("slow");
}

#[test]
fn native_code_that_never_returns_is_a_timeout() {
    timed_out("hang");
}

#[test]
fn the_deadline_is_a_configuration_key_as_well() {
    let plugin = Plugin::troublemaker();
    let mut request = crate::plugin::signature_request(
        "hang",
        notary_plugin_sdk::protocol::KeySpec::Ec256,
        b"payload",
    );
    request["pluginConfig"]["deadline"] = json!("200ms");
    assert_eq!(
        plugin.ask("generate-signature", &request).error().0,
        "TIMEOUT"
    );
}

#[test]
fn a_throttled_backend_is_asked_again_until_the_deadline_and_then_reported() {
    let mut plugin = Plugin::troublemaker();
    plugin.set("NOTATION_PLUGIN_DEADLINE", "2s");
    let mut request = crate::plugin::signature_request(
        "throttled",
        notary_plugin_sdk::protocol::KeySpec::Ec256,
        b"payload",
    );
    request["pluginConfig"]["counter"] = json!("counter");
    let (code, message) = plugin.ask("generate-signature", &request).error();
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("THROTTLED", "slow down")
    );
    let attempts = plugin.read("counter").matches('r').count();
    assert!(attempts > 1, "{attempts}");
}

#[test]
fn a_failure_that_passes_is_not_seen() {
    Plugin::troublemaker().sign("flaky", b"payload").answer();
}

#[cfg(unix)]
#[test]
fn a_host_that_never_ends_the_request_is_told_so() {
    // Fifty seconds, the default, are too long for a test: the variable counts before the request is read.
    let mut plugin = Plugin::troublemaker();
    plugin.set("NOTATION_PLUGIN_DEADLINE", "300ms");
    let mut child = plugin.command(&["describe-key"]).spawn().unwrap();
    let input = child.stdin.take();
    let output = child.wait_with_output().unwrap();
    drop(input);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("TIMEOUT") && error.contains("has to close"),
        "{error}"
    );
}
