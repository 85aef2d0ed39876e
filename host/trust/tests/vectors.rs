//! The envelopes of `testdata/vectors`, made without our code, through the whole verification: none with a fault is
//! trusted, even by somebody who trusts every root that it brings, and the others are.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[allow(dead_code)]
mod evidence;
#[allow(dead_code)]
mod trial;

use std::path::{Path, PathBuf};

use apostille_artifact::Descriptor;
use apostille_signature::{Envelope, EnvelopeFormat};
use apostille_trust::verify::Step;
use evidence::{NOW, usual_ca};
use notary_x509::Certificate;
use serde::Deserialize;
use serde_json::json;
use time::Duration;
use trial::{Trial, failed, store};

/// The attributes of the vectors that a verifier has to know how to process: without their plugin they are refused.
const NEED_A_PLUGIN: [&str; 3] = [
    "valid-extended-critical",
    "valid-plugin",
    "minimum-no-version",
];

#[derive(Deserialize)]
struct Vector {
    file: String,
    why: String,
    expect: Option<String>,
}

impl Vector {
    fn all() -> Vec<Self> {
        serde_json::from_slice(&std::fs::read(folder().join("vectors.json")).unwrap()).unwrap()
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(folder().join(&self.file)).unwrap()
    }

    fn format(&self) -> EnvelopeFormat {
        if self.file.ends_with(".jws") {
            EnvelopeFormat::Jws
        } else {
            EnvelopeFormat::Cose
        }
    }

    /// The name without the format before it and after it.
    fn fault(&self) -> &str {
        let stem = self.file.rsplit_once('.').unwrap().0;
        stem.split_once('-').unwrap().1
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/vectors")
}

/// What the vectors sign, unless the target is their fault.
fn target() -> Descriptor {
    serde_json::from_value(json!({
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": format!("sha256:{}", "1f".repeat(32)),
        "size": 528,
    }))
    .unwrap()
}

/// A verifier who trusts `anchor`, whatever it vouches for, an hour after the vectors were made.
fn trusting(anchor: &Certificate) -> Trial {
    let mut trial = Trial::trusting(anchor);
    trial
        .stores
        .insert(store("signingAuthority:test", &[anchor]));
    trial.trust_stores.push("signingAuthority:test");
    trial.artifact = target();
    trial.now = NOW + Duration::HOUR;
    trial
}

/// The certificate at the end of the vector's chain, or one that has nothing to do with it where there is no chain.
fn anchor(vector: &Vector) -> Certificate {
    Envelope::parse(vector.format(), &vector.bytes())
        .ok()
        .and_then(|envelope| envelope.certificate_chain().certificates().last().cloned())
        .filter(|last| last.is_ca() || last.is_self_signed())
        .unwrap_or_else(|| usual_ca().certificate)
}

/// What comes of every vector.
fn verdicts() -> Vec<(Vector, bool, Vec<Step>)> {
    let verdict = |vector: Vector| {
        let trial = trusting(&anchor(&vector));
        let verification = trial.verify_as(vector.format(), &vector.bytes());
        let failed = failed(&verification).into_iter().map(|(step, _)| step);
        (vector, verification.is_trusted(), failed.collect())
    };
    Vector::all().into_iter().map(verdict).collect()
}

#[test]
fn an_envelope_with_a_fault_is_never_trusted_and_one_without_always_is() {
    let mut surprises = Vec::new();
    for (vector, trusted, failed) in verdicts() {
        let good = vector.expect.is_none() && !NEED_A_PLUGIN.contains(&vector.fault());
        if trusted != good {
            surprises.push(format!(
                "{} ({}): trusted: {trusted}, failed: {failed:?}",
                vector.file, vector.why
            ));
        }
    }
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
}

#[test]
fn nobody_is_trusted_who_does_not_lead_to_the_trust_store() {
    let stranger = usual_ca().certificate;
    for vector in Vector::all() {
        let verification = trusting(&stranger).verify_as(vector.format(), &vector.bytes());
        assert!(!verification.is_trusted(), "{}", vector.file);
        // What is critical and not understood is refused before anybody asks whose it is.
        if vector.expect.is_none() && vector.fault() != "valid-extended-critical" {
            let failed = failed(&verification);
            let expected = (Step::TrustStore, "enforce");
            assert!(failed.contains(&expected), "{}: {failed:?}", vector.file);
        }
    }
}

#[test]
fn a_day_after_their_expiry_signatures_fail_for_just_that() {
    for vector in Vector::all() {
        if vector.fault() != "valid-expiry" {
            continue;
        }
        let mut trial = trusting(&anchor(&vector));
        trial.now = NOW + Duration::days(2);
        let verification = trial.verify_as(vector.format(), &vector.bytes());
        assert_eq!(failed(&verification), [(Step::Expiry, "enforce")]);
    }
}
