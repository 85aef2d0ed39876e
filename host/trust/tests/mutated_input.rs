//! A smoke run of the fuzz targets with a stable compiler: seeds are changed, always in the same way, and nothing that
//! reads bytes from outside may panic. `fuzz/` has the targets that go on for as long as one likes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::{Path, PathBuf};

use apostille_signature::timestamp::TimestampToken;
use apostille_signature::{Envelope, EnvelopeFormat};
use apostille_trust::identity::TrustedIdentity;
use apostille_trust::policy::{BlobTrustPolicy, OciTrustPolicy};
use apostille_trust::revocation::{crl, ocsp};
use notary_x509::{Certificate, CertificateChain, parse_certificates};

/// Changed copies of each seed.
const COPIES: u64 = 60;

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The seeds in a folder that end like this.
fn seeds(folder: &str, ending: &str) -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "{folder}");
    paths
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect()
}

/// A small generator (xorshift64*): the same changes in every run, so that a failure can be repeated.
struct Changes(u64);

impl Changes {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(number).unwrap() % limit.max(1)
    }

    /// One to four changes: a byte, a cut, a repetition, a removal, a run of one byte.
    fn apply(&mut self, seed: &[u8]) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            let length = self.below(16).min(bytes.len().saturating_sub(at));
            match self.below(5) {
                0 => bytes.truncate(at),
                1 => drop(bytes.drain(at..at + length)),
                2 => {
                    let run = bytes[at..at + length].to_vec();
                    bytes.splice(at..at, run);
                }
                3 => bytes[at..at + length].fill([0x00, 0x80, 0xff, b'"'][self.below(4)]),
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1 << self.below(8);
                    }
                }
            }
        }
        bytes
    }
}

fn each_change(seeds: Vec<Vec<u8>>, read: impl Fn(&[u8])) {
    let mut changes = Changes(0x9E37_79B9_7F4A_7C15);
    for seed in seeds {
        read(&seed);
        for _ in 0..COPIES {
            read(&changes.apply(&seed));
        }
    }
}

fn read_envelope(format: EnvelopeFormat, bytes: &[u8]) {
    let Ok(envelope) = Envelope::parse(format, bytes) else {
        return;
    };
    let _ = envelope.payload();
    if let Ok(verified) = envelope.verify_integrity() {
        let at = Some(verified.signing_time());
        let _ = verified.certificate_chain().check_code_signing(at);
    }
}

#[test]
fn changed_jws_envelopes_do_no_harm() {
    each_change(seeds("testdata/vectors", ".jws"), |bytes| {
        read_envelope(EnvelopeFormat::Jws, bytes);
    });
}

#[test]
fn changed_cose_envelopes_do_no_harm() {
    each_change(seeds("testdata/vectors", ".cose"), |bytes| {
        read_envelope(EnvelopeFormat::Cose, bytes);
    });
}

#[test]
fn changed_timestamp_tokens_do_no_harm() {
    each_change(seeds("fuzz/seeds/timestamp_token", ""), |bytes| {
        if let Ok(token) = TimestampToken::parse(bytes) {
            let _ = token.claims(b"signature");
        }
    });
}

#[test]
fn changed_certificates_do_no_harm() {
    each_change(seeds("fuzz/seeds/certificates", ""), |bytes| {
        let Ok(certificates) = parse_certificates(bytes) else {
            return;
        };
        for certificate in &certificates {
            let _ = certificate.subject().to_string();
            let _ = certificate.ocsp_urls();
            let _ = certificate.crl_distribution_points();
        }
        if let Ok(chain) = CertificateChain::new(certificates) {
            let at = Some(chain.leaf().not_before());
            let _ = chain.check_code_signing(at);
            let _ = chain.check_timestamping(at);
        }
    });
}

/// A certificate and its issuer.
fn authority() -> (Certificate, Certificate) {
    let read = |name: &str| {
        let path = root()
            .join("testdata/reference/notation-core-go")
            .join(name);
        parse_certificates(&std::fs::read(path).unwrap())
            .unwrap()
            .remove(0)
    };
    (
        read("timestamp_leaf.crt"),
        read("timestamp_intermediate.crt"),
    )
}

#[test]
fn changed_ocsp_answers_are_not_believed() {
    let (leaf, ca) = authority();
    each_change(seeds("fuzz/seeds/ocsp", ""), |bytes| {
        assert!(ocsp::read(bytes, &leaf, &ca, None, leaf.not_before()).is_err());
    });
}

#[test]
fn changed_crls_do_no_harm() {
    each_change(seeds("fuzz/seeds/crl", ""), |bytes| {
        let _ = crl::Crl::from_der(bytes.to_vec());
    });
}

#[test]
fn changed_trust_policies_do_no_harm() {
    each_change(seeds("fuzz/seeds/trust_policy", ""), |bytes| {
        if let Ok(policy) = OciTrustPolicy::parse(bytes, "policy") {
            let _ = policy.statement_for("registry.example/app");
        }
        if let Ok(policy) = BlobTrustPolicy::parse(bytes, "policy") {
            let _ = policy.statement_for(None);
        }
    });
}

#[test]
fn changed_distinguished_names_do_no_harm() {
    each_change(seeds("fuzz/seeds/distinguished_name", ""), |bytes| {
        if let Ok(text) = std::str::from_utf8(bytes) {
            let _ = TrustedIdentity::parse(&format!("x509.subject: {text}"));
            let _ = notary_x509::Name::from_rfc4514(text);
        }
    });
}
