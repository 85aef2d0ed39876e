//! The conformance harness, a host of its own, against this plugin on a real token.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::process::Command;

use apostille_testing::workspace::program;
use notary_plugin_protocol::KeySpec;
use support::Plugin;

#[test]
fn the_conformance_harness_finds_nothing() {
    let harness = program("apostille-conformance", "apostille-conformance").unwrap();
    let plugin = Plugin::new();
    let directory = plugin.hsm.directory().join("plugins/pkcs11-hsm");
    std::fs::create_dir_all(&directory).unwrap();
    let executable = directory.join("notation-pkcs11-hsm");
    std::fs::copy(env!("CARGO_BIN_EXE_notation-pkcs11-hsm"), &executable).unwrap();
    for (number, key_spec) in [(1, KeySpec::Ec256), (2, KeySpec::Rsa3072)] {
        let label = key_spec.as_str();
        plugin.certified_key(key_spec, label, number);
        let mut command = Command::new(&harness);
        command.args(["plugin", "--key-id", label, "--exec"]);
        command.arg(&executable).envs(plugin.hsm.env());
        for (key, value) in plugin.config() {
            let setting = format!("{key}={}", value.as_str().unwrap());
            command.arg("--plugin-config").arg(setting);
        }
        let output = command.output().unwrap();
        let report = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{report}{errors}");
        println!("{report}");
    }
}
