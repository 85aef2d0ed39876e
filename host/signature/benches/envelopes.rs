//! What an envelope costs beside the signatures in it, for each key spec:
//!
//! * `raw-verify`: the three signatures alone, of the envelope and of the two certificates of its chain;
//! * `verify`: the same envelope from its bytes to a verdict, with the rules for certificates;
//! * `raw-sign`: one signature and one check of it, since what a signer gives is never believed;
//! * `build`: an envelope from a request to its bytes, with a certificate that signs itself.
//!
//! The envelopes that are verified are those of `testdata/vectors`. Compare the pairs: `raw-verify` with `verify`,
//! `raw-sign` with `build`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;
use std::time::Duration;

use apostille_signature::{Envelope, EnvelopeFormat, VerifiedEnvelope};
use criterion::{Criterion, criterion_group, criterion_main};
use notary_plugin_protocol::KeySpec;
use notary_x509::Certificate;
use support::Signer;

fn vector(key_spec: KeySpec, format: EnvelopeFormat) -> Vec<u8> {
    let extension = match format {
        EnvelopeFormat::Jws => "jws",
        EnvelopeFormat::Cose => "cose",
    };
    let name = key_spec.as_str().to_lowercase();
    let file = format!("vectors/{extension}-valid-{name}-ca.{extension}");
    std::fs::read(support::testdata().join(file)).unwrap()
}

fn verify(format: EnvelopeFormat, bytes: &[u8]) -> VerifiedEnvelope {
    let verified = Envelope::parse(format, bytes)
        .unwrap()
        .verify_integrity()
        .unwrap();
    verified
        .certificate_chain()
        .check_validity(verified.signing_time())
        .unwrap();
    verified
}

fn raw_verify(envelope: &VerifiedEnvelope) {
    let [leaf, root] = envelope.certificate_chain().certificates() else {
        panic!("the vectors have two certificates");
    };
    let issued = |certificate: &Certificate| {
        root.public_key()
            .verify_x509(
                certificate.signature_algorithm().unwrap(),
                certificate.to_be_signed(),
                certificate.signature(),
            )
            .unwrap();
    };
    leaf.public_key()
        .verify(
            envelope.algorithm(),
            envelope.signed_bytes(),
            envelope.signature(),
        )
        .unwrap();
    issued(leaf);
    issued(root);
}

fn envelopes(criterion: &mut Criterion) {
    for key_spec in KeySpec::ALL {
        let name = key_spec.as_str();
        for (format, label) in [(EnvelopeFormat::Jws, "jws"), (EnvelopeFormat::Cose, "cose")] {
            let bytes = vector(*key_spec, format);
            let envelope = verify(format, &bytes);
            criterion.bench_function(&format!("raw-verify/{name}/{label}"), |bencher| {
                bencher.iter(|| raw_verify(black_box(&envelope)));
            });
            criterion.bench_function(&format!("verify/{name}/{label}"), |bencher| {
                bencher.iter(|| verify(format, black_box(&bytes)));
            });
        }
        let signer = Signer::new(*key_spec);
        criterion.bench_function(&format!("raw-sign/{name}"), |bencher| {
            bencher.iter(|| {
                let message = black_box(b"the bytes to sign".as_slice());
                let signature = signer.key.sign(message).unwrap();
                let algorithm = signer.key.signing_algorithm();
                let public_key = signer.key.public_key();
                public_key.verify(algorithm, message, &signature).unwrap();
            });
        });
        criterion.bench_function(&format!("build/{name}/jws"), |bencher| {
            bencher.iter(|| signer.sign(signer.request(b"content"), EnvelopeFormat::Jws));
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800));
    targets = envelopes
}
criterion_main!(benches);
