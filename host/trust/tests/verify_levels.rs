//! Which failures a level and its overrides let pass.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[allow(dead_code)]
mod evidence;
#[allow(dead_code)]
mod trial;

use apostille_signature::{ExtendedAttribute, SigningScheme};
use apostille_trust::store::MemoryTrustStores;
use apostille_trust::verify::{Step, StepResult, TimeSource, Verdict};
use evidence::*;
use notary_x509::CertificateChain;
use rcgen::{BasicConstraints, CrlDistributionPoint, IsCa, KeyUsagePurpose};
use serde_json::json;
use std::time::Duration as StdDuration;
use time::Duration;
use trial::*;

/// A signature with one thing wrong, and the trial in which it is wrong.
struct Fault {
    step: Step,
    trial: Trial,
    envelope: Vec<u8>,
}

fn faults() -> Vec<Fault> {
    let ca = usual_ca();
    let leaf = signer(&ca, |_| ());
    let chain = ca.chain(&leaf);
    let plain = sign(&leaf, &chain, |_| ());
    let fault = |step, envelope: &[u8], change: &dyn Fn(&mut Trial)| {
        let mut trial = Trial::trusting(&ca.certificate);
        change(&mut trial);
        Fault {
            step,
            trial,
            envelope: envelope.to_vec(),
        }
    };
    let expiring = sign(&leaf, &chain, |request| {
        request.expiry = Some(StdDuration::from_secs(60));
    });
    let naming_a_crl = signer(&ca, |params| {
        params.crl_distribution_points = vec![CrlDistributionPoint {
            uris: vec![CRL_URL.to_owned()],
        }];
    });
    let unknown_status = sign(&naming_a_crl, &ca.chain(&naming_a_crl), |_| ());
    let other_root = usual_ca();
    vec![
        fault(Step::TrustStore, &plain, &|trial| {
            trial.stores = MemoryTrustStores::new();
            trial
                .stores
                .insert(store("ca:test", &[&other_root.certificate]));
        }),
        fault(Step::TrustedIdentity, &plain, &|trial| {
            trial.identities = vec!["x509.subject: C=GB, ST=England, O=Somebody else"];
        }),
        fault(Step::Expiry, &expiring, &|trial| {
            trial.now += Duration::MINUTE
        }),
        fault(Step::AuthenticTimestamp, &plain, &|trial| {
            trial.now += Duration::days(31)
        }),
        fault(Step::Revocation, &unknown_status, &|_| ()),
    ]
}

#[test]
fn a_sound_signature_is_trusted_at_every_level_with_nothing_to_report() {
    let ca = usual_ca();
    let leaf = signer(&ca, |_| ());
    let envelope = sign(&leaf, &ca.chain(&leaf), |_| ());
    for level in ["strict", "permissive", "audit"] {
        let trial = Trial::trusting(&ca.certificate).at_level(json!({"level": level}));
        let verification = trial.verify(&envelope);
        assert_eq!(failed(&verification), []);
        assert_eq!(verification.verdict(), Verdict::Trusted);
    }
}

#[test]
fn each_level_enforces_and_logs_what_the_specification_s_table_says() {
    use Step::{AuthenticTimestamp, Expiry, Revocation, TrustStore, TrustedIdentity};
    for (level, enforced) in [
        (
            "strict",
            &[
                TrustStore,
                TrustedIdentity,
                Expiry,
                AuthenticTimestamp,
                Revocation,
            ][..],
        ),
        ("permissive", &[TrustStore, TrustedIdentity]),
        ("audit", &[]),
    ] {
        for Fault {
            step,
            trial,
            envelope,
        } in faults()
        {
            let verification = trial.at_level(json!({"level": level})).verify(&envelope);
            let action = if enforced.contains(&step) {
                "enforce"
            } else {
                "log"
            };
            assert_eq!(failed(&verification), [(step, action)], "{level}");
            assert_eq!(
                verification.is_trusted(),
                action == "log",
                "{level}, {step}"
            );
            assert_eq!(verification.failure().is_some(), action == "enforce");
            assert_eq!(
                verification.logged_failures().count(),
                usize::from(action == "log")
            );
        }
    }
}

#[test]
fn an_override_enforces_or_logs_one_check_whatever_the_level_says() {
    for (level, action) in [
        ("strict", "log"),
        ("audit", "enforce"),
        ("permissive", "enforce"),
    ] {
        for Fault {
            step,
            trial,
            envelope,
        } in faults()
        {
            let check = step.check().unwrap().as_str();
            let level = json!({"level": level, "override": {check: action}});
            let verification = trial.at_level(level).verify(&envelope);
            assert_eq!(failed(&verification), [(step, action)], "{check}");
            assert_eq!(verification.is_trusted(), action == "log", "{check}");
            assert_eq!(verification.statement().level, "custom");
        }
    }
}

#[test]
fn what_was_not_looked_at_behind_an_enforced_failure_says_so() {
    let ca = usual_ca();
    let leaf = signer(&ca, |_| ());
    let envelope = sign(&leaf, &ca.chain(&leaf), |_| ());
    let verification = Trial::trusting(&usual_ca().certificate).verify(&envelope);
    assert_eq!(failed(&verification), [(Step::TrustStore, "enforce")]);
    assert_eq!(verification.outcomes().len(), Step::ALL.len());
    for step in [Step::TrustedIdentity, Step::Expiry, Step::Revocation] {
        match &verification.outcome(step).unwrap().result {
            StepResult::NotPerformed { because } => {
                assert_eq!(because, "an enforced check failed before")
            }
            other => panic!("{step}: {other:?}"),
        }
    }
}

#[test]
fn the_level_skip_looks_at_nothing_and_trusts_nothing() {
    let ca = usual_ca();
    let trial = Trial::trusting(&ca.certificate).at_level(json!({"level": "skip"}));
    let verification = trial.verify(b"not an envelope at all");
    assert_eq!(verification.verdict(), Verdict::Skipped);
    assert!(!verification.is_trusted());
    assert!(
        verification
            .outcomes()
            .iter()
            .all(|outcome| matches!(outcome.result, StepResult::NotPerformed { .. }))
    );
}

/// CVE-2023-33959: what is verified has to be what was asked for, in media type, digest and size.
#[test]
fn cve_2023_33959_a_signature_for_another_artifact_is_refused_at_every_level() {
    let ca = usual_ca();
    let leaf = signer(&ca, |_| ());
    let envelope = sign(&leaf, &ca.chain(&leaf), |_| ());
    for level in ["strict", "permissive", "audit"] {
        for change in 0..3 {
            let mut trial = Trial::trusting(&ca.certificate).at_level(json!({"level": level}));
            match change {
                0 => trial.artifact.media_type.push('x'),
                1 => trial.artifact.size += 1,
                _ => {
                    trial.artifact.digest = apostille_artifact::Digest::of(
                        apostille_artifact::DigestAlgorithm::Sha256,
                        b"[]",
                    )
                }
            }
            let verification = trial.verify(&envelope);
            assert_eq!(failed(&verification), [(Step::Integrity, "enforce")]);
        }
    }
}

/// CVE-2024-23332: an old signature must not be good for ever, and must not pass silently.
#[test]
fn cve_2024_23332_an_expired_signature_fails_from_the_second_of_its_expiry_or_is_reported() {
    let ca = usual_ca();
    let leaf = signer(&ca, |_| ());
    let envelope = sign(&leaf, &ca.chain(&leaf), |request| {
        request.expiry = Some(StdDuration::from_secs(60));
    });
    let at = |after: i64, level: &str| {
        let mut trial = Trial::trusting(&ca.certificate).at_level(json!({"level": level}));
        trial.now += Duration::seconds(after);
        trial.verify(&envelope)
    };
    assert_eq!(failed(&at(59, "strict")), []);
    assert_eq!(failed(&at(60, "strict")), [(Step::Expiry, "enforce")]);
    for level in ["permissive", "audit"] {
        let verification = at(60, level);
        assert!(verification.is_trusted());
        let logged: Vec<_> = verification
            .logged_failures()
            .map(|(step, _)| step)
            .collect();
        assert_eq!(logged, [Step::Expiry]);
    }
}

/// CVE-2026-24122 of a neighbour: every certificate has to be valid, not the leaf alone.
#[test]
fn cve_2026_24122_an_expired_intermediate_is_as_bad_as_an_expired_leaf() {
    let root = usual_ca();
    let intermediate = root.issue("intermediate", |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.not_after = NOW + Duration::days(2);
    });
    let below = intermediate.as_ca();
    let leaf = signer(&below, |_| ());
    let certificates = [
        &leaf.certificate,
        &intermediate.certificate,
        &root.certificate,
    ];
    let chain = CertificateChain::new(certificates.map(Clone::clone).to_vec()).unwrap();
    let envelope = sign(&leaf, &chain, |_| ());
    let mut trial = Trial::trusting(&root.certificate);
    assert_eq!(failed(&trial.verify(&envelope)), []);
    trial.now += Duration::days(3);
    let verification = trial.verify(&envelope);
    assert_eq!(
        failed(&verification),
        [(Step::AuthenticTimestamp, "enforce")]
    );
    assert!(why(&verification, Step::AuthenticTimestamp).contains("certificate 2 of 3"));
}

#[test]
fn a_signing_authority_s_time_counts_in_place_of_the_present() {
    let ca = usual_ca();
    let leaf = signer(&ca, |_| ());
    let envelope = sign(&leaf, &ca.chain(&leaf), |request| {
        request.scheme = SigningScheme::NotaryX509SigningAuthority;
    });
    let mut trial = Trial::trusting(&ca.certificate);
    trial.trust_stores = vec!["signingAuthority:test"];
    trial
        .stores
        .insert(store("signingAuthority:test", &[&ca.certificate]));
    trial.now += Duration::days(3650);
    let verification = trial.verify(&envelope);
    assert_eq!(failed(&verification), []);
    let used = verification.time_used().unwrap();
    assert_eq!(
        (used.time, used.source),
        (NOW, TimeSource::AuthenticSigningTime)
    );
}

#[test]
fn a_critical_attribute_that_nobody_understands_fails_at_every_level() {
    let ca = usual_ca();
    let leaf = signer(&ca, |_| ());
    let with = |critical| {
        sign(&leaf, &ca.chain(&leaf), |request| {
            request.extended_attributes = vec![ExtendedAttribute {
                name: "com.example.rule".into(),
                value: "x".into(),
                critical,
            }];
        })
    };
    for level in ["strict", "permissive", "audit"] {
        let trial = Trial::trusting(&ca.certificate).at_level(json!({"level": level}));
        let verification = trial.verify(&with(true));
        assert_eq!(
            failed(&verification),
            [(Step::CriticalAttributes, "enforce")]
        );
        assert!(why(&verification, Step::CriticalAttributes).contains("com.example.rule"));
        assert_eq!(failed(&trial.verify(&with(false))), []);
    }
}

#[test]
fn metadata_that_is_asked_for_has_to_be_signed_with_that_value() {
    let ca = usual_ca();
    let leaf = signer(&ca, |_| ());
    let envelope = sign(&leaf, &ca.chain(&leaf), |_| ());
    for (key, value, trusted) in [
        ("build", "7", true),
        ("build", "8", false),
        ("Build", "7", false),
    ] {
        let mut trial = Trial::trusting(&ca.certificate).at_level(json!({"level": "audit"}));
        trial.metadata = [(key.to_owned(), value.to_owned())].into();
        assert_eq!(
            trial.verify(&envelope).is_trusted(),
            trusted,
            "{key}={value}"
        );
    }
}

#[test]
fn the_explanation_says_what_was_applied_looked_at_and_decided() {
    let ca = usual_ca();
    let leaf = signer(&ca, |_| ());
    let envelope = sign(&leaf, &ca.chain(&leaf), |request| {
        request.expiry = Some(StdDuration::from_secs(60));
    });
    let mut trial = Trial::trusting(&ca.certificate);
    trial.identities = vec!["x509.subject: C=GB, ST=England, O=Example"];
    trial.now += Duration::HOUR;
    let mut explanation = serde_json::to_value(trial.verify(&envelope)).unwrap();
    explanation["signer"]["fingerprint"] = json!("(a fingerprint)");
    insta::assert_json_snapshot!(explanation);
}
