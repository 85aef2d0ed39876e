//! Verification plugins: when one is started, what it is asked, and what its word is worth.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[allow(dead_code)]
mod evidence;
#[allow(dead_code)]
mod trial;

use std::sync::{Arc, Mutex};

use apostille_signature::{AttributeValue, ExtendedAttribute, SigningRequest, VerificationPlugin};
use apostille_trust::verify::{Step, StepResult, Verdict};
use evidence::*;
use notary_plugin_protocol::{Capability, VerificationCheck};
use rcgen::CrlDistributionPoint;
use serde_json::json;
use trial::*;

/// A signature that asks for a plugin, and a trial in which `plugin` is installed.
struct Case {
    trial: Trial,
    envelope: Vec<u8>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Case {
    fn new(plugin: Plugin, change: impl FnOnce(&mut SigningRequest)) -> Self {
        let ca = usual_ca();
        // Its status can only be unknown here, so that it shows who was asked.
        let leaf = signer(&ca, |params| {
            params.crl_distribution_points = vec![CrlDistributionPoint {
                uris: vec![CRL_URL.to_owned()],
            }];
        });
        let envelope = sign(&leaf, &ca.chain(&leaf), |request| {
            request.verification_plugin = Some(VerificationPlugin {
                name: PLUGIN.to_owned(),
                min_version: None,
            });
            change(request);
        });
        let asked = plugin.asked.clone();
        let mut trial = Trial::trusting(&ca.certificate);
        trial.plugins = Box::new(plugin);
        Self {
            trial,
            envelope,
            asked,
        }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn wanting(min_version: &str) -> impl FnOnce(&mut SigningRequest) {
    let min_version = Some(min_version.to_owned());
    move |request| {
        request.verification_plugin = Some(VerificationPlugin {
            name: PLUGIN.to_owned(),
            min_version,
        });
    }
}

fn critical(name: &str, value: AttributeValue) -> ExtendedAttribute {
    ExtendedAttribute {
        name: name.into(),
        value,
        critical: true,
    }
}

#[test]
fn a_plugin_takes_over_identity_and_revocation() {
    let mut case = Case::new(Plugin::default(), |_| ());
    case.trial.identities = vec!["com.example.id: anything"];
    let verification = case.trial.verify(&case.envelope);
    assert_eq!(failed(&verification), []);
    assert_eq!(
        case.asked(),
        [
            "metadata of com.example.verifier",
            "{TrustedIdentity, RevocationCheck}"
        ]
    );
}

/// GHSA-4fg7-vxc8-qx5w of a neighbour: a name with path separators ran any program. The name in a signature is a
/// stranger's text.
#[test]
fn ghsa_4fg7_vxc8_qx5w_a_plugin_name_that_is_a_path_is_refused_before_anything_is_looked_up() {
    for name in [
        "../../bin/sh",
        "/bin/sh",
        "a/b",
        "a\\b",
        "..",
        ".",
        "",
        "-rf",
        "a\u{0}b",
        "a b",
        "caf\u{e9}",
    ] {
        for level in ["strict", "permissive", "audit"] {
            let ca = usual_ca();
            let leaf = signer(&ca, |_| ());
            let key = notary_x509::PrivateKey::from_der(&leaf.key.serialize_der()).unwrap();
            let plugin = Plugin::default();
            let asked = plugin.asked.clone();
            let mut trial = Trial::trusting(&ca.certificate).at_level(json!({"level": level}));
            trial.plugins = Box::new(plugin);
            let envelope = hand_made(&key, &ca.chain(&leaf), name);
            let verification = trial.verify(&envelope);
            assert_eq!(verification.verdict(), Verdict::NotTrusted, "{name:?}");
            assert_eq!(asked.lock().unwrap().len(), 0, "{name:?}");
        }
    }
}

/// A JWS envelope with whatever plugin name, as no signer of ours would make it.
fn hand_made(
    key: &notary_x509::PrivateKey,
    chain: &notary_x509::CertificateChain,
    name: &str,
) -> Vec<u8> {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    let plugin = "io.cncf.notary.verificationPlugin";
    let protected = json!({
        "alg": "ES256",
        "crit": ["io.cncf.notary.signingScheme", plugin],
        "cty": "application/vnd.cncf.notary.payload.v1+json",
        "io.cncf.notary.signingScheme": "notary.x509",
        "io.cncf.notary.signingTime": "2026-06-01T12:00:00Z",
        plugin: name,
    });
    let payload = serde_json::to_vec(&json!({"targetArtifact": artifact()})).unwrap();
    let protected = URL_SAFE_NO_PAD.encode(protected.to_string());
    let payload = URL_SAFE_NO_PAD.encode(payload);
    let signature = key
        .sign(format!("{protected}.{payload}").as_bytes())
        .unwrap();
    let certificates = chain.certificates().iter();
    let envelope = json!({
        "protected": protected,
        "payload": payload,
        "header": {"x5c": certificates.map(|one| STANDARD.encode(one.as_der())).collect::<Vec<_>>()},
        "signature": URL_SAFE_NO_PAD.encode(signature),
    });
    envelope.to_string().into_bytes()
}

#[test]
fn the_hand_made_envelope_is_good_but_for_its_plugin_name() {
    let ca = usual_ca();
    let leaf = signer(&ca, |_| ());
    let key = notary_x509::PrivateKey::from_der(&leaf.key.serialize_der()).unwrap();
    let envelope = hand_made(&key, &ca.chain(&leaf), PLUGIN);
    assert_eq!(
        failed(&Trial::trusting(&ca.certificate).verify(&envelope)),
        []
    );
}

#[test]
fn no_process_is_started_for_a_signer_that_leads_to_no_trust_store() {
    for level in ["strict", "permissive", "audit"] {
        let mut case = Case::new(Plugin::default(), |_| ());
        let other = usual_ca();
        case.trial
            .stores
            .insert(store("ca:test", &[&other.certificate]));
        case.trial.level = json!({"level": level});
        let verification = case.trial.verify(&case.envelope);
        assert_eq!(verification.verdict(), Verdict::NotTrusted, "{level}");
        assert!(case.asked().is_empty(), "{level}: {:?}", case.asked());
    }
}

#[test]
fn a_signature_for_another_artifact_starts_no_plugin() {
    let mut case = Case::new(Plugin::default(), |_| ());
    case.trial.artifact.size += 1;
    assert!(!case.trial.verify(&case.envelope).is_trusted());
    assert!(case.asked().is_empty());
}

#[test]
fn the_plugin_must_have_at_least_the_version_that_the_signature_demands() {
    for (installed, minimum, trusted) in [
        ("1.2.3", "1.2.3", true),
        ("1.10.0", "1.9.9", true),
        ("1.2.3", "1.2.4", false),
        ("1.0.0-rc.1", "1.0.0", false),
        ("1.0.0+build.9", "1.0.0", true),
        ("v1.0.0", "1.0.0", false),
        ("one", "1.0.0", false),
    ] {
        let plugin = Plugin {
            version: installed,
            ..Plugin::default()
        };
        let case = Case::new(plugin, wanting(minimum));
        let verification = case.trial.verify(&case.envelope);
        assert_eq!(
            verification.is_trusted(),
            trusted,
            "{installed} for {minimum}"
        );
        if !trusted {
            assert_eq!(
                failed(&verification),
                [(Step::VerificationPlugin, "enforce")]
            );
        }
    }
}

#[test]
fn a_plugin_that_verifies_nothing_fails_at_every_level() {
    for level in ["strict", "audit"] {
        let plugin = Plugin {
            capabilities: vec![Capability::SignatureGeneratorRaw],
            ..Plugin::default()
        };
        let mut case = Case::new(plugin, |_| ());
        case.trial.level = json!({"level": level});
        let verification = case.trial.verify(&case.envelope);
        assert_eq!(
            failed(&verification),
            [(Step::VerificationPlugin, "enforce")]
        );
    }
}

#[test]
fn what_a_plugin_does_not_take_over_is_checked_here() {
    let plugin = Plugin {
        capabilities: vec![Capability::SignatureVerifierRevocationCheck],
        ..Plugin::default()
    };
    let mut case = Case::new(plugin, |_| ());
    case.trial.identities = vec!["x509.subject: C=GB, ST=England, O=Somebody else"];
    let verification = case.trial.verify(&case.envelope);
    assert_eq!(failed(&verification), [(Step::TrustedIdentity, "enforce")]);

    let plugin = Plugin {
        capabilities: vec![Capability::SignatureVerifierTrustedIdentity],
        ..Plugin::default()
    };
    let case = Case::new(plugin, |_| ());
    assert_eq!(
        failed(&case.trial.verify(&case.envelope)),
        [(Step::Revocation, "enforce")]
    );
}

#[test]
fn a_plugin_s_refusal_counts_as_the_level_says() {
    for (check, step, level, action) in [
        (
            VerificationCheck::TrustedIdentity,
            Step::TrustedIdentity,
            "strict",
            "enforce",
        ),
        (
            VerificationCheck::TrustedIdentity,
            Step::TrustedIdentity,
            "permissive",
            "enforce",
        ),
        (
            VerificationCheck::TrustedIdentity,
            Step::TrustedIdentity,
            "audit",
            "log",
        ),
        (
            VerificationCheck::RevocationCheck,
            Step::Revocation,
            "strict",
            "enforce",
        ),
        (
            VerificationCheck::RevocationCheck,
            Step::Revocation,
            "permissive",
            "log",
        ),
    ] {
        let plugin = Plugin {
            refuses: Some(check),
            ..Plugin::default()
        };
        let mut case = Case::new(plugin, |_| ());
        case.trial.level = json!({"level": level});
        let verification = case.trial.verify(&case.envelope);
        assert_eq!(failed(&verification), [(step, action)], "{level}");
        assert!(why(&verification, step).contains("it does not like it"));
    }
}

#[test]
fn a_plugin_that_says_nothing_about_a_check_fails_at_every_level() {
    for check in [
        VerificationCheck::TrustedIdentity,
        VerificationCheck::RevocationCheck,
    ] {
        for level in ["strict", "permissive", "audit"] {
            let plugin = Plugin {
                silent_about: Some(check),
                ..Plugin::default()
            };
            let mut case = Case::new(plugin, |_| ());
            case.trial.level = json!({"level": level});
            let verification = case.trial.verify(&case.envelope);
            assert_eq!(
                verification.verdict(),
                Verdict::NotTrusted,
                "{level}, {check}"
            );
        }
    }
}

#[test]
fn revocation_that_the_policy_skips_is_not_asked_of_the_plugin_either() {
    let mut case = Case::new(Plugin::default(), |_| ());
    case.trial.level = json!({"level": "strict", "override": {"revocation": "skip"}});
    let verification = case.trial.verify(&case.envelope);
    assert_eq!(failed(&verification), []);
    assert_eq!(
        case.asked(),
        ["metadata of com.example.verifier", "{TrustedIdentity}"]
    );
    let revocation = verification.outcome(Step::Revocation).unwrap();
    assert!(matches!(revocation.result, StepResult::NotPerformed { .. }));
}

#[test]
fn critical_attributes_must_all_be_processed_by_the_plugin() {
    let attributes = |request: &mut SigningRequest| {
        request.extended_attributes = vec![
            critical("com.example.a", "x".into()),
            critical("com.example.b", AttributeValue::Bool(true)),
        ];
    };
    for (processes, trusted) in [
        (vec!["com.example.a", "com.example.b"], true),
        (vec!["com.example.a"], false),
        (vec![], false),
    ] {
        let plugin = Plugin {
            processes: processes.clone(),
            ..Plugin::default()
        };
        let mut case = Case::new(plugin, attributes);
        case.trial.level = json!({"level": "audit"});
        let verification = case.trial.verify(&case.envelope);
        assert_eq!(verification.is_trusted(), trusted, "{processes:?}");
    }
}

#[test]
fn a_critical_attribute_that_no_plugin_can_be_asked_about_is_refused() {
    let case = Case::new(Plugin::default(), |request| {
        let list = AttributeValue::Array(vec![AttributeValue::Integer(1)]);
        request.extended_attributes = vec![critical("com.example.list", list)];
    });
    let verification = case.trial.verify(&case.envelope);
    assert_eq!(
        failed(&verification),
        [(Step::CriticalAttributes, "enforce")]
    );
    assert_eq!(case.asked(), ["metadata of com.example.verifier"]);
}

#[test]
fn the_word_of_a_plugin_makes_nothing_good_that_failed_here() {
    let mut case = Case::new(Plugin::default(), |request| {
        request.expiry = Some(std::time::Duration::from_secs(60));
    });
    case.trial.now += time::Duration::HOUR;
    let verification = case.trial.verify(&case.envelope);
    assert_eq!(failed(&verification), [(Step::Expiry, "enforce")]);
    assert_eq!(case.asked(), ["metadata of com.example.verifier"]);
}

#[test]
fn what_a_plugin_says_unasked_is_mentioned_and_has_no_effect() {
    let plugin = Plugin {
        processes: vec!["com.example.unasked"],
        ..Plugin::default()
    };
    let case = Case::new(plugin, |_| ());
    let verification = case.trial.verify(&case.envelope);
    assert_eq!(failed(&verification), []);
    assert!(verification.notices()[0].contains("com.example.unasked"));
}
