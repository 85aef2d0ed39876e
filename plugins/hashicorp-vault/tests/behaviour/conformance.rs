//! The conformance harness, a host of its own, against this plugin.

use std::process::Command;

use apostille_testing::workspace::program;

use crate::vault::{key, root, self_signed, shared};

#[test]
fn the_conformance_harness_finds_nothing() {
    let Some(server) = shared() else { return };
    let harness = program("apostille-conformance", "apostille-conformance").unwrap();
    let plugin = root(&server);
    let directory = plugin.home().join("plugins/hashicorp-vault");
    std::fs::create_dir_all(&directory).unwrap();
    let executable = directory.join("notation-hashicorp-vault");
    std::fs::copy(env!("CARGO_BIN_EXE_notation-hashicorp-vault"), &executable).unwrap();
    for kind in ["ecdsa-p384", "rsa-2048"] {
        let name = key(&server.admin().unwrap(), kind);
        let file = plugin.file("chain.pem", &self_signed(&plugin, &name));
        let output = Command::new(&harness)
            .args(["plugin", "--key-id", &name, "--exec"])
            .arg(&executable)
            .arg("--plugin-config")
            .arg(format!("certificates={}", file.display()))
            .env("VAULT_ADDR", server.address())
            .env("VAULT_TOKEN", server.root_token())
            .env("HOME", plugin.home())
            .output()
            .unwrap();
        let report = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{report}");
        println!("{report}");
    }
}
