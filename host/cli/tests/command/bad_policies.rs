//! Policies and trust stores that are missing, malformed or do not fit; all of it is found out before any signature is
//! fetched.

use std::fs;

use serde_json::json;

use crate::support::{Home, Signer};

const POLICY: i32 = 4;
const REFUSED: i32 = 3;

fn signed() -> Home {
    let home = Home::new();
    home.sign(&[]).ok();
    home
}

#[test]
fn without_a_policy_the_command_that_imports_one_is_named() {
    let home = signed();
    fs::remove_file(home.policy_file()).unwrap();
    home.unchanged(|| home.verify(&[]))
        .refused(POLICY, &["trust policy", "apostille policy"]);
}

#[test]
fn a_policy_is_looked_for_before_the_registry_is() {
    let home = Home::bare();
    home.run(&["verify", "127.0.0.1:1/app:v1"])
        .refused(POLICY, &["trust policy"]);
}

#[test]
fn a_malformed_policy_is_refused_with_line_and_column() {
    let home = signed();
    fs::write(home.policy_file(), "{\n  \"version\": oops\n}").unwrap();
    home.verify(&[])
        .refused(POLICY, &["trustpolicy.oci.json", "line 2"]);
}

#[test]
fn a_policy_that_is_a_link_is_refused() {
    let home = signed();
    let real = home.config().join("real.json");
    fs::rename(home.policy_file(), &real).unwrap();
    std::os::unix::fs::symlink(&real, home.policy_file()).unwrap();
    home.verify(&[]).refused(POLICY, &["symbolic link"]);
}

#[test]
fn an_artifact_in_no_scope_is_named_with_the_way_to_add_it() {
    let home = signed();
    home.write_policy(&json!({"version": "1.0", "trustPolicies": [{
        "name": "images",
        "registryScopes": ["registry.example/app"],
        "signatureVerification": {"level": "strict"},
        "trustStores": ["ca:release"],
        "trustedIdentities": ["*"],
    }]}));
    home.verify(&[])
        .refused(POLICY, &["local/app", "registryScopes"]);
}

#[test]
fn a_store_that_is_missing_is_named_as_that() {
    let home = signed();
    fs::remove_dir_all(home.store("ca", "release")).unwrap();
    home.verify(&[])
        .refused(POLICY, &["ca:release", "apostille certificate add"]);
}

#[test]
fn a_store_that_is_empty_is_named_as_that() {
    let home = signed();
    fs::remove_file(home.store("ca", "release").join("certificate.pem")).unwrap();
    home.verify(&[])
        .refused(POLICY, &["ca:release", "apostille certificate add"]);
}

#[test]
fn a_store_with_something_that_is_no_certificate_is_refused_with_the_file() {
    let home = signed();
    fs::write(home.store("ca", "release").join("notes.txt"), "hello").unwrap();
    home.verify(&[]).refused(POLICY, &["notes.txt"]);
}

#[test]
fn a_store_is_looked_at_before_the_registry_is() {
    let home = Home::new();
    fs::remove_dir_all(home.store("ca", "release")).unwrap();
    home.run(&["verify", "127.0.0.1:1/app:v1"])
        .refused(POLICY, &["ca:release"]);
}

#[test]
fn a_signer_whom_no_store_knows_is_refused_with_the_store_that_was_looked_in() {
    let home = signed();
    home.trust("ca", "release", &Signer::new("somebody else").root_pem());
    home.verify(&[]).refused(
        REFUSED,
        &["trust store", "ca:release", "CN=release", "images"],
    );
}

#[test]
fn a_signer_who_is_no_trusted_identity_is_refused_with_what_differs() {
    let home = signed();
    home.write_policy(&json!({"version": "1.0", "trustPolicies": [{
        "name": "images",
        "registryScopes": ["*"],
        "signatureVerification": {"level": "strict"},
        "trustStores": ["ca:release"],
        "trustedIdentities": ["x509.subject: C=GB, ST=England, O=Example, CN=other"],
    }]}));
    home.verify(&[])
        .refused(REFUSED, &["trusted identity", "CN=release", "other"]);
}

#[test]
fn a_statement_that_only_trusts_timestamps_says_which_store_is_missing() {
    let home = signed();
    home.trust("tsa", "stamps", &Signer::new("stamps").root_pem());
    home.write_policy(&json!({"version": "1.0", "trustPolicies": [{
        "name": "images",
        "registryScopes": ["*"],
        "signatureVerification": {"level": "strict"},
        "trustStores": ["tsa:stamps"],
        "trustedIdentities": ["*"],
    }]}));
    let ran = home.verify(&[]);
    assert_ne!(ran.code, 0);
    assert!(ran.err.contains("ca"), "{}", ran.err);
}

#[test]
fn a_policy_that_asks_for_a_timestamp_refuses_a_signature_without_one() {
    let home = signed();
    home.trust("tsa", "stamps", &Signer::new("stamps").root_pem());
    home.write_policy(&json!({"version": "1.0", "trustPolicies": [{
        "name": "images",
        "registryScopes": ["*"],
        "signatureVerification": {"level": "strict"},
        "trustStores": ["ca:release", "tsa:stamps"],
        "trustedIdentities": ["*"],
    }]}));
    home.verify(&[]).refused(
        REFUSED,
        &["authentic timestamp", "no timestamp countersignature"],
    );
}
