//! What each verification level lets pass.

use serde_json::{Value, json};
use std::time::Duration as StdDuration;
use time::{Duration, OffsetDateTime};

use crate::support::{Home, Signer};

/// A signature that has expired, by a signer whom no store knows.
fn doubtful(verification: &Value) -> Home {
    let home = Home::new();
    let signer = Signer::new("stranger");
    let hour_ago = OffsetDateTime::now_utc() - Duration::hours(1);
    home.sign_at(&signer, hour_ago, Some(StdDuration::from_secs(60)));
    home.set_policy(verification);
    home
}

/// A signature that has expired, by a trusted signer.
fn expired(verification: &Value) -> Home {
    let home = Home::new();
    let signer = Signer::new("release");
    home.add_signer("release", &signer);
    let hour_ago = OffsetDateTime::now_utc() - Duration::hours(1);
    home.sign_at(&signer, hour_ago, Some(StdDuration::from_secs(60)));
    home.set_policy(verification);
    home
}

#[test]
fn strict_refuses_what_permissive_only_warns_about() {
    expired(&json!({"level": "strict"}))
        .verify(&[])
        .refused(3, &["expiry"]);
    let ran = expired(&json!({"level": "permissive"})).verify(&[]).ok();
    assert!(
        ran.err
            .contains("Warning: expiry was set to \"log\" and failed with error: "),
        "{}",
        ran.err
    );
    assert!(
        ran.out
            .starts_with("\nSuccessfully verified signature for app@sha256:"),
        "{}",
        ran.out
    );
}

#[test]
fn permissive_refuses_what_audit_only_warns_about() {
    doubtful(&json!({"level": "permissive"}))
        .verify(&[])
        .refused(3, &["trust store"]);
    let ran = doubtful(&json!({"level": "audit"})).verify(&[]).ok();
    assert!(
        ran.err
            .contains("Warning: authenticity was set to \"log\" and failed"),
        "{}",
        ran.err
    );
    assert!(
        ran.err
            .contains("Warning: expiry was set to \"log\" and failed"),
        "{}",
        ran.err
    );
}

#[test]
fn audit_refuses_what_is_not_intact() {
    let home = Home::new();
    home.set_policy(&json!({"level": "audit"}));
    home.attach("forged", b"{}".to_vec(), "application/jose+json");
    home.verify_forged().refused(3, &["integrity"]);
}

#[test]
fn skip_looks_at_no_signature_and_says_so() {
    let ran = doubtful(&json!({"level": "skip"})).verify(&[]).ok();
    assert!(
        ran.out.starts_with(
            "\nTrust policy is configured to skip signature verification for app@sha256:"
        ),
        "{}",
        ran.out
    );
    let ran = doubtful(&json!({"level": "skip"}))
        .verify(&["--output", "json"])
        .ok();
    assert_eq!(ran.json()["verdict"], "skipped");
}

#[test]
fn an_override_changes_one_check_and_no_other() {
    let verification = json!({"level": "strict", "override": {"expiry": "log"}});
    expired(&verification).verify(&[]).ok();
    doubtful(&verification)
        .verify(&[])
        .refused(3, &["trust store"]);
    let verification = json!({"level": "audit", "override": {"authenticity": "enforce"}});
    doubtful(&verification)
        .verify(&[])
        .refused(3, &["trust store"]);
}

#[test]
fn the_json_document_has_every_check_of_the_signature_that_was_refused() {
    let ran = expired(&json!({"level": "strict"})).verify(&["-o", "json"]);
    assert_eq!(ran.code, 3);
    let document = ran.json();
    assert_eq!(document["verdict"], "notTrusted");
    assert_eq!(document["statement"]["name"], "images");
    let outcomes = &document["signatures"][0]["verification"]["outcomes"];
    let steps: Vec<&str> = outcomes
        .as_array()
        .unwrap()
        .iter()
        .map(|outcome| outcome["step"].as_str().unwrap())
        .collect();
    assert_eq!(
        steps,
        [
            "integrity",
            "userMetadata",
            "criticalAttributes",
            "trustStore",
            "verificationPlugin",
            "trustedIdentity",
            "expiry",
            "authenticTimestamp",
            "revocation"
        ]
    );
    assert_eq!(outcomes[6]["result"], "failed");
}

#[test]
fn explain_names_statement_signer_and_each_check() {
    let home = Home::new();
    home.sign(&[]).ok();
    let out = home.verify(&["--explain"]).ok().out;
    for words in [
        "statement: images (level strict), since",
        "signer: CN=release,O=Example,ST=England,C=GB",
        "trust store [enforce]: passed",
        "ca:release",
        "revocation [enforce]: passed",
        "Successfully verified signature for app@sha256:",
    ] {
        assert!(out.contains(words), "{words:?} is not in {out}");
    }
}
