//! Standard output is safe from native code.

use std::{fs, process::Command};

use serde_json::json;

use crate::plugin::{Plugin, available, signature_request};

/// Prints in every way that C knows: buffered and flushed, buffered and left to the exit of the process,
/// past the buffer, on standard error, and from a child process.
const NOISE: &str = r#"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
void make_noise(void) {
    printf("flushed noise\n");
    fflush(stdout);
    printf("noise that is written when the process exits\n");
    if (write(1, "raw noise\n", 10) < 0) return;
    if (write(2, "raw noise on stderr\n", 20) < 0) return;
    fprintf(stderr, "noise on stderr\n");
    if (system("echo noise of a child; echo noise of a child >&2") < 0) return;
}
"#;

fn noisy() -> Option<Plugin> {
    let plugin = Plugin::troublemaker();
    if !available("cc") {
        return None;
    }
    fs::write(plugin.path("noise.c"), NOISE).unwrap();
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-o", "noise.so", "noise.c"])
        .current_dir(plugin.directory.path())
        .status()
        .unwrap();
    assert!(compiled.success());
    Some(plugin)
}

fn request(plugin: &Plugin, key_id: &str) -> serde_json::Value {
    let mut request = signature_request(
        key_id,
        notary_plugin_sdk::protocol::KeySpec::Ec256,
        b"payload",
    );
    request["pluginConfig"]["library"] = json!(plugin.path("noise.so"));
    request
}

#[test]
fn a_c_library_that_prints_does_not_spoil_the_answer() {
    let Some(plugin) = noisy() else { return };
    let answer = plugin
        .ask("generate-signature", &request(&plugin, "good"))
        .answer();
    crate::signing::check_signature(
        &answer,
        notary_plugin_sdk::protocol::KeySpec::Ec256,
        b"payload",
    );
}

#[test]
fn a_c_library_that_prints_does_not_spoil_the_error_object() {
    let Some(plugin) = noisy() else { return };
    let (code, _) = plugin
        .ask("generate-signature", &request(&plugin, "denied"))
        .error();
    assert_eq!(code, "ACCESS_DENIED");
}

#[test]
fn what_a_c_library_prints_is_in_the_log() {
    let Some(mut plugin) = noisy() else { return };
    plugin.set("NOTATION_PLUGIN_LOG", "log.txt");
    plugin
        .ask("generate-signature", &request(&plugin, "good"))
        .answer();
    let log = plugin.read("log.txt");
    for noise in [
        "flushed noise",
        "written when the process exits",
        "raw noise",
        "raw noise on stderr",
        "noise of a child",
    ] {
        assert!(log.contains(noise), "{noise}: {log}");
    }
}

#[test]
fn a_c_library_that_prints_does_not_spoil_the_output_for_people() {
    let Some(plugin) = noisy() else { return };
    let library = format!("library={}", plugin.path("noise.so").display());
    let run = plugin.run(
        &["keys", "--output", "json", "--plugin-config", &library],
        "",
    );
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(
        serde_json::from_str::<serde_json::Value>(&run.stdout)
            .unwrap()
            .is_array(),
        "{run:?}"
    );
    assert!(run.stderr.contains("raw noise"), "{run:?}");
}
