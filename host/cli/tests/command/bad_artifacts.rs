//! Artifacts and signatures that were changed, or were never right.

use std::fs;
use std::time::Duration as StdDuration;

use apostille_registry::OciLayout;
use serde_json::json;
use time::{Duration, OffsetDateTime};

use crate::support::{Authority, Home, Signer, Validity, alter_member};

const REFUSED: i32 = 3;
const REGISTRY: i32 = 5;

fn signed() -> Home {
    let home = Home::new();
    home.sign(&[]).ok();
    home
}

#[test]
fn what_was_signed_verifies_and_nothing_is_changed_by_it() {
    let home = signed();
    let ran = home.unchanged(|| home.verify(&[])).ok();
    assert!(
        ran.out
            .contains("Successfully verified signature for app@sha256:"),
        "{}",
        ran.out
    );
}

#[test]
fn an_artifact_without_signature_is_refused() {
    let home = Home::new();
    home.unchanged(|| home.verify(&[])).refused(
        REFUSED,
        &[
            "no signature is associated with",
            "app@sha256:",
            "apostille sign",
        ],
    );
}

#[test]
fn a_manifest_with_one_flipped_byte_is_refused() {
    let home = signed();
    let path = home
        .blobs_with("schemaVersion")
        .into_iter()
        .find(|path| !fs::read_to_string(path).unwrap().contains("subject"))
        .unwrap();
    let text = fs::read_to_string(&path)
        .unwrap()
        .replace("\"size\":3", "\"size\":4");
    fs::write(&path, text).unwrap();
    home.verify(&[])
        .refused(REGISTRY, &["wrong content", "changed it"]);
    home.unchanged(|| home.sign(&[]))
        .refused(REGISTRY, &["wrong content"]);
}

#[test]
fn an_envelope_with_one_flipped_byte_is_refused() {
    let home = signed();
    let path = home.envelope();
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    home.verify(&[])
        .refused(REFUSED, &["cannot be read", "wrong content", "images"]);
}

#[test]
fn a_signature_manifest_with_one_flipped_byte_is_refused() {
    let home = signed();
    let path = home.blobs_with("subject").remove(0);
    let text = fs::read_to_string(&path)
        .unwrap()
        .replace("x509chain", "x509Chain");
    fs::write(&path, text).unwrap();
    let ran = home.verify(&[]);
    assert_ne!(ran.code, 0);
    assert!(ran.err.contains("wrong content"), "{}", ran.err);
}

#[test]
fn a_changed_payload_is_refused_even_if_all_digests_fit() {
    let home = signed();
    home.forge(|envelope| {
        alter_member(envelope, "payload", |payload| {
            payload["targetArtifact"]["size"] = json!(1);
        });
    });
    home.verify_forged()
        .refused(REFUSED, &["integrity", "signature"]);
}

#[test]
fn a_changed_protected_header_is_refused() {
    let home = signed();
    home.forge(|envelope| {
        alter_member(envelope, "protected", |header| {
            header["io.cncf.notary.signingTime"] = json!("2020-01-01T00:00:00Z");
        });
    });
    home.verify_forged().refused(REFUSED, &["integrity"]);
}

#[test]
fn the_certificate_of_somebody_else_is_refused() {
    let home = signed();
    let other = Signer::new("release");
    home.trust("ca", "release", &other.root_pem());
    home.forge(|envelope| envelope["header"]["x5c"] = json!([der_base64(&other.root_pem())]));
    home.verify_forged().refused(REFUSED, &["integrity"]);
}

#[test]
fn a_certificate_with_one_flipped_byte_is_refused() {
    let home = signed();
    home.forge(|envelope| {
        let certificate = envelope["header"]["x5c"][0].as_str().unwrap();
        let flipped = certificate.replacen("MII", "MIJ", 1);
        assert_ne!(certificate, flipped);
        envelope["header"]["x5c"][0] = json!(flipped);
    });
    home.verify_forged().refused(REFUSED, &["certificate"]);
}

fn der_base64(pem: &str) -> String {
    pem.lines()
        .filter(|line| !line.starts_with("---"))
        .collect()
}

#[test]
fn an_envelope_that_is_no_envelope_is_refused() {
    let home = Home::new();
    home.attach(
        "forged",
        b"not an envelope".to_vec(),
        "application/jose+json",
    );
    home.verify_forged().refused(REFUSED, &["integrity"]);
}

#[test]
fn an_envelope_of_an_unknown_format_is_refused() {
    let home = Home::new();
    home.attach("forged", b"{}".to_vec(), "application/pdf");
    home.verify_forged().refused(REFUSED, &["application/pdf"]);
}

#[test]
fn a_garbage_signature_does_not_hide_the_good_one() {
    let home = Home::new();
    home.attach_to("app", b"garbage".to_vec(), "application/jose+json");
    home.sign(&[]).ok();
    home.verify(&[]).ok();
}

#[test]
fn a_signature_of_another_image_is_refused() {
    let home = signed();
    let envelope = fs::read(home.envelope()).unwrap();
    home.layout("other");
    home.attach_to("other", envelope, "application/jose+json");
    home.run(&["verify", "--oci-layout", "--scope", "local/app", "other:v1"])
        .refused(REFUSED, &["integrity", "for another artifact"]);
}

#[test]
fn a_certificate_that_has_expired_is_refused() {
    let home = Home::new();
    let signer = Signer::valid("release", Validity::Past);
    home.add_signer("release", &signer);
    home.sign_at(
        &signer,
        OffsetDateTime::now_utc() - Duration::hours(36),
        None,
    );
    home.verify(&[]).refused(
        REFUSED,
        &[
            "authentic timestamp",
            "CN=release",
            "expired after",
            "--timestamp-url",
        ],
    );
}

#[test]
fn a_certificate_that_is_not_valid_yet_is_refused() {
    let home = Home::new();
    let signer = Signer::valid("release", Validity::Future);
    home.add_signer("release", &signer);
    home.sign_at(
        &signer,
        OffsetDateTime::now_utc() + Duration::hours(36),
        None,
    );
    home.verify(&[])
        .refused(REFUSED, &["authentic timestamp", "CN=release"]);
}

#[test]
fn signing_with_an_expired_certificate_stores_nothing() {
    let home = Home::new();
    home.add_signer("release", &Signer::valid("release", Validity::Past));
    home.unchanged(|| home.sign(&[]))
        .refused(6, &["CN=release", "Nothing was stored"]);
}

#[test]
fn a_signature_that_has_expired_is_refused() {
    let home = Home::new();
    let signer = Signer::new("release");
    home.add_signer("release", &signer);
    let hour_ago = OffsetDateTime::now_utc() - Duration::hours(1);
    home.sign_at(&signer, hour_ago, Some(StdDuration::from_secs(60)));
    home.verify(&[]).refused(REFUSED, &["expiry", "expired on"]);
}

#[test]
fn a_certificate_that_may_not_sign_code_signs_nothing() {
    let home = Home::new();
    let authority = Authority::new("Root");
    let signer = authority.issue("release", |params| {
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    });
    home.add_signer("release", &signer);
    home.unchanged(|| home.sign(&[]))
        .refused(6, &["CN=release", "Nothing was stored"]);
}

#[test]
fn a_key_that_is_not_the_certificates_signs_nothing() {
    let home = Home::new();
    home.add_signer("release", &Signer::new("release").with_another_key());
    home.unchanged(|| home.sign(&[]))
        .refused(6, &["another key"]);
}

#[test]
fn a_layout_that_is_none_is_named() {
    let home = Home::new();
    fs::create_dir(home.work().join("empty")).unwrap();
    for path in ["empty:v1", "absent:v1"] {
        home.run(&["sign", "--oci-layout", path])
            .refused(REGISTRY, &["is not an OCI image layout"]);
    }
    home.run(&["verify", "--oci-layout", "--scope", "local/app", "app:v2"])
        .refused(REGISTRY, &["v2", "not found in app"]);
    assert!(OciLayout::open(home.work().join("app")).is_ok());
}

#[test]
fn metadata_that_is_not_signed_is_named_with_what_is() {
    let home = Home::new();
    home.sign(&["--user-metadata", "build=7"]).ok();
    home.verify(&["--user-metadata", "build=7"]).ok();
    home.verify(&["--user-metadata", "build=8"])
        .refused(REFUSED, &["user metadata", "build=8", "value 7"]);
}

/// CVE-2023-33957 and CVE-2023-33958: as many signatures were fetched as a registry offered.
#[test]
fn cve_2023_33957_and_33958_the_limit_of_signatures_is_named_when_it_hides_some() {
    let home = Home::new();
    for _ in 0..2 {
        home.sign(&[]).ok();
    }
    home.trust("ca", "release", &Signer::new("somebody else").root_pem());
    home.verify(&["--max-signatures", "1"]).refused(
        REFUSED,
        &[
            "trust store",
            "Only 1 signatures were looked at",
            "--max-signatures",
        ],
    );
}
