//! Tokens that are locked away: the wrong PIN, and no token at all.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Home, PKCS11, Token};

const SIGNER: i32 = 6;

fn with_token() -> (Home, Token) {
    let mut home = Home::new();
    let token = Token::in_home(&mut home);
    home.run(&[
        "key",
        "add",
        "--default",
        "--plugin",
        PKCS11,
        "--id",
        "pkcs11:object=release",
        "token",
    ])
    .ok();
    home.sign(&[]).ok();
    (home, token)
}

#[test]
fn a_wrong_pin_is_tried_once_and_never_shown() {
    let (mut home, token) = with_token();
    let wrong = token.hsm.directory().join("wrong-pin");
    fs::write(&wrong, "87654321").unwrap();
    fs::set_permissions(&wrong, fs::Permissions::from_mode(0o600)).unwrap();
    home.set("NOTATION_PKCS11_PIN_FILE", &wrong);
    // Every command that the plugin is given is counted, in front of the real one.
    home.install_counted(PKCS11);
    let ran = home
        .unchanged_layout(|| home.sign(&[]))
        .refused(SIGNER, &["PIN", "tried once", "ACCESS_DENIED"]);
    assert!(!ran.err.contains("87654321"), "{}", ran.err);
    let asked = home.counted(PKCS11);
    assert_eq!(
        asked,
        ["get-plugin-metadata", "describe-key"],
        "nothing is asked after the PIN was refused"
    );
}

#[test]
fn a_token_that_is_gone_is_named() {
    let (home, token) = with_token();
    fs::remove_dir_all(token.hsm.directory().join("tokens")).unwrap();
    fs::create_dir(token.hsm.directory().join("tokens")).unwrap();
    home.unchanged(|| home.sign(&[]))
        .refused(SIGNER, &["token"]);
}

#[test]
fn a_key_that_is_not_on_the_token_is_named() {
    let (home, _token) = with_token();
    let arguments = ["--plugin", PKCS11, "--id", "pkcs11:object=absent"];
    home.unchanged(|| home.sign(&arguments))
        .refused(SIGNER, &["absent"]);
}

#[test]
fn a_module_that_is_not_there_is_named() {
    let (mut home, _token) = with_token();
    home.set("NOTATION_PKCS11_MODULE", "/nowhere/libtoken.so");
    home.unchanged(|| home.sign(&[]))
        .refused(SIGNER, &["/nowhere/libtoken.so"]);
}
