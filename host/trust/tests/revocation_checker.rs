//! The checker: order of the sources, fall-back, cache, bundle and budget.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[allow(dead_code)]
mod evidence;

use std::sync::Arc;
use std::time::Duration as StdDuration;

use apostille_trust::revocation::{
    Budget, ChainPurpose, FetchError, FetchRequest, FetchResponse, MAX_URLS,
    RevocationChecker as _, RevocationFetcher, RevocationQuestion, RevocationReport,
    RevocationSettings, RevocationSources, RevocationStatus, SourcedRevocationChecker,
};
use evidence::*;
use futures::executor::block_on;
use futures::future::BoxFuture;
use notary_x509::CertificateChain;
use notary_x509::asn1::write;
use notary_x509::oid;
use rcgen::{
    BasicConstraints, CrlDistributionPoint, CustomExtension, ExtendedKeyUsagePurpose, IsCa,
    KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};

/// Without a nonce, so that the answers of the network can be fixed.
const SETTINGS: RevocationSettings = RevocationSettings {
    ocsp_timeout: StdDuration::from_secs(2),
    crl_timeout: StdDuration::from_secs(5),
    allow_private_addresses: false,
    nonce: false,
};

fn report(
    sources: RevocationSources,
    chain: &CertificateChain,
    signing_time: Option<OffsetDateTime>,
) -> RevocationReport {
    let budget = Budget::new(StdDuration::from_secs(60));
    let question = RevocationQuestion {
        chain,
        purpose: ChainPurpose::Signing,
        now: NOW,
        signing_time,
    };
    block_on(SourcedRevocationChecker::new(sources, SETTINGS, budget).check(question))
}

fn status(sources: RevocationSources, chain: &CertificateChain) -> RevocationStatus {
    report(sources, chain, None).certificates[0].status.clone()
}

fn online(network: &Arc<Network>) -> RevocationSources {
    RevocationSources {
        fetcher: Some(network.clone()),
        ..RevocationSources::default()
    }
}

fn ocsp_get(ca: &Ca, leaf: &Leaf) -> String {
    use apostille_trust::revocation::ocsp;
    ocsp::get_url(
        OCSP_URL,
        &ocsp::request(&leaf.certificate, &ca.certificate, None),
    )
    .unwrap()
}

#[test]
fn a_root_and_a_certificate_that_names_no_place_to_ask_at_are_not_revocable() {
    let ca = usual_ca();
    let chain = ca.chain(&ca.leaf(false, false));
    let network = Arc::new(Network::default());
    let report = report(online(&network), &chain, None);
    assert!(
        report
            .certificates
            .iter()
            .all(|one| one.status == RevocationStatus::NotRevocable)
    );
    assert_eq!(report.certificates.len(), 2);
    assert!(network.asked().is_empty());
}

#[test]
fn ocsp_goes_before_crl() {
    let ca = usual_ca();
    let leaf = ca.leaf(true, true);
    let network = Network::default().with(&ocsp_get(&ca, &leaf), good().signed_by_ca(&ca));
    let network = Arc::new(network.with(CRL_URL, crl(vec![entry(None, &[])]).signed_by(&ca)));
    assert_eq!(
        status(online(&network), &ca.chain(&leaf)),
        RevocationStatus::Good
    );
    assert_eq!(network.asked().len(), 1);
}

#[test]
fn one_checker_asks_about_a_certificate_once_however_many_signatures_have_it() {
    let ca = usual_ca();
    let invalid_since = extension("2.5.29.24", false, &generalized(NOW));
    let list = crl(vec![entry(Some(1), &[invalid_since])]).signed_by(&ca);
    let network = Arc::new(Network::default().with(CRL_URL, list));
    let chain = ca.chain(&ca.leaf(false, true));
    let budget = Budget::new(StdDuration::from_secs(60));
    let checker = SourcedRevocationChecker::new(online(&network), SETTINGS, budget);
    let status = |signing_time| {
        let question = RevocationQuestion {
            chain: &chain,
            purpose: ChainPurpose::Signing,
            now: NOW,
            signing_time: Some(signing_time),
        };
        block_on(checker.check(question)).certificates[0]
            .status
            .clone()
    };
    // What is remembered is what the CA says, not what it meant for the first signature.
    assert_eq!(status(NOW - Duration::HOUR), RevocationStatus::Good);
    assert!(matches!(
        status(NOW + Duration::HOUR),
        RevocationStatus::Revoked { .. }
    ));
    assert_eq!(network.asked().len(), 1);
}

#[test]
fn without_an_ocsp_answer_that_can_be_relied_on_the_crl_decides() {
    let ca = usual_ca();
    let leaf = ca.leaf(true, true);
    let list = || crl(vec![entry(Some(1), &[])]).signed_by(&ca);
    let forged = good().signed_by_ca(&usual_ca());
    for network in [
        Network::default(),
        Network::default().with_status(&ocsp_get(&ca, &leaf), 500, vec![]),
        Network::default().with(&ocsp_get(&ca, &leaf), forged),
    ] {
        let network = Arc::new(network.with(CRL_URL, list()));
        let status = status(online(&network), &ca.chain(&leaf));
        assert!(
            matches!(status, RevocationStatus::Revoked { .. }),
            "{status:?}"
        );
    }
}

#[test]
fn what_nobody_answers_is_unknown_and_every_attempt_is_named() {
    let ca = usual_ca();
    let network = Arc::new(Network::default());
    let RevocationStatus::Unknown { reason } =
        status(online(&network), &ca.chain(&ca.leaf(true, true)))
    else {
        panic!("unknown")
    };
    assert!(
        reason.contains("OCSP http://ocsp.example.com: connection refused"),
        "{reason}"
    );
    assert!(
        reason.contains("CRL http://crl.example.com/a.crl: connection refused"),
        "{reason}"
    );
}

#[test]
fn offline_without_bundle_or_cache_the_status_is_unknown() {
    let ca = usual_ca();
    let status = status(
        RevocationSources::default(),
        &ca.chain(&ca.leaf(true, true)),
    );
    assert!(matches!(status, RevocationStatus::Unknown { reason } if reason.contains("offline")));
}

#[test]
fn a_nonce_is_sent_by_post_and_left_out_for_a_responder_that_refuses_it() {
    let ca = usual_ca();
    let leaf = ca.leaf(true, false);
    let network = Network::default()
        .with_status(OCSP_URL, 400, vec![])
        .with(&ocsp_get(&ca, &leaf), good().signed_by_ca(&ca));
    let network = Arc::new(network);
    let settings = RevocationSettings::default();
    let chain = ca.chain(&leaf);
    let checker = SourcedRevocationChecker::new(
        online(&network),
        settings,
        Budget::new(StdDuration::from_secs(60)),
    );
    let question = RevocationQuestion {
        chain: &chain,
        purpose: ChainPurpose::Signing,
        now: NOW,
        signing_time: None,
    };
    assert_eq!(
        block_on(checker.check(question)).certificates[0].status,
        RevocationStatus::Good
    );
    let asked = network.asked();
    assert_eq!(
        asked[0].post.as_ref().map(|post| post.0),
        Some("application/ocsp-request")
    );
    assert_eq!(asked[1].post, None);
}

/// Quarkslab INFO-10: any 2xx was taken for a CRL.
#[test]
fn quarkslab_info_10_only_status_200_is_an_answer() {
    let ca = usual_ca();
    let leaf = ca.leaf(false, true);
    for status_code in [203, 204, 206, 404] {
        let network =
            Network::default().with_status(CRL_URL, status_code, crl(vec![]).signed_by(&ca));
        let status = status(online(&Arc::new(network)), &ca.chain(&leaf));
        assert!(
            matches!(status, RevocationStatus::Unknown { reason } if reason.contains("not 200"))
        );
    }
}

#[test]
fn a_private_address_in_a_certificate_is_not_asked() {
    let ca = usual_ca();
    let url = "http://169.254.169.254/latest/meta-data";
    let leaf = ca.issue("leaf", |params| {
        params.crl_distribution_points = vec![CrlDistributionPoint {
            uris: vec![url.to_owned()],
        }];
    });
    let network = Arc::new(Network::default().with(url, crl(vec![]).signed_by(&ca)));
    let status = status(online(&network), &ca.chain(&leaf));
    assert!(
        matches!(status, RevocationStatus::Unknown { reason } if reason.contains("not a public address"))
    );
    assert!(network.asked().is_empty());
}

#[test]
fn an_exhausted_budget_leaves_the_status_unknown() {
    let ca = usual_ca();
    let chain = ca.chain(&ca.leaf(false, true));
    let network = Arc::new(Network::default().with(CRL_URL, crl(vec![]).signed_by(&ca)));
    let checker =
        SourcedRevocationChecker::new(online(&network), SETTINGS, Budget::new(StdDuration::ZERO));
    let question = RevocationQuestion {
        chain: &chain,
        purpose: ChainPurpose::Timestamping,
        now: NOW,
        signing_time: None,
    };
    let report = block_on(checker.check(question));
    assert!(
        matches!(&report.certificates[0].status, RevocationStatus::Unknown { reason } if reason.contains("budget"))
    );
    assert!(network.asked().is_empty());
}

#[test]
fn a_signature_from_before_the_invalidity_date_stays_good() {
    let ca = usual_ca();
    let chain = ca.chain(&ca.leaf(false, true));
    let since = NOW - Duration::days(2);
    let list = crl(vec![entry(
        Some(1),
        &[extension("2.5.29.24", false, &generalized(since))],
    )])
    .signed_by(&ca);
    let network = Arc::new(Network::default().with(CRL_URL, list));
    let at = |time| {
        report(online(&network), &chain, time).certificates[0]
            .status
            .clone()
    };
    assert_eq!(at(Some(since - Duration::DAY)), RevocationStatus::Good);
    assert!(matches!(
        at(Some(since + Duration::HOUR)),
        RevocationStatus::Revoked { .. }
    ));
    assert!(matches!(at(None), RevocationStatus::Revoked { .. }));
}

#[test]
fn a_delta_crl_is_fetched_where_the_base_says_and_is_needed_then() {
    const DELTA_URL: &str = "http://crl.example.com/delta.crl";
    let ca = usual_ca();
    let chain = ca.chain(&ca.leaf(false, true));
    let base = crl(vec![]).with(freshest_crl(DELTA_URL)).signed_by(&ca);
    let delta = crl(vec![entry(Some(1), &[])])
        .numbered(vec![number(8), delta_indicator(7)])
        .signed_by(&ca);
    let with_delta = Network::default()
        .with(CRL_URL, base.clone())
        .with(DELTA_URL, delta);
    assert!(matches!(
        status(online(&Arc::new(with_delta)), &chain),
        RevocationStatus::Revoked { .. }
    ));
    let without = Network::default().with(CRL_URL, base);
    let status = status(online(&Arc::new(without)), &chain);
    assert!(matches!(status, RevocationStatus::Unknown { reason } if reason.contains("delta CRL")));
}

#[test]
fn a_delegated_responder_without_nocheck_is_checked_by_crl() {
    let ca = usual_ca();
    let leaf = ca.leaf(true, false);
    let responder = ca.issue("responder", |params| {
        params.serial_number = Some(vec![43].into());
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning];
        params.crl_distribution_points = vec![CrlDistributionPoint {
            uris: vec![CRL_URL.to_owned()],
        }];
    });
    let url = ocsp_get(&ca, &leaf);
    let network = || Network::default().with(&url, good().signed_by(&ca, &responder));
    let fine = Arc::new(network().with(CRL_URL, crl(vec![]).signed_by(&ca)));
    assert_eq!(
        status(online(&fine), &ca.chain(&leaf)),
        RevocationStatus::Good
    );
    let mut taken_back = entry(Some(1), &[]);
    let serial = taken_back
        .windows(3)
        .position(|window| window == [0x02, 0x01, 42])
        .unwrap();
    taken_back[serial + 2] = 43;
    for network in [
        network(),
        network().with(CRL_URL, crl(vec![taken_back]).signed_by(&ca)),
    ] {
        let status = status(online(&Arc::new(network)), &ca.chain(&leaf));
        assert!(
            matches!(status, RevocationStatus::Unknown { .. }),
            "{status:?}"
        );
    }
}

#[test]
fn of_the_urls_in_a_certificate_no_more_than_the_limit_are_asked() {
    let ca = usual_ca();
    let crl_urls: Vec<String> = (0..MAX_URLS + 1)
        .map(|index| format!("http://crl{index}.example.com/"))
        .collect();
    let ocsp_urls: Vec<Vec<u8>> = (0..MAX_URLS + 1)
        .map(|index| {
            write::sequence(&[
                &write::object_identifier(oid::ACCESS_OCSP),
                &write::implicit(6, format!("http://ocsp{index}.example.com/").as_bytes()),
            ])
        })
        .collect();
    let ocsp_urls: Vec<&[u8]> = ocsp_urls.iter().map(Vec::as_slice).collect();
    let leaf = ca.issue("leaf", |params| {
        params.crl_distribution_points = vec![CrlDistributionPoint { uris: crl_urls }];
        let arcs: Vec<u64> = oid::AUTHORITY_INFO_ACCESS.arcs().map(u64::from).collect();
        let access = CustomExtension::from_oid_content(&arcs, write::sequence(&ocsp_urls));
        params.custom_extensions = vec![access];
    });
    let network = Arc::new(Network::default());
    let status = status(online(&network), &ca.chain(&leaf));
    assert!(matches!(status, RevocationStatus::Unknown { .. }));
    assert_eq!(network.asked().len(), 2 * MAX_URLS);
}

/// A network that answers no request before it has two.
struct Meeting {
    network: Network,
    both: tokio::sync::Barrier,
}

impl RevocationFetcher for Meeting {
    fn fetch(&self, request: FetchRequest) -> BoxFuture<'_, Result<FetchResponse, FetchError>> {
        Box::pin(async move {
            self.both.wait().await;
            self.network.fetch(request).await
        })
    }
}

#[test]
fn the_certificates_of_a_chain_are_asked_about_at_the_same_time() {
    let root = usual_ca();
    let naming = |url: &str| {
        vec![CrlDistributionPoint {
            uris: vec![url.to_owned()],
        }]
    };
    let intermediate = root.issue("intermediate", |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.crl_distribution_points = naming("http://crl.example.com/root.crl");
    });
    let issuer = intermediate.as_ca();
    let leaf = issuer.issue("leaf", |params| {
        params.crl_distribution_points = naming("http://crl.example.com/intermediate.crl");
    });
    let certificates = [
        &leaf.certificate,
        &intermediate.certificate,
        &root.certificate,
    ];
    let chain = CertificateChain::new(certificates.map(Clone::clone).to_vec()).unwrap();
    let network = Network::default()
        .with(
            "http://crl.example.com/root.crl",
            crl(vec![]).signed_by(&root),
        )
        .with(
            "http://crl.example.com/intermediate.crl",
            crl(vec![]).signed_by(&issuer),
        );
    let meeting = Meeting {
        network,
        both: tokio::sync::Barrier::new(2),
    };
    let sources = RevocationSources {
        fetcher: Some(Arc::new(meeting)),
        ..RevocationSources::default()
    };
    let checker =
        SourcedRevocationChecker::new(sources, SETTINGS, Budget::new(StdDuration::from_secs(60)));
    let question = RevocationQuestion {
        chain: &chain,
        purpose: ChainPurpose::Signing,
        now: NOW,
        signing_time: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let report = runtime
        .block_on(async {
            tokio::time::timeout(StdDuration::from_secs(60), checker.check(question)).await
        })
        .expect("one request waited for the other to be answered");
    let good = report
        .certificates
        .iter()
        .filter(|one| one.status == RevocationStatus::Good);
    assert_eq!(good.count(), 2);
}
