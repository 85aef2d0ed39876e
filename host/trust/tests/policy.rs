//! Trust policy documents: what is accepted, what is refused, and what the refusal says.
//!
//! The documents in `documents.json` were also given to the reference implementation; where its
//! verdict is another one, the entry says why.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fs;
use std::path::Path;

use apostille_trust::policy::{
    Action, BlobTrustPolicy, Check, MAX_IDENTITIES, MAX_POLICY_SIZE, MatchedBy, OciTrustPolicy,
    PolicyError, PolicyRule, PolicyWarning, VerifyTimestamp, blob_schema, oci_schema, schema_files,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn statement(changes: Value) -> Value {
    let mut statement = json!({
        "name": "n",
        "registryScopes": ["*"],
        "signatureVerification": {"level": "strict"},
        "trustStores": ["ca:a"],
        "trustedIdentities": ["*"],
    });
    for (member, value) in changes.as_object().unwrap() {
        statement[member] = value.clone();
    }
    statement
}

fn document(statements: &[Value]) -> Vec<u8> {
    serde_json::to_vec(&json!({"version": "1.0", "trustPolicies": statements})).unwrap()
}

fn parse(statements: &[Value]) -> Result<OciTrustPolicy, PolicyError> {
    OciTrustPolicy::parse(&document(statements), "trustpolicy.json")
}

/// The place and the rule of each violation.
fn violations(error: PolicyError) -> Vec<(String, PolicyRule)> {
    match error {
        PolicyError::Invalid { violations, .. } => violations
            .into_iter()
            .map(|violation| (violation.field, violation.rule))
            .collect(),
        other => panic!("{other}"),
    }
}

#[test]
fn every_document_of_the_table_gets_its_verdict() {
    let table: Vec<Value> = serde_json::from_str(include_str!("documents.json")).unwrap();
    assert!(table.len() > 150);
    let schemas = [oci_schema(), blob_schema()]
        .map(|schema| jsonschema::validator_for(schema.as_value()).unwrap());
    for entry in table {
        let text = match &entry["document"] {
            Value::String(text) => text.clone(),
            document => document.to_string(),
        };
        let [oci, blob] = &schemas;
        let (schema, accepted) = if entry["kind"] == "oci" {
            (oci, OciTrustPolicy::parse(text.as_bytes(), "f").map(|_| ()))
        } else {
            (
                blob,
                BlobTrustPolicy::parse(text.as_bytes(), "f").map(|_| ()),
            )
        };
        assert_eq!(entry["accepted"], accepted.is_ok(), "{text}: {accepted:?}");
        let differs = entry["reference"] != entry["accepted"];
        assert_eq!(differs, entry.get("because").is_some(), "{text}");
        // Null stands for absence; the schema, made for writing documents, has no use for it.
        if accepted.is_ok() && !text.contains("null") {
            let parsed: Value = serde_json::from_str(&text).unwrap();
            assert!(
                schema.is_valid(&parsed),
                "{text}: {:?}",
                schema.validate(&parsed)
            );
        }
    }
}

#[test]
fn the_published_schemas_are_those_of_the_code() {
    for file in schema_files() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("schemas")
            .join(file.file_name);
        let published = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            published,
            file.content,
            "{} is stale: run `cargo xtask schemas`",
            path.display()
        );
    }
}

#[test]
fn the_member_by_which_an_editor_finds_the_schema_is_no_reason_for_a_warning() {
    let mut with_schema: Value =
        serde_json::from_slice(&document(&[statement(json!({}))])).unwrap();
    with_schema["$schema"] = json!("trustpolicy.oci.schema.json");
    let policy = OciTrustPolicy::parse(with_schema.to_string().as_bytes(), "f").unwrap();
    assert_eq!(policy.warnings(), []);
    let schema = jsonschema::validator_for(oci_schema().as_value()).unwrap();
    assert!(schema.is_valid(&with_schema));
}

#[test]
fn the_schema_refuses_what_an_editor_can_point_at() {
    let schema = jsonschema::validator_for(oci_schema().as_value()).unwrap();
    let with = |changes| json!({"version": "1.0", "trustPolicies": [statement(changes)]});
    assert!(schema.is_valid(&with(json!({}))));
    for changes in [
        json!({"signatureVerification": {"level": "Strict"}}),
        json!({"signatureVerification": {}}),
        json!({"signatureVerification": {"level": "strict", "override": {"integrity": "log"}}}),
        json!({"signatureVerification": {"level": "strict", "override": {"expiry": "skip"}}}),
        json!({"signatureVerification": {"level": "strict", "verifyTimestamp": "never"}}),
        json!({"registryScopes": []}),
        json!({"registryScopes": ["a/*"]}),
        json!({"registryScopes": ["https://a/b"]}),
        json!({"trustStores": ["ca:.."]}),
        json!({"trustStores": ["x:a"]}),
        json!({"trustedIdentities": ["nobody"]}),
        json!({"name": ""}),
        json!({"trustStores": []}),
        json!({"signatureVerification": {"level": "skip"}}),
    ] {
        let document = with(changes.clone());
        assert!(!schema.is_valid(&document), "{changes}");
        let bytes = document.to_string();
        assert!(
            OciTrustPolicy::parse(bytes.as_bytes(), "f").is_err(),
            "{changes}"
        );
    }
}

#[test]
fn the_schema_for_blobs_has_no_scopes_to_demand_and_a_global_flag() {
    let schema = jsonschema::validator_for(blob_schema().as_value()).unwrap();
    let with = |changes: Value| {
        let mut blob = statement(changes);
        blob.as_object_mut().unwrap().remove("registryScopes");
        json!({"version": "1.0", "trustPolicies": [blob]})
    };
    for changes in [json!({}), json!({"globalPolicy": true})] {
        assert!(schema.is_valid(&with(changes.clone())), "{changes}");
    }
    for changes in [
        json!({"globalPolicy": "true"}),
        json!({"signatureVerification": {"level": "none"}}),
        json!({"trustedIdentities": []}),
        json!({"trustStores": ["tsa"]}),
    ] {
        let document = with(changes.clone());
        assert!(!schema.is_valid(&document), "{changes}");
        let bytes = document.to_string();
        assert!(
            BlobTrustPolicy::parse(bytes.as_bytes(), "f").is_err(),
            "{changes}"
        );
    }
}

#[test]
fn a_violation_names_file_statement_and_field() {
    let error = parse(&[
        statement(json!({"name": "first", "registryScopes": ["a/b"]})),
        statement(json!({
            "name": "second",
            "registryScopes": ["a/b"],
            "trustedIdentities": ["x509.subject: C=US, ST=WA, O=acme", "x509.subject: C=US"],
        })),
    ])
    .unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("the trust policy trustpolicy.json is not valid: "),
        "{text}"
    );
    assert!(
        text.contains(
            "\n  statement \"second\", trustPolicies[1].trustedIdentities[1] (line 1, column "
        ),
        "{text}"
    );
    assert!(
        text.contains(
            "\n  statement \"second\", trustPolicies[1].registryScopes[0] (line 1, column "
        ),
        "{text}"
    );
}

#[test]
fn a_violation_is_located_by_line_and_column() {
    let text = "{\n  \"version\": \"1.0\",\n  \"trustPolicies\": [\n    {\n      \"name\": \"n\",\n      \"registryScopes\": [\"a/b\",\n        \"A/B\"],\n      \"signatureVerification\": {\"level\": \"lax\"},\n      \"trustStores\": [\"ca:a\"]\n    }\n  ]\n}";
    let error = OciTrustPolicy::parse(text.as_bytes(), "p.json").unwrap_err();
    let PolicyError::Invalid { violations, .. } = &error else {
        panic!("{error}");
    };
    let mut found: Vec<_> = violations
        .iter()
        .map(|violation| {
            let position = violation.position.unwrap();
            (violation.field.as_str(), position.line, position.column)
        })
        .collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            ("trustPolicies[0].registryScopes[1]", 7, 9),
            ("trustPolicies[0].signatureVerification.level", 8, 33),
            // It is missing, and should be in the statement.
            ("trustPolicies[0].trustedIdentities", 4, 5),
        ]
    );
}

#[test]
fn malformed_json_is_located_by_line_and_column() {
    let text = "{\n  \"version\": \"1.0\",\n  \"trustPolicies\": [ { \"name\": 7 } ]\n}";
    match OciTrustPolicy::parse(text.as_bytes(), "p.json").unwrap_err() {
        PolicyError::Malformed {
            line, path, reason, ..
        } => {
            assert_eq!((line, path.as_str()), (3, "trustPolicies[0].name"));
            assert_eq!(reason, "invalid type: integer `7`, expected a string");
        }
        other => panic!("{other}"),
    }
    let error = OciTrustPolicy::parse(b"{\n  \"version\" \"1.0\"\n}", "p.json").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the trust policy p.json is malformed at line 2, column 13: expected `:`"
    );
}

#[test]
fn a_member_that_occurs_twice_is_refused() {
    let text = r#"{"version":"1.1","version":"1.0","trustPolicies":[]}"#;
    let error = OciTrustPolicy::parse(text.as_bytes(), "f").unwrap_err();
    assert!(
        error.to_string().contains("duplicate field `version`"),
        "{error}"
    );
    let text = r#"{"version":"1.0","trustPolicies":[{"name":"n","registryScopes":["*"],
        "signatureVerification":{"level":"strict","override":{"expiry":"enforce","expiry":"log"}},
        "trustStores":["ca:a"],"trustedIdentities":["*"]}]}"#;
    let found = violations(OciTrustPolicy::parse(text.as_bytes(), "f").unwrap_err());
    assert_eq!(
        found,
        [(
            "trustPolicies[0].signatureVerification.override.expiry".to_owned(),
            PolicyRule::DuplicateOverride {
                check: Check::Expiry
            }
        )]
    );
}

#[test]
fn a_member_in_the_wrong_case_is_refused_and_not_passed_over() {
    let weaker = statement(json!({
        "signatureVerification": {"level": "permissive", "Override": {"expiry": "enforce"}}
    }));
    assert_eq!(
        violations(parse(&[weaker]).unwrap_err()),
        [(
            "trustPolicies[0].signatureVerification.Override".to_owned(),
            PolicyRule::MemberCase { right: "override" }
        )]
    );
}

#[test]
fn an_unknown_member_is_tolerated_with_a_warning() {
    let policy = parse(&[statement(json!({"comment": {"by": ["me"]}}))]).unwrap();
    assert_eq!(
        policy.warnings(),
        [PolicyWarning::UnknownMember {
            path: "trustPolicies[0].comment".into()
        }]
    );
}

#[test]
fn skip_with_the_global_scope_loads_with_a_warning() {
    let skip = json!({
        "name": "open",
        "registryScopes": ["*"],
        "signatureVerification": {"level": "skip"},
    });
    let policy = parse(&[skip]).unwrap();
    assert_eq!(
        policy.warnings(),
        [PolicyWarning::GlobalScopeSkipped {
            statement: "open".into()
        }]
    );
    let applies = policy.statement_for("a.b/c").unwrap();
    assert!(applies.statement.verification().skips_verification());
}

#[test]
fn a_scope_that_names_the_repository_comes_before_the_global_one() {
    let policy = parse(&[
        statement(json!({"name": "all"})),
        statement(json!({"name": "some", "registryScopes": ["a.b/c", "a.b/d"]})),
    ])
    .unwrap();
    let named = policy.statement_for("a.b/d").unwrap();
    assert_eq!(named.statement.name(), "some");
    assert_eq!(named.matched_by, MatchedBy::Scope("a.b/d".into()));
    for repository in ["a.b/c/e", "a.b/cd", "x/a.b/c", "A.b/c"] {
        let global = policy.statement_for(repository).unwrap();
        assert_eq!(
            (global.statement.name(), global.matched_by),
            ("all", MatchedBy::GlobalScope)
        );
    }
}

#[test]
fn without_a_statement_for_the_repository_nothing_is_trusted() {
    let policy = parse(&[statement(json!({"registryScopes": ["a.b/c"]}))]).unwrap();
    assert!(matches!(
        policy.statement_for("a.b/d"),
        Err(PolicyError::NoApplicableStatement { .. })
    ));
    for repository in ["*", "", "alpine", "a.b/c:tag", "a.b/c@sha256:00", "a.b/C"] {
        assert!(
            matches!(
                policy.statement_for(repository),
                Err(PolicyError::NotARepository { .. })
            ),
            "{repository}"
        );
    }
}

#[test]
fn a_blob_statement_is_chosen_by_name_or_is_the_global_one() {
    let global = json!({"name": "g", "globalPolicy": true, "signatureVerification": {"level": "audit"},
        "trustStores": ["ca:a"], "trustedIdentities": ["*"]});
    let named = json!({"name": "n", "signatureVerification": {"level": "strict"},
        "trustStores": ["ca:a"], "trustedIdentities": ["*"]});
    let policy = BlobTrustPolicy::parse(&document(&[named.clone(), global]), "f").unwrap();
    let chosen = policy.statement_for(Some("n")).unwrap();
    assert_eq!(
        (chosen.statement.name(), chosen.matched_by),
        ("n", MatchedBy::Name)
    );
    let chosen = policy.statement_for(None).unwrap();
    assert_eq!(
        (chosen.statement.name(), chosen.matched_by),
        ("g", MatchedBy::GlobalStatement)
    );
    assert!(matches!(
        policy.statement_for(Some("N")),
        Err(PolicyError::NoStatementOfThatName { .. })
    ));
    let policy = BlobTrustPolicy::parse(&document(&[named]), "f").unwrap();
    assert!(matches!(
        policy.statement_for(None),
        Err(PolicyError::NoGlobalStatement { .. })
    ));
    assert!(matches!(
        policy.statement_for(Some("")),
        Err(PolicyError::NoStatementOfThatName { .. })
    ));
}

#[test]
fn overrides_and_the_timestamp_setting_are_kept() {
    let policy = parse(&[statement(json!({"signatureVerification": {
        "level": "strict",
        "override": {"revocation": "skip", "expiry": "log"},
        "verifyTimestamp": "afterCertExpiry",
    }}))])
    .unwrap();
    let verification = policy.statements()[0].statement().verification();
    let actions = Check::ALL.map(|check| verification.action(check));
    assert_eq!(
        actions,
        [
            Action::Enforce,
            Action::Enforce,
            Action::Enforce,
            Action::Log,
            Action::Skip
        ]
    );
    assert_eq!(
        verification.verify_timestamp(),
        VerifyTimestamp::AfterCertExpiry
    );
    assert_eq!(verification.name(), "custom");
}

#[test]
fn a_document_larger_than_the_limit_is_refused_unread() {
    let mut bytes = document(&[statement(json!({}))]);
    bytes.resize(MAX_POLICY_SIZE, b' ');
    assert!(OciTrustPolicy::parse(&bytes, "f").is_ok());
    bytes.push(b' ');
    assert!(matches!(
        OciTrustPolicy::parse(&bytes, "f"),
        Err(PolicyError::TooLarge { .. })
    ));
}

#[test]
fn more_identities_than_the_limit_are_refused_before_they_are_compared() {
    let identities = |count: usize| -> Vec<String> {
        (0..count)
            .map(|index| format!("x509.subject:C=US,ST=WA,O=a,CN={index}"))
            .collect()
    };
    assert!(
        parse(&[statement(
            json!({"trustedIdentities": identities(MAX_IDENTITIES)})
        )])
        .is_ok()
    );
    let too_many = statement(json!({"trustedIdentities": identities(MAX_IDENTITIES + 1)}));
    assert_eq!(
        violations(parse(&[too_many]).unwrap_err())[0].1,
        PolicyRule::TooManyIdentities {
            count: MAX_IDENTITIES + 1
        }
    );
}

#[test]
fn deeply_nested_json_is_refused_and_does_not_exhaust_the_stack() {
    let unknown = format!("{{\"x\":{}", "[".repeat(MAX_POLICY_SIZE / 2));
    assert!(matches!(
        OciTrustPolicy::parse(unknown.as_bytes(), "f"),
        Err(PolicyError::Malformed { .. })
    ));
}

/// CVE-2023-25656: an identity in the `#` form made a parser allocate without bound.
#[test]
fn cve_2023_25656_a_hexadecimal_identity_costs_no_more_than_its_text() {
    for value in ["#30840fffffff", "#30847fffffff", "#3080308030803080", "#"] {
        let identity = format!("x509.subject:C=US,ST=WA,O=a,1.2.3={value}");
        assert!(parse(&[statement(json!({"trustedIdentities": [identity]}))]).is_err());
    }
    let nested = format!("x509.subject:C=US,ST=WA,O=a,CN=#{}", "30".repeat(400_000));
    assert!(parse(&[statement(json!({"trustedIdentities": [nested]}))]).is_err());
}

#[test]
fn the_newer_file_name_wins_and_its_faults_are_final() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(directory.path().join(name), bytes).unwrap();
    let error = OciTrustPolicy::load(directory.path()).unwrap_err();
    assert!(matches!(&error, PolicyError::NotPresent { searched } if searched.len() == 2));
    write(
        "trustpolicy.json",
        &document(&[statement(json!({"name": "old"}))]),
    );
    let policy = OciTrustPolicy::load(directory.path()).unwrap();
    assert_eq!(policy.statements()[0].statement().name(), "old");
    write(
        "trustpolicy.oci.json",
        &document(&[statement(json!({"name": "new"}))]),
    );
    let policy = OciTrustPolicy::load(directory.path()).unwrap();
    assert_eq!(policy.statements()[0].statement().name(), "new");
    write("trustpolicy.oci.json", b"{}");
    assert!(OciTrustPolicy::load(directory.path()).is_err());
    assert!(matches!(
        BlobTrustPolicy::load(directory.path()),
        Err(PolicyError::NotPresent { .. })
    ));
}

#[cfg(unix)]
#[test]
fn a_policy_file_that_is_a_link_or_a_directory_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("elsewhere.json");
    fs::write(&target, document(&[statement(json!({}))])).unwrap();
    std::os::unix::fs::symlink(&target, directory.path().join("trustpolicy.json")).unwrap();
    assert!(matches!(
        OciTrustPolicy::load(directory.path()),
        Err(PolicyError::NotARegularFile { .. })
    ));
    fs::create_dir(directory.path().join("trustpolicy.blob.json")).unwrap();
    assert!(matches!(
        BlobTrustPolicy::load(directory.path()),
        Err(PolicyError::NotARegularFile { .. })
    ));
}

proptest! {
    #[test]
    fn the_place_of_a_violation_is_inside_the_document(
        text in r#"\{("version": ?"[01.]{1,3}",\n? *)?"trustPolicies": ?\[(\{"(name|x|level)": ?("a\\\\"|\[1, ?2\]|null)\},?\n){0,3}\]?\}"#,
    ) {
        if let Err(PolicyError::Invalid { violations, .. }) = OciTrustPolicy::parse(text.as_bytes(), "f") {
            for violation in violations {
                let Some(position) = violation.position else {
                    continue;
                };
                let line = text.lines().nth(position.line - 1).unwrap();
                prop_assert!(position.column <= line.len());
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(OciTrustPolicy::parse(&bytes, "f").is_err());
    }

    #[test]
    fn any_scopes_stores_and_identities_are_read_or_refused(
        scopes in prop::collection::vec("[a-c*/:.@-]{0,8}", 0..4),
        stores in prop::collection::vec("(ca|tsa|x)?:?[a./]{0,3}", 0..4),
        identities in prop::collection::vec("(x509.subject:)?[A-Z=,+#\\\\ ]{0,12}|\\*", 0..4),
        level in "strict|audit|skip|\\PC{0,3}",
    ) {
        let policy = parse(&[statement(json!({
            "registryScopes": scopes,
            "trustStores": stores,
            "trustedIdentities": identities,
            "signatureVerification": {"level": level},
        }))]);
        if let Ok(policy) = policy {
            let statement = policy.statements()[0].statement();
            let skips = statement.verification().skips_verification();
            prop_assert_eq!(skips, statement.trust_stores().is_empty());
            prop_assert_eq!(skips, statement.trusted_identities().is_empty());
        }
    }
}
