//! A third, independent module: Kryoptic, of the PKCS#11 3.x generation, which the set-up of the tests builds.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::process::Command;

use apostille_testing::tools::find_module;
use notary_plugin_protocol::KeySpec;
use support::Plugin;

#[test]
fn keys_of_all_six_specifications_sign_on_kryoptic() {
    let module = find_module("libkryoptic_module.so").unwrap_or_else(|missing| panic!("{missing}"));
    let module = module.to_str().unwrap();
    let plugin = Plugin::new();
    let configuration = plugin.hsm.directory().join("kryoptic.conf");
    let database = plugin.hsm.directory().join("kryoptic.sql");
    let slot = format!(
        "[[slots]]\nslot = 1\ndbtype = \"sqlite\"\ndbargs = \"{}\"\n",
        database.display()
    );
    std::fs::write(&configuration, slot).unwrap();
    let initialised = Command::new("softhsm2-util")
        .args([
            "--module",
            module,
            "--init-token",
            "--slot",
            "1",
            "--label",
            "kryoptic",
        ])
        .args([
            "--so-pin",
            plugin.hsm.security_officer_pin(),
            "--pin",
            plugin.hsm.pin(),
        ])
        .env("KRYOPTIC_CONF", &configuration)
        .output()
        .unwrap();
    assert!(
        initialised.status.success(),
        "{}",
        String::from_utf8_lossy(&initialised.stderr)
    );

    let plugin = plugin
        .with("module", module)
        .with_variable("KRYOPTIC_CONF", configuration.to_str().unwrap());
    for key_spec in KeySpec::ALL {
        let label = key_spec.as_str();
        let key_id = plugin
            .person(&["generate-key", "--label", label, "--key-spec", label])
            .unwrap();
        let pem = plugin.hsm.directory().join(format!("{label}.pem"));
        let pem = pem.to_str().unwrap();
        let subject = format!("CN={label},O=Example,ST=England,C=GB");
        plugin
            .person(&[
                "self-sign",
                "--key-id",
                label,
                "--subject",
                &subject,
                "--out",
                pem,
            ])
            .unwrap();
        plugin
            .person(&["import-cert", "--key-id", label, pem])
            .unwrap();
        let signed = plugin.sign(key_id.trim(), *key_spec, b"payload").unwrap();
        let leaf = signed.chain[0].public_key();
        leaf.verify(key_spec.signing_algorithm(), b"payload", &signed.signature)
            .unwrap();
    }
}
