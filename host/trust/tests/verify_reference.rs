//! The envelopes that the reference implementation publishes, verified under a policy: trusted or not, as their
//! names say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[allow(dead_code)]
mod evidence;
#[allow(dead_code)]
mod trial;

use apostille_signature::{Envelope, EnvelopeFormat};
use apostille_trust::store::MemoryTrustStores;
use apostille_trust::verify::{Step, Verdict};
use serde_json::json;
use time::OffsetDateTime;
use time::macros::datetime;
use trial::*;

const TODAY: OffsetDateTime = datetime!(2026-06-01 12:00 UTC);

fn read(name: &str) -> Vec<u8> {
    let directory = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../testdata/reference/notation-go/envelopes"
    );
    std::fs::read(std::path::Path::new(directory).join(name)).unwrap()
}

/// A strict trial of the envelope, with the root of its own chain in the store of this type.
fn trial_of(name: &str, store_type: &'static str) -> (Trial, Vec<u8>) {
    let bytes = read(name);
    let format = format_of(name);
    let envelope = Envelope::parse(format, &bytes).unwrap();
    let root = envelope.certificate_chain().root().clone();
    let reference = if store_type == "ca" {
        "ca:test"
    } else {
        "signingAuthority:test"
    };
    let mut stores = MemoryTrustStores::new();
    stores.insert(store(reference, &[&root]));
    let trial = Trial {
        trust_stores: vec![reference],
        stores,
        artifact: envelope.payload().unwrap().target_artifact().clone(),
        now: TODAY,
        ..Trial::trusting(&root)
    };
    (trial, bytes)
}

fn format_of(name: &str) -> EnvelopeFormat {
    if name.starts_with("cose") {
        EnvelopeFormat::Cose
    } else {
        EnvelopeFormat::Jws
    }
}

#[test]
fn valid_envelopes_are_trusted_by_the_store_of_their_scheme_and_no_other() {
    for (prefix, right, wrong) in [
        ("ca", "ca", "signingAuthority"),
        ("sa", "signingAuthority", "ca"),
    ] {
        let name = format!("{prefix}_valid_sig_env.json");
        let (trial, envelope) = trial_of(&name, right);
        let verification = trial.verify(&envelope);
        assert_eq!(failed(&verification), [], "{name}");
        assert_eq!(verification.verdict(), Verdict::Trusted);

        let (trial, envelope) = trial_of(&name, wrong);
        assert_eq!(
            failed(&trial.verify(&envelope)),
            [(Step::TrustStore, "enforce")],
            "{name}"
        );
    }
}

#[test]
fn expired_envelopes_fail_where_expiry_is_enforced_and_are_reported_where_it_is_logged() {
    for (prefix, store_type) in [("ca", "ca"), ("sa", "signingAuthority")] {
        let name = format!("{prefix}_expired_sig_env.json");
        let (trial, envelope) = trial_of(&name, store_type);
        assert_eq!(
            failed(&trial.verify(&envelope)),
            [(Step::Expiry, "enforce")],
            "{name}"
        );

        let logged = trial
            .at_level(json!({"level": "permissive"}))
            .verify(&envelope);
        assert_eq!(failed(&logged), [(Step::Expiry, "log")], "{name}");
        assert_eq!(logged.verdict(), Verdict::Trusted);
    }
}

#[test]
fn invalid_envelopes_fail_at_every_level_that_verifies_anything() {
    for (prefix, store_type) in [("ca", "ca"), ("sa", "signingAuthority")] {
        let name = format!("{prefix}_invalid_sig_env.json");
        for level in ["strict", "permissive", "audit"] {
            let (trial, _) = trial_of(&format!("{prefix}_valid_sig_env.json"), store_type);
            let envelope = read(&name);
            let verification = trial.at_level(json!({"level": level})).verify(&envelope);
            assert_eq!(
                failed(&verification),
                [(Step::Integrity, "enforce")],
                "{name}, {level}"
            );
            assert!(verification.envelope().is_none());
        }
    }
}

#[test]
fn envelopes_for_a_plugin_need_it_and_need_it_to_process_their_attribute() {
    for (prefix, store_type) in [("ca", "ca"), ("sa", "signingAuthority")] {
        let name = format!("{prefix}_plugin_sig_env.json");
        let (mut trial, envelope) = trial_of(&name, store_type);
        let missing = trial.verify(&envelope);
        assert_eq!(failed(&missing), [(Step::VerificationPlugin, "enforce")]);
        assert!(why(&missing, Step::VerificationPlugin).contains("plugin-name"));

        trial.plugins = Box::new(Plugin {
            name: "plugin-name",
            ..Plugin::default()
        });
        let unprocessed = trial.verify(&envelope);
        assert_eq!(unprocessed.verdict(), Verdict::NotTrusted);
        assert!(why(&unprocessed, Step::VerificationPlugin).contains("SomeKey"));

        trial.plugins = Box::new(Plugin {
            name: "plugin-name",
            processes: vec!["SomeKey"],
            ..Plugin::default()
        });
        assert_eq!(trial.verify(&envelope).verdict(), Verdict::Trusted);
    }
}

#[test]
fn envelopes_with_a_minimum_plugin_version_are_compatible_with_1_0_0_as_their_names_say() {
    for (kind, version) in [
        ("compatible", "0.0.9"),
        ("compatible", "1.0.0"),
        ("compatible", "1.0.0-alpha"),
        ("compatible", "1.0.0-alpha.beta"),
        ("incompatible", "1.0.1"),
        ("incompatible", "1.0.9"),
        ("incompatible", "1.1.0-alpha"),
        ("incompatible", "1.2.3"),
    ] {
        let name = format!("ca_{kind}_pluginver_sig_env_{version}.json");
        let (mut trial, envelope) = trial_of(&name, "ca");
        trial.plugins = Box::new(Plugin {
            name: "io.cncf.notary.plugin.unittest.mock",
            version: "1.0.0",
            ..Plugin::default()
        });
        let verification = trial.verify(&envelope);
        if kind == "compatible" {
            assert_eq!(failed(&verification), [], "{name}");
        } else {
            assert_eq!(
                failed(&verification),
                [(Step::VerificationPlugin, "enforce")],
                "{name}"
            );
        }
    }
}

#[test]
fn user_metadata_is_verified_while_the_certificate_is_valid() {
    let (mut trial, envelope) = trial_of("sig_env_with_metadata.json", "ca");
    trial.now = datetime!(2023-01-11 20:00 UTC);
    trial.metadata = [("io.wabbit-networks.buildId".to_owned(), "123".to_owned())].into();
    assert_eq!(failed(&trial.verify(&envelope)), []);
    trial
        .metadata
        .insert("io.wabbit-networks.buildTime".to_owned(), "0".to_owned());
    assert_eq!(
        failed(&trial.verify(&envelope)),
        [(Step::UserMetadata, "enforce")]
    );
    trial.metadata.clear();
    trial.now = TODAY;
    assert_eq!(
        failed(&trial.verify(&envelope)),
        [(Step::AuthenticTimestamp, "enforce")]
    );
}

#[test]
fn signatures_of_a_self_signed_certificate_are_trusted_in_both_formats() {
    for name in ["jws_signature.sig", "cose_signature.sig"] {
        let (mut trial, envelope) = trial_of(name, "ca");
        trial.identities = vec!["x509.subject: C=US, ST=WA, O=Notary, CN=alpine"];
        let verification = trial.verify_as(format_of(name), &envelope);
        assert_eq!(failed(&verification), [], "{name}");
    }
}
