//! PINs: where they come from, and that none is ever tried twice.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use notary_plugin_protocol::KeySpec;
use support::{Plugin, Refusal};

const LOGINS: &str = "login";

fn file(plugin: &Plugin, content: &str, mode: u32) -> String {
    let path: PathBuf = plugin.hsm.directory().join("other-pin");
    std::fs::write(&path, content).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path.to_str().unwrap().to_owned()
}

fn with_key() -> Plugin {
    let plugin = Plugin::new();
    plugin.certified_key(KeySpec::Ec256, "release", 1);
    plugin
}

fn refused(plugin: &Plugin) -> Refusal {
    let refusal = plugin.describe("release").unwrap_err();
    assert_eq!(refusal.code, "ACCESS_DENIED", "{}", refusal.message);
    refusal
}

#[test]
fn a_wrong_pin_is_tried_once_and_the_message_says_what_the_token_counts() {
    let plugin = with_key().with_shim("log");
    let path = file(&plugin, "wrong-pin", 0o600);
    let plugin = plugin.with("pin_file", &path);
    let refusal = refused(&plugin);
    assert!(
        refusal.message.contains("tried once"),
        "{}",
        refusal.message
    );
    assert!(
        refusal.message.contains("counts wrong tries"),
        "{}",
        refusal.message
    );
    assert!(
        !refusal.message.contains("wrong-pin"),
        "{}",
        refusal.message
    );
    assert_eq!(plugin.logged(LOGINS).len(), 1);

    // The token itself remembers one wrong try, and the right PIN clears it.
    let right = plugin.hsm.pin_file().display().to_string();
    let plugin = plugin.with("pin_file", &right);
    assert!(
        plugin
            .person(&["doctor"])
            .unwrap_or_else(|error| error)
            .contains("PIN tries")
    );
    plugin.describe("release").unwrap();
}

#[test]
fn a_pin_that_cannot_be_right_by_its_length_is_not_tried() {
    let plugin = with_key().with_shim("log");
    let path = file(&plugin, "123", 0o600);
    let plugin = plugin.with("pin_file", &path);
    assert!(refused(&plugin).message.contains("not tried"));
    assert_eq!(plugin.logged(LOGINS).len(), 0);
}

#[test]
fn a_token_with_one_try_left_is_only_tried_when_asked() {
    let plugin = with_key().with_shim("final-try");
    assert!(refused(&plugin).message.contains("use_last_pin_try"));
    assert_eq!(plugin.logged(LOGINS).len(), 0);
    let plugin = plugin.with("use_last_pin_try", "true");
    plugin.describe("release").unwrap();
    assert_eq!(plugin.logged(LOGINS).len(), 1);
}

#[test]
fn a_locked_token_is_not_tried() {
    let plugin = with_key().with_shim("locked");
    assert!(refused(&plugin).message.contains("locked"));
    assert_eq!(plugin.logged(LOGINS).len(), 0);
}

#[test]
fn a_token_that_says_locked_when_asked_is_reported_as_locked() {
    let plugin = with_key().with_shim("refuse-login");
    assert!(refused(&plugin).message.contains("locked"));
    assert_eq!(plugin.logged(LOGINS).len(), 1);
}

#[test]
fn a_token_that_somebody_else_has_logged_in_to_signs() {
    let plugin = with_key().with_shim("logged-in-before");
    plugin.sign("release", KeySpec::Ec256, b"payload").unwrap();
    assert_eq!(plugin.logged(LOGINS).len(), 1);
}

#[test]
fn a_pin_pad_is_used_when_no_source_is_configured() {
    let plugin = with_key().with_shim("protected-path").without("pin_file");
    let pin = plugin.hsm.pin();
    let plugin = plugin.with_variable("SHIM_PIN_PAD", pin);
    plugin.sign("release", KeySpec::Ec256, b"payload").unwrap();
    assert_eq!(plugin.logged(LOGINS).len(), 1);
}

#[test]
fn a_pin_file_that_others_can_read_is_refused() {
    let plugin = with_key();
    let path = file(&plugin, plugin.hsm.pin(), 0o644);
    let plugin = plugin.with("pin_file", &path);
    assert!(refused(&plugin).message.contains("chmod 600"));
}

#[test]
fn a_missing_pin_is_asked_for_with_the_ways_to_give_it() {
    let plugin = with_key().without("pin_file");
    let refusal = refused(&plugin);
    assert!(refusal.message.contains("pin_file"), "{}", refusal.message);
    assert!(
        refusal.message.contains("NOTATION_PKCS11_PIN"),
        "{}",
        refusal.message
    );
}

#[test]
fn the_pin_comes_from_the_environment_a_program_or_the_uri() {
    let plugin = with_key().without("pin_file");
    let pin = plugin.hsm.pin();
    let path = plugin.hsm.pin_file().display().to_string();
    let plugin = plugin.with_variable("NOTATION_PKCS11_PIN", pin);
    plugin.describe("release").unwrap();

    let plugin = with_key()
        .with_variable("NOTATION_PKCS11_PIN", "wrong")
        .with("pin_file", "/no/such/file");
    let source = plugin
        .hsm
        .pin_file()
        .display()
        .to_string()
        .replace('/', "%2F");
    plugin
        .describe(&format!("pkcs11:object=release?pin-source={source}"))
        .unwrap();

    let plugin = with_key().without("pin_file");
    let own = plugin.hsm.pin_file().display().to_string();
    assert_ne!(own, path);
    let plugin = plugin.with("pin_command", &format!("cat {own}"));
    plugin.describe("release").unwrap();
}

#[test]
fn a_pin_in_the_configuration_or_the_key_id_is_refused_and_not_repeated() {
    let plugin = with_key().with("pin", "hunter2");
    let refusal = plugin.describe("release").unwrap_err();
    assert_eq!(refusal.code, "VALIDATION_ERROR");
    assert!(
        refusal.message.contains("NOTATION_PKCS11_PIN"),
        "{}",
        refusal.message
    );
    assert!(!refusal.message.contains("hunter2"), "{}", refusal.message);

    let refusal = with_key()
        .describe("pkcs11:object=release?pin-value=hunter2")
        .unwrap_err();
    assert_eq!(refusal.code, "VALIDATION_ERROR");
    assert!(!refusal.message.contains("hunter2"), "{}", refusal.message);
}

#[test]
fn the_pin_comes_from_an_inherited_file_descriptor() {
    let plugin = with_key().without("pin_file").with("pin_fd", "9");
    let request = serde_json::json!({
        "contractVersion": "1.0", "keyId": "release", "pluginConfig": plugin.config(),
    });
    // The shell opens the descriptor, as the host's caller would.
    let mut child = Command::new("sh");
    child.args(["-c", "exec \"$0\" describe-key 9<\"$1\""]);
    child
        .arg(env!("CARGO_BIN_EXE_notation-pkcs11-hsm"))
        .arg(plugin.hsm.pin_file());
    child
        .envs(plugin.hsm.env())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = child.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(request.to_string().as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8(output.stdout).unwrap().contains("EC-256"));
}
