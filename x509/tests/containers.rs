//! Certificates and keys read from the files that they come in.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use notary_plugin_protocol::KeySpec;
use notary_x509::{
    Certificate, Error, MAX_CERTIFICATE_FILE_LEN, MAX_CERTIFICATE_LEN, MAX_PRIVATE_KEY_LEN,
    PrivateKey, parse_certificates,
};

fn data(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn reference(name: &str) -> Vec<u8> {
    let directory = format!(
        "{}/../testdata/reference/notation-core-go",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::read(format!("{directory}/{name}")).unwrap()
}

fn sorted(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut ders: Vec<Vec<u8>> = parse_certificates(bytes)
        .unwrap()
        .iter()
        .map(|certificate| certificate.as_der().to_vec())
        .collect();
    ders.sort();
    ders
}

#[test]
fn reference_files_of_pem_and_der_hold_one_and_two_certificates() {
    for (name, count) in [
        ("pem.crt", 1),
        ("der.der", 1),
        ("multi-pem.crt", 2),
        ("multi-der.der", 2),
        ("openssl-minimum-self-signed.pem", 1),
    ] {
        assert_eq!(
            parse_certificates(&reference(name)).unwrap().len(),
            count,
            "{name}"
        );
    }
    assert_eq!(
        sorted(&reference("multi-pem.crt")),
        sorted(&reference("multi-der.der"))
    );
}

#[test]
fn pkcs7_and_pkcs12_hold_the_same_certificates_as_pem() {
    let expected = sorted(&data("chain-rsa-3072.pem"));
    assert_eq!(expected.len(), 2);
    for name in [
        "chain.p7b",
        "chain.p7b.pem",
        "plain.p12",
        "empty-password.p12",
    ] {
        assert_eq!(sorted(&data(name)), expected, "{name}");
    }
}

#[test]
fn encrypted_pkcs12_is_refused_with_what_to_do() {
    for name in ["password.p12", "empty-password-3des.p12"] {
        let error = parse_certificates(&data(name)).unwrap_err();
        assert!(
            matches!(error, Error::EncryptedPkcs12 { .. }),
            "{name}: {error}"
        );
        assert!(
            error.to_string().contains("export them without a password"),
            "{error}"
        );
    }
}

#[test]
fn text_around_pem_windows_line_ends_and_odd_line_lengths_are_accepted() {
    let pem = String::from_utf8(data("chain-rsa-3072.pem")).unwrap();
    let expected = sorted(pem.as_bytes());
    assert_eq!(
        sorted(format!("Subject: CN=x\n{pem}the end").as_bytes()),
        expected
    );
    assert_eq!(sorted(pem.replace('\n', "\r\n").as_bytes()), expected);
    let indented = pem
        .lines()
        .map(|line| format!("  {line} \n"))
        .collect::<String>();
    assert_eq!(sorted(indented.as_bytes()), expected);
}

#[test]
fn other_pem_blocks_are_passed_over() {
    let both = [data("key-sec1-with-parameters.pem"), data("pss-sha256.pem")].concat();
    assert_eq!(parse_certificates(&both).unwrap().len(), 1);
}

#[test]
fn input_without_a_certificate_is_said_so() {
    for bytes in [
        &b""[..],
        b"\n",
        b"hello",
        b"\x00\x01",
        b"\xff\xfe\x30",
        &data("key-sec1.pem"),
        &data("key-only.p12"),
    ] {
        assert_eq!(
            parse_certificates(bytes),
            Err(Error::NoCertificate),
            "{bytes:?}"
        );
    }
}

#[test]
fn broken_pem_is_refused() {
    let pem = String::from_utf8(data("pss-sha256.pem")).unwrap();
    for broken in [
        pem.replace("-----END CERTIFICATE-----", ""),
        pem.replace("END CERTIFICATE", "END PKCS7"),
        pem.replacen("MII", "M*I", 1),
        pem.replacen("MII", "MI", 1),
    ] {
        assert!(
            matches!(
                parse_certificates(broken.as_bytes()),
                Err(Error::Malformed { .. })
            ),
            "{broken}"
        );
    }
}

#[test]
fn der_followed_by_anything_else_is_refused() {
    let mut der = reference("der.der");
    der.push(0);
    assert!(matches!(
        parse_certificates(&der),
        Err(Error::Malformed { .. })
    ));
    assert!(matches!(
        Certificate::from_der(&der),
        Err(Error::Malformed { .. })
    ));
}

#[test]
fn a_certificate_file_larger_than_the_limit_is_refused() {
    let mut bytes = data("pss-sha256.pem");
    bytes.resize(MAX_CERTIFICATE_FILE_LEN, b'\n');
    assert_eq!(parse_certificates(&bytes).unwrap().len(), 1);
    bytes.push(b'\n');
    assert!(matches!(
        parse_certificates(&bytes),
        Err(Error::TooLarge { .. })
    ));
}

#[test]
fn a_certificate_larger_than_the_limit_is_refused() {
    let certificate_with = |padding: usize| {
        let mut params = rcgen::CertificateParams::default();
        params
            .custom_extensions
            .push(rcgen::CustomExtension::from_oid_content(
                &[1, 3, 6, 1, 4, 1, 99999, 2],
                vec![0; padding],
            ));
        let key = rcgen::KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    };
    let fitting = certificate_with(MAX_CERTIFICATE_LEN - 1024);
    assert!(fitting.len() <= MAX_CERTIFICATE_LEN);
    Certificate::from_der(&fitting).unwrap();
    let too_large = certificate_with(MAX_CERTIFICATE_LEN);
    assert!(matches!(
        Certificate::from_der(&too_large),
        Err(Error::TooLarge { .. })
    ));
}

#[test]
fn every_form_of_a_private_key_is_read() {
    for (name, spec) in [
        ("key-sec1.pem", KeySpec::Ec256),
        ("key-sec1-with-parameters.pem", KeySpec::Ec256),
        ("key-pkcs8-ec.pem", KeySpec::Ec256),
        ("key-pkcs1.pem", KeySpec::Rsa2048),
        ("key-pkcs8-rsa.pem", KeySpec::Rsa2048),
    ] {
        let key = PrivateKey::from_pem(&data(name)).unwrap();
        assert_eq!(key.key_spec(), spec, "{name}");
        let signature = key.sign(b"message").unwrap();
        key.public_key()
            .verify(spec.signing_algorithm(), b"message", &signature)
            .unwrap();
    }
    let forms =
        ["key-sec1.pem", "key-pkcs8-ec.pem"].map(|name| PrivateKey::from_pem(&data(name)).unwrap());
    assert!(forms[0].public_key() == forms[1].public_key());
}

#[test]
fn encrypted_private_keys_are_refused_with_what_to_do() {
    for name in ["key-pkcs8-encrypted.pem", "key-sec1-encrypted.pem"] {
        assert_eq!(
            PrivateKey::from_pem(&data(name)).unwrap_err(),
            Error::EncryptedPrivateKey,
            "{name}"
        );
    }
}

#[test]
fn a_private_key_file_must_hold_one_key_and_not_be_huge() {
    let key = data("key-sec1.pem");
    let doubled = [key.clone(), key.clone()].concat();
    assert!(
        PrivateKey::from_pem(&doubled)
            .unwrap_err()
            .to_string()
            .contains("more than one")
    );
    assert!(
        PrivateKey::from_pem(&data("pss-sha256.pem"))
            .unwrap_err()
            .to_string()
            .contains("no PRIVATE KEY block")
    );
    let mut huge = key;
    huge.resize(MAX_PRIVATE_KEY_LEN, b'\n');
    PrivateKey::from_pem(&huge).unwrap();
    huge.push(b'\n');
    assert!(matches!(
        PrivateKey::from_pem(&huge),
        Err(Error::TooLarge { .. })
    ));
}

#[test]
fn nothing_of_a_private_key_is_shown() {
    let key = PrivateKey::from_pem(&data("key-sec1.pem")).unwrap();
    assert_eq!(format!("{key:?}"), "PrivateKey(EC-256)");
}
