//! What is believed of an OCSP answer: one rule in each test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[allow(dead_code)]
mod evidence;

use apostille_trust::revocation::ocsp::{
    MAX_CERTIFICATES, MAX_RESPONSE_LEN, Nonce, get_url, read, request,
};
use apostille_trust::revocation::{EvidenceError, MAX_CLOCK_SKEW, Verdict};
use evidence::*;
use notary_x509::asn1::write;
use proptest::prelude::*;
use rcgen::{ExtendedKeyUsagePurpose, KeyUsagePurpose, SerialNumber};
use time::Duration;

fn verdict(spec: &OcspSpec) -> Result<Option<Verdict>, EvidenceError> {
    let ca = usual_ca();
    let leaf = ca.leaf(true, false);
    read(
        &spec.signed_by_ca(&ca),
        &leaf.certificate,
        &ca.certificate,
        None,
        NOW,
    )
    .map(|answer| answer.verdict)
}

#[test]
fn an_answer_of_the_ca_itself_is_believed() {
    assert_eq!(verdict(&good()), Ok(Some(Verdict::Good)));
    assert!(
        matches!(verdict(&revoked()), Ok(Some(Verdict::Revoked(revocation))) if revocation.reason == 1)
    );
    let unknown = OcspSpec {
        status: write::implicit(2, &[]),
        ..good()
    };
    assert_eq!(verdict(&unknown), Ok(None));
}

#[test]
fn an_answer_about_a_serial_number_with_the_highest_bit_is_found() {
    let ca = usual_ca();
    let leaf = ca.issue("leaf", |params| {
        params.serial_number = Some(SerialNumber::from(vec![0x80]));
    });
    let read = |spec: OcspSpec| {
        let der = spec.signed_by_ca(&ca);
        read(&der, &leaf.certificate, &ca.certificate, None, NOW).map(|answer| answer.verdict)
    };
    let about = |serial| OcspSpec { serial, ..good() };
    assert_eq!(read(about(0x80)), Ok(Some(Verdict::Good)));
    assert_eq!(read(about(0x7f)), Err(EvidenceError::OtherCertificate));
}

#[test]
fn an_answer_of_a_responder_that_the_ca_appointed_is_believed() {
    let ca = usual_ca();
    let leaf = ca.leaf(true, false);
    let responder = ca.responder(vec![ExtendedKeyUsagePurpose::OcspSigning]);
    let answer = read(
        &good().signed_by(&ca, &responder),
        &leaf.certificate,
        &ca.certificate,
        None,
        NOW,
    )
    .unwrap();
    assert_eq!(
        (answer.verdict, answer.delegate),
        (Some(Verdict::Good), Some(responder.certificate))
    );
}

fn refused(ca: &Ca, responder: &Leaf) -> String {
    let leaf = ca.leaf(true, false);
    let result = read(
        &good().signed_by(ca, responder),
        &leaf.certificate,
        &ca.certificate,
        None,
        NOW,
    );
    assert!(
        matches!(result, Err(EvidenceError::Signature { .. })),
        "{result:?}"
    );
    result.unwrap_err().to_string()
}

#[test]
fn a_certificate_cannot_vouch_for_itself() {
    let ca = usual_ca();
    let leaf = ca.leaf(true, false);
    let answer = good().signed_by(&ca, &leaf);
    let result = read(&answer, &leaf.certificate, &ca.certificate, None, NOW);
    assert!(
        result
            .unwrap_err()
            .to_string()
            .contains("not for OCSPSigning")
    );
}

#[test]
fn a_responder_without_the_right_purpose_usage_validity_or_issuer_is_refused() {
    let ca = usual_ca();
    for purposes in [
        vec![],
        vec![ExtendedKeyUsagePurpose::Any],
        vec![ExtendedKeyUsagePurpose::CodeSigning],
    ] {
        assert!(refused(&ca, &ca.responder(purposes)).contains("not for OCSPSigning"));
    }
    let with = |change: fn(&mut rcgen::CertificateParams)| {
        ca.issue("responder", |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning];
            change(params);
        })
    };
    let wrong_usage = with(|params| params.key_usages = vec![KeyUsagePurpose::KeyEncipherment]);
    assert!(refused(&ca, &wrong_usage).contains("digitalSignature"));
    let expired = with(|params| params.not_after = NOW - Duration::SECOND);
    assert!(refused(&ca, &expired).contains("valid from"));
    let foreign = usual_ca().responder(vec![ExtendedKeyUsagePurpose::OcspSigning]);
    assert!(refused(&ca, &foreign).contains("not the CA's"));
}

#[test]
fn an_answer_signed_by_another_key_is_refused() {
    let (ca, other) = (usual_ca(), usual_ca());
    let leaf = ca.leaf(true, false);
    let result = read(
        &good().signed_by_ca(&other),
        &leaf.certificate,
        &ca.certificate,
        None,
        NOW,
    );
    assert!(matches!(result, Err(EvidenceError::Signature { .. })));
}

#[test]
fn an_answer_about_another_certificate_is_refused() {
    assert_eq!(
        verdict(&OcspSpec {
            serial: 43,
            ..good()
        }),
        Err(EvidenceError::OtherCertificate)
    );
}

#[test]
fn an_answer_that_is_too_old_or_from_the_future_is_refused() {
    let expired = OcspSpec {
        next_update: Some(NOW - Duration::SECOND),
        ..good()
    };
    assert!(matches!(
        verdict(&expired),
        Err(EvidenceError::Expired { .. })
    ));
    let future = OcspSpec {
        this_update: NOW + Duration::minutes(6),
        ..good()
    };
    assert!(matches!(
        verdict(&future),
        Err(EvidenceError::NotYetValid { .. })
    ));
}

#[test]
fn an_answer_without_end_is_believed_for_a_day() {
    let endless = |age| OcspSpec {
        this_update: NOW - age,
        next_update: None,
        ..good()
    };
    assert_eq!(verdict(&endless(Duration::HOUR)), Ok(Some(Verdict::Good)));
    assert!(matches!(
        verdict(&endless(Duration::hours(25))),
        Err(EvidenceError::Expired { .. })
    ));
}

#[test]
fn a_wrong_nonce_is_refused_and_a_missing_one_is_not() {
    let ca = usual_ca();
    let leaf = ca.leaf(true, false);
    let answer = |nonce: Option<[u8; 32]>| {
        let extensions = nonce
            .map(|nonce| extension("1.3.6.1.5.5.7.48.1.2", false, &write::octet_string(&nonce)))
            .into_iter()
            .collect();
        let spec = OcspSpec {
            extensions,
            ..good()
        };
        let asked = Some(Nonce::from_random([1; 32]));
        read(
            &spec.signed_by_ca(&ca),
            &leaf.certificate,
            &ca.certificate,
            asked,
            NOW,
        )
        .map(|answer| answer.verdict)
    };
    assert_eq!(answer(Some([1; 32])), Ok(Some(Verdict::Good)));
    assert_eq!(answer(None), Ok(Some(Verdict::Good)));
    assert_eq!(answer(Some([2; 32])), Err(EvidenceError::Nonce));
}

#[test]
fn unknown_critical_extensions_are_refused() {
    let unknown = || vec![extension("1.3.6.1.4.1.99999.1", true, &write::null())];
    for spec in [
        OcspSpec {
            extensions: unknown(),
            ..good()
        },
        OcspSpec {
            single_extensions: unknown(),
            ..good()
        },
    ] {
        assert!(matches!(
            verdict(&spec),
            Err(EvidenceError::CriticalExtension { .. })
        ));
    }
}

#[test]
fn an_invalidity_date_is_kept() {
    let since = NOW - Duration::days(3);
    let spec = OcspSpec {
        single_extensions: vec![extension("2.5.29.24", false, &generalized(since))],
        ..revoked()
    };
    assert!(
        matches!(verdict(&spec), Ok(Some(Verdict::Revoked(it))) if it.invalid_since == Some(since))
    );
}

#[test]
fn a_responder_that_refuses_to_answer_is_quoted() {
    let ca = usual_ca();
    let leaf = ca.leaf(true, false);
    let error = read(
        &[0x30, 0x03, 0x0a, 0x01, 0x06],
        &leaf.certificate,
        &ca.certificate,
        None,
        NOW,
    )
    .unwrap_err();
    assert_eq!(
        error,
        EvidenceError::Refused {
            status: "unauthorized"
        }
    );
}

#[test]
fn an_answer_larger_than_the_limit_is_refused() {
    let ca = usual_ca();
    let leaf = ca.leaf(true, false);
    let large = vec![0; MAX_RESPONSE_LEN + 1];
    let result = read(&large, &leaf.certificate, &ca.certificate, None, NOW);
    assert!(matches!(result, Err(EvidenceError::TooLarge { .. })));
}

#[test]
fn long_requests_and_urls_with_a_query_are_not_sent_by_get() {
    let ca = usual_ca();
    let leaf = ca.leaf(true, false);
    let request = request(&leaf.certificate, &ca.certificate, None);
    assert!(
        get_url(OCSP_URL, &request)
            .unwrap()
            .starts_with("http://ocsp.example.com/M")
    );
    assert_eq!(get_url("http://ocsp.example.com/?a=b", &request), None);
    assert_eq!(get_url(OCSP_URL, &[0; 300]), None);
}

proptest! {
    #[test]
    fn changed_answers_never_panic_and_never_turn_good(at in any::<prop::sample::Index>(), value in any::<u8>()) {
        let ca = usual_ca();
        let leaf = ca.leaf(true, false);
        let mut der = revoked().signed_by_ca(&ca);
        let at = at.index(der.len());
        der[at] = value;
        if let Ok(answer) = read(&der, &leaf.certificate, &ca.certificate, None, NOW) {
            prop_assert!(answer.verdict != Some(Verdict::Good));
        }
    }
}

#[test]
fn a_responder_behind_more_certificates_than_are_looked_at_is_not_found() {
    let ca = usual_ca();
    let leaf = ca.leaf(true, false);
    let responder = ca.responder(vec![ExtendedKeyUsagePurpose::OcspSigning]);
    let read_behind = |others: usize| {
        let mut certificates = vec![&leaf.certificate; others];
        certificates.push(&responder.certificate);
        let der = good().signed_by_with(&ca, &responder, &certificates);
        read(&der, &leaf.certificate, &ca.certificate, None, NOW).map(|answer| answer.verdict)
    };
    assert_eq!(read_behind(MAX_CERTIFICATES - 1), Ok(Some(Verdict::Good)));
    assert!(matches!(
        read_behind(MAX_CERTIFICATES),
        Err(EvidenceError::Signature { .. })
    ));
}

#[test]
fn a_clock_may_be_ahead_of_ours_by_the_tolerance_and_no_more() {
    let from = |this_update| OcspSpec {
        this_update,
        ..good()
    };
    assert!(verdict(&from(NOW + MAX_CLOCK_SKEW)).is_ok());
    assert!(matches!(
        verdict(&from(NOW + MAX_CLOCK_SKEW + Duration::SECOND)),
        Err(EvidenceError::NotYetValid { .. })
    ));
}
