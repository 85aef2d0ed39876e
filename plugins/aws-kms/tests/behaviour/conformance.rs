//! The conformance harness, a host of its own, against this plugin.

use std::process::Command;

use apostille_testing::aws::REGION;
use apostille_testing::workspace::program;
use notary_plugin_protocol::KeySpec;

use crate::cloud::{key, self_signed, shared, signer};

#[test]
fn the_conformance_harness_finds_nothing() {
    let Some(server) = shared() else { return };
    let harness = program("apostille-conformance", "apostille-conformance").unwrap();
    let plugin = signer(&server);
    let directory = plugin.home().join("plugins/aws-kms");
    std::fs::create_dir_all(&directory).unwrap();
    let executable = directory.join("notation-aws-kms");
    std::fs::copy(env!("CARGO_BIN_EXE_notation-aws-kms"), &executable).unwrap();
    for key_spec in [KeySpec::Ec384, KeySpec::Rsa2048] {
        let arn = key(&server, key_spec);
        let file = plugin.file("chain.pem", &self_signed(&plugin, &arn));
        let output = Command::new(&harness)
            .args(["plugin", "--key-id", &arn, "--exec"])
            .arg(&executable)
            .arg("--plugin-config")
            .arg(format!("certificates={}", file.display()))
            .env("AWS_ENDPOINT_URL", server.address())
            .env("AWS_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("HOME", plugin.home())
            .output()
            .unwrap();
        let report = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{report}");
        println!("{report}");
    }
}
