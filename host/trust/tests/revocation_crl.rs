//! What is believed of a CRL: one rule in each test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[allow(dead_code)]
mod evidence;

use apostille_trust::revocation::crl::{Crl, MAX_CRL_LEN, judge};
use apostille_trust::revocation::{EvidenceError, Verdict};
use evidence::*;
use notary_x509::asn1::write;
use proptest::prelude::*;
use rcgen::{KeyUsagePurpose, SerialNumber};
use time::Duration;

fn verdict(base: &CrlSpec, delta: Option<&CrlSpec>) -> Result<Verdict, EvidenceError> {
    let ca = usual_ca();
    let leaf = ca.leaf(false, true);
    let read = |spec: &CrlSpec| Crl::from_der(spec.signed_by(&ca)).unwrap();
    judge(
        &leaf.certificate,
        &ca.certificate,
        &read(base),
        delta.map(read).as_ref(),
        NOW,
    )
}

fn revoked_for(verdict: Result<Verdict, EvidenceError>) -> &'static str {
    match verdict.unwrap() {
        Verdict::Revoked(revocation) => revocation.reason_name(),
        Verdict::Good => "good",
    }
}

#[test]
fn a_certificate_that_is_not_listed_is_good_and_one_that_is_listed_is_revoked() {
    assert_eq!(verdict(&crl(vec![]), None), Ok(Verdict::Good));
    assert_eq!(
        revoked_for(verdict(&crl(vec![entry(None, &[])]), None)),
        "unspecified"
    );
    assert_eq!(
        revoked_for(verdict(&crl(vec![entry(Some(1), &[])]), None)),
        "keyCompromise"
    );
    assert_eq!(
        revoked_for(verdict(&crl(vec![entry(Some(6), &[])]), None)),
        "certificateHold"
    );
}

#[test]
fn serial_numbers_of_every_form_are_found() {
    let ca = usual_ca();
    let list = |content: &[u8]| {
        let revoked_at = write::time(NOW - Duration::DAY).unwrap();
        let entry = write::sequence(&[&write::tlv(0x02, content), &revoked_at]);
        Crl::from_der(crl(vec![entry]).signed_by(&ca)).unwrap()
    };
    for (serial, listed, revoked) in [
        (&[0x01][..], &[0x01][..], true),
        (&[0x80], &[0x00, 0x80], true),
        (&[0x80], &[0x00, 0x00, 0x80], true),
        (&[0xff, 0x00], &[0x00, 0xff, 0x00], true),
        (&[0xff, 0x00], &[0x00, 0xff], false),
        (&[0x01], &[0x01, 0x00], false),
    ] {
        let leaf = ca.issue("leaf", |params| {
            params.serial_number = Some(SerialNumber::from(serial.to_vec()));
        });
        let found = judge(&leaf.certificate, &ca.certificate, &list(listed), None, NOW).unwrap();
        assert_eq!(found != Verdict::Good, revoked, "{serial:x?}, {listed:x?}");
    }
}

#[test]
fn a_crl_signed_by_another_key_is_no_evidence() {
    let (ca, other) = (usual_ca(), usual_ca());
    let leaf = ca.leaf(false, true);
    let forged = Crl::from_der(crl(vec![]).signed_by(&other)).unwrap();
    let result = judge(&leaf.certificate, &ca.certificate, &forged, None, NOW);
    assert!(matches!(result, Err(EvidenceError::Signature { .. })));
}

#[test]
fn a_ca_that_may_not_sign_crls_is_no_evidence() {
    let ca = ca(&[KeyUsagePurpose::KeyCertSign]);
    let leaf = ca.leaf(false, true);
    let list = Crl::from_der(crl(vec![]).signed_by(&ca)).unwrap();
    let error = judge(&leaf.certificate, &ca.certificate, &list, None, NOW).unwrap_err();
    assert!(
        error.to_string().contains("keyUsage lacks cRLSign"),
        "{error}"
    );
}

#[test]
fn an_expired_crl_proves_a_permanent_revocation_and_nothing_else() {
    assert_eq!(
        revoked_for(verdict(&crl(vec![entry(Some(1), &[])]).expired(), None)),
        "keyCompromise"
    );
    for entries in [vec![], vec![entry(Some(6), &[])]] {
        assert!(matches!(
            verdict(&crl(entries).expired(), None),
            Err(EvidenceError::Expired { .. })
        ));
    }
}

#[test]
fn a_crl_without_end_or_from_the_future_is_no_evidence() {
    let mut endless = crl(vec![]);
    endless.next_update = None;
    assert_eq!(verdict(&endless, None), Err(EvidenceError::NoNextUpdate));

    let mut future = crl(vec![]);
    future.this_update = NOW + Duration::minutes(6);
    assert!(matches!(
        verdict(&future, None),
        Err(EvidenceError::NotYetValid { .. })
    ));
    future.this_update = NOW + Duration::minutes(4);
    assert_eq!(verdict(&future, None), Ok(Verdict::Good));
}

#[test]
fn unknown_critical_extensions_of_the_list_or_any_entry_are_refused() {
    let unknown = || extension("1.3.6.1.4.1.99999.1", true, &write::null());
    let list = crl(vec![]).with(unknown());
    assert!(matches!(
        verdict(&list, None),
        Err(EvidenceError::CriticalExtension { what: "CRL", .. })
    ));
    // Even if the entry is another certificate's.
    let mut other = entry(None, &[unknown()]);
    let serial = other
        .windows(3)
        .position(|window| window == [0x02, 0x01, 42])
        .unwrap();
    other[serial + 2] = 43;
    let result = verdict(&crl(vec![other]), None);
    assert!(matches!(
        result,
        Err(EvidenceError::CriticalExtension {
            what: "CRL entry",
            ..
        })
    ));
    let harmless = extension("1.3.6.1.4.1.99999.1", false, &write::null());
    assert_eq!(
        verdict(&crl(vec![]).with(harmless), None),
        Ok(Verdict::Good)
    );
}

#[test]
fn partitions_cover_the_certificates_of_their_distribution_point_and_kind_only() {
    let idp =
        |fields: &[Vec<u8>]| verdict(&crl(vec![]).with(issuing_distribution_point(fields)), None);
    assert_eq!(idp(&[point_name(CRL_URL)]), Ok(Verdict::Good));
    assert_eq!(idp(&[flag(1)]), Ok(Verdict::Good));
    for (fields, reason) in [
        (
            vec![point_name("http://crl.example.com/b.crl")],
            "partition of another",
        ),
        (vec![flag(2)], "CAs only"),
        (vec![flag(3)], "some revocation reasons"),
        (vec![flag(4)], "indirect"),
        (vec![flag(5)], "attribute certificates"),
    ] {
        let error = idp(&fields).unwrap_err();
        assert!(matches!(error, EvidenceError::OutOfScope { .. }), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn a_list_for_some_reasons_can_still_say_revoked() {
    let partial = crl(vec![entry(Some(1), &[])]).with(issuing_distribution_point(&[flag(3)]));
    assert_eq!(revoked_for(verdict(&partial, None)), "keyCompromise");
}

fn delta(entries: Vec<Vec<u8>>) -> CrlSpec {
    crl(entries).numbered(vec![number(8), delta_indicator(7)])
}

#[test]
fn a_delta_crl_adds_revocations_and_takes_holds_back() {
    assert_eq!(
        revoked_for(verdict(
            &crl(vec![]),
            Some(&delta(vec![entry(Some(1), &[])]))
        )),
        "keyCompromise"
    );
    let hold = crl(vec![entry(Some(6), &[])]);
    assert_eq!(
        verdict(&hold, Some(&delta(vec![entry(Some(8), &[])]))),
        Ok(Verdict::Good)
    );
    assert_eq!(
        revoked_for(verdict(&hold, Some(&delta(vec![])))),
        "certificateHold"
    );
    assert_eq!(
        verdict(&crl(vec![]), Some(&delta(vec![]))),
        Ok(Verdict::Good)
    );
}

#[test]
fn a_delta_crl_that_does_not_go_with_the_base_is_refused() {
    for extensions in [
        vec![number(8)],
        vec![delta_indicator(7)],
        vec![number(9), delta_indicator(8)],
        vec![number(6), delta_indicator(5)],
        vec![
            number(8),
            delta_indicator(7),
            issuing_distribution_point(&[flag(1)]),
        ],
    ] {
        let wrong = crl(vec![]).numbered(extensions);
        assert!(matches!(
            verdict(&crl(vec![]), Some(&wrong)),
            Err(EvidenceError::Delta { .. })
        ));
    }
    assert!(matches!(
        verdict(&crl(vec![]), Some(&delta(vec![]).expired())),
        Err(EvidenceError::Expired { .. })
    ));
}

#[test]
fn a_delta_crl_alone_is_no_evidence() {
    assert!(matches!(
        verdict(&delta(vec![]), None),
        Err(EvidenceError::OutOfScope { .. })
    ));
}

#[test]
fn an_invalidity_date_after_the_signature_leaves_the_signature_good() {
    let since = NOW - Duration::days(2);
    let invalidity = extension("2.5.29.24", false, &generalized(since));
    let Verdict::Revoked(revocation) =
        verdict(&crl(vec![entry(Some(1), &[invalidity])]), None).unwrap()
    else {
        panic!("revoked")
    };
    assert!(!revocation.affects(Some(since - Duration::SECOND)));
    assert!(revocation.affects(Some(since)));
    assert!(revocation.affects(None));
}

#[test]
fn a_crl_larger_than_the_limit_is_refused() {
    let result = Crl::from_der(vec![0; MAX_CRL_LEN + 1]);
    assert!(matches!(result, Err(EvidenceError::TooLarge { .. })));
}

proptest! {
    #[test]
    fn changed_crls_never_panic_and_never_turn_good(
        at in any::<prop::sample::Index>(), value in any::<u8>(), cut in prop::option::weighted(0.2, any::<prop::sample::Index>())
    ) {
        let ca = usual_ca();
        let leaf = ca.leaf(false, true);
        let original = crl(vec![entry(Some(1), &[])]).signed_by(&ca);
        let mut der = original.clone();
        let at = at.index(der.len());
        der[at] = value;
        if let Some(cut) = cut {
            der.truncate(cut.index(der.len()));
        }
        if let Ok(crl) = Crl::from_der(der.clone()) {
            let verdict = judge(&leaf.certificate, &ca.certificate, &crl, None, NOW);
            prop_assert!(verdict != Ok(Verdict::Good));
            prop_assert!(verdict.is_err() || der == original);
        }
    }
}
