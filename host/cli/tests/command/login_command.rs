//! `login` and `logout`, with a registry that wants a password and a keychain in a directory.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use apostille_testing::registry::{DockerRegistry, DockerRegistryOptions, PASSWORD, USER};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::registries::{Image, REGISTRY};
use crate::support::{Home, Ran};

/// A keychain that keeps one entry in the file `entry` beside it.
const KEYCHAIN: &str = r#"#!/bin/sh
entry="$(dirname "$0")/entry"
missing() { echo 'credentials not found in native keychain'; exit 1; }
case "$1" in
store) cat > "$entry" ;;
get) cat > /dev/null; [ -f "$entry" ] || missing; cat "$entry" ;;
erase) cat > /dev/null; [ -f "$entry" ] || missing; rm "$entry" ;;
esac
"#;

struct Desk {
    registry: DockerRegistry,
    home: Home,
}

impl Desk {
    fn new(docker_config: &Value) -> Self {
        let registry = DockerRegistry::start_with(DockerRegistryOptions {
            password: true,
            ..Default::default()
        })
        .unwrap();
        let mut home = Home::new();
        let directory = home.config().join("docker");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("config.json"), docker_config.to_string()).unwrap();
        let keychain = directory.join("docker-credential-test");
        fs::write(&keychain, KEYCHAIN).unwrap();
        fs::set_permissions(&keychain, fs::Permissions::from_mode(0o755)).unwrap();
        home.set("DOCKER_CONFIG", &directory);
        let path = std::env::var("PATH").unwrap();
        home.set("PATH", format!("{}:{path}", directory.display()));
        Self { registry, home }
    }

    fn with_keychain() -> Self {
        Self::new(&json!({"credsStore": "test"}))
    }

    /// Runs a command about the registry, with this on its standard input.
    fn run(&self, arguments: &[&str], input: &str) -> Ran {
        let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_apostille")));
        let host = self.registry.host();
        self.home
            .prepare(&mut command, &[arguments, &[&host]].concat());
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Ran::new(child.wait_with_output().unwrap())
    }

    fn entry(&self) -> Option<Value> {
        let text = fs::read_to_string(self.home.config().join("docker/entry")).ok()?;
        Some(serde_json::from_str(&text).unwrap())
    }
}

#[test]
fn after_a_login_no_command_needs_the_password_and_after_a_logout_each_does() {
    let desk = Desk::with_keychain();
    let host = desk.registry.host();
    let image = Image::with_login(&host, Some((USER, PASSWORD)));
    let reference = image.at(&host);
    let ran = desk.run(&["login", "-u", USER, "-p", PASSWORD], "").ok();
    assert_eq!(ran.out, "Login Succeeded\n");
    assert_eq!(desk.entry().unwrap()["ServerURL"], json!(host));
    desk.home.run(&["sign", &reference]).ok();
    desk.home.run(&["verify", &reference]).ok();
    let ran = desk.run(&["logout"], "").ok();
    assert_eq!(ran.out, "Logout Succeeded\n");
    assert_eq!(desk.entry(), None);
    desk.home
        .run(&["verify", &reference])
        .refused(REGISTRY, &["log in to"]);
}

#[test]
fn the_password_comes_through_standard_input_without_its_line_end() {
    for (flags, input, prompts) in [
        (
            &["-u", USER, "--password-stdin"][..],
            format!("{PASSWORD}\r\n"),
            "",
        ),
        (&["-u", USER, "--password-stdin"], PASSWORD.to_owned(), ""),
        (&["-u", USER], format!("{PASSWORD}\n"), "Password: \n"),
        (
            &[],
            format!("{USER}\n{PASSWORD}\n"),
            "Username: Password: \n",
        ),
    ] {
        let desk = Desk::with_keychain();
        let ran = desk.run(&[&["login"], flags].concat(), &input).ok();
        assert_eq!(ran.out, format!("{prompts}Login Succeeded\n"));
        assert_eq!(desk.entry().unwrap()["Secret"], json!(PASSWORD));
    }
}

#[test]
fn what_the_registry_refuses_is_not_stored_nor_shown() {
    let desk = Desk::with_keychain();
    let ran = desk.run(&["login", "-d", "-u", USER, "-p", "wrong-secret"], "");
    let text = format!("{}{}", ran.out, ran.err);
    assert!(!text.contains("wrong-secret"), "{text}");
    assert_eq!(ran.code, REGISTRY);
    assert!(ran.err.contains("failed to log in to"), "{}", ran.err);
    assert_eq!(desk.entry(), None);
}

#[test]
fn no_password_and_no_user_name_is_a_wrong_command_line() {
    let desk = Desk::with_keychain();
    desk.run(&["login", "-u", USER, "--password-stdin"], "")
        .refused(2, &["password required"]);
    let ran = desk.run(&["login"], "");
    assert_eq!((ran.code, ran.out.as_str()), (2, "Username: "));
    assert_eq!(desk.entry(), None);
}

#[test]
fn without_a_keychain_a_password_is_not_written_to_a_file() {
    let empty = json!({});
    let desk = Desk::new(&empty);
    // The test's PATH may have a native keychain's helper: only the directory of this test counts.
    let directory = desk.home.config().join("docker");
    let mut desk = desk;
    desk.home.set("PATH", &directory);
    desk.run(&["login", "-u", USER, "-p", PASSWORD], "")
        .refused(1, &["not written to a file", "credsStore"]);
    let config = fs::read_to_string(directory.join("config.json")).unwrap();
    assert_eq!(config, empty.to_string());
}

#[test]
fn a_credential_that_stands_in_a_file_already_is_let_be_with_a_warning() {
    let mut desk = Desk::new(&json!({}));
    let directory = desk.home.config().join("docker");
    let stored = STANDARD.encode(format!("{USER}:{PASSWORD}"));
    let document = json!({"auths": {desk.registry.host(): {"auth": stored}}}).to_string();
    fs::write(directory.join("config.json"), &document).unwrap();
    desk.home.set("PATH", &directory);
    let ran = desk.run(&["login", "-u", USER, "-p", PASSWORD], "").ok();
    assert_eq!(
        ran.out,
        "Authenticated with existing credentials\nLogin Succeeded\n"
    );
    assert!(ran.err.starts_with("Warning: "), "{}", ran.err);
    let after = fs::read_to_string(directory.join("config.json")).unwrap();
    assert_eq!(after, document);
}

#[test]
fn json_output_says_where_the_credential_is() {
    let desk = Desk::with_keychain();
    let host = desk.registry.host();
    let login = ["login", "-u", USER, "-p", PASSWORD, "-o", "json"];
    assert_eq!(
        desk.run(&login, "").ok().json(),
        json!({"server": host, "credential": "keychain"})
    );
    assert_eq!(
        desk.run(&["logout", "-o", "json"], "").ok().json(),
        json!({"server": host})
    );
}
