//! Bundles: what a prepared directory answers, and which ones are refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[allow(dead_code)]
mod evidence;

use std::sync::Arc;
use std::time::Duration as StdDuration;

use apostille_trust::revocation::crl::MAX_CRL_LEN;
use apostille_trust::revocation::{
    Budget, BundleError, ChainPurpose, MAX_BUNDLE_FILES, MAX_BUNDLE_LEN, OfflineBundle,
    RevocationChecker as _, RevocationQuestion, RevocationSettings, RevocationSources,
    RevocationStatus, SourcedRevocationChecker,
};
use evidence::*;
use futures::executor::block_on;
use notary_x509::CertificateChain;
use rcgen::{CrlDistributionPoint, ExtendedKeyUsagePurpose};
use time::Duration;

fn status(sources: RevocationSources, chain: &CertificateChain) -> RevocationStatus {
    let budget = Budget::new(StdDuration::from_secs(60));
    let checker = SourcedRevocationChecker::new(sources, RevocationSettings::default(), budget);
    let question = RevocationQuestion {
        chain,
        purpose: ChainPurpose::Signing,
        now: NOW,
        signing_time: None,
    };
    block_on(checker.check(question)).certificates[0]
        .status
        .clone()
}

fn bundle(files: &[(&str, Vec<u8>)]) -> (tempfile::TempDir, RevocationSources) {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(directory.path().join(name), content).unwrap();
    }
    let sources = RevocationSources {
        bundle: Some(Arc::new(OfflineBundle::read(directory.path()).unwrap())),
        ..RevocationSources::default()
    };
    (directory, sources)
}

#[test]
fn a_bundle_answers_without_a_network_by_crl_and_by_ocsp() {
    let ca = usual_ca();
    let chain = ca.chain(&ca.leaf(true, true));
    let (_directory, by_crl) = bundle(&[
        ("ca.crl", crl(vec![]).signed_by(&ca)),
        ("README", b"x".to_vec()),
    ]);
    assert_eq!(status(by_crl, &chain), RevocationStatus::Good);
    let (_directory, by_ocsp) = bundle(&[("leaf.ocsp", revoked().signed_by_ca(&ca))]);
    assert!(matches!(
        status(by_ocsp, &chain),
        RevocationStatus::Revoked { .. }
    ));
    let foreign = usual_ca();
    let (_directory, of_another) = bundle(&[
        ("ca.crl", crl(vec![]).signed_by(&foreign)),
        ("leaf.ocsp", good().signed_by_ca(&foreign)),
    ]);
    assert!(matches!(
        status(of_another, &chain),
        RevocationStatus::Unknown { .. }
    ));
}

#[test]
fn the_newest_crl_of_a_bundle_and_its_delta_decide() {
    let ca = usual_ca();
    let chain = ca.chain(&ca.leaf(false, true));
    let mut old = crl(vec![entry(Some(6), &[])]);
    old.this_update = NOW - Duration::days(3);
    let (_directory, newest) = bundle(&[
        ("a.crl", old.signed_by(&ca)),
        ("b.crl", crl(vec![]).signed_by(&ca)),
    ]);
    assert_eq!(status(newest, &chain), RevocationStatus::Good);
    let delta = crl(vec![entry(Some(1), &[])]).numbered(vec![number(8), delta_indicator(7)]);
    let (_directory, with_delta) = bundle(&[
        ("a.crl", crl(vec![]).signed_by(&ca)),
        ("delta.crl", delta.signed_by(&ca)),
    ]);
    assert!(matches!(
        status(with_delta, &chain),
        RevocationStatus::Revoked { .. }
    ));
}

#[test]
fn a_bundle_with_a_broken_crl_is_refused_by_the_name_of_the_file() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("broken.crl"), b"junk").unwrap();
    let error = OfflineBundle::read(directory.path())
        .unwrap_err()
        .to_string();
    assert!(error.contains("broken.crl"), "{error}");
    assert!(OfflineBundle::read(&directory.path().join("missing")).is_err());
}

#[test]
fn revoked_counts_whether_the_ocsp_answer_or_the_crl_of_a_bundle_says_it() {
    let ca = usual_ca();
    let chain = ca.chain(&ca.leaf(true, true));
    for (answer, list) in [
        (good(), crl(vec![entry(Some(1), &[])])),
        (revoked(), crl(vec![])),
    ] {
        let (_directory, sources) = bundle(&[
            ("leaf.ocsp", answer.signed_by_ca(&ca)),
            ("ca.crl", list.signed_by(&ca)),
        ]);
        let status = status(sources, &chain);
        assert!(
            matches!(status, RevocationStatus::Revoked { .. }),
            "{status:?}"
        );
    }
}

#[test]
fn a_crl_may_be_pem() {
    use base64::Engine as _;
    let ca = usual_ca();
    let chain = ca.chain(&ca.leaf(false, true));
    let base64 = base64::engine::general_purpose::STANDARD.encode(crl(vec![]).signed_by(&ca));
    let lines: Vec<String> = base64
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    let block = |label: &str| {
        format!(
            "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
            lines.join("\n")
        )
    };
    let (_directory, sources) = bundle(&[("ca.CRL", block("X509 CRL").into_bytes())]);
    assert_eq!(status(sources, &chain), RevocationStatus::Good);

    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.crl"), block("CERTIFICATE")).unwrap();
    assert!(matches!(
        OfflineBundle::read(directory.path()),
        Err(BundleError::File { .. })
    ));
}

#[test]
fn a_directory_with_more_files_than_the_limit_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    for index in 0..MAX_BUNDLE_FILES {
        std::fs::write(directory.path().join(index.to_string()), b"").unwrap();
    }
    assert!(OfflineBundle::read(directory.path()).is_ok());
    std::fs::write(directory.path().join("one more"), b"").unwrap();
    let error = OfflineBundle::read(directory.path()).unwrap_err();
    assert!(
        matches!(error, BundleError::TooLarge { unit: "files", .. }),
        "{error}"
    );
}

#[test]
fn a_bundle_with_more_bytes_than_the_limit_is_refused() {
    let ca = usual_ca();
    let filler = vec![0; MAX_CRL_LEN - 4096];
    let large = crl(vec![])
        .with(extension("1.2.3.4", false, &filler))
        .signed_by(&ca);
    assert!(large.len() <= MAX_CRL_LEN);
    let directory = tempfile::tempdir().unwrap();
    let first = directory.path().join("0.crl");
    std::fs::write(&first, &large).unwrap();
    // The same file under other names takes no more space on the disk.
    let fitting = MAX_BUNDLE_LEN / large.len();
    for index in 1..=fitting {
        std::fs::hard_link(&first, directory.path().join(format!("{index}.crl"))).unwrap();
    }
    let error = OfflineBundle::read(directory.path()).unwrap_err();
    assert!(
        matches!(error, BundleError::TooLarge { unit: "bytes", .. }),
        "{error}"
    );
}

#[test]
fn a_file_larger_than_what_it_may_hold_is_refused_unread() {
    for (name, len) in [("a.crl", 2 * MAX_CRL_LEN), ("a.ocsp", 20 * 1024 + 1)] {
        let directory = tempfile::tempdir().unwrap();
        let file = std::fs::File::create(directory.path().join(name)).unwrap();
        file.set_len(len as u64).unwrap();
        let error = OfflineBundle::read(directory.path())
            .unwrap_err()
            .to_string();
        assert!(error.contains(name) && error.contains("at most"), "{error}");
    }
}

#[test]
fn a_delegated_responder_in_a_bundle_is_checked_like_any_other() {
    let ca = usual_ca();
    let chain = ca.chain(&ca.leaf(true, false));
    let responder = ca.issue("responder", |params| {
        params.serial_number = Some(vec![43].into());
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning];
        params.crl_distribution_points = vec![CrlDistributionPoint {
            uris: vec![CRL_URL.to_owned()],
        }];
    });
    let answer = || ("leaf.ocsp", good().signed_by(&ca, &responder));
    let (_directory, alone) = bundle(&[answer()]);
    let unknown = status(alone, &chain);
    assert!(
        matches!(unknown, RevocationStatus::Unknown { .. }),
        "{unknown:?}"
    );
    let (_directory, with_crl) = bundle(&[answer(), ("ca.crl", crl(vec![]).signed_by(&ca))]);
    assert_eq!(status(with_crl, &chain), RevocationStatus::Good);
}
