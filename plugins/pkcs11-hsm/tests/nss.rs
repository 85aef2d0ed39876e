//! A second, independent module: the database of Mozilla's NSS. It takes its directory from the arguments
//! of `C_Initialize`, has two tokens in one module, and does everything that SoftHSM2 does in its own way.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::ffi::{CString, c_void};
use std::ptr::NonNull;

use apostille_testing::tools::find_module;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use notary_plugin_protocol::KeySpec;
use support::Plugin;

#[test]
fn keys_of_all_six_specifications_sign_on_nss() {
    let module = find_module("libsoftokn3.so").unwrap_or_else(|missing| panic!("{missing}"));
    let module = module.to_str().unwrap();
    let plugin = Plugin::new();
    let directory = plugin.hsm.directory().join("nss");
    std::fs::create_dir(&directory).unwrap();
    let arguments = format!(
        "configdir='sql:{}' certPrefix='' keyPrefix='' secmod='secmod.db'",
        directory.display()
    );
    set_pin(module, &arguments, plugin.hsm.pin());

    let plugin = plugin
        .with("module", module)
        .with("module_arguments", &arguments);
    let refusal = plugin.describe("release").unwrap_err();
    assert!(
        refusal.message.contains("2 tokens match"),
        "{}",
        refusal.message
    );

    let plugin = plugin.with("token", "NSS Certificate DB");
    for key_spec in KeySpec::ALL {
        let key_id = plugin.generated_key(*key_spec);
        assert_eq!(plugin.describe(&key_id).unwrap(), key_spec.as_str());
        plugin.sign_and_verify(&key_id, *key_spec);
    }
}

/// A new database has no PIN; `certutil -N` would set one.
fn set_pin(module: &str, arguments: &str, pin: &str) {
    let functions = Pkcs11::new(module).unwrap();
    let arguments = CString::new(arguments).unwrap();
    let reserved = NonNull::from(arguments.as_c_str()).cast::<c_void>();
    // SAFETY: NSS expects a NUL-terminated string here, and it outlives the call.
    let arguments =
        unsafe { CInitializeArgs::new_with_reserved(CInitializeFlags::OS_LOCKING_OK, reserved) };
    functions.initialize(arguments).unwrap();
    let slot = functions
        .get_slots_with_token()
        .unwrap()
        .into_iter()
        .find(|slot| functions.get_token_info(*slot).unwrap().label() == "NSS Certificate DB")
        .unwrap();
    let session = functions.open_rw_session(slot).unwrap();
    session
        .login(UserType::So, Some(&AuthPin::new("".into())))
        .unwrap();
    session.init_pin(&AuthPin::new(pin.into())).unwrap();
    session.close().unwrap();
    functions.finalize().unwrap();
}
