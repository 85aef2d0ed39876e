//! The template for new plugins.

use std::{fs, path::Path};

use crate::plugin::{Plugin, source};

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
