//! The stock `notation` signs with this plugin, and verifies what it signed. It is found by `NOTATION_BIN`
//! or on the `PATH`; without it the test says that it was skipped.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use notary_plugin_protocol::KeySpec;
use support::Plugin;

const POLICY: &str = r#"{"version":"1.0","trustPolicies":[{"name":"demo","registryScopes":["local/demo"],
    "signatureVerification":{"level":"strict"},"trustStores":["ca:demo"],"trustedIdentities":["*"]}]}"#;

#[test]
fn notation_signs_and_verifies_with_a_key_of_each_spec_in_both_formats() {
    let Some(notation) = find_notation() else {
        println!("skipped: no `notation` on the PATH, and NOTATION_BIN is not set");
        return;
    };
    let plugin = Plugin::new();
    let home = plugin.hsm.directory().join("notation");
    let installed = home.join("plugins/pkcs11-hsm");
    let store = home.join("truststore/x509/ca/demo");
    fs::create_dir_all(&installed).unwrap();
    fs::create_dir_all(&store).unwrap();
    fs::copy(
        env!("CARGO_BIN_EXE_notation-pkcs11-hsm"),
        installed.join("notation-pkcs11-hsm"),
    )
    .unwrap();
    fs::write(home.join("trustpolicy.json"), POLICY).unwrap();

    let run = |arguments: &[&str]| -> Output {
        let mut command = Command::new(&notation);
        command.args(arguments).envs(plugin.hsm.env());
        command
            .env("NOTATION_CONFIG", &home)
            .env("NOTATION_EXPERIMENTAL", "1");
        command.env("NOTATION_PKCS11_MODULE", plugin.hsm.module());
        command.env("NOTATION_PKCS11_PIN_FILE", plugin.hsm.pin_file());
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output
    };
    for (number, key_spec) in (1..).zip(KeySpec::ALL) {
        let name = key_spec.as_str();
        plugin.certified_key(*key_spec, name, number);
        let certificate = format!("{name}.pem");
        fs::copy(
            plugin.hsm.directory().join(&certificate),
            store.join(&certificate),
        )
        .unwrap();
        run(&[
            "key",
            "add",
            name,
            "--plugin",
            "pkcs11-hsm",
            "--id",
            &format!("pkcs11:object={name}"),
        ]);
        for format in ["jws", "cose"] {
            let layout = copy_of_the_layout(&home.join(format!("{name}-{format}")));
            run(&[
                "sign",
                "--key",
                name,
                "--signature-format",
                format,
                "--oci-layout",
                &layout,
            ]);
            run(&["verify", "--oci-layout", &layout, "--scope", "local/demo"]);
        }
    }
}

fn find_notation() -> Option<PathBuf> {
    std::env::var_os("NOTATION_BIN")
        .map(PathBuf::from)
        .or_else(|| apostille_testing::tools::find_tool("notation").ok())
        .filter(|path| path.is_file())
}

/// Copies the reference layout and gives the reference of the image in it.
fn copy_of_the_layout(to: &Path) -> String {
    let from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../testdata/reference/notation-go/oci-layout");
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        fs::create_dir_all(to.join(&folder)).unwrap();
        for entry in fs::read_dir(from.join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else {
                fs::copy(entry.path(), to.join(path)).unwrap();
            }
        }
    }
    format!("{}:v2", to.display())
}
