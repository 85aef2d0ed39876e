//! Timestamp countersignatures in a verification: when one is needed, and what makes it good.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[allow(dead_code)]
mod evidence;
#[allow(dead_code)]
mod trial;

use std::sync::Arc;
use std::time::Duration as StdDuration;

use apostille_trust::revocation::{
    Budget, RevocationSettings, RevocationSources, SourcedRevocationChecker,
};
use apostille_trust::verify::{Step, TimeSource};
use evidence::*;
use notary_x509::Certificate;
use rcgen::{
    BasicConstraints, CertificateParams, CrlDistributionPoint, IsCa, KeyUsagePurpose, SerialNumber,
};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use trial::tsa::{authority, signature_of, token, with_timestamp};
use trial::*;

const TSA_CRL_URL: &str = "http://crl.example.com/tsa.crl";

/// A signature made when its certificate was valid for five more days; a TSA with a longer life.
struct Case {
    trial: Trial,
    ca: Ca,
    plain: Vec<u8>,
    tsa_root: Ca,
    tsa: Leaf,
}

impl Case {
    fn new() -> Self {
        Self::with(|_| (), |_| ())
    }

    fn with(
        change_leaf: impl FnOnce(&mut CertificateParams),
        change_tsa: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let ca = usual_ca();
        let leaf = signer(&ca, |params| {
            params.not_after = NOW + Duration::days(5);
            change_leaf(params);
        });
        let tsa_root = usual_ca();
        let tsa = authority(&tsa_root, change_tsa);
        let mut trial = Trial::trusting(&ca.certificate);
        trial.trust_stores = vec!["ca:test", "tsa:test"];
        trial
            .stores
            .insert(store("tsa:test", &[&tsa_root.certificate]));
        Self {
            plain: sign(&leaf, &ca.chain(&leaf), |_| ()),
            ca,
            trial,
            tsa_root,
            tsa,
        }
    }

    fn stamped(&self, at: OffsetDateTime, accuracy: u8) -> Vec<u8> {
        let signature = signature_of(&self.plain);
        with_timestamp(
            &self.plain,
            &token(&self.tsa, &[], &signature, at, accuracy),
        )
    }

    /// What is wrong with the timestamp of this envelope at the level strict.
    fn refusal(&self, envelope: &[u8]) -> String {
        let verification = self.trial.verify(envelope);
        assert_eq!(
            failed(&verification),
            [(Step::AuthenticTimestamp, "enforce")]
        );
        why(&verification, Step::AuthenticTimestamp)
    }

    fn ask(&mut self, network: Network) -> Arc<Network> {
        let network = Arc::new(network);
        let sources = RevocationSources {
            fetcher: Some(network.clone()),
            ..RevocationSources::default()
        };
        let budget = Budget::new(StdDuration::from_secs(60));
        let checker = SourcedRevocationChecker::new(sources, RevocationSettings::default(), budget);
        self.trial.revocation = Box::new(checker);
        network
    }
}

fn naming(url: &str) -> impl FnOnce(&mut CertificateParams) {
    let point = CrlDistributionPoint {
        uris: vec![url.to_owned()],
    };
    move |params| params.crl_distribution_points = vec![point]
}

fn after_expiry() -> Value {
    json!({"level": "strict", "verifyTimestamp": "afterCertExpiry"})
}

#[test]
fn a_timestamp_keeps_a_signature_good_after_its_certificate_has_expired() {
    for level in [json!({"level": "strict"}), after_expiry()] {
        let mut case = Case::new();
        case.trial.level = level;
        case.trial.now += Duration::days(20);
        let verification = case.trial.verify(&case.stamped(NOW, 1));
        assert_eq!(failed(&verification), []);
        let used = verification.time_used().unwrap();
        assert_eq!(
            (used.time, used.source),
            (NOW, TimeSource::TimestampCountersignature)
        );
    }
}

#[test]
fn without_a_tsa_store_in_the_statement_a_timestamp_is_not_looked_at() {
    let mut case = Case::new();
    case.trial.trust_stores = vec!["ca:test"];
    let garbage = with_timestamp(&case.plain, b"no token");
    let verification = case.trial.verify(&garbage);
    assert_eq!(failed(&verification), []);
    assert_eq!(
        verification.time_used().unwrap().source,
        TimeSource::VerificationTime
    );
    case.trial.now += Duration::days(20);
    let refusal = case.refusal(&case.stamped(NOW, 1));
    assert!(refusal.contains("expired"), "{refusal}");
}

#[test]
fn always_means_that_a_signature_without_timestamp_fails_and_after_expiry_that_it_fails_then() {
    let mut case = Case::new();
    assert!(case.refusal(&case.plain).contains("has no timestamp"));
    case.trial.level = after_expiry();
    assert_eq!(failed(&case.trial.verify(&case.plain)), []);
    case.trial.now += Duration::days(20);
    assert!(case.refusal(&case.plain).contains("has no timestamp"));
}

#[test]
fn before_its_certificates_expire_a_signature_needs_no_timestamp_under_after_cert_expiry() {
    let mut case = Case::new();
    case.trial.level = after_expiry();
    let garbage = with_timestamp(&case.plain, b"no token");
    assert_eq!(failed(&case.trial.verify(&garbage)), []);
}

/// CVE-2026-22703 of a neighbour: evidence has to be about this very signature.
#[test]
fn cve_2026_22703_a_token_on_another_signature_is_refused() {
    let case = Case::new();
    let other = token(&case.tsa, &[], b"another signature", NOW, 1);
    let refusal = case.refusal(&with_timestamp(&case.plain, &other));
    assert!(refusal.contains("imprint"), "{refusal}");
}

/// Quarkslab INFO-4 and INFO-7: no field of a token counts before its signature is verified.
#[test]
fn quarkslab_info_4_a_token_that_was_changed_is_refused() {
    let case = Case::new();
    let good = token(&case.tsa, &[], &signature_of(&case.plain), NOW, 1);
    let year = good
        .windows(4)
        .position(|window| window == b"2026")
        .unwrap();
    let mut earlier = good.clone();
    earlier[year + 3] = b'5';
    let refusal = case.refusal(&with_timestamp(&case.plain, &earlier));
    assert!(refusal.contains("message-digest"), "{refusal}");
    let last = good.len() - 1;
    let mut other_signature = good;
    other_signature[last] ^= 1;
    case.refusal(&with_timestamp(&case.plain, &other_signature));
}

#[test]
fn an_authority_that_leads_to_no_tsa_store_is_refused_also_if_the_ca_store_has_it() {
    let mut case = Case::new();
    let root = case.tsa_root.certificate.clone();
    case.trial
        .stores
        .insert(store("tsa:test", &[&usual_ca().certificate]));
    case.trial.stores.insert(store("ca:tsa", &[&root]));
    case.trial.trust_stores = vec!["ca:test", "ca:tsa", "tsa:test"];
    let refusal = case.refusal(&case.stamped(NOW, 1));
    assert!(
        refusal.contains("the issuer of \"CN=TSA\" is missing"),
        "{refusal}"
    );
}

/// Quarkslab INFO-8: what stands in a `tsa` store and what leads to it is held against every rule.
#[test]
fn quarkslab_info_8_an_authority_that_is_not_fit_for_timestamping_is_refused() {
    let unfit = Case::with(|_| (), |params| params.custom_extensions.clear());
    let refusal = unfit.refusal(&unfit.stamped(NOW, 1));
    assert!(refusal.contains("extKeyUsage"), "{refusal}");
    let expired = Case::with(|_| (), |params| params.not_after = NOW - Duration::DAY);
    let refusal = expired.refusal(&expired.stamped(NOW, 1));
    assert!(refusal.contains("expired"), "{refusal}");
}

#[test]
fn serial_numbers_with_and_without_the_highest_bit_are_found() {
    for serial in [
        vec![0x01],
        vec![0x7f, 0xff],
        vec![0x80],
        vec![0xff, 0x00, 0x01],
    ] {
        let number = SerialNumber::from(serial.clone());
        let case = Case::with(|_| (), |params| params.serial_number = Some(number));
        let verification = case.trial.verify(&case.stamped(NOW, 1));
        assert_eq!(failed(&verification), [], "{serial:x?}");
    }
}

#[test]
fn an_authority_that_has_expired_since_is_still_believed() {
    let mut case = Case::with(|_| (), |params| params.not_after = NOW + Duration::DAY);
    case.trial.now += Duration::days(3);
    assert_eq!(failed(&case.trial.verify(&case.stamped(NOW, 1))), []);
}

#[test]
fn the_certificates_must_be_valid_over_all_of_the_time_that_the_accuracy_leaves_open() {
    let case = Case::new();
    let end = NOW + Duration::days(5);
    assert_eq!(
        failed(
            &case
                .trial
                .verify(&case.stamped(end - Duration::seconds(10), 10))
        ),
        []
    );
    let refusal = case.refusal(&case.stamped(end - Duration::seconds(9), 10));
    assert!(refusal.contains("expired"), "{refusal}");
    let begin = NOW - Duration::days(30);
    let refusal = case.refusal(&case.stamped(begin + Duration::seconds(9), 10));
    assert!(refusal.contains("not valid before"), "{refusal}");
}

/// CVE-2024-56138: an authority that was revoked must not vouch for a time.
#[test]
fn cve_2024_56138_a_revoked_timestamping_certificate_is_refused() {
    let mut case = Case::with(|_| (), naming(TSA_CRL_URL));
    let list = crl(vec![entry(Some(1), &[])]).signed_by(&case.tsa_root);
    case.ask(Network::default().with(TSA_CRL_URL, list));
    let refusal = case.refusal(&case.stamped(NOW, 1));
    assert!(
        refusal.contains("timestamping certificate") && refusal.contains("is revoked"),
        "{refusal}"
    );
}

/// The same for what stands between the authority and its root.
#[test]
fn cve_2024_56138_a_revoked_intermediate_of_the_authority_is_refused() {
    let mut case = Case::new();
    let intermediate = case.tsa_root.issue("TSA CA", |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        naming(TSA_CRL_URL)(params);
    });
    case.tsa = authority(&intermediate.as_ca(), |_| ());
    let between: &[&Certificate] = &[&intermediate.certificate];
    let signature = signature_of(&case.plain);
    let envelope = with_timestamp(&case.plain, &token(&case.tsa, between, &signature, NOW, 1));

    let list = crl(vec![]).signed_by(&case.tsa_root);
    case.ask(Network::default().with(TSA_CRL_URL, list));
    assert_eq!(failed(&case.trial.verify(&envelope)), []);

    let list = crl(vec![entry(Some(2), &[])]).signed_by(&case.tsa_root);
    case.ask(Network::default().with(TSA_CRL_URL, list));
    let refusal = case.refusal(&envelope);
    assert!(
        refusal.contains("TSA CA") && refusal.contains("is revoked"),
        "{refusal}"
    );
}

#[test]
fn an_authority_whose_status_nobody_can_tell_is_refused_and_logged_where_timestamps_are() {
    let mut case = Case::with(|_| (), naming(TSA_CRL_URL));
    case.ask(Network::default());
    let envelope = case.stamped(NOW, 1);
    assert!(case.refusal(&envelope).contains("is not known"));
    case.trial.level = json!({"level": "strict", "override": {"authenticTimestamp": "log"}});
    assert_eq!(
        failed(&case.trial.verify(&envelope)),
        [(Step::AuthenticTimestamp, "log")]
    );
}

#[test]
fn the_authority_is_checked_even_where_revocation_of_the_signer_is_skipped() {
    let mut case = Case::with(naming(CRL_URL), naming(TSA_CRL_URL));
    case.trial.level = json!({"level": "strict", "override": {"revocation": "skip"}});
    let list = crl(vec![]).signed_by(&case.tsa_root);
    let network = case.ask(Network::default().with(TSA_CRL_URL, list));
    assert_eq!(failed(&case.trial.verify(&case.stamped(NOW, 1))), []);
    let asked: Vec<String> = network
        .asked()
        .into_iter()
        .map(|request| request.url)
        .collect();
    assert_eq!(asked, [TSA_CRL_URL]);
}

#[test]
fn a_signature_from_before_the_invalidity_date_needs_a_timestamp_to_prove_it() {
    for (timestamped, expected) in [(true, vec![]), (false, vec![(Step::Revocation, "enforce")])] {
        let mut case = Case::with(naming(CRL_URL), |_| ());
        if !timestamped {
            case.trial.trust_stores = vec!["ca:test"];
        }
        let invalid_since = extension("2.5.29.24", false, &generalized(NOW + Duration::HOUR));
        let list = crl(vec![entry(Some(1), &[invalid_since])]);
        let network = Network::default().with(CRL_URL, list.signed_by(&case.ca));
        case.ask(network);
        let envelope = case.stamped(NOW, 1);
        assert_eq!(
            failed(&case.trial.verify(&envelope)),
            expected,
            "{timestamped}"
        );
    }
}
