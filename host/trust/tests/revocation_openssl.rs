//! CRLs and OCSP answers of OpenSSL, an implementation that is not ours.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::Path;
use std::process::Command;

use apostille_trust::revocation::crl::{Crl, judge};
use apostille_trust::revocation::ocsp::{Nonce, read, request};
use apostille_trust::revocation::{EvidenceError, Verdict};
use notary_x509::{Certificate, parse_certificates};
use time::OffsetDateTime;

const CONFIGURATION: &str = "
[ca]
default_ca = ca
[ca]
database = index.txt
serial = serial
crlnumber = crlnumber
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
default_days = 30
default_crl_days = 7
policy = policy
[policy]
commonName = supplied
[leaf]
keyUsage = critical,digitalSignature
[responder]
keyUsage = critical,digitalSignature
extendedKeyUsage = OCSPSigning
noCheck = ignored
";

struct OpenSslCa(tempfile::TempDir);

impl OpenSslCa {
    /// A CA with `good`, `bad` (revoked) and `responder`, or `None`, having said so.
    fn new() -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            println!("skipped: openssl is not installed");
            return None;
        }
        let ca = Self(tempfile::tempdir().unwrap());
        for (name, content) in [
            ("openssl.cnf", CONFIGURATION),
            ("index.txt", ""),
            ("serial", "1000"),
            ("crlnumber", "01"),
        ] {
            std::fs::write(ca.path().join(name), content).unwrap();
        }
        ca.run("req -x509 -nodes -config /dev/null -newkey rsa:2048 -keyout ca.key -out ca.pem -subj /CN=CA \
                -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign");
        for (name, section) in [
            ("good", "leaf"),
            ("bad", "leaf"),
            ("responder", "responder"),
        ] {
            ca.run(&format!("req -new -nodes -config /dev/null -newkey rsa:2048 -keyout {name}.key -out {name}.csr -subj /CN={name}"));
            ca.run(&format!("ca -batch -notext -config openssl.cnf -extensions {section} -in {name}.csr -out {name}.pem"));
        }
        ca.run("ca -config openssl.cnf -revoke bad.pem -crl_reason keyCompromise");
        Some(ca)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn run(&self, arguments: &str) {
        let output = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(self.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{arguments}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn certificate(&self, name: &str) -> Certificate {
        let pem = std::fs::read(self.path().join(format!("{name}.pem"))).unwrap();
        parse_certificates(&pem).unwrap().remove(0)
    }

    /// OpenSSL's answer to our request about `name`, signed by `signer`.
    fn answer(&self, name: &str, signer: &str, nonce: Option<Nonce>) -> Vec<u8> {
        let request = request(&self.certificate(name), &self.certificate("ca"), nonce);
        std::fs::write(self.path().join("request"), request).unwrap();
        self.run(&format!(
            "ocsp -index index.txt -CA ca.pem -rsigner {signer}.pem -rkey {signer}.key -reqin request -respout answer -ndays 1"
        ));
        std::fs::read(self.path().join("answer")).unwrap()
    }
}

#[test]
fn crls_of_openssl_say_who_is_revoked() {
    let Some(ca) = OpenSslCa::new() else { return };
    ca.run("ca -config openssl.cnf -gencrl -out list.pem");
    ca.run("crl -in list.pem -outform DER -out list.crl");
    let list = Crl::from_der(std::fs::read(ca.path().join("list.crl")).unwrap()).unwrap();
    let now = OffsetDateTime::now_utc();
    let verdict = |name| {
        judge(
            &ca.certificate(name),
            &ca.certificate("ca"),
            &list,
            None,
            now,
        )
    };
    assert_eq!(verdict("good"), Ok(Verdict::Good));
    assert!(
        matches!(verdict("bad"), Ok(Verdict::Revoked(revocation)) if revocation.reason_name() == "keyCompromise")
    );
}

#[test]
fn ocsp_answers_of_openssl_to_our_requests_say_who_is_revoked() {
    let Some(ca) = OpenSslCa::new() else { return };
    let now = OffsetDateTime::now_utc();
    for signer in ["ca", "responder"] {
        for nonce in [None, Nonce::random()] {
            let verdict = |name| {
                let answer = ca.answer(name, signer, nonce);
                read(
                    &answer,
                    &ca.certificate(name),
                    &ca.certificate("ca"),
                    nonce,
                    now,
                )
                .unwrap()
            };
            assert_eq!(verdict("good").verdict, Some(Verdict::Good));
            assert!(matches!(verdict("bad").verdict, Some(Verdict::Revoked(_))));
            assert_eq!(verdict("good").delegate.is_some(), signer == "responder");
        }
    }
}

#[test]
fn openssl_echoes_the_nonce_and_an_answer_to_another_question_is_refused() {
    let Some(ca) = OpenSslCa::new() else { return };
    let answer = ca.answer("good", "ca", Nonce::random());
    let other = Nonce::random();
    let result = read(
        &answer,
        &ca.certificate("good"),
        &ca.certificate("ca"),
        other,
        OffsetDateTime::now_utc(),
    );
    assert_eq!(result, Err(EvidenceError::Nonce));
}

#[test]
fn an_answer_signed_by_an_ordinary_certificate_of_the_ca_is_refused() {
    let Some(ca) = OpenSslCa::new() else { return };
    let answer = ca.answer("bad", "good", None);
    let result = read(
        &answer,
        &ca.certificate("bad"),
        &ca.certificate("ca"),
        None,
        OffsetDateTime::now_utc(),
    );
    assert!(
        matches!(result, Err(EvidenceError::Signature { .. })),
        "{result:?}"
    );
}
