//! `plugin install` through the program: files, downloads, drift.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::json;

use crate::support::Home;

fn script(version: &str) -> String {
    let metadata = json!({
        "name": "one", "description": "d", "version": version, "url": "https://example.com",
        "supportedContractVersions": ["1.0"], "capabilities": ["SIGNATURE_GENERATOR.RAW"],
    });
    format!("#!/bin/sh\necho '{metadata}'\n")
}

fn package(home: &Home, version: &str) -> PathBuf {
    let path = home.work().join("notation-one");
    fs::write(&path, script(version)).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn installed(home: &Home) -> PathBuf {
    home.config().join("plugins/one/notation-one")
}

#[test]
fn a_plugin_is_installed_updated_listed_and_uninstalled() {
    let home = Home::new();
    package(&home, "1.0.0");
    let install = ["plugin", "install", "--file", "notation-one"];
    assert_eq!(
        home.run(&install).ok().out,
        "Successfully installed plugin one, version 1.0.0\n"
    );
    home.run(&install)
        .refused(1, &["already exists", "--force"]);
    package(&home, "1.1.0");
    assert_eq!(
        home.run(&["plugin", "add", "--file", "notation-one", "-o", "json"])
            .ok()
            .json(),
        json!({"name": "one", "version": "1.1.0", "replacedVersion": "1.0.0"})
    );
    package(&home, "1.0.0");
    home.run(&install).refused(
        1,
        &["1.0.0 is lower than the existing plugin version 1.1.0"],
    );
    assert_eq!(
        home.run(&[&install[..], &["--force"]].concat()).ok().out,
        "Successfully updated plugin one from version 1.1.0 to 1.0.0\n"
    );
    let listed = home.run(&["plugin", "list", "-o", "json"]).ok().json();
    assert_eq!(listed["plugins"][0]["digest"], json!("unchanged"));
    home.run(&["plugin", "uninstall", "-y", "one"]).ok();
    assert!(!installed(&home).exists());
}

#[test]
fn a_plugin_that_was_changed_is_shown_and_refused_where_the_configuration_says_so() {
    let home = Home::new();
    package(&home, "1.0.0");
    home.run(&["plugin", "install", "--file", "notation-one"])
        .ok();
    fs::write(installed(&home), script("6.6.6")).unwrap();
    let listed = home.run(&["plugin", "list"]).ok();
    assert!(listed.out.contains("has changed since it was installed"));
    let listed = home.run(&["plugin", "list", "-o", "json"]).ok().json();
    assert_eq!(listed["plugins"][0]["digest"], json!("changed"));
    let add = ["key", "add", "--plugin", "one", "--id", "k", "release-two"];
    home.run(&add).ok();
    fs::write(
        home.config().join("config.json"),
        json!({"refuseChangedPlugins": true}).to_string(),
    )
    .unwrap();
    home.run(&["sign", "--oci-layout", "--key", "release-two", "app:v1"])
        .refused(6, &["has changed since it was installed"]);
    home.install_script("by-hand", "exit 0");
    home.run(&[
        "sign",
        "--oci-layout",
        "--plugin",
        "by-hand",
        "--id",
        "k",
        "app:v1",
    ])
    .refused(6, &["was not installed by \"plugin install\""]);
}

#[test]
fn a_download_is_by_https_and_with_a_checksum() {
    let home = Home::new();
    let sum = "0".repeat(64);
    home.run(&["plugin", "install", "--url", "https://localhost:1/x"])
        .refused(2, &["requires non-empty SHA256 checksum"]);
    let install = |url: &str| home.run(&["plugin", "install", "--url", "--sha256sum", &sum, url]);
    install("http://localhost:1/x").refused(1, &["only the HTTPS scheme is supported"]);
    install("https://localhost:1/x").failed(1, &["failed to download plugin", "localhost"]);
    assert!(!installed(&home).exists());
}
