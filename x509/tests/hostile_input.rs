//! Input made to break a parser: an error at most, never a panic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[allow(dead_code)]
mod pki;

use notary_x509::{
    Certificate, CertificateChain, DistributionPoint, Extension, Name, PrivateKey, PublicKey,
    SignatureAlgorithm, parse_certificates,
};
use pki::*;
use proptest::prelude::*;

fn data(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Everything that can be asked of a certificate.
fn use_certificate(certificate: &Certificate) {
    let _ = certificate.is_self_signed();
    let _ = certificate.to_pem();
    let _ = certificate.public_key().key_spec();
    let _ = format!(
        "{certificate:?} {} {}",
        certificate.subject(),
        certificate.issuer()
    );
    for extension in certificate.extensions() {
        let _ = DistributionPoint::read_all(&extension.value);
    }
    let chain = CertificateChain::new(vec![certificate.clone(), certificate.clone()]).unwrap();
    let _ = chain.check_code_signing(Some(NOW));
    let _ = chain.check_timestamping(None);
    let _ = CertificateChain::order(chain.certificates(), certificate.public_key());
}

fn mutate(
    bytes: &mut Vec<u8>,
    changes: &[(prop::sample::Index, u8)],
    cut: Option<prop::sample::Index>,
) {
    for (at, value) in changes {
        let at = at.index(bytes.len());
        bytes[at] = *value;
    }
    if let Some(cut) = cut {
        bytes.truncate(cut.index(bytes.len()));
    }
}

fn changes() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4)
}

fn cut() -> impl Strategy<Value = Option<prop::sample::Index>> {
    prop::option::weighted(0.2, any::<prop::sample::Index>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn changed_certificates_do_not_panic(changes in changes(), cut in cut(), which in 0..4usize) {
        let name = ["pss-sha256.pem", "key-p224.pem", "sha1-ecdsa.pem", "key-explicit-curve.pem"][which];
        let mut der = parse_certificates(&data(name)).unwrap()[0].as_der().to_vec();
        mutate(&mut der, &changes, cut);
        if let Ok(certificate) = Certificate::from_der(&der) {
            prop_assert_eq!(certificate.as_der(), &der[..]);
            use_certificate(&certificate);
        }
    }

    #[test]
    fn changed_containers_do_not_panic(changes in changes(), cut in cut(), which in 0..5usize) {
        let mut bytes = data(["chain.p7b", "chain.p7b.pem", "plain.p12", "password.p12", "chain-rsa-3072.pem"][which]);
        mutate(&mut bytes, &changes, cut);
        let _ = parse_certificates(&bytes);
    }

    #[test]
    fn changed_private_keys_do_not_panic(changes in changes(), cut in cut(), which in 0..4usize) {
        let name = ["key-sec1.pem", "key-pkcs8-ec.pem", "key-pkcs1.pem", "key-pkcs8-encrypted.pem"][which];
        let (_, mut der) = der::pem::decode_vec(&data(name)).unwrap();
        mutate(&mut der, &changes, cut);
        let _ = PrivateKey::from_der(&der);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_certificates(&bytes);
        let _ = PrivateKey::from_der(&bytes);
        let _ = PrivateKey::from_pem(&bytes);
        let _ = PublicKey::from_spki_der(&bytes);
        let _ = Name::from_der(&bytes);
        let _ = SignatureAlgorithm::from_algorithm_identifier(&bytes);
        let _ = Extension::read_all(&bytes);
        let _ = DistributionPoint::read_all(&bytes);
    }

    #[test]
    fn names_in_text_are_refused_or_survive_the_way_through_der(text in "[CNOUS=,+;\\\\#\"<> a-f0-9é.\u{0}-\u{7f}]{0,40}") {
        if let Ok(name) = Name::from_rfc4514(&text) {
            prop_assert_eq!(Name::from_der(name.as_der()).unwrap(), name.clone());
            prop_assert_eq!(Name::from_rfc4514(&name.to_string()).unwrap(), name);
        }
    }

    #[test]
    fn any_value_survives_the_way_through_text(value in "\\PC{0,20}") {
        let escaped: String = value.bytes().map(|byte| format!("\\{byte:02x}")).collect();
        let name = Name::from_rfc4514(&format!("CN={escaped}")).unwrap();
        prop_assert_eq!(name.attributes().next().unwrap().text(), Some(value.as_str()));
        prop_assert_eq!(Name::from_rfc4514(&name.to_string()).unwrap(), name);
    }
}

#[test]
fn an_extension_that_occurs_twice_is_refused() {
    let mut twice = leaf();
    twice.extensions.push(key_usage(true, &[DIGITAL_SIGNATURE]));
    let result = std::panic::catch_unwind(|| self_signed(&twice));
    // The helper unwraps: what it panics with is the parser's error.
    let message = result
        .err()
        .and_then(|panic| panic.downcast::<String>().ok())
        .unwrap();
    assert!(message.contains("occurs twice"), "{message}");
}

#[test]
fn deeply_nested_values_do_not_exhaust_the_stack() {
    let mut nested = Vec::new();
    for _ in 0..10_000 {
        let mut outer = vec![0x30, 0x83];
        outer.extend_from_slice(&(nested.len() as u32).to_be_bytes()[1..]);
        outer.append(&mut nested);
        nested = outer;
        if nested.len() > 60_000 {
            break;
        }
    }
    assert!(Certificate::from_der(&nested).is_err());
    assert!(parse_certificates(&nested).is_err());
    assert!(Name::from_der(&nested).is_err());
    // A hexadecimal value is not looked into.
    let _ = Name::from_rfc4514(&format!("CN=#{}", "30".repeat(4000)));
}

#[test]
fn a_pkcs12_file_that_asks_for_endless_key_derivation_is_refused_at_once() {
    let mut der = data("empty-password.p12");
    // PBKDF2-params: the salt of eight octets and 2048 iterations become six octets and 2^31 - 1.
    let at = der
        .windows(4)
        .position(|window| window == [0x02, 0x02, 0x08, 0x00])
        .unwrap();
    let salt = at - 10;
    assert_eq!(der[salt..salt + 2], [0x04, 0x08]);
    der[salt + 1] = 6;
    der[salt + 8..at + 4].copy_from_slice(&[0x02, 0x04, 0x7f, 0xff, 0xff, 0xff]);
    let start = std::time::Instant::now();
    assert!(parse_certificates(&der).is_err());
    assert!(start.elapsed() < std::time::Duration::from_secs(5));
}
