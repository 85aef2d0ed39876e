//! Which key a key id means, and which keys cannot be used.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::process::Command;

use apostille_testing::SoftHsm;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use notary_plugin_protocol::KeySpec;
use support::Plugin;

#[test]
fn a_key_is_found_by_label_id_and_uri() {
    let plugin = Plugin::new();
    plugin
        .hsm
        .import_key("EC-256", "release", &[0x0a, 0x1b])
        .unwrap();
    plugin.hsm.import_key("EC-384", "other", &[2]).unwrap();
    for key_id in [
        "release",
        "0a1b",
        "0x0A1B",
        "0a:1b",
        "pkcs11:object=release",
        "pkcs11:id=%0A%1B",
        "pkcs11:token=apostille-test;object=release;id=%0a%1b;type=private",
        "pkcs11:manufacturer=SoftHSM%20project;model=SoftHSM%20v2;object=release;type=cert",
    ] {
        assert_eq!(plugin.describe(key_id).unwrap(), "EC-256", "{key_id}");
    }
}

#[test]
fn a_uri_names_the_module_and_wins_over_the_configuration() {
    let plugin = Plugin::new()
        .with("module", "/no/such/module.so")
        .with("token", "no-such-token");
    plugin.hsm.import_key("EC-256", "release", &[1]).unwrap();
    let module = plugin.hsm.module().display().to_string();
    let uri = format!("pkcs11:token=apostille-test;object=release?module-path={module}");
    assert_eq!(plugin.describe(&uri).unwrap(), "EC-256");
}

#[test]
fn a_module_is_found_by_its_name_in_the_configuration_of_p11_kit() {
    let plugin = Plugin::new();
    plugin.hsm.import_key("EC-256", "release", &[1]).unwrap();
    let home = plugin.hsm.directory().join("home");
    let modules = home.join(".config/pkcs11/modules");
    std::fs::create_dir_all(&modules).unwrap();
    let line = format!("module: {}\n", plugin.hsm.module().display());
    std::fs::write(modules.join("our-token.module"), line).unwrap();
    let plugin = plugin
        .with_variable("HOME", home.to_str().unwrap())
        .with("module", "our-token");
    assert_eq!(plugin.describe("release").unwrap(), "EC-256");
    let plugin = plugin.without("module");
    assert_eq!(
        plugin
            .describe("pkcs11:object=release?module-name=our-token")
            .unwrap(),
        "EC-256"
    );
}

#[test]
fn an_unknown_key_is_refused_with_those_that_there_are() {
    let plugin = Plugin::new();
    plugin.hsm.import_key("EC-256", "release", &[1]).unwrap();
    for key_id in [
        "relaese",
        "ff",
        "pkcs11:object=relaese",
        "pkcs11:object=release;id=%02",
    ] {
        let refusal = plugin.describe(key_id).unwrap_err();
        assert_eq!(refusal.code, "VALIDATION_ERROR");
        assert!(
            refusal.message.contains("`release` (id 01)"),
            "{}",
            refusal.message
        );
    }
}

#[test]
fn a_key_id_that_fits_two_keys_is_refused_with_a_uri_for_each() {
    let plugin = Plugin::new();
    plugin.hsm.import_key("EC-256", "release", &[1]).unwrap();
    plugin.hsm.import_key("EC-256", "release", &[2]).unwrap();
    // A label that looks like the id of another key is as ambiguous.
    plugin.hsm.import_key("EC-256", "02", &[3]).unwrap();
    for key_id in ["release", "02", "pkcs11:"] {
        let refusal = plugin.describe(key_id).unwrap_err();
        assert_eq!(refusal.code, "VALIDATION_ERROR");
        assert!(
            refusal.message.contains("object=release;id=%02"),
            "{}",
            refusal.message
        );
    }
    plugin.describe("pkcs11:object=release;id=%02").unwrap();
    plugin.describe("01").unwrap();
}

#[test]
fn tokens_with_the_same_label_are_told_apart_by_serial_number_or_slot() {
    let hsm = SoftHsm::start().unwrap();
    hsm.import_key("EC-256", "release", &[1]).unwrap();
    hsm.add_token(hsm.label()).unwrap();
    let plugin = Plugin::on(hsm);
    let refusal = plugin.describe("release").unwrap_err();
    assert_eq!(refusal.code, "VALIDATION_ERROR");
    assert!(
        refusal.message.contains("2 tokens match"),
        "{}",
        refusal.message
    );

    // The message names serial numbers; with one of the two the key is found.
    let serials: Vec<&str> = refusal
        .message
        .split("(serial ")
        .skip(1)
        .filter_map(|rest| rest.split(',').next())
        .collect();
    assert_eq!(serials.len(), 2);
    let slots: Vec<String> = refusal
        .message
        .split("slot-id ")
        .skip(1)
        .map(|rest| rest.chars().take_while(char::is_ascii_digit).collect())
        .collect();
    assert_eq!(slots.len(), 2, "{}", refusal.message);
    let by_slot = slots.iter().filter(|slot| {
        plugin
            .describe(&format!("pkcs11:slot-id={slot};object=release"))
            .is_ok()
    });
    assert_eq!(by_slot.count(), 1);
    let found = serials.iter().filter(|serial| {
        plugin
            .describe(&format!("pkcs11:serial={serial};object=release"))
            .is_ok()
    });
    assert_eq!(found.count(), 1);
}

#[test]
fn keys_are_listed_with_what_keeps_each_from_signing() {
    let plugin = Plugin::new();
    plugin.certified_key(KeySpec::Ec256, "release", 1);
    make(&plugin.hsm, "may-not-sign");
    make(&plugin.hsm, "p-192");
    let listing = plugin.person(&["keys"]).unwrap();
    let line = |label: &str| {
        listing
            .lines()
            .find(|line| line.contains(label))
            .unwrap()
            .to_owned()
    };
    assert!(line("object=release").contains("EC-256"), "{listing}");
    assert!(line("object=release").contains("CN=release"), "{listing}");
    assert!(
        line("object=may-not-sign").contains("cannot sign"),
        "{listing}"
    );
    assert!(!line("object=p-192").contains("EC-"), "{listing}");
}

#[test]
fn a_key_that_may_not_sign_is_denied() {
    let plugin = Plugin::new();
    make(&plugin.hsm, "may-not-sign");
    let refusal = plugin.describe("may-not-sign").unwrap_err();
    assert_eq!(refusal.code, "ACCESS_DENIED");
    assert!(refusal.message.contains("CKA_SIGN"), "{}", refusal.message);
}

#[test]
fn keys_outside_the_specification_are_refused_with_what_they_are() {
    let plugin = Plugin::new();
    for kind in ["p-192", "rsa-1024", "ed25519"] {
        make(&plugin.hsm, kind);
        let refusal = plugin.describe(kind).unwrap_err();
        assert_eq!(
            refusal.code, "VALIDATION_ERROR",
            "{kind}: {}",
            refusal.message
        );
        assert!(
            refusal.message.contains("2048"),
            "{kind}: {}",
            refusal.message
        );
    }
}

#[test]
fn the_public_half_alone_is_not_a_signing_key() {
    let plugin = Plugin::new();
    make(&plugin.hsm, "public-only");
    let refusal = plugin.describe("public-only").unwrap_err();
    assert_eq!(refusal.code, "VALIDATION_ERROR");
    assert!(
        refusal.message.contains("public half"),
        "{}",
        refusal.message
    );
}

#[test]
fn a_key_without_its_public_half_says_what_to_store() {
    let plugin = Plugin::new();
    make(&plugin.hsm, "private-only");
    let refusal = plugin.describe("private-only").unwrap_err();
    assert!(
        refusal.message.contains("public key"),
        "{}",
        refusal.message
    );
}

#[test]
fn a_key_that_always_authenticates_is_logged_in_for_each_signature() {
    let plugin = Plugin::new().with_shim("log");
    make(&plugin.hsm, "always-authenticate");
    let pem = plugin.hsm.directory().join("certificate.pem");
    let subject = "CN=release,O=Example,ST=England,C=GB";
    let key_id = "always-authenticate";
    plugin
        .person(&[
            "self-sign",
            "--key-id",
            key_id,
            "--subject",
            subject,
            "--out",
            pem.to_str().unwrap(),
        ])
        .unwrap();
    // CKU_USER for the session, CKU_CONTEXT_SPECIFIC for the signature.
    assert_eq!(plugin.logged("login"), ["login 1", "login 2"]);
    let plugin = plugin.with("certificates", pem.to_str().unwrap());
    plugin.sign(key_id, KeySpec::Ec256, b"payload").unwrap();
}

#[test]
fn generate_key_refuses_a_label_that_is_taken() {
    let plugin = Plugin::new();
    plugin
        .person(&["generate-key", "--label", "release"])
        .unwrap();
    let error = plugin
        .person(&["generate-key", "--label", "release"])
        .unwrap_err();
    assert!(error.contains("nothing was written"), "{error}");
    assert_eq!(
        plugin
            .person(&["keys"])
            .unwrap()
            .matches("object=release")
            .count(),
        1
    );
}

#[test]
fn a_generated_key_is_sensitive_cannot_be_extracted_and_can_only_sign() {
    let plugin = Plugin::new();
    plugin
        .person(&["generate-key", "--label", "examine"])
        .unwrap();
    make(&plugin.hsm, "examine");
}

/// In the child process of `make`: the attributes of the key that the plugin made.
fn examine(session: &Session) {
    let template = [
        Attribute::Class(ObjectClass::PRIVATE_KEY),
        Attribute::Label(b"examine".to_vec()),
    ];
    let keys = session.find_objects(&template).unwrap();
    let expected = [
        (AttributeType::Sensitive, Attribute::Sensitive(true)),
        (AttributeType::Extractable, Attribute::Extractable(false)),
        (
            AttributeType::NeverExtractable,
            Attribute::NeverExtractable(true),
        ),
        (AttributeType::Private, Attribute::Private(true)),
        (AttributeType::Token, Attribute::Token(true)),
        (AttributeType::Sign, Attribute::Sign(true)),
        (AttributeType::Decrypt, Attribute::Decrypt(false)),
        (AttributeType::Unwrap, Attribute::Unwrap(false)),
        (AttributeType::Derive, Attribute::Derive(false)),
    ];
    for (kind, attribute) in expected {
        let found = session.get_attributes(keys[0], &[kind]).unwrap();
        assert_eq!(found, [attribute]);
    }
}

/// Makes an object that neither `softhsm2-util` nor the plugin makes, in a child process: SoftHSM2 reads
/// its configuration from the environment of the process that loads it.
fn make(hsm: &SoftHsm, kind: &str) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "object_maker", "--ignored", "--nocapture"])
        .envs(hsm.env())
        .env("OBJECT_KIND", kind)
        .env("OBJECT_MODULE", hsm.module())
        .env("OBJECT_PIN", hsm.pin())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
#[ignore = "not a test: the child process of `make`"]
fn object_maker() {
    let Ok(kind) = std::env::var("OBJECT_KIND") else {
        return;
    };
    let module = Pkcs11::new(std::env::var("OBJECT_MODULE").unwrap()).unwrap();
    module
        .initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))
        .unwrap();
    let slots = module.get_slots_with_initialized_token().unwrap();
    let session = module.open_rw_session(slots[0]).unwrap();
    let pin = AuthPin::new(std::env::var("OBJECT_PIN").unwrap().into());
    session.login(UserType::User, Some(&pin)).unwrap();
    match kind.as_str() {
        "examine" => examine(&session),
        kind => make_object(&session, kind),
    }
}

const P192: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01];
const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const ED25519: &[u8] = &[
    0x13, 0x0c, b'e', b'd', b'w', b'a', b'r', b'd', b's', b'2', b'5', b'5', b'1', b'9',
];

fn make_object(session: &Session, kind: &str) {
    let curve = |curve: &[u8]| vec![Attribute::EcParams(curve.to_vec())];
    let (mechanism, mut public) = match kind {
        "p-192" => (Mechanism::EccKeyPairGen, curve(P192)),
        "ed25519" => (Mechanism::EccEdwardsKeyPairGen, curve(ED25519)),
        "rsa-1024" => {
            let size = vec![
                Attribute::ModulusBits(1024.into()),
                Attribute::PublicExponent(vec![1, 0, 1]),
            ];
            (Mechanism::RsaPkcsKeyPairGen, size)
        }
        _ => (Mechanism::EccKeyPairGen, curve(P256)),
    };
    let common = [
        Attribute::Token(true),
        Attribute::Label(kind.as_bytes().to_vec()),
        Attribute::Id(kind.as_bytes().to_vec()),
    ];
    public.extend(common.clone());
    public.push(Attribute::Verify(true));
    let mut private = common.to_vec();
    private.extend([
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Sign(kind != "may-not-sign"),
    ]);
    if kind == "may-not-sign" {
        private.push(Attribute::Derive(true));
    }
    if kind == "always-authenticate" {
        private.push(Attribute::AlwaysAuthenticate(true));
    }
    let (public, private) = session
        .generate_key_pair(&mechanism, &public, &private)
        .unwrap();
    match kind {
        "public-only" => session.destroy_object(private).unwrap(),
        "private-only" => session.destroy_object(public).unwrap(),
        _ => {}
    }
    let found = session.find_objects(&[
        Attribute::Class(ObjectClass::PRIVATE_KEY),
        Attribute::KeyType(KeyType::EC),
    ]);
    assert!(found.is_ok());
}
