//! Every rule of a trust policy, broken once: which member is named, and what is said about it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use apostille_trust::policy::{BlobTrustPolicy, OciTrustPolicy, PolicyError};
use serde_json::{Value, json};

/// A valid document of one statement, in which `change` breaks something.
fn broken(kind: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut document = json!({
        "version": "1.0",
        "trustPolicies": [{
            "name": "releases",
            "signatureVerification": {"level": "strict"},
            "trustStores": ["ca:release"],
            "trustedIdentities": ["x509.subject: C=GB, ST=England, O=Example"],
        }],
    });
    if kind == "oci" {
        document["trustPolicies"][0]["registryScopes"] = json!(["registry.example/app"]);
    }
    change(&mut document);
    let bytes = document.to_string();
    let error = if kind == "oci" {
        OciTrustPolicy::parse(bytes.as_bytes(), "policy.json").map(|_| ())
    } else {
        BlobTrustPolicy::parse(bytes.as_bytes(), "policy.json").map(|_| ())
    };
    match error.unwrap_err() {
        error @ PolicyError::Invalid { .. } => error.to_string(),
        other => panic!("{other}"),
    }
}

/// The violations, without the words that all have in common and the places, which are all in the first line.
fn violation(kind: &str, change: impl FnOnce(&mut Value)) -> String {
    let text = broken(kind, change);
    let violations = text
        .strip_prefix("the trust policy policy.json is not valid: ")
        .unwrap_or_else(|| panic!("{text}"));
    let mut parts = violations.split(" (line 1, column ");
    let mut found = parts.next().unwrap().to_owned();
    for part in parts {
        let (_, rest) = part.split_once(')').unwrap();
        found.push_str(rest);
    }
    found
}

fn set(document: &mut Value, pointer: &str, value: Value) {
    match pointer.rsplit_once('/') {
        Some((parent, member)) => {
            document.pointer_mut(parent).unwrap()[member] = value;
        }
        None => *document = value,
    }
}

#[test]
fn each_broken_rule_names_statement_member_and_reason() {
    const STATEMENT: &str = "/trustPolicies/0";
    let in_statement = "statement \"releases\", trustPolicies[0].";
    for (member, value, expected) in [
        (
            "registryScopes",
            json!([]),
            "registryScopes: it is required and is missing or empty",
        ),
        (
            "registryScopes",
            json!(null),
            "registryScopes: it is required and is missing or empty",
        ),
        (
            "registryScopes",
            json!(["https://a.b/c"]),
            "registryScopes[0]: `https://a.b/c` is not a fully qualified repository",
        ),
        (
            "registryScopes",
            json!(["a.b/c:v1"]),
            "registryScopes[0]: `a.b/c:v1` is not a fully qualified repository",
        ),
        (
            "registryScopes",
            json!(["a.b/c", "a.b/*"]),
            "registryScopes[1]: `a.b/*` has a wildcard in it",
        ),
        (
            "registryScopes",
            json!(["a.b/c", "*"]),
            "registryScopes[1]: the scope `*` must be the only scope",
        ),
        (
            "registryScopes",
            json!(["a.b/c", "a.b/c"]),
            "registryScopes[1]: the scope `a.b/c` occurs more than once",
        ),
        (
            "signatureVerification",
            json!(null),
            "signatureVerification.level: it is required",
        ),
        (
            "signatureVerification",
            json!({}),
            "signatureVerification.level: it is required",
        ),
        (
            "signatureVerification",
            json!({"level": "Strict"}),
            "signatureVerification.level: `Strict` is not a verification level",
        ),
        (
            "signatureVerification",
            json!({"level": "strict", "override": {"integrity": "log"}}),
            "signatureVerification.override.integrity: integrity is always enforced",
        ),
        (
            "signatureVerification",
            json!({"level": "strict", "override": {"expiration": "log"}}),
            "signatureVerification.override.expiration: `expiration` is not a check",
        ),
        (
            "signatureVerification",
            json!({"level": "strict", "override": {"expiry": "warn"}}),
            "signatureVerification.override.expiry: `warn` is not an action",
        ),
        (
            "signatureVerification",
            json!({"level": "strict", "override": {"expiry": "skip"}}),
            "signatureVerification.override.expiry: expiry cannot be set to skip",
        ),
        (
            "signatureVerification",
            json!({"level": "strict", "override": {"authenticity": "skip"}}),
            "signatureVerification.override.authenticity: authenticity cannot be set to skip",
        ),
        (
            "signatureVerification",
            json!({"level": "strict", "override": {"authenticTimestamp": "skip"}}),
            "signatureVerification.override.authenticTimestamp: authenticTimestamp cannot be set to skip",
        ),
        (
            "signatureVerification",
            json!({"level": "strict", "verifyTimestamp": "never"}),
            "signatureVerification.verifyTimestamp: `never` is not a setting",
        ),
        ("trustStores", json!([]), "trustStores: it is required"),
        ("trustStores", json!(["release"]), "trustStores[0]: "),
        ("trustStores", json!(["ca:a", "root:b"]), "trustStores[1]: "),
        ("trustStores", json!(["ca:../a"]), "trustStores[0]: "),
        ("trustStores", json!(["ca:"]), "trustStores[0]: "),
        (
            "trustedIdentities",
            json!([]),
            "trustedIdentities: it is required",
        ),
        ("trustedIdentities", json!([""]), "trustedIdentities[0]: "),
        (
            "trustedIdentities",
            json!(["CN=x"]),
            "trustedIdentities[0]: ",
        ),
        (
            "trustedIdentities",
            json!(["x509.subject: C=GB, ST=England"]),
            "trustedIdentities[0]: O is missing",
        ),
        (
            "trustedIdentities",
            json!(["x509.subject: C=GB, ST=England, O=a+OU=b"]),
            "trustedIdentities[0]: ",
        ),
        (
            "trustedIdentities",
            json!(["*", "x509.subject: C=GB, ST=England, O=a"]),
            "trustedIdentities[0]: the identity `*` must be the only identity",
        ),
        (
            "trustedIdentities",
            json!([
                "x509.subject: C=GB, ST=England, O=a",
                "x509.subject: C=GB, ST=England, O=a, CN=b"
            ]),
            "trustedIdentities[1]: it overlaps with trustPolicies[0].trustedIdentities[0]",
        ),
    ] {
        let found = violation("oci", |document| {
            set(document, &format!("{STATEMENT}/{member}"), value.clone())
        });
        let expected = format!("{in_statement}{expected}");
        assert!(
            found.starts_with(&expected),
            "{value}:\n  {found}\n  {expected}"
        );
    }
}

#[test]
fn rules_of_the_document_name_its_members() {
    for (change, expected) in [
        (json!({"version": ""}), "version: it is required"),
        (
            json!({"version": "2.0"}),
            "version: version `2.0` is not supported; use `1.0`",
        ),
        (
            json!({"trustPolicies": []}),
            "trustPolicies: it is required",
        ),
    ] {
        for kind in ["oci", "blob"] {
            let found = violation(kind, |document| {
                for (member, value) in change.as_object().unwrap() {
                    document[member] = value.clone();
                }
            });
            assert!(found.starts_with(expected), "{found}");
        }
    }
}

#[test]
fn names_are_required_printable_and_unique() {
    let found = violation("oci", |document| {
        set(document, "/trustPolicies/0/name", json!(""))
    });
    assert!(
        found.starts_with("trustPolicies[0].name: it is required"),
        "{found}"
    );
    let found = violation("blob", |document| {
        set(document, "/trustPolicies/0/name", json!("a\nb"));
    });
    assert!(
        found.contains("trustPolicies[0].name: a name must not have control characters"),
        "{found}"
    );
    let found = violation("blob", |document| {
        let again = document["trustPolicies"][0].clone();
        document["trustPolicies"]
            .as_array_mut()
            .unwrap()
            .push(again);
    });
    assert!(
        found.contains("trustPolicies[1].name: another statement has this name"),
        "{found}"
    );
}

#[test]
fn a_scope_can_be_in_one_statement_only() {
    let found = violation("oci", |document| {
        let mut again = document["trustPolicies"][0].clone();
        again["name"] = json!("others");
        document["trustPolicies"]
            .as_array_mut()
            .unwrap()
            .push(again);
    });
    assert!(
        found.starts_with("statement \"others\", trustPolicies[1].registryScopes[0]: the scope `registry.example/app` occurs more than once"),
        "{found}"
    );
}

#[test]
fn the_level_skip_has_no_stores_no_identities_and_no_override() {
    let skip = |document: &mut Value| {
        document["trustPolicies"][0]["signatureVerification"] = json!({"level": "skip"});
    };
    let found = violation("oci", skip);
    for member in ["trustStores", "trustedIdentities"] {
        assert!(
            found.contains(&format!(
                "trustPolicies[0].{member}: the level skip verifies nothing"
            )),
            "{found}"
        );
    }
    let found = violation("blob", |document| {
        document["trustPolicies"][0]["trustStores"] = json!([]);
        document["trustPolicies"][0]["trustedIdentities"] = json!([]);
        document["trustPolicies"][0]["signatureVerification"] =
            json!({"level": "skip", "override": {"expiry": "log"}});
    });
    assert!(
        found.contains("signatureVerification.override: the level skip cannot be overridden"),
        "{found}"
    );
}

#[test]
fn one_blob_statement_can_be_global_and_it_cannot_skip() {
    let found = violation("blob", |document| {
        document["trustPolicies"][0]["globalPolicy"] = json!(true);
        let mut again = document["trustPolicies"][0].clone();
        again["name"] = json!("others");
        document["trustPolicies"]
            .as_array_mut()
            .unwrap()
            .push(again);
    });
    assert!(
        found.starts_with(
            "statement \"others\", trustPolicies[1].globalPolicy: another statement is global"
        ),
        "{found}"
    );
    let found = violation("blob", |document| {
        document["trustPolicies"][0] = json!({"name": "open", "globalPolicy": true, "signatureVerification": {"level": "skip"}});
    });
    assert!(
        found.contains("the global statement cannot have the level skip"),
        "{found}"
    );
}

#[test]
fn every_broken_rule_of_a_document_is_reported_at_once() {
    let text = broken("oci", |document| {
        set(document, "/version", json!("0.9"));
        set(document, "/trustPolicies/0/trustStores", json!(["x"]));
        set(document, "/trustPolicies/0/trustedIdentities", json!([]));
    });
    assert_eq!(text.lines().count(), 4, "{text}");
}
