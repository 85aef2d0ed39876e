//! A correct plugin breaks no rule, and a plugin that breaks one rule is caught by that rule.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use apostille_conformance::{Report, Subject, check_plugin};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

fn install(directory: &Path, file_name: &str) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plugins/offline.py");
    let executable = directory.join(file_name);
    std::fs::copy(source, &executable).unwrap();
    std::fs::set_permissions(&executable, std::fs::Permissions::from_mode(0o755)).unwrap();
    executable
}

fn report_on(broken: &str) -> Report {
    let directory = tempfile::tempdir().unwrap();
    let executable = install(directory.path(), "notation-mutant");
    check_plugin(&Subject::new(executable).with_environment("BROKEN", broken)).unwrap()
}

#[test]
fn a_correct_plugin_breaks_no_rule() {
    let report = report_on("");
    assert_eq!(report.broken(), Vec::<&str>::new());
    assert!(report.passed());
}

#[test]
fn each_broken_plugin_is_caught_by_exactly_the_rule_that_it_breaks() {
    for rule in [
        "NP-PK-004",
        "NP-PD-030",
        "NP-PD-033",
        "NP-PD-034",
        "NP-PD-036",
        "NP-PD-040",
        "NP-MD-061",
        "NP-MD-062",
        "NP-MD-064",
        "NP-MD-065",
        "NP-MD-067",
        "NP-MD-069",
    ] {
        assert_eq!(report_on(rule).broken(), [rule]);
    }
}

#[test]
fn text_before_the_json_answer_is_caught() {
    let report = report_on("NP-PD-021");
    assert!(report.broken().contains(&"NP-PD-021"));
    assert!(!report.passed());
}

#[test]
fn a_wrong_file_name_and_a_link_are_caught() {
    let directory = tempfile::tempdir().unwrap();
    let real = install(directory.path(), "mutant");
    let link = directory.path().join("notation-mutant");
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let by_link = check_plugin(&Subject::new(link)).unwrap();
    assert_eq!(by_link.broken(), ["NP-PK-002"]);
    let unnamed = check_plugin(&Subject::new(real)).unwrap();
    assert!(unnamed.broken().contains(&"NP-PK-001"));
}

#[test]
fn a_plugin_that_never_ends_is_stopped_and_fails() {
    let directory = tempfile::tempdir().unwrap();
    let executable = directory.path().join("notation-hang");
    std::fs::write(&executable, "#!/bin/sh\nsleep 600\n").unwrap();
    std::fs::set_permissions(&executable, std::fs::Permissions::from_mode(0o755)).unwrap();
    let subject = Subject::new(executable).with_time_limit(std::time::Duration::from_millis(100));
    let report = check_plugin(&subject).unwrap();
    assert!(!report.passed());
}
