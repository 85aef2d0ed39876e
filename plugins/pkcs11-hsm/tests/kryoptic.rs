//! A third, independent module: Kryoptic, of the PKCS#11 3.x generation, which the set-up of the tests builds.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::process::Command;

use apostille_testing::tools::find_module;
use notary_plugin_protocol::KeySpec;
use support::Plugin;

/// The plugin on a fresh Kryoptic token.
fn kryoptic() -> (Plugin, String) {
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
    (plugin, module.to_owned())
}

#[test]
fn keys_of_all_six_specifications_sign_on_kryoptic() {
    let (plugin, _) = kryoptic();
    for key_spec in KeySpec::ALL {
        let key_id = plugin.generated_key(*key_spec);
        plugin.sign_and_verify(&key_id, *key_spec);
    }
}

/// SoftHSM2 has no ECDSA that hashes, and Kryoptic has.
#[test]
fn a_token_that_hashes_itself_for_ecdsa_gets_the_payload() {
    let (plugin, module) = kryoptic();
    let key_id = plugin.generated_key(KeySpec::Ec384);
    let plugin = plugin
        .with_shim("hash-and-sign-only")
        .with_variable("SHIM_MODULE", &module);
    plugin.sign_and_verify(&key_id, KeySpec::Ec384);
    // CKM_ECDSA_SHA384
    assert_eq!(
        plugin.logged("mechanism"),
        [format!("mechanism {}", 0x1045)]
    );
}
