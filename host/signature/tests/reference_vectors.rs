//! The envelopes that the reference implementation publishes verify or fail as their names say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use apostille_signature::{Envelope, EnvelopeFormat, SigningScheme};
use time::macros::datetime;

fn read(name: &str) -> Vec<u8> {
    let path = support::testdata()
        .join("reference/notation-go/envelopes")
        .join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn jws(name: &str) -> Envelope {
    Envelope::parse(EnvelopeFormat::Jws, &read(name))
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn valid_envelopes_of_both_schemes_verify() {
    for (name, scheme) in [
        ("ca_valid_sig_env.json", SigningScheme::NotaryX509),
        (
            "sa_valid_sig_env.json",
            SigningScheme::NotaryX509SigningAuthority,
        ),
    ] {
        let verified = jws(name)
            .verify_integrity()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(verified.signing_scheme(), scheme);
        assert_eq!(verified.signing_time(), datetime!(2020-11-09 07:00 UTC));
        assert_eq!(verified.expiry(), Some(datetime!(2120-11-09 07:00 UTC)));
        assert_eq!(verified.payload().target_artifact().size, 528);
        assert_eq!(verified.certificate_chain().certificates().len(), 2);
    }
}

#[test]
fn expired_envelopes_are_intact_and_say_when_they_expired() {
    for name in ["ca_expired_sig_env.json", "sa_expired_sig_env.json"] {
        let verified = jws(name)
            .verify_integrity()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(verified.expiry(), Some(datetime!(2022-07-29 23:59 UTC)));
    }
}

#[test]
fn invalid_envelopes_fail() {
    for name in ["ca_invalid_sig_env.json", "sa_invalid_sig_env.json"] {
        let result =
            Envelope::parse(EnvelopeFormat::Jws, &read(name)).and_then(Envelope::verify_integrity);
        assert!(result.is_err(), "{name}");
    }
}

#[test]
fn envelopes_for_a_plugin_name_it_and_their_critical_attribute() {
    for name in ["ca_plugin_sig_env.json", "sa_plugin_sig_env.json"] {
        let verified = jws(name)
            .verify_integrity()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(verified.verification_plugin().unwrap().name, "plugin-name");
        let [attribute] = verified.extended_attributes() else {
            panic!("{name}: {:?}", verified.extended_attributes());
        };
        assert!(attribute.critical);
        assert_eq!(attribute.name.as_text(), Some("SomeKey"));
        assert_eq!(attribute.value.as_text(), Some("SomeValue"));
    }
}

#[test]
fn envelopes_with_a_minimum_plugin_version_say_which() {
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
        let verified = jws(&name)
            .verify_integrity()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(
            verified
                .verification_plugin()
                .unwrap()
                .min_version
                .as_deref(),
            Some(version)
        );
    }
}

#[test]
fn user_metadata_is_in_the_payload() {
    let verified = jws("sig_env_with_metadata.json")
        .verify_integrity()
        .unwrap();
    let annotations = &verified.payload().target_artifact().annotations;
    assert_eq!(annotations["io.wabbit-networks.buildId"], "123");
    assert_eq!(annotations["io.wabbit-networks.buildTime"], "1672944615");
}

#[test]
fn detached_signatures_of_a_blob_verify_in_both_formats() {
    for (name, format) in [
        ("jws_signature.sig", EnvelopeFormat::Jws),
        ("cose_signature.sig", EnvelopeFormat::Cose),
    ] {
        let verified = Envelope::parse(format, &read(name))
            .and_then(Envelope::verify_integrity)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(verified.payload().target_artifact().size, 481, "{name}");
    }
}
