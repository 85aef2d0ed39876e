//! Chains found among certificates in any order.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[allow(dead_code)]
mod pki;

use notary_x509::{Certificate, CertificateChain, Error, MAX_CHAIN_LEN, MAX_ORDER_INPUT, oid};
use pki::*;
use proptest::prelude::*;
use time::Duration;

fn order(certificates: &[&Certificate], leaf: &Certificate) -> Result<CertificateChain, Error> {
    let certificates: Vec<Certificate> = certificates
        .iter()
        .map(|&certificate| certificate.clone())
        .collect();
    CertificateChain::order(&certificates, leaf.public_key())
}

/// A subjectKeyIdentifier.
fn key_id(byte: u8) -> Ext {
    (
        oid::SUBJECT_KEY_IDENTIFIER,
        false,
        vec![0x04, 0x04, byte, byte, byte, byte],
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn the_order_and_repetition_of_the_input_do_not_matter(
        shuffled in Just(vec![0usize, 1, 2, 3, 0, 2, 3]).prop_shuffle()
    ) {
        let whole = chain(&[leaf(), ca("issuing"), ca("policy"), ca("root")]);
        let shuffled: Vec<&Certificate> = shuffled.iter().map(|&index| &whole.certificates()[index]).collect();
        prop_assert_eq!(order(&shuffled, whole.leaf()).unwrap(), whole);
    }
}

#[test]
fn a_self_signed_leaf_is_a_chain() {
    let single = chain(&[leaf()]);
    assert_eq!(order(&[single.leaf()], single.leaf()).unwrap(), single);
}

#[test]
fn of_two_cas_with_one_name_the_one_that_signed_is_taken() {
    let (first, second) = (self_signed(&ca("root")), self_signed(&ca("root")));
    for (signer, other) in [(&first, &second), (&second, &first)] {
        let leaf = issued(&leaf(), signer);
        let chain = order(
            &[&other.certificate, &leaf.certificate, &signer.certificate],
            &leaf.certificate,
        )
        .unwrap();
        assert_eq!(chain.root(), &signer.certificate);
        chain.check_code_signing(Some(NOW)).unwrap();
    }
}

#[test]
fn of_a_cross_signed_ca_the_certificate_that_leads_to_a_given_root_is_taken() {
    let (old_root, new_root) = (self_signed(&ca("old root")), self_signed(&ca("new root")));
    let by_old = issued(&ca("issuing"), &old_root);
    let by_new = issued_with(&ca("issuing"), same_key(&by_old), &new_root);
    let leaf = issued(&leaf(), &by_old);
    for (issuing, root) in [(&by_old, &old_root), (&by_new, &new_root)] {
        let input = [
            &by_new.certificate,
            &by_old.certificate,
            &root.certificate,
            &leaf.certificate,
        ];
        let chain = order(&input, &leaf.certificate).unwrap();
        assert_eq!(
            chain.certificates()[1..],
            [issuing.certificate.clone(), root.certificate.clone()]
        );
        chain.check_code_signing(Some(NOW)).unwrap();
    }
}

#[test]
fn a_self_signed_root_goes_before_its_own_cross_certificate() {
    let other = self_signed(&ca("other root"));
    let root = self_signed(&ca("root"));
    let cross = issued_with(&ca("root"), same_key(&root), &other);
    let leaf = issued(&leaf(), &root);
    let input = [
        &cross.certificate,
        &other.certificate,
        &root.certificate,
        &leaf.certificate,
    ];
    let chain = order(&input, &leaf.certificate).unwrap();
    assert_eq!(chain.certificates(), [leaf.certificate, root.certificate]);
}

#[test]
fn of_a_renewed_ca_the_certificate_that_expires_last_is_taken() {
    let root = self_signed(&ca("root"));
    let old = issued(&ca("issuing").valid(NOT_BEFORE, NOW), &root);
    let renewed = issued_with(&ca("issuing"), same_key(&old), &root);
    let leaf = issued(&leaf(), &old);
    let input = [
        &old.certificate,
        &root.certificate,
        &renewed.certificate,
        &leaf.certificate,
    ];
    assert_eq!(
        order(&input, &leaf.certificate).unwrap().certificates()[1],
        renewed.certificate
    );
}

#[test]
fn the_certificate_with_the_key_identifier_that_the_leaf_names_goes_first() {
    let root = self_signed(&ca("root"));
    let named = issued(&ca("issuing").with(key_id(1)).valid(NOT_BEFORE, NOW), &root);
    let longer = issued_with(&ca("issuing").with(key_id(2)), same_key(&named), &root);
    // authorityKeyIdentifier with keyIdentifier 01010101.
    let authority = (
        oid::AUTHORITY_KEY_IDENTIFIER,
        false,
        vec![0x30, 0x06, 0x80, 0x04, 1, 1, 1, 1],
    );
    let leaf = issued(&leaf().with(authority), &named);
    let input = [
        &longer.certificate,
        &named.certificate,
        &root.certificate,
        &leaf.certificate,
    ];
    assert_eq!(
        order(&input, &leaf.certificate).unwrap().certificates()[1],
        named.certificate
    );
}

#[test]
fn a_wrong_key_identifier_does_not_hide_the_certificate_that_signed() {
    let root = self_signed(&ca("root").with(key_id(7)));
    let authority = (
        oid::AUTHORITY_KEY_IDENTIFIER,
        false,
        vec![0x30, 0x06, 0x80, 0x04, 1, 1, 1, 1],
    );
    let leaf = issued(&leaf().with(authority), &root);
    assert_eq!(
        order(&[&root.certificate, &leaf.certificate], &leaf.certificate)
            .unwrap()
            .root(),
        &root.certificate
    );
}

#[test]
fn of_two_certificates_for_the_signing_key_the_issued_one_goes_before_the_self_signed() {
    let root = self_signed(&ca("root"));
    let own = self_signed(&leaf());
    let from_ca = issued_with(&leaf(), same_key(&own), &root);
    let input = [&own.certificate, &root.certificate, &from_ca.certificate];
    assert_eq!(
        order(&input, &own.certificate).unwrap().leaf(),
        &from_ca.certificate
    );
    // Without the CA, the self-signed one still makes a chain.
    assert_eq!(
        order(&input[..1], &own.certificate).unwrap().leaf(),
        &own.certificate
    );
    assert_eq!(
        order(&[&own.certificate, &from_ca.certificate], &own.certificate)
            .unwrap()
            .leaf(),
        &own.certificate
    );
}

#[test]
fn of_two_certificates_for_the_signing_key_the_one_that_expires_last_is_taken() {
    let root = self_signed(&ca("root"));
    let old = issued(&leaf().valid(NOT_BEFORE, NOW), &root);
    let renewed = issued_with(
        &leaf().valid(NOT_BEFORE, NOW + Duration::DAY),
        same_key(&old),
        &root,
    );
    let input = [&old.certificate, &renewed.certificate, &root.certificate];
    assert_eq!(
        order(&input, &old.certificate).unwrap().leaf(),
        &renewed.certificate
    );
}

#[test]
fn certificates_that_do_not_belong_to_the_chain_are_left_out() {
    let whole = chain(&[leaf(), ca("root")]);
    let other = chain(&[leaf(), ca("root")]);
    let input: Vec<&Certificate> = other
        .certificates()
        .iter()
        .chain(whole.certificates())
        .collect();
    assert_eq!(order(&input, whole.leaf()).unwrap(), whole);
}

#[test]
fn cas_that_issue_each_other_do_not_go_round_forever() {
    let first = self_signed(&ca("first"));
    let second = issued(&ca("second"), &first);
    let first_again = issued_with(&ca("first"), same_key(&first), &second);
    let leaf = issued(&leaf(), &second);
    let input = [
        &second.certificate,
        &first_again.certificate,
        &leaf.certificate,
    ];
    assert!(matches!(
        order(&input, &leaf.certificate),
        Err(Error::MissingIssuer { .. })
    ));
}

#[test]
fn a_missing_issuer_is_named_with_its_key_identifier() {
    let root = self_signed(&ca("root"));
    let issuing = issued(&ca("issuing").with_authority_key_id(), &root);
    let leaf = issued(&leaf(), &issuing);
    let error = order(
        &[&leaf.certificate, &issuing.certificate],
        &leaf.certificate,
    )
    .unwrap_err();
    let key_id = hex::encode(issuing.certificate.authority_key_id().unwrap());
    assert_eq!(
        error.to_string(),
        format!(
            "the certificate chain is incomplete: the issuer of \"CN=issuing\" is missing, which is \"CN=root\" with key identifier {key_id}"
        )
    );
}

#[test]
fn an_end_entity_certificate_is_never_taken_for_an_issuer() {
    let not_a_ca = self_signed(&leaf());
    let below = issued(&leaf(), &not_a_ca);
    let result = order(
        &[&not_a_ca.certificate, &below.certificate],
        &below.certificate,
    );
    assert!(matches!(result, Err(Error::MissingIssuer { .. })));
}

#[test]
fn a_key_without_certificate_is_said_so() {
    let whole = chain(&[leaf(), ca("root")]);
    let stranger = chain(&[leaf()]);
    let error = order(&[whole.leaf(), whole.root()], stranger.leaf())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("none of the 2 certificates holds the signing key's public key (EC P-256)"),
        "{error}"
    );
    assert_eq!(order(&[], stranger.leaf()), Err(Error::EmptyChain));
}

#[test]
fn more_certificates_than_the_limit_are_refused() {
    let single = chain(&[leaf()]);
    let many = vec![single.leaf().clone(); MAX_ORDER_INPUT];
    CertificateChain::order(&many, single.leaf().public_key()).unwrap();
    let too_many = vec![single.leaf().clone(); MAX_ORDER_INPUT + 1];
    assert!(matches!(
        CertificateChain::order(&too_many, single.leaf().public_key()),
        Err(Error::TooManyCertificates { .. })
    ));
}

#[test]
fn a_chain_longer_than_the_limit_is_refused_and_an_empty_one_too() {
    let single = chain(&[leaf()]);
    assert!(CertificateChain::new(vec![single.leaf().clone(); MAX_CHAIN_LEN]).is_ok());
    let ders = vec![single.leaf().as_der(); MAX_CHAIN_LEN + 1];
    assert!(matches!(
        CertificateChain::from_ders(&ders),
        Err(Error::TooManyCertificates { .. })
    ));
    assert_eq!(CertificateChain::new(Vec::new()), Err(Error::EmptyChain));
}
