//! Regression tests named after the findings that they guard against, on envelopes that were made without our code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use apostille_signature::{Envelope, EnvelopeFormat, Error};

/// The refusals of a vector in both formats.
fn refusals(name: &str) -> [Error; 2] {
    [(EnvelopeFormat::Jws, "jws"), (EnvelopeFormat::Cose, "cose")].map(|(format, extension)| {
        let file = format!("{extension}-{name}.{extension}");
        let bytes = std::fs::read(support::testdata().join("vectors").join(&file)).unwrap();
        match Envelope::parse(format, &bytes).and_then(Envelope::verify_integrity) {
            Ok(_) => panic!("{file} was accepted"),
            Err(error) => error,
        }
    })
}

/// CVE-2026-44310 of a neighbour: a signature without certificates ended the program as if it were good.
#[test]
fn an_envelope_without_certificates_is_refused_for_just_that() {
    for error in refusals("chain-empty") {
        assert!(matches!(error, Error::NoCertificates), "{error}");
    }
}

/// CVE-2016-9123 and its kind in JOSE libraries: the key decides about the algorithm, never the signature.
#[test]
fn an_algorithm_that_the_signature_chose_is_refused() {
    for name in ["alg-none", "alg-hs256", "alg-rs256", "alg-eddsa"] {
        for error in refusals(name) {
            assert!(
                matches!(error, Error::UnsupportedAlgorithm { .. }),
                "{name}: {error}"
            );
        }
    }
    for name in ["alg-of-another-curve", "alg-rsa-with-ec-key"] {
        for error in refusals(name) {
            assert!(
                matches!(error, Error::AlgorithmMismatch { .. }),
                "{name}: {error}"
            );
        }
    }
}

/// CVE-2026-39395 of a neighbour: a payload that could not be read counted as verified.
#[test]
fn a_signed_payload_that_cannot_be_read_is_a_failure() {
    for name in ["payload-no-json", "payload-target-null"] {
        for error in refusals(name) {
            assert!(
                matches!(error, Error::InvalidPayload { .. }),
                "{name}: {error}"
            );
        }
    }
}
