//! Signing with plugins that are not there, hang, or give something else than was asked for. Each is refused, the layout
//! stays as it was, and the exit code says that it was the signer.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Home, Ran, Token};

const SIGNER: i32 = 6;

#[track_caller]
fn refused(home: &Home, plugin: &str, more: &[&str], words: &[&str]) -> Ran {
    let arguments = [&["--plugin", plugin, "--id", "pkcs11:object=release"], more].concat();
    home.unchanged(|| home.sign(&arguments))
        .refused(SIGNER, words)
}

#[test]
fn a_plugin_that_is_not_installed_is_named_with_those_that_are() {
    let home = Home::new();
    home.install_script("aws-kms", "exit 1");
    refused(
        &home,
        "azure-kv",
        &[],
        &[
            "no plugin called \"azure-kv\" is installed",
            "aws-kms",
            "apostille plugin list",
        ],
    );
}

#[test]
fn a_plugin_that_nobody_may_execute_is_named_with_the_remedy() {
    let home = Home::new();
    let path = home.install("plain", b"#!/bin/sh\n");
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    refused(&home, "plain", &[], &["chmod u+x"]);
}

#[test]
fn a_plugin_for_another_machine_is_named_as_that() {
    let home = Home::new();
    // The head of an ELF program for a 64-bit processor that this is not.
    let mut elf = b"\x7fELF\x02\x01\x01".to_vec();
    elf.resize(64, 0);
    elf[16] = 2;
    elf[18] = 0xF3; // RISC-V
    home.install("foreign", &elf);
    refused(&home, "foreign", &[], &["foreign"]);
}

#[test]
fn a_plugin_that_hangs_is_ended_at_its_deadline() {
    let home = Home::new();
    home.install_script("slow", "sleep 600");
    refused(&home, "slow", &["--plugin-timeout", "1s"], &["slow", "1 s"]);
}

#[test]
fn a_plugin_that_hangs_before_it_says_what_it_is_is_ended() {
    let home = Home::new();
    home.install("silent", b"#!/bin/sh\nsleep 600\n");
    refused(&home, "silent", &["--plugin-timeout", "1s"], &["silent"]);
}

#[test]
fn a_plugin_that_prints_garbage_is_refused_with_what_it_printed() {
    let home = Home::new();
    home.install_script("chatty", "echo Hello world");
    refused(&home, "chatty", &[], &["chatty", "Hello world"]);
}

#[test]
fn a_plugin_that_prints_nothing_is_refused() {
    let home = Home::new();
    home.install_script("mute", "exit 0");
    refused(&home, "mute", &[], &["mute"]);
}

#[test]
fn a_plugin_that_crashes_is_refused_with_its_signal() {
    let home = Home::new();
    home.install_script("crashing", "kill -9 $$");
    refused(&home, "crashing", &[], &["crashing", "signal"]);
}

#[test]
fn the_error_object_of_a_plugin_reaches_the_user_with_its_code() {
    let home = Home::new();
    home.install_script(
        "refusing",
        r#"echo '{"errorCode":"ACCESS_DENIED","errorMessage":"no kms:Sign for you","errorMetadata":{"requestId":"r-17"}}' >&2
exit 1"#,
    );
    refused(
        &home,
        "refusing",
        &[],
        &["no kms:Sign for you", "ACCESS_DENIED", "r-17"],
    );
}

#[test]
fn control_characters_of_a_plugin_do_not_reach_the_terminal() {
    let home = Home::new();
    home.install_script("painter", r"printf '\033[31mred\033[0m\r' >&2; exit 1");
    let ran = refused(&home, "painter", &[], &["red"]);
    assert!(
        !ran.err.contains('\x1b') && !ran.err.contains('\r'),
        "{:?}",
        ran.err
    );
}

#[test]
fn a_plugin_that_calls_itself_something_else_is_refused() {
    let home = Home::new();
    home.install_script("two", "exit 0");
    let script = fs::read(home.config().join("plugins/two/notation-two")).unwrap();
    home.install("one", &script);
    refused(&home, "one", &[], &["two"]);
}

#[test]
fn a_signature_by_another_key_is_refused() {
    let mut home = Home::new();
    let _token = Token::in_home(&mut home);
    // Whatever it is asked to sign with, the other key signs; the answer carries the certificate of the right one.
    let certificate_of = |label: &str| {
        let question = format!(
            r#"{{"contractVersion":"1.0","keyId":"pkcs11:object={label}","keySpec":"EC-256","hashAlgorithm":"SHA-256","payload":"YQ==","pluginConfig":{{}}}}"#
        );
        let answer = home.ask_plugin("generate-signature", &question);
        answer["certificateChain"][0].as_str().unwrap().to_owned()
    };
    let (right, other) = (certificate_of("release"), certificate_of("other"));
    let answer = format!("s/object=other/object=release/; s|{other}|{right}|");
    home.install_twisted("twisted", "s/object=release/object=other/", &answer);
    refused(
        &home,
        "twisted",
        &[],
        &["refused", "signature", "Nothing was stored"],
    );
}

#[test]
fn a_signature_over_other_bytes_is_refused() {
    let mut home = Home::new();
    let _token = Token::in_home(&mut home);
    home.install_twisted("twisted", r#"s/"payload":"[^"]*"/"payload":"YQ=="/"#, "");
    refused(
        &home,
        "twisted",
        &[],
        &["refused", "signature", "Nothing was stored"],
    );
}

#[test]
fn an_answer_about_another_key_is_refused() {
    let mut home = Home::new();
    let _token = Token::in_home(&mut home);
    home.install_twisted("twisted", "", "s/object=release/object=other/");
    refused(&home, "twisted", &[], &["object=other"]);
}

#[test]
fn the_honest_plugin_signs_what_verifies() {
    let mut home = Home::new();
    let _token = Token::in_home(&mut home);
    home.sign(&["--plugin", "pkcs11-hsm", "--id", "pkcs11:object=release"])
        .ok();
    home.verify(&[]).ok();
    home.install_twisted("twisted", "", "");
    home.sign(&[
        "--plugin",
        "twisted",
        "--id",
        "pkcs11:object=release",
        "--signature-format",
        "cose",
    ])
    .ok();
    home.verify(&[]).ok();
}
