//! Timestamp tokens with one thing wrong, signed by the authority all the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[allow(dead_code)]
mod evidence;
#[allow(dead_code)]
mod trial;

use apostille_signature::limits::MAX_CERTIFICATES;
use apostille_signature::timestamp::{TimestampToken, VerifiedTimestamp};
use evidence::*;
use notary_x509::asn1::write;
use trial::tsa::{TokenParts, attribute, authority, names_certificate, token_with};

const SIGNATURE: &[u8] = b"a signature";
const CONTENT_TYPE: usize = 0;
const MESSAGE_DIGEST: usize = 1;
const SIGNING_CERTIFICATE: usize = 2;

struct Case {
    root: Ca,
    tsa: Leaf,
}

impl Case {
    fn new() -> Self {
        let root = usual_ca();
        let tsa = authority(&root, |_| ());
        Self { root, tsa }
    }

    fn verify(&self, change: impl FnOnce(&mut TokenParts)) -> Result<VerifiedTimestamp, String> {
        let der = token_with(&self.tsa, SIGNATURE, NOW, 1, change);
        let token = TimestampToken::parse(&der).map_err(|error| error.to_string())?;
        let roots = std::slice::from_ref(&self.root.certificate);
        token
            .verify(SIGNATURE, roots)
            .map_err(|error| error.to_string())
    }
}

#[test]
fn a_token_with_nothing_wrong_is_verified() {
    let verified = Case::new().verify(|_| ()).unwrap();
    assert_eq!(verified.time(), NOW);
}

/// Quarkslab INFO-6: signed attributes were not handled as RFC 5652 demands.
#[test]
fn quarkslab_info_6_each_signed_attribute_must_be_there() {
    for (missing, name) in [
        (CONTENT_TYPE, "content-type"),
        (MESSAGE_DIGEST, "message-digest"),
        (SIGNING_CERTIFICATE, "signing-certificate-v2"),
    ] {
        let error = Case::new()
            .verify(|parts| {
                parts.attributes.remove(missing);
            })
            .unwrap_err();
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn quarkslab_info_6_no_signed_attribute_may_occur_twice() {
    for twice in [CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_CERTIFICATE] {
        let error = Case::new()
            .verify(|parts| {
                let again = parts.attributes[twice].clone();
                parts.attributes.push(again);
            })
            .unwrap_err();
        assert!(error.contains("occurs twice"), "{error}");
    }
}

#[test]
fn quarkslab_info_6_a_signed_attribute_has_one_value() {
    for (dotted, at) in [
        ("1.2.840.113549.1.9.3", CONTENT_TYPE),
        ("1.2.840.113549.1.9.4", MESSAGE_DIGEST),
    ] {
        for values in [&[][..], &[&write::null()[..], &write::integer(&[1])]] {
            let error = Case::new()
                .verify(|parts| parts.attributes[at] = attribute(dotted, values))
                .unwrap_err();
            assert!(error.contains("exactly one value"), "{error}");
        }
    }
}

#[test]
fn quarkslab_info_6_the_attributes_must_be_about_this_content() {
    let other_type = attribute(
        "1.2.840.113549.1.9.3",
        &[&write::object_identifier(notary_x509::oid::SHA256)],
    );
    let error = Case::new()
        .verify(|parts| parts.attributes[CONTENT_TYPE] = other_type)
        .unwrap_err();
    assert!(error.contains("content-type"), "{error}");
    let other_digest = attribute("1.2.840.113549.1.9.4", &[&write::octet_string(&[0; 32])]);
    let error = Case::new()
        .verify(|parts| parts.attributes[MESSAGE_DIGEST] = other_digest)
        .unwrap_err();
    assert!(error.contains("message-digest"), "{error}");
}

/// CVE-2026-39984 of a neighbour: the certificate that was checked was not the one that signed.
#[test]
fn cve_2026_39984_the_signer_is_found_by_what_is_signed_and_not_by_its_place() {
    let case = Case::new();
    let other = authority(&case.root, |params| {
        params.serial_number = Some(vec![43].into());
    });
    let found = case.verify(|parts| {
        parts
            .certificates
            .insert(0, other.certificate.as_der().to_vec())
    });
    let chain = found.unwrap().certificate_chain().clone();
    assert_eq!(chain.leaf(), &case.tsa.certificate);

    // Naming the other one makes it neither the signer nor trusted.
    let refused = case.verify(|parts| {
        parts.certificates.push(other.certificate.as_der().to_vec());
        parts.attributes[SIGNING_CERTIFICATE] = names_certificate(&other.certificate);
    });
    let error = refused.unwrap_err();
    assert!(error.contains("names another certificate"), "{error}");
}

#[test]
fn the_certificate_that_is_named_must_be_in_the_token() {
    let error = Case::new()
        .verify(|parts| parts.certificates.clear())
        .unwrap_err();
    assert!(error.contains("not in the token"), "{error}");
}

#[test]
fn a_token_has_one_signer() {
    for signers in [0, 2] {
        assert!(
            Case::new().verify(|parts| parts.signers = signers).is_err(),
            "{signers}"
        );
    }
}

/// CVE-2025-66564 of a neighbour: reading a token took work out of all proportion.
#[test]
fn cve_2025_66564_a_token_with_more_certificates_than_the_limit_is_refused() {
    let with_certificates = |count: usize| {
        let case = Case::new();
        let another = case.tsa.certificate.as_der().to_vec();
        case.verify(|parts| parts.certificates.resize(count, another))
    };
    assert!(with_certificates(MAX_CERTIFICATES).is_ok());
    let error = with_certificates(MAX_CERTIFICATES + 1).unwrap_err();
    assert!(error.contains("certificates"), "{error}");
}
