//! Revocation in a verification: what a status does at each level, and whom a signature makes us ask.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[allow(dead_code)]
mod evidence;
#[allow(dead_code)]
mod trial;

use std::sync::Arc;
use std::time::Duration as StdDuration;

use apostille_signature::SigningScheme;
use apostille_trust::revocation::{
    Budget, RevocationSettings, RevocationSources, RevocationStatus, SourcedRevocationChecker,
};
use apostille_trust::verify::{Step, StepResult};
use evidence::*;
use rcgen::CrlDistributionPoint;
use serde_json::json;
use time::Duration;
use trial::*;

struct Case {
    trial: Trial,
    envelope: Vec<u8>,
    network: Arc<Network>,
}

impl Case {
    /// A signature whose certificate is on the CRL in `network`, or not.
    fn new(scheme: SigningScheme, network: impl FnOnce(&Ca) -> Network) -> Self {
        let ca = usual_ca();
        let leaf = signer(&ca, |params| {
            params.crl_distribution_points = vec![CrlDistributionPoint {
                uris: vec![CRL_URL.to_owned()],
            }];
        });
        let envelope = sign(&leaf, &ca.chain(&leaf), |request| request.scheme = scheme);
        let network = Arc::new(network(&ca));
        let sources = RevocationSources {
            fetcher: Some(network.clone()),
            ..RevocationSources::default()
        };
        let budget = Budget::new(StdDuration::from_secs(60));
        let checker = SourcedRevocationChecker::new(sources, RevocationSettings::default(), budget);
        let mut trial = Trial::trusting(&ca.certificate);
        trial.trust_stores = vec!["ca:test", "signingAuthority:test"];
        trial
            .stores
            .insert(store("signingAuthority:test", &[&ca.certificate]));
        trial.revocation = Box::new(checker);
        Self {
            trial,
            envelope,
            network,
        }
    }
}

fn revoking(ca: &Ca) -> Network {
    Network::default().with(CRL_URL, crl(vec![entry(Some(1), &[])]).signed_by(ca))
}

#[test]
fn a_revoked_or_unknown_status_fails_is_logged_or_is_not_looked_up() {
    for (network, word) in [
        (revoking as fn(&Ca) -> Network, "is revoked"),
        (|_| Network::default(), "is not known"),
    ] {
        for (level, action) in [
            ("strict", "enforce"),
            ("permissive", "log"),
            ("audit", "log"),
        ] {
            let mut case = Case::new(SigningScheme::NotaryX509, network);
            case.trial.level = json!({"level": level});
            let verification = case.trial.verify(&case.envelope);
            assert_eq!(
                failed(&verification),
                [(Step::Revocation, action)],
                "{level}, {word}"
            );
            assert_eq!(verification.is_trusted(), action == "log");
            let reason = why(&verification, Step::Revocation);
            assert!(
                reason.contains(word) && reason.contains("CN=release"),
                "{reason}"
            );
        }
        let mut case = Case::new(SigningScheme::NotaryX509, network);
        case.trial.level = json!({"level": "strict", "override": {"revocation": "skip"}});
        assert_eq!(failed(&case.trial.verify(&case.envelope)), []);
        assert!(case.network.asked().is_empty());
    }
}

#[test]
fn a_good_status_is_explained_with_where_it_comes_from_and_how_long_it_holds() {
    let network = |ca: &Ca| Network::default().with(CRL_URL, crl(vec![]).signed_by(ca));
    let case = Case::new(SigningScheme::NotaryX509, network);
    let verification = case.trial.verify(&case.envelope);
    assert_eq!(failed(&verification), []);
    let outcome = verification.outcome(Step::Revocation).unwrap();
    assert!(
        matches!(&outcome.result, StepResult::Passed { because } if because.starts_with("1 of 2"))
    );
    let [leaf, root] = outcome.certificates.as_slice() else {
        panic!("{:?}", outcome.certificates);
    };
    assert_eq!(
        (leaf.subject.as_str(), &leaf.status),
        (
            "O=Example,ST=England,C=GB,CN=release",
            &RevocationStatus::Good
        )
    );
    assert_eq!(
        leaf.evidence,
        [format!(
            "CRL {CRL_URL}: good, holds until 2026-06-01T13:00:00Z"
        )]
    );
    assert_eq!(
        (root.subject.as_str(), &root.status),
        ("CN=CA", &RevocationStatus::NotRevocable)
    );
    let json = serde_json::to_value(outcome).unwrap();
    assert_eq!(json["certificates"][0]["status"], "good");
    assert_eq!(json["certificates"][1]["status"], "notRevocable");
}

/// CWE-918, as a neighbour had it with a URL in a signature's header: what an untrusted signature names is not fetched.
#[test]
fn cwe_918_nobody_is_asked_on_the_word_of_a_chain_that_leads_to_no_trust_store() {
    let mut case = Case::new(SigningScheme::NotaryX509, revoking);
    let other = usual_ca();
    case.trial
        .stores
        .insert(store("ca:test", &[&other.certificate]));
    case.trial.level = json!({"level": "audit"});
    let verification = case.trial.verify(&case.envelope);
    assert_eq!(
        failed(&verification),
        [(Step::TrustStore, "log"), (Step::Revocation, "log")]
    );
    assert!(case.network.asked().is_empty());
    assert!(why(&verification, Step::Revocation).contains("leads to no trust store"));
}

#[test]
fn nobody_is_asked_for_a_signature_on_another_artifact() {
    let mut case = Case::new(SigningScheme::NotaryX509, revoking);
    case.trial.artifact.size += 1;
    case.trial.level = json!({"level": "audit"});
    assert!(!case.trial.verify(&case.envelope).is_trusted());
    assert!(case.network.asked().is_empty());
}

#[test]
fn a_signing_authority_s_time_before_the_invalidity_date_keeps_the_signature_good() {
    let invalid_since = |offset| extension("2.5.29.24", false, &generalized(NOW + offset));
    for (scheme, offset, expected) in [
        (
            SigningScheme::NotaryX509SigningAuthority,
            Duration::HOUR,
            vec![],
        ),
        (
            SigningScheme::NotaryX509SigningAuthority,
            -Duration::HOUR,
            vec![(Step::Revocation, "enforce")],
        ),
        // Nothing proves the time here, whatever the signature says about it.
        (
            SigningScheme::NotaryX509,
            Duration::HOUR,
            vec![(Step::Revocation, "enforce")],
        ),
    ] {
        let network = |ca: &Ca| {
            let list = crl(vec![entry(Some(1), &[invalid_since(offset)])]);
            Network::default().with(CRL_URL, list.signed_by(ca))
        };
        let case = Case::new(scheme, network);
        assert_eq!(
            failed(&case.trial.verify(&case.envelope)),
            expected,
            "{scheme} {offset}"
        );
    }
}

/// Quarkslab INFO-9: the specification counts such a certificate as valid; the explanation says that nobody was asked.
#[test]
fn quarkslab_info_9_a_chain_that_names_nobody_to_ask_passes_and_says_so() {
    let ca = usual_ca();
    let leaf = signer(&ca, |_| ());
    let envelope = sign(&leaf, &ca.chain(&leaf), |_| ());
    let verification = Trial::trusting(&ca.certificate).verify(&envelope);
    match &verification.outcome(Step::Revocation).unwrap().result {
        StepResult::Passed { because } => assert!(
            because.contains("no certificate names a place to ask at"),
            "{because}"
        ),
        other => panic!("{other:?}"),
    }
}
