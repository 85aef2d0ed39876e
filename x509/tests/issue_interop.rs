//! What is made for keys that live elsewhere, judged by OpenSSL and by `notation`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use notary_plugin_protocol::KeySpec;
use notary_x509::{
    Certificate, CertificateChain, CertificationRequest, Error, Name, PrivateKey, RequestTemplate,
    SelfSignedCertificate, SelfSignedTemplate, SerialNumber, SubjectAltName,
};
use time::{Duration, OffsetDateTime};

const SUBJECT: &str = "CN=release \\+ sign\\, me,OU=one+OU=two,O=Exämple,ST=England,C=GB";

fn alt_names() -> Vec<SubjectAltName> {
    [
        "DNS:sign.example.com",
        "email:release@example.com",
        "URI:https://example.com/x",
        "IP:192.0.2.1",
        "IP:2001:db8::1",
    ]
    .iter()
    .map(|text| text.parse().unwrap())
    .collect()
}

fn template() -> SelfSignedTemplate {
    let now = OffsetDateTime::now_utc();
    SelfSignedTemplate {
        subject: Name::from_rfc4514(SUBJECT).unwrap(),
        subject_alt_names: alt_names(),
        not_before: now - Duration::MINUTE,
        not_after: now + Duration::days(365 * 30),
        serial: SerialNumber::random().unwrap(),
    }
}

fn self_signed(key: &PrivateKey) -> Certificate {
    let unsigned = SelfSignedCertificate::prepare(&template(), key.public_key()).unwrap();
    let signature = key.sign(unsigned.to_be_signed()).unwrap();
    unsigned.assemble(&signature).unwrap()
}

fn request(key: &PrivateKey) -> CertificationRequest {
    let template = RequestTemplate {
        subject: Name::from_rfc4514(SUBJECT).unwrap(),
        subject_alt_names: alt_names(),
    };
    let unsigned = CertificationRequest::prepare(&template, key.public_key()).unwrap();
    let signature = key.sign(unsigned.to_be_signed()).unwrap();
    unsigned.assemble(&signature).unwrap()
}

/// A directory that goes with the test.
struct Scratch(tempfile::TempDir);

impl Scratch {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

/// The output of OpenSSL, or `None`, having said so, where it is not installed.
fn openssl(arguments: &[&str]) -> Option<String> {
    match Command::new("openssl").args(arguments).output() {
        Ok(output) => Some(checked(arguments, &output)),
        Err(_) => {
            println!("skipped: openssl is not installed");
            None
        }
    }
}

fn checked(arguments: &[&str], output: &Output) -> String {
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{arguments:?}: {text}");
    text
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn self_signed_certificates_of_every_key_spec_follow_the_rules_and_verify_with_openssl() {
    for &spec in KeySpec::ALL {
        let certificate = self_signed(&PrivateKey::generate(spec).unwrap());
        let chain = CertificateChain::new(vec![certificate.clone()]).unwrap();
        chain
            .check_code_signing(Some(OffsetDateTime::now_utc()))
            .unwrap();
        assert_eq!(certificate.subject().to_string(), SUBJECT);

        let scratch = Scratch::new();
        let path = scratch.write("certificate.pem", &certificate.to_pem());
        let arguments = [
            "verify",
            "-x509_strict",
            "-check_ss_sig",
            "-CAfile",
            text(&path),
            text(&path),
        ];
        let Some(answer) = openssl(&arguments) else {
            return;
        };
        assert!(answer.contains("certificate.pem: OK"), "{spec}: {answer}");
        let shown = openssl(&["x509", "-in", text(&path), "-noout", "-text"]).unwrap();
        for part in [
            "Digital Signature",
            "Code Signing",
            "CA:FALSE",
            "DNS:sign.example.com",
            "email:release@example.com",
            "URI:https://example.com/x",
            "IP Address:192.0.2.1",
            "IP Address:2001:DB8:0:0:0:0:0:1",
        ] {
            assert!(shown.contains(part), "{spec}: {part} is not in {shown}");
        }
    }
}

#[test]
fn requests_of_every_key_spec_verify_with_openssl() {
    for &spec in KeySpec::ALL {
        let scratch = Scratch::new();
        let path = scratch.write(
            "request.pem",
            &request(&PrivateKey::generate(spec).unwrap()).to_pem(),
        );
        let Some(shown) = openssl(&["req", "-in", text(&path), "-verify", "-noout", "-text"])
        else {
            return;
        };
        for part in [
            "verify OK",
            "Digital Signature",
            "Code Signing",
            "CA:FALSE",
            "DNS:sign.example.com",
        ] {
            assert!(shown.contains(part), "{spec}: {part} is not in {shown}");
        }
    }
}

#[test]
fn a_certificate_that_openssl_issues_for_a_request_follows_the_rules() {
    let key = PrivateKey::generate(KeySpec::Ec256).unwrap();
    let scratch = Scratch::new();
    let request = scratch.write("request.pem", &request(&key).to_pem());
    let [ca_key, ca, issued] =
        ["ca.key", "ca.pem", "issued.pem"].map(|name| scratch.0.path().join(name));
    #[rustfmt::skip]
    let made = openssl(&[
        "req", "-x509", "-nodes", "-config", "/dev/null", "-newkey", "rsa:3072", "-keyout", text(&ca_key), "-out", text(&ca),
        "-subj", "/CN=CA", "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign",
    ]);
    if made.is_none() {
        return;
    }
    #[rustfmt::skip]
    openssl(&[
        "x509", "-req", "-in", text(&request), "-CA", text(&ca), "-CAkey", text(&ca_key), "-out", text(&issued),
        "-copy_extensions", "copyall",
    ]);
    let mut certificates = notary_x509::parse_certificates(&std::fs::read(ca).unwrap()).unwrap();
    certificates.extend(notary_x509::parse_certificates(&std::fs::read(issued).unwrap()).unwrap());
    let chain = CertificateChain::order(&certificates, key.public_key()).unwrap();
    chain
        .check_code_signing(Some(OffsetDateTime::now_utc()))
        .unwrap();
}

#[test]
fn openssl_verifies_raw_signatures_of_every_key_spec() {
    for &spec in KeySpec::ALL {
        let key = PrivateKey::generate(spec).unwrap();
        let scratch = Scratch::new();
        let certificate = scratch.write("certificate.pem", &self_signed(&key).to_pem());
        let message = scratch.write("message", "what is signed");
        let raw = key.sign(b"what is signed").unwrap();
        let signature = scratch.0.path().join("signature");
        let hash = format!("-sha{}", spec.hash_algorithm().output_len() * 8);
        let mut arguments = vec!["dgst", &hash];
        if spec.is_elliptic_curve() {
            let der = notary_plugin_protocol::EcdsaSignature::from_raw(spec, &raw)
                .unwrap()
                .to_der();
            std::fs::write(&signature, der).unwrap();
        } else {
            std::fs::write(&signature, raw).unwrap();
            arguments.extend([
                "-sigopt",
                "rsa_padding_mode:pss",
                "-sigopt",
                "rsa_pss_saltlen:digest",
            ]);
        }
        let Some(public) = openssl(&["x509", "-in", text(&certificate), "-noout", "-pubkey"])
        else {
            return;
        };
        let public = scratch.write("public.pem", &public);
        arguments.extend([
            "-verify",
            text(&public),
            "-signature",
            text(&signature),
            text(&message),
        ]);
        assert!(
            openssl(&arguments).unwrap().contains("Verified OK"),
            "{spec}"
        );
    }
}

#[test]
fn notation_takes_the_certificates_into_its_trust_store() {
    let binary = std::env::var_os("NOTATION_BIN").unwrap_or_else(|| "notation".into());
    for &spec in KeySpec::ALL {
        let scratch = Scratch::new();
        let path = scratch.write(
            "certificate.pem",
            &self_signed(&PrivateKey::generate(spec).unwrap()).to_pem(),
        );
        let arguments = [
            "cert",
            "add",
            "--type",
            "ca",
            "--store",
            "test",
            text(&path),
        ];
        let output = Command::new(&binary)
            .args(arguments)
            .env("NOTATION_CONFIG", scratch.0.path().join("config"))
            .output();
        let Ok(output) = output else {
            println!("skipped: notation is not on the PATH and NOTATION_BIN does not name it");
            return;
        };
        checked(&arguments, &output);
    }
}

#[test]
fn a_signature_by_another_key_or_in_der_is_not_assembled() {
    let key = PrivateKey::generate(KeySpec::Ec256).unwrap();
    let other = PrivateKey::generate(KeySpec::Ec256).unwrap();
    let unsigned = SelfSignedCertificate::prepare(&template(), key.public_key()).unwrap();
    let by_other = other.sign(unsigned.to_be_signed()).unwrap();
    assert!(matches!(
        unsigned.clone().assemble(&by_other),
        Err(Error::SignatureInvalid { .. })
    ));
    let raw = key.sign(unsigned.to_be_signed()).unwrap();
    let der = notary_plugin_protocol::EcdsaSignature::from_raw(KeySpec::Ec256, &raw)
        .unwrap()
        .to_der();
    assert!(matches!(
        unsigned.assemble(&der),
        Err(Error::SignatureForm(_))
    ));
}

#[test]
fn templates_that_make_no_certificate_are_refused_with_the_reason() {
    let key = PrivateKey::generate(KeySpec::Ec256).unwrap();
    let prepare = |change: fn(&mut SelfSignedTemplate)| {
        let mut template = template();
        change(&mut template);
        SelfSignedCertificate::prepare(&template, key.public_key())
            .unwrap_err()
            .to_string()
    };
    assert!(
        prepare(|template| template.not_after = template.not_before)
            .contains("end before it begins")
    );
    assert!(
        prepare(|template| template.subject = Name::from_der(&[0x30, 0]).unwrap())
            .contains("subject is empty")
    );
    let bad_name = prepare(|template| {
        template
            .subject_alt_names
            .push(SubjectAltName::Dns("a..b".to_owned()))
    });
    assert!(bad_name.contains("DNS:a..b"), "{bad_name}");
}

#[test]
fn alternative_names_that_are_not_of_their_kind_are_refused() {
    for text in [
        "example.com",
        "DNS:",
        "DNS:a b",
        "DNS:-a",
        "DNS:ä.example",
        "email:x",
        "email:@x",
        "email:a b@x.example",
        "URI:x",
        "URI:http://a b",
        "IP:1.2.3",
        "IP:::1::",
        "RID:1.2.3",
        "DNS:a\0b",
    ] {
        assert!(text.parse::<SubjectAltName>().is_err(), "{text}");
    }
}
