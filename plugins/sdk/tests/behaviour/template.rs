//! The template for new plugins.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::plugin::{Plugin, source};

/// What a person would answer.
const ANSWERS: [(&str, &str); 3] = [
    ("plugin_name", "acme-kms"),
    ("service", "Acme KMS"),
    ("url", "https://example.com/acme-kms"),
];

/// The placeholders in the text of a template file.
fn placeholders(text: &str) -> Vec<String> {
    text.split("{{")
        .skip(1)
        .map(|rest| rest.split("}}").next().unwrap().trim().to_owned())
        .collect()
}

fn template_files(directory: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(template_files(&path));
        } else {
            files.push((
                path.display().to_string(),
                fs::read_to_string(&path).unwrap(),
            ));
        }
    }
    files
}

#[test]
fn every_placeholder_of_the_template_is_asked_for() {
    let questions = fs::read_to_string(source("template/cargo-generate.toml")).unwrap();
    let files = template_files(&source("template"));
    assert!(
        files
            .iter()
            .any(|(_, text)| text.contains("{{plugin_name}}"))
    );
    for (file, text) in files {
        for placeholder in placeholders(&text) {
            assert!(
                questions.contains(&format!("[placeholders.{placeholder}]")),
                "{file}: {placeholder}"
            );
        }
    }
}

#[test]
fn the_template_s_readme_has_the_table_of_its_settings() {
    // The template's own test says so too, but only once a plugin was made from it.
    let help = Plugin::example("template").run(&["--help"], "");
    let readme = fs::read_to_string(source("template/README.md")).unwrap();
    for name in [
        "endpoint",
        "EXAMPLE_TOKEN",
        "certificates",
        "NOTATION_PLUGIN_DEADLINE",
        "NOTATION_PLUGIN_LOG",
    ] {
        assert!(
            help.stdout.contains(name) && readme.contains(&format!("`{name}`")),
            "{name}"
        );
    }
}

#[test]
fn a_plugin_from_the_template_says_what_is_left_to_write() {
    let mut plugin = Plugin::example("template");
    plugin.set("EXAMPLE_TOKEN", "t0ken");
    let request = serde_json::json!({ "contractVersion": "1.0", "keyId": "k" });
    let (code, message) = plugin.ask("describe-key", &request).error();
    assert_eq!(
        (code.as_str(), message.contains("public_key")),
        ("ERROR", true),
        "{message}"
    );
}

/// Does what `cargo generate` does: fills in the placeholders, drops its own file and the extension
/// `.liquid`.
fn generate(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            generate(&path, &to.join(name));
        } else if name != "cargo-generate.toml" {
            let text = fs::read_to_string(&path).unwrap();
            let text = ANSWERS.iter().fold(text, |text, (placeholder, answer)| {
                text.replace(&format!("{{{{{placeholder}}}}}"), answer)
            });
            fs::write(to.join(name.trim_end_matches(".liquid")), text).unwrap();
        }
    }
}

/// Has the new crate use this workspace's crates in place of published ones, the versions of its lock file,
/// and its settings for development builds, with which most dependencies are built already.
fn use_workspace(project: &Path) {
    let workspace = source("../..").canonicalize().unwrap();
    let root = fs::read_to_string(workspace.join("Cargo.toml")).unwrap();
    let profiles =
        &root[root.find("[profile.dev]").unwrap()..root.find("[profile.release]").unwrap()];
    let path = |directory: &str| workspace.join(directory).display().to_string();
    let manifest = project.join("Cargo.toml");
    let text = format!(
        "{}\n{profiles}\n[workspace]\n[patch.crates-io]\nnotary-plugin-sdk = {{ path = {:?} }}\n\
         notary-plugin-protocol = {{ path = {:?} }}\nnotary-x509 = {{ path = {:?} }}\n",
        fs::read_to_string(&manifest).unwrap(),
        path("plugins/sdk"),
        path("protocol"),
        path("x509"),
    );
    fs::write(manifest, text).unwrap();
    fs::copy(workspace.join("Cargo.lock"), project.join("Cargo.lock")).unwrap();
}

/// Where cargo builds: this program is `{target}/debug/deps/behaviour-…`.
fn target_directory() -> PathBuf {
    env::current_exe()
        .unwrap()
        .ancestors()
        .nth(3)
        .unwrap()
        .to_owned()
}

#[test]
fn a_plugin_made_from_the_template_builds_and_passes_its_own_tests() {
    let directory = TempDir::new().unwrap();
    let project = directory.path().join("acme-kms");
    generate(&source("template"), &project);
    use_workspace(&project);
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["test", "--offline", "--quiet"])
        .current_dir(&project)
        .env("CARGO_TARGET_DIR", target_directory())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(output.status.success(), "{text}");

    let plugin = Plugin::at(target_directory().join("debug/notation-acme-kms"));
    let metadata = plugin.run(&["get-plugin-metadata"], "{}").answer();
    assert_eq!(metadata["name"], "acme-kms");
    assert_eq!(metadata["url"], "https://example.com/acme-kms");
    let help = plugin.run(&["--help"], "");
    assert!(help.stdout.contains("Acme KMS"), "{}", help.stdout);
}
