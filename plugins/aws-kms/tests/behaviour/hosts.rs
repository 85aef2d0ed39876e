//! Hosts sign with this plugin, and verify what they signed: `apostille`, and the stock `notation`, which is found
//! by `NOTATION_BIN` or on the `PATH`; without it the test says that it was skipped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use apostille_testing::aws::REGION;
use notary_plugin_protocol::KeySpec;

use crate::cloud::{key, self_signed, shared, signer};

const POLICY: &str = r#"{"version":"1.0","trustPolicies":[{"name":"demo","registryScopes":["local/demo"],
    "signatureVerification":{"level":"strict"},"trustStores":["ca:demo"],"trustedIdentities":["*"]}]}"#;

#[test]
fn notation_signs_and_verifies_with_a_key_of_each_spec_in_both_formats() {
    let Some(notation) = find_notation() else {
        println!("skipped: no `notation` on the PATH, and NOTATION_BIN is not set");
        return;
    };
    signs_and_verifies(&notation);
}

#[test]
fn apostille_signs_and_verifies_with_a_key_of_each_spec_in_both_formats() {
    let apostille = apostille_testing::workspace::program("apostille", "apostille");
    signs_and_verifies(&apostille.unwrap());
}

fn signs_and_verifies(host: &Path) {
    let Some(server) = shared() else { return };
    let plugin = signer(&server);
    let home = plugin.home().join("notation");
    let installed = home.join("plugins/aws-kms");
    let store = home.join("truststore/x509/ca/demo");
    fs::create_dir_all(&installed).unwrap();
    fs::create_dir_all(&store).unwrap();
    fs::copy(
        env!("CARGO_BIN_EXE_notation-aws-kms"),
        installed.join("notation-aws-kms"),
    )
    .unwrap();
    fs::write(home.join("trustpolicy.json"), POLICY).unwrap();
    let run = |arguments: &[&str]| {
        let output = Command::new(host)
            .args(arguments)
            .env("HOME", plugin.home())
            .env("NOTATION_CONFIG", &home)
            .env("NOTATION_EXPERIMENTAL", "1")
            .env("AWS_ENDPOINT_URL", server.address())
            .env("AWS_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
    };
    for key_spec in KeySpec::ALL {
        let arn = key(&server, *key_spec);
        let name = arn.rsplit_once("/").unwrap().1.to_owned();
        let pem = self_signed(&plugin, &name);
        let chain = plugin.file(&format!("{name}.pem"), &pem);
        fs::write(store.join(format!("{name}.pem")), &pem).unwrap();
        let certificates = format!("certificates={}", chain.display());
        run(&[
            "key",
            "add",
            &name,
            "--plugin",
            "aws-kms",
            "--id",
            &name,
            "--plugin-config",
            &certificates,
        ]);
        for format in ["jws", "cose"] {
            let layout = copy_of_the_layout(&home.join(format!("{name}-{format}")));
            run(&[
                "sign",
                "--key",
                &name,
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
