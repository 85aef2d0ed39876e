//! The verification engine from memory: signatures verified in a second under a strict policy, on one core and on two,
//! beside the three signature checks that each of them needs. Nothing is asked about revocation.
//!
//! Prints `name rate` in each round; the rounds alternate between what is measured.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use apostille_artifact::Descriptor;
use apostille_signature::{Envelope, EnvelopeFormat, VerifiedEnvelope};
use apostille_trust::policy::OciTrustPolicy;
use apostille_trust::revocation::NoRevocationChecker;
use apostille_trust::store::{Anchor, MemoryTrustStores, TrustStore};
use apostille_trust::verify::{
    ExpectedArtifact, NoVerificationPlugins, VerificationInput, verify_envelope,
};
use futures::executor::block_on;
use notary_plugin_protocol::PluginConfig;
use notary_x509::Certificate;

const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(400);
const POLICY: &str = r#"{"version":"1.0","trustPolicies":[{"name":"bench","registryScopes":["*"],
    "signatureVerification":{"level":"strict","override":{"revocation":"skip"}},
    "trustStores":["ca:bench"],"trustedIdentities":["*"]}]}"#;

/// Everything about one envelope that is known beforehand.
struct Bench {
    bytes: Vec<u8>,
    envelope: VerifiedEnvelope,
    artifact: Descriptor,
    policy: OciTrustPolicy,
    stores: MemoryTrustStores,
}

impl Bench {
    fn new(key_spec: &str) -> Self {
        let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/vectors");
        let bytes = std::fs::read(vectors.join(format!("jws-valid-{key_spec}-ca.jws"))).unwrap();
        let envelope = Envelope::parse(EnvelopeFormat::Jws, &bytes)
            .unwrap()
            .verify_integrity()
            .unwrap();
        let certificate = envelope.certificate_chain().root().clone();
        let origin = "a benchmark".to_owned();
        let anchors = vec![Anchor {
            certificate,
            origin,
        }];
        let mut stores = MemoryTrustStores::new();
        stores.insert(TrustStore::new("ca:bench".parse().unwrap(), anchors).unwrap());
        Self {
            artifact: envelope.payload().target_artifact().clone(),
            policy: OciTrustPolicy::parse(POLICY.as_bytes(), "trustpolicy.json").unwrap(),
            bytes,
            envelope,
            stores,
        }
    }

    fn verify(&self) {
        let statement = self.policy.statement_for("registry.example/app").unwrap();
        let input = VerificationInput {
            format: EnvelopeFormat::Jws,
            envelope: &self.bytes,
            artifact: ExpectedArtifact::Manifest(&self.artifact),
            user_metadata: &BTreeMap::new(),
            statement: &statement,
            stores: &self.stores,
            revocation: &NoRevocationChecker,
            plugins: &NoVerificationPlugins,
            plugin_config: &PluginConfig::default(),
            now: self.envelope.signing_time(),
        };
        assert!(block_on(verify_envelope(&input)).is_trusted());
    }

    fn raw_checks(&self) {
        let chain = self.envelope.certificate_chain();
        let issued = |certificate: &Certificate| {
            let root = chain.root().public_key();
            root.verify_x509(
                certificate.signature_algorithm().unwrap(),
                certificate.to_be_signed(),
                certificate.signature(),
            )
            .unwrap();
        };
        let leaf = chain.leaf();
        let (algorithm, signature) = (self.envelope.algorithm(), self.envelope.signature());
        let signed = self.envelope.signed_bytes();
        leaf.public_key()
            .verify(algorithm, signed, signature)
            .unwrap();
        issued(leaf);
        issued(chain.root());
    }
}

/// How often `work` is done in a second by so many threads.
fn rate(threads: usize, work: impl Fn() + Sync) -> f64 {
    let (done, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut count = 0;
                while !stop.load(Ordering::Relaxed) {
                    work();
                    count += 1;
                }
                done.fetch_add(count, Ordering::Relaxed);
            });
        }
        std::thread::sleep(ROUND);
        stop.store(true, Ordering::Relaxed);
    });
    done.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64()
}

fn main() {
    for key_spec in ["rsa-2048", "ec-256", "ec-384"] {
        let bench = Bench::new(key_spec);
        for _ in 0..ROUNDS {
            println!("raw/{key_spec} {:.1}", rate(1, || bench.raw_checks()));
            println!("one/{key_spec} {:.1}", rate(1, || bench.verify()));
            println!("two/{key_spec} {:.1}", rate(2, || bench.verify()));
        }
    }
}
