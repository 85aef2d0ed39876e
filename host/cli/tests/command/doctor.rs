//! `doctor` finds what would stop signing and verifying, before it does.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use apostille_testing::registry::{DockerRegistry, DockerRegistryOptions, PASSWORD, USER};
use serde_json::{Value, json};

use crate::support::{Home, Signer, Validity};

/// A home in which nobody else may do anything, whatever the umask is.
fn home() -> Home {
    let home = Home::new();
    home.install_script("hello", "exit 1");
    for path in [
        home.config(),
        home.config().join("truststore"),
        home.config().join("plugins"),
        home.config().join("plugins/hello/notation-hello"),
    ] {
        permit(&path, 0o700);
    }
    for path in [home.config().join("release.key"), home.policy_file()] {
        permit(&path, 0o600);
    }
    home
}

fn permit(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// The messages of the findings that are not all right, with their state.
fn findings(home: &Home, code: i32) -> Vec<(String, String)> {
    let ran = home.run(&["doctor", "--output", "json"]);
    assert_eq!(ran.code, code, "{}{}", ran.out, ran.err);
    let document = ran.json();
    let all = document["findings"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    all.iter()
        .filter(|finding| finding["state"] != "ok")
        .map(|finding| (text(&finding["state"]), text(&finding["message"])))
        .collect()
}

#[track_caller]
fn finds(home: &Home, state: &str, words: &str) {
    let code = i32::from(state == "failure");
    let found = findings(home, code);
    let fits = |(kind, message): &(String, String)| kind == state && message.contains(words);
    assert!(found.iter().any(fits), "{words:?} is not in {found:#?}");
}

#[test]
fn a_sound_home_has_only_the_certificate_that_expires_soon() {
    let home = home();
    // The certificate of the tests is valid for a day, in the key and in the store.
    let found = findings(&home, 0);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(
        found
            .iter()
            .all(|(state, text)| state == "warning" && text.contains("expires on"))
    );
    let out = home.run(&["doctor"]).ok().out;
    assert!(out.ends_with("\n0 failures, 2 warnings\n"), "{out}");
    assert!(out.contains("ok       plugins: hello 1.0.0"), "{out}");
}

#[test]
fn an_expired_certificate_is_found() {
    let home = home();
    home.add_signer("release", &Signer::valid("release", Validity::Past));
    permit(&home.config().join("release.key"), 0o600);
    finds(
        &home,
        "failure",
        "CN=release,O=Example,ST=England,C=GB expired on",
    );
}

#[test]
fn a_key_that_others_can_read_is_found() {
    let home = home();
    permit(&home.config().join("release.key"), 0o644);
    finds(&home, "failure", "other users have access to");
}

#[test]
fn a_key_that_does_not_fit_its_certificate_is_found() {
    let home = home();
    home.add_signer("release", &Signer::new("release").with_another_key());
    finds(&home, "failure", "another key");
}

#[test]
fn a_key_whose_plugin_is_gone_is_found() {
    let home = home();
    home.run(&["key", "add", "--plugin", "hello", "--id", "k", "cloud"])
        .ok();
    fs::remove_dir_all(home.config().join("plugins/hello")).unwrap();
    finds(
        &home,
        "failure",
        "cloud: no plugin called \"hello\" is installed",
    );
}

#[test]
fn directories_that_others_may_change_are_found() {
    let home = home();
    permit(&home.config().join("truststore"), 0o777);
    finds(
        &home,
        "failure",
        "other users may change the directory of the trust stores",
    );
}

#[test]
fn a_broken_plugin_is_found() {
    let home = home();
    permit(&home.install("broken", b"#!/bin/sh\nexit 3\n"), 0o700);
    finds(&home, "failure", "plugin \"broken\"");
}

#[test]
fn a_store_that_a_policy_names_and_nobody_made_is_found() {
    let home = home();
    fs::remove_dir_all(home.store("ca", "release")).unwrap();
    finds(
        &home,
        "failure",
        "ca:release is named by a policy and does not exist",
    );
}

#[test]
fn a_store_that_verification_would_refuse_is_found() {
    let home = home();
    fs::write(home.store("ca", "release").join("notes.txt"), "hello").unwrap();
    finds(&home, "failure", "notes.txt");
}

#[test]
fn a_policy_that_breaks_a_rule_is_found_with_the_command_that_says_where() {
    let home = home();
    home.write_policy(&json!({"version": "2.0"}));
    finds(&home, "failure", "is malformed or breaks a rule");
    let out = home.run(&["doctor"]).out;
    assert!(out.contains("apostille policy lint"), "{out}");
}

#[test]
fn registries_over_plain_http_and_broken_configuration_are_found() {
    let home = home();
    let path = home.config().join("config.json");
    fs::write(&path, r#"{"insecureRegistries":["registry.example"]}"#).unwrap();
    finds(&home, "warning", "registry.example is used over plain HTTP");
    fs::write(&path, r#"{"signatureFormat":"pdf"}"#).unwrap();
    finds(&home, "failure", "\"pdf\" not supported");
    fs::write(&path, "[").unwrap();
    finds(&home, "failure", "config.json");
}

#[test]
fn a_registry_is_logged_in_to_when_it_is_named() {
    let registry = DockerRegistry::start_with(DockerRegistryOptions {
        password: true,
        ..Default::default()
    })
    .unwrap();
    let home = home();
    let host = registry.host();
    let ran = home
        .run(&["doctor", &host, "-u", USER, "-p", PASSWORD])
        .ok();
    assert!(
        ran.out.contains(&format!("{host} takes the login")),
        "{}",
        ran.out
    );
    let ran = home.run(&["doctor", &host, "-u", USER, "-p", "guessed"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("FAILURE  registries"), "{}", ran.out);
    assert!(!ran.out.contains("guessed"));
}
