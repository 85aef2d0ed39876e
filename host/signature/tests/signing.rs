//! What is signed here is read back as it was requested, and what a signer gets wrong is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::time::Duration;

use apostille_signature::{
    AttributeValue, Envelope, EnvelopeFormat, Error, ExtendedAttribute, SignatureParts,
    SigningScheme, VerificationPlugin,
};
use notary_plugin_protocol::KeySpec;
use support::Signer;

#[test]
fn every_key_spec_format_and_scheme_reads_back_as_requested() {
    for &key_spec in KeySpec::ALL {
        let signer = Signer::new(key_spec);
        for format in EnvelopeFormat::ALL {
            for &scheme in SigningScheme::ALL {
                let mut request = signer.request(b"hello");
                request.scheme = scheme;
                request.expiry = Some(Duration::from_secs(3600));
                request.verification_plugin = Some(VerificationPlugin {
                    name: "com.example.plugin".to_owned(),
                    min_version: Some("1.2.3".to_owned()),
                });
                request.extended_attributes = vec![
                    ExtendedAttribute {
                        name: "com.example.critical".into(),
                        value: "yes".into(),
                        critical: true,
                    },
                    ExtendedAttribute {
                        name: "com.example.list".into(),
                        value: AttributeValue::Array(vec![
                            AttributeValue::Integer(-1),
                            AttributeValue::Null,
                        ]),
                        critical: false,
                    },
                ];
                let requested = request.clone();
                let signed = signer.sign(request, format);

                let read = Envelope::parse(format, signed.as_bytes())
                    .unwrap()
                    .verify_integrity()
                    .unwrap();
                assert_eq!(read.payload(), &requested.payload);
                assert_eq!(read.signing_scheme(), scheme);
                assert_eq!(read.algorithm(), key_spec.signing_algorithm());
                let at = requested.signing_time.replace_nanosecond(0).unwrap();
                assert_eq!(read.signing_time(), at);
                assert_eq!(
                    read.authentic_signing_time(),
                    (scheme == SigningScheme::NotaryX509SigningAuthority).then_some(at)
                );
                assert_eq!(read.expiry(), Some(at + Duration::from_secs(3600)));
                assert_eq!(
                    read.verification_plugin(),
                    requested.verification_plugin.as_ref()
                );
                assert_eq!(read.signing_agent(), Some("apostille-tests/1.0"));
                assert_eq!(read.certificate_chain(), &signer.chain);
                let mut extended = read.extended_attributes().to_vec();
                extended.sort_by_key(|attribute| attribute.name.clone());
                assert_eq!(extended, requested.extended_attributes);
            }
        }
    }
}

#[test]
fn a_signature_over_other_bytes_is_refused() {
    let signer = Signer::new(KeySpec::Ec256);
    for format in EnvelopeFormat::ALL {
        let unsigned = signer.request(b"hello").prepare(format).unwrap();
        let other = signer.request(b"other").prepare(format).unwrap();
        let parts = SignatureParts {
            signature: signer.key.sign(other.bytes_to_sign()).unwrap(),
            certificate_chain: signer.chain.clone(),
            timestamp: None,
        };
        assert!(matches!(
            unsigned.assemble(parts),
            Err(Error::SignatureInvalid { .. })
        ));
    }
}

#[test]
fn a_chain_of_another_key_is_refused() {
    let signer = Signer::new(KeySpec::Ec256);
    let same_spec = Signer::new(KeySpec::Ec256);
    let other_spec = Signer::new(KeySpec::Ec384);
    let unsigned = signer
        .request(b"hello")
        .prepare(EnvelopeFormat::Jws)
        .unwrap();
    let signature = signer.key.sign(unsigned.bytes_to_sign()).unwrap();
    assert!(matches!(
        unsigned.check(&signature, &same_spec.chain),
        Err(Error::SignatureInvalid { .. })
    ));
    assert!(matches!(
        unsigned.check(&signature, &other_spec.chain),
        Err(Error::AlgorithmMismatch { .. })
    ));
    assert_eq!(unsigned.check(&signature, &signer.chain), Ok(()));
}

#[test]
fn a_chain_that_is_not_valid_at_the_time_of_signing_is_refused() {
    let signer = Signer::new(KeySpec::Ec256);
    let mut request = signer.request(b"hello");
    request.signing_time -= Duration::from_secs(2 * 3600);
    let unsigned = request.prepare(EnvelopeFormat::Jws).unwrap();
    let signature = signer.key.sign(unsigned.bytes_to_sign()).unwrap();
    assert!(matches!(
        unsigned.check(&signature, &signer.chain),
        Err(Error::Certificate(_))
    ));
}

#[test]
fn an_expiry_is_a_whole_positive_number_of_seconds() {
    let signer = Signer::new(KeySpec::Ec256);
    for expiry in [Duration::ZERO, Duration::from_millis(1500), Duration::MAX] {
        let mut request = signer.request(b"hello");
        request.expiry = Some(expiry);
        assert!(
            matches!(
                request.prepare(EnvelopeFormat::Jws),
                Err(Error::InvalidRequest { .. })
            ),
            "{expiry:?}"
        );
    }
}

#[test]
fn reserved_registered_and_repeated_names_are_no_extended_attributes() {
    let signer = Signer::new(KeySpec::Ec256);
    for format in EnvelopeFormat::ALL {
        for names in [&["io.cncf.notary.x"][..], &[""], &["a", "a"]] {
            let mut request = signer.request(b"hello");
            request.extended_attributes = names
                .iter()
                .map(|&name| ExtendedAttribute {
                    name: name.into(),
                    value: "v".into(),
                    critical: false,
                })
                .collect();
            assert!(request.prepare(format).is_err(), "{names:?}");
        }
    }
    let mut request = signer.request(b"hello");
    request.extended_attributes = vec![ExtendedAttribute {
        name: "alg".into(),
        value: "none".into(),
        critical: false,
    }];
    assert!(request.prepare(EnvelopeFormat::Jws).is_err());
}

#[test]
fn an_envelope_above_the_size_limit_is_refused() {
    let limit = apostille_signature::limits::MAX_ENVELOPE_LEN;
    for format in EnvelopeFormat::ALL {
        let error = Envelope::parse(format, &vec![b' '; limit + 1]).unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }));
        let error = Envelope::parse(format, &vec![b' '; limit]).unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }));
    }
}
