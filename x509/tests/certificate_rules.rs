//! One broken rule in each test: "Certificate Requirements" of the signature specification.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[allow(dead_code)]
mod pki;

use notary_x509::{
    CertificateChain, ExtensionName, KeyKind, KeyUsageBit, Rule, RuleViolation, oid,
    parse_certificates,
};
use pki::*;
use time::Duration;
use time::macros::datetime;

fn violation(specs: &[Spec]) -> RuleViolation {
    chain(specs).check_code_signing(Some(NOW)).unwrap_err()
}

fn broken_by_leaf(leaf: Spec) -> Rule {
    let violation = violation(&[leaf, ca("root")]);
    assert_eq!((violation.position, violation.chain_len), (0, 2));
    assert_eq!(violation.subject, "CN=leaf");
    violation.rule
}

fn broken_by_root(root: Spec) -> Rule {
    let violation = violation(&[leaf(), root]);
    assert_eq!(violation.position, 1);
    violation.rule
}

fn broken_by_timestamping_leaf(leaf: Spec) -> Rule {
    chain(&[leaf, ca("root")])
        .check_timestamping(Some(NOW))
        .unwrap_err()
        .rule
}

fn file(name: &str) -> CertificateChain {
    let path = format!("{}/tests/data/{name}.pem", env!("CARGO_MANIFEST_DIR"));
    CertificateChain::new(parse_certificates(&std::fs::read(path).unwrap()).unwrap()).unwrap()
}

fn broken_by_file(name: &str) -> Rule {
    file(name).check_code_signing(None).unwrap_err().rule
}

#[test]
fn chains_of_one_two_and_three_certificates_that_follow_every_rule_are_accepted() {
    for specs in [
        vec![leaf()],
        vec![leaf(), ca("root")],
        vec![leaf(), ca("issuing"), ca("root")],
    ] {
        chain(&specs).check_code_signing(Some(NOW)).unwrap();
    }
}

// The leaf.

#[test]
fn a_leaf_that_is_a_ca_is_refused() {
    assert_eq!(
        broken_by_leaf(leaf().with(basic_constraints(true, true, None))),
        Rule::LeafIsCa
    );
}

#[test]
fn basic_constraints_that_say_no_ca_are_accepted_on_a_leaf_critical_or_not() {
    for critical in [true, false] {
        let leaf = leaf().with(basic_constraints(critical, false, None));
        chain(&[leaf, ca("root")])
            .check_code_signing(Some(NOW))
            .unwrap();
    }
}

#[test]
fn a_leaf_without_key_usage_is_refused() {
    assert_eq!(
        broken_by_leaf(leaf().without(oid::KEY_USAGE)),
        Rule::Missing {
            extension: ExtensionName::KeyUsage
        }
    );
}

#[test]
fn a_leaf_whose_key_usage_is_not_critical_is_refused() {
    assert_eq!(
        broken_by_leaf(leaf().with(key_usage(false, &[DIGITAL_SIGNATURE]))),
        Rule::NotCritical {
            extension: ExtensionName::KeyUsage
        }
    );
}

#[test]
fn a_leaf_that_may_not_sign_is_refused() {
    for bits in [&[][..], &[1]] {
        assert_eq!(
            broken_by_leaf(leaf().with(key_usage(true, bits))),
            Rule::KeyUsageLacks {
                bit: KeyUsageBit::DigitalSignature
            }
        );
    }
}

#[test]
fn a_leaf_with_a_forbidden_key_usage_is_refused_by_the_name_of_the_bit() {
    for bit in [
        KeyUsageBit::KeyEncipherment,
        KeyUsageBit::DataEncipherment,
        KeyUsageBit::KeyAgreement,
        KeyUsageBit::KeyCertSign,
        KeyUsageBit::CrlSign,
        KeyUsageBit::EncipherOnly,
        KeyUsageBit::DecipherOnly,
    ] {
        let rule = broken_by_leaf(leaf().with(key_usage(true, &[DIGITAL_SIGNATURE, bit as u8])));
        assert_eq!(rule, Rule::KeyUsageForbidden { bit });
        assert!(rule.to_string().contains(bit.as_str()), "{rule}");
    }
}

#[test]
fn a_leaf_that_may_also_commit_to_content_is_accepted() {
    let leaf = leaf().with(key_usage(
        true,
        &[DIGITAL_SIGNATURE, KeyUsageBit::NonRepudiation as u8],
    ));
    chain(&[leaf, ca("root")])
        .check_code_signing(Some(NOW))
        .unwrap();
}

#[test]
fn a_leaf_needs_no_extended_key_usage_and_may_have_unknown_ones() {
    let unknown = der::asn1::ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.10.3.13");
    for leaf in [
        leaf().without(oid::EXTENDED_KEY_USAGE),
        leaf().with(purposes(true, &[oid::CODE_SIGNING])),
        leaf().with(purposes(false, &[oid::CODE_SIGNING, unknown])),
        leaf().with(purposes(false, &[unknown])),
    ] {
        chain(&[leaf, ca("root")])
            .check_code_signing(Some(NOW))
            .unwrap();
    }
}

#[test]
fn a_leaf_for_another_purpose_is_refused_by_the_name_of_the_purpose() {
    for (purpose, name) in [
        (oid::ANY_EXTENDED_KEY_USAGE, "anyExtendedKeyUsage"),
        (oid::SERVER_AUTH, "serverAuth"),
        (oid::CLIENT_AUTH, "clientAuth"),
        (oid::EMAIL_PROTECTION, "emailProtection"),
        (oid::TIME_STAMPING, "timeStamping"),
        (oid::OCSP_SIGNING, "OCSPSigning"),
    ] {
        let rule = broken_by_leaf(leaf().with(purposes(false, &[oid::CODE_SIGNING, purpose])));
        assert_eq!(rule, Rule::PurposeForbidden { purpose: name });
    }
}

#[test]
fn a_leaf_with_a_key_that_has_no_key_spec_is_refused() {
    for (name, kind) in [
        ("key-rsa-1024", KeyKind::Rsa { bits: 1024 }),
        ("key-rsa-2047", KeyKind::Rsa { bits: 2047 }),
        ("key-p224", KeyKind::Other("1.3.132.0.33".to_owned())),
        ("key-secp256k1", KeyKind::Other("1.3.132.0.10".to_owned())),
        ("key-ed25519", KeyKind::Ed25519),
        (
            "key-rsassa-pss",
            KeyKind::Other("1.2.840.113549.1.1.10".to_owned()),
        ),
        (
            "key-explicit-curve",
            KeyKind::Other("EC with explicit curve parameters".to_owned()),
        ),
    ] {
        assert_eq!(broken_by_file(name), Rule::LeafKey { key: kind }, "{name}");
    }
}

// CAs.

#[test]
fn a_ca_without_basic_constraints_is_refused() {
    assert_eq!(
        broken_by_root(ca("root").without(oid::BASIC_CONSTRAINTS)),
        Rule::Missing {
            extension: ExtensionName::BasicConstraints
        }
    );
}

#[test]
fn a_certificate_above_the_leaf_that_is_no_ca_is_refused() {
    assert_eq!(
        broken_by_root(ca("root").with(basic_constraints(true, false, None))),
        Rule::NotCa
    );
}

#[test]
fn a_ca_whose_basic_constraints_are_not_critical_is_refused() {
    assert_eq!(
        broken_by_root(ca("root").with(basic_constraints(false, true, None))),
        Rule::NotCritical {
            extension: ExtensionName::BasicConstraints
        }
    );
}

#[test]
fn a_ca_without_key_usage_is_refused() {
    assert_eq!(
        broken_by_root(ca("root").without(oid::KEY_USAGE)),
        Rule::Missing {
            extension: ExtensionName::KeyUsage
        }
    );
}

#[test]
fn a_ca_whose_key_usage_is_not_critical_is_refused() {
    assert_eq!(
        broken_by_root(ca("root").with(key_usage(false, &[KEY_CERT_SIGN]))),
        Rule::NotCritical {
            extension: ExtensionName::KeyUsage
        }
    );
}

#[test]
fn a_ca_that_may_not_sign_certificates_is_refused() {
    let rule = broken_by_root(ca("root").with(key_usage(true, &[DIGITAL_SIGNATURE, 6])));
    assert_eq!(
        rule,
        Rule::KeyUsageLacks {
            bit: KeyUsageBit::KeyCertSign
        }
    );
}

#[test]
fn a_path_longer_than_a_ca_allows_is_refused() {
    let root = || ca("root").with(basic_constraints(true, true, Some(0)));
    chain(&[leaf(), root()])
        .check_code_signing(Some(NOW))
        .unwrap();

    let violation = violation(&[leaf(), ca("issuing"), root()]);
    assert_eq!(violation.position, 2);
    assert_eq!(violation.rule, Rule::PathTooLong { limit: 0, below: 1 });
}

#[test]
fn a_path_as_long_as_a_ca_allows_is_accepted() {
    let root = ca("root").with(basic_constraints(true, true, Some(1)));
    chain(&[leaf(), ca("issuing"), root])
        .check_code_signing(Some(NOW))
        .unwrap();
}

#[test]
fn a_ca_with_a_small_or_unknown_key_is_refused() {
    assert_eq!(
        broken_by_file("chain-rsa-1024"),
        Rule::CaKey {
            key: KeyKind::Rsa { bits: 1024 }
        }
    );
    assert_eq!(
        broken_by_file("chain-p224"),
        Rule::CaKey {
            key: KeyKind::Other("1.3.132.0.33".to_owned())
        }
    );
}

#[test]
fn a_ca_may_have_keys_that_a_leaf_may_not_have() {
    file("chain-ed25519").check_code_signing(None).unwrap();
}

#[test]
fn other_extensions_are_not_looked_at_even_if_critical() {
    let unknown = der::asn1::ObjectIdentifier::new_unwrap("1.3.6.1.4.1.99999.1");
    let name_constraints = der::asn1::ObjectIdentifier::new_unwrap("2.5.29.30");
    // permittedSubtrees with the DNS name "x".
    let permitted = vec![0x30, 0x07, 0xa0, 0x05, 0x30, 0x03, 0x82, 0x01, b'x'];
    let specs = [
        leaf().with((unknown, true, vec![0x05, 0x00])),
        ca("root").with((name_constraints, true, permitted)),
    ];
    chain(&specs).check_code_signing(Some(NOW)).unwrap();
}

// Signatures.

#[test]
fn sha1_is_refused_even_on_a_single_self_signed_certificate() {
    for name in ["sha1-rsa", "sha1-ecdsa", "pss-sha1"] {
        assert!(
            matches!(broken_by_file(name), Rule::Sha1Signature { .. }),
            "{name}"
        );
    }
}

#[test]
fn other_weak_or_mixed_signature_algorithms_are_refused_with_the_reason() {
    for (name, reason) in [
        ("md5-rsa", "1.2.840.113549.1.1.4"),
        ("pss-salt-20", "salt must be as long as the hash"),
        ("pss-mgf1-sha512", "MGF1 with the same hash"),
    ] {
        let rule = broken_by_file(name).to_string();
        assert!(rule.contains(reason), "{name}: {rule}");
    }
}

#[test]
fn rsa_certificates_signed_with_pss_or_pkcs1_and_sha2_are_accepted() {
    for name in ["pkcs1-sha256", "pss-sha256", "pss-sha512", "chain-rsa-3072"] {
        file(name).check_code_signing(None).unwrap();
    }
}

#[test]
fn a_certificate_whose_bytes_were_changed_is_refused() {
    let good = chain(&[leaf(), ca("root")]);
    let mut der = good.leaf().as_der().to_vec();
    let at = der.windows(4).position(|window| window == b"leaf").unwrap();
    der[at] = b'L';
    let changed = notary_x509::Certificate::from_der(&der).unwrap();
    let violation = CertificateChain::new(vec![changed, good.root().clone()])
        .unwrap()
        .check_code_signing(Some(NOW))
        .unwrap_err();
    assert!(
        violation
            .to_string()
            .contains("the signature does not verify"),
        "{violation}"
    );
}

// The order and the ends of a chain.

#[test]
fn a_chain_without_its_root_is_refused() {
    let whole = chain(&[leaf(), ca("issuing"), ca("root")]);
    let cut = CertificateChain::new(whole.certificates()[..2].to_vec()).unwrap();
    let violation = cut.check_code_signing(Some(NOW)).unwrap_err();
    assert_eq!(
        (violation.position, violation.rule),
        (
            1,
            Rule::Incomplete {
                issuer: "CN=root".to_owned()
            }
        )
    );
}

#[test]
fn a_single_certificate_that_is_not_self_signed_is_refused() {
    let whole = chain(&[leaf(), ca("root")]);
    let cut = CertificateChain::new(vec![whole.leaf().clone()]).unwrap();
    let rule = cut.check_code_signing(Some(NOW)).unwrap_err().rule;
    assert!(matches!(rule, Rule::Incomplete { .. }));
}

#[test]
fn a_single_self_signed_certificate_is_judged_by_the_rules_for_leaves() {
    let root = chain(&[ca("root")]);
    assert_eq!(
        root.check_code_signing(Some(NOW)).unwrap_err().rule,
        Rule::LeafIsCa
    );
}

#[test]
fn a_self_signed_certificate_before_the_last_is_refused() {
    let single = chain(&[leaf()]);
    let other = chain(&[ca("root")]);
    let mixed = CertificateChain::new(vec![single.leaf().clone(), other.leaf().clone()]).unwrap();
    let violation = mixed.check_code_signing(Some(NOW)).unwrap_err();
    assert_eq!(
        (violation.position, violation.rule),
        (0, Rule::SelfSignedBelowRoot)
    );
}

#[test]
fn a_root_given_twice_is_refused() {
    let whole = chain(&[leaf(), ca("root")]);
    let doubled = [whole.certificates(), &[whole.root().clone()]].concat();
    let violation = CertificateChain::new(doubled)
        .unwrap()
        .check_code_signing(Some(NOW))
        .unwrap_err();
    assert_eq!(
        (violation.position, violation.rule),
        (1, Rule::SelfSignedBelowRoot)
    );
}

#[test]
fn a_chain_in_the_wrong_order_is_refused() {
    let whole = chain(&[leaf(), ca("issuing"), ca("root")]);
    let [first, second, third] = whole.certificates() else {
        panic!()
    };
    for wrong in [
        [second, first, third],
        [first, third, second],
        [third, second, first],
    ] {
        let wrong = CertificateChain::new(wrong.into_iter().cloned().collect()).unwrap();
        wrong.check_code_signing(Some(NOW)).unwrap_err();
    }
}

#[test]
fn an_issuer_of_the_same_name_with_another_key_is_refused() {
    let real = chain(&[leaf(), ca("root")]);
    let impostor = chain(&[ca("root")]);
    let mixed = CertificateChain::new(vec![real.leaf().clone(), impostor.leaf().clone()]).unwrap();
    let rule = mixed.check_code_signing(Some(NOW)).unwrap_err().rule;
    assert!(matches!(rule, Rule::NotIssuedByNext { .. }), "{rule}");
}

#[test]
fn the_right_key_under_another_name_is_refused() {
    let issuer = self_signed(&ca("root"));
    let leaf = issued(&leaf(), &issuer);
    let renamed = self_signed_with(&ca("another name"), same_key(&issuer));
    let mixed = CertificateChain::new(vec![leaf.certificate, renamed.certificate]).unwrap();
    let violation = mixed.check_code_signing(Some(NOW)).unwrap_err().to_string();
    assert!(
        violation.contains("it names \"CN=root\" as its issuer"),
        "{violation}"
    );
}

// Times.

#[test]
fn every_certificate_must_be_valid_at_the_given_time() {
    let late = datetime!(2026-12-01 0:00 UTC);
    let expired = || ca("issuing").valid(NOT_BEFORE, NOW);
    let whole = chain(&[leaf(), expired(), ca("root")]);
    whole.check_code_signing(Some(NOW)).unwrap();
    let violation = whole.check_code_signing(Some(late)).unwrap_err();
    assert_eq!(
        (violation.position, violation.rule),
        (
            1,
            Rule::Expired {
                not_after: NOW,
                at: late
            }
        )
    );

    let future = chain(&[leaf().valid(late, NOT_AFTER), ca("root")]);
    assert_eq!(
        future.check_validity(NOW).unwrap_err().rule,
        Rule::NotYetValid {
            not_before: late,
            at: NOW
        }
    );
}

#[test]
fn both_ends_of_a_validity_period_are_inside_it() {
    let whole = chain(&[leaf(), ca("root")]);
    for inside in [NOT_BEFORE, NOT_AFTER] {
        whole.check_code_signing(Some(inside)).unwrap();
    }
    for outside in [NOT_BEFORE - Duration::SECOND, NOT_AFTER + Duration::SECOND] {
        whole.check_code_signing(Some(outside)).unwrap_err();
    }
}

#[test]
fn without_a_time_validity_is_not_looked_at_and_periods_need_not_be_nested() {
    let long_ago = leaf().valid(
        datetime!(1999-01-01 0:00 UTC),
        datetime!(1999-12-31 0:00 UTC),
    );
    chain(&[long_ago, ca("root")])
        .check_code_signing(None)
        .unwrap();
}

// Timestamping.

#[test]
fn a_timestamping_chain_that_follows_every_rule_is_accepted() {
    chain(&[timestamping_leaf(), ca("root")])
        .check_timestamping(Some(NOW))
        .unwrap();
}

#[test]
fn key_usage_in_a_timestamping_chain_need_not_be_critical_but_must_be_there() {
    let leaf = || timestamping_leaf().with(key_usage(false, &[DIGITAL_SIGNATURE]));
    let root = ca("root").with(key_usage(false, &[KEY_CERT_SIGN]));
    chain(&[leaf(), root])
        .check_timestamping(Some(NOW))
        .unwrap();
    assert_eq!(
        broken_by_timestamping_leaf(leaf().without(oid::KEY_USAGE)),
        Rule::Missing {
            extension: ExtensionName::KeyUsage
        }
    );
}

#[test]
fn a_timestamping_leaf_needs_a_critical_extended_key_usage_of_time_stamping_alone() {
    assert_eq!(
        broken_by_timestamping_leaf(timestamping_leaf().without(oid::EXTENDED_KEY_USAGE)),
        Rule::Missing {
            extension: ExtensionName::ExtKeyUsage
        }
    );
    let not_critical = timestamping_leaf().with(purposes(false, &[oid::TIME_STAMPING]));
    assert_eq!(
        broken_by_timestamping_leaf(not_critical),
        Rule::NotCritical {
            extension: ExtensionName::ExtKeyUsage
        }
    );
    for other in [
        &[oid::TIME_STAMPING, oid::CODE_SIGNING][..],
        &[oid::CODE_SIGNING],
    ] {
        let leaf = timestamping_leaf().with(purposes(true, other));
        assert_eq!(broken_by_timestamping_leaf(leaf), Rule::NotOnlyTimestamping);
    }
}

#[test]
fn a_code_signing_chain_is_no_timestamping_chain_and_the_reverse() {
    chain(&[leaf(), ca("root")])
        .check_timestamping(Some(NOW))
        .unwrap_err();
    assert_eq!(
        broken_by_leaf(spec("leaf", timestamping_leaf().extensions)),
        Rule::PurposeForbidden {
            purpose: "timeStamping"
        }
    );
}

#[test]
fn the_reference_timestamping_chain_is_accepted() {
    let directory = format!(
        "{}/../testdata/reference/notation-core-go",
        env!("CARGO_MANIFEST_DIR")
    );
    let certificates = ["timestamp_leaf", "timestamp_intermediate", "timestamp_root"]
        .iter()
        .flat_map(|name| {
            parse_certificates(&std::fs::read(format!("{directory}/{name}.crt")).unwrap()).unwrap()
        })
        .collect();
    CertificateChain::new(certificates)
        .unwrap()
        .check_timestamping(None)
        .unwrap();
}
