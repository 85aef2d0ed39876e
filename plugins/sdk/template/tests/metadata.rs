//! The plugin as a host starts it.

use std::process::{Command, Stdio};

#[test]
fn the_metadata_names_the_plugin_as_its_file_is_named() {
    let output = Command::new(env!("CARGO_BIN_EXE_notation-{{plugin_name}}"))
        .arg("get-plugin-metadata")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(metadata["name"], "{{plugin_name}}");
}
