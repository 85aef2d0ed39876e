//! A correct plugin breaks no rule, and a plugin that breaks one rule is caught by exactly that rule.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use apostille_conformance::{Report, Subject, Tier, Verdict, check_plugin, rules};
use apostille_testing::workspace::program;
use std::collections::BTreeSet;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;
use tempfile::TempDir;

/// A watchdog for plugins that hang; on a busy machine a correct one takes a fraction of it.
const TIME_LIMIT: Duration = Duration::from_secs(12);

/// Less than a slow mutant takes, and more than a correct one on a busy machine.
const METADATA_LIMIT: Duration = Duration::from_secs(5);

/// Rules that only an RSA key can break.
const WITH_AN_RSA_KEY: &[&str] = &["NP-GS-105", "NP-GS-107", "NP-GS-112", "NP-GS-201"];

/// More ways to break a rule: the faults of plugins in the field among them.
const VARIANTS: &[&str] = &[
    "NP-PD-021-after",
    "NP-MD-060-missing",
    "NP-MD-066-twice",
    "NP-DK-201-missing",
    "NP-GS-100-empty",
    "NP-GS-104-base64",
    "NP-GS-105-longest",
    "NP-GS-105-pkcs1",
    "NP-GS-109-reversed",
    "NP-GS-109-leaf-only",
    "NP-GS-218-after",
    "NP-GE-145-digest",
    "NP-GE-147-top",
    "NP-GE-150-ignored",
    "NP-GE-150-not-critical",
    "NP-GE-153-incomplete",
];

/// Rules on plugins that declare less or have the other key, and the one that needs more of the system.
const NOT_FOR_THE_CORRECT_PLUGIN: &[&str] = &[
    "NP-MD-074",
    "NP-VS-194",
    "NP-GS-105",
    "NP-GS-106",
    "NP-GS-107",
    WITHOUT_NETWORK,
];

const WITHOUT_NETWORK: &str = "NP-MD-201";

struct Installed {
    _directory: TempDir,
    executable: PathBuf,
}

fn corpus() -> PathBuf {
    program("conformance-mutants", "notation-mutant").unwrap()
}

/// Puts the plugin there under this file name.
fn install(file_name: &str) -> Installed {
    let directory = tempfile::tempdir().unwrap();
    let executable = directory.path().join(file_name);
    if std::fs::hard_link(corpus(), &executable).is_err() {
        std::fs::copy(corpus(), &executable).unwrap();
    }
    Installed {
        _directory: directory,
        executable,
    }
}

/// Like [`install`], with a file of its own that the test may change.
fn install_copy(file_name: &str, change: impl FnOnce(&Path)) -> Installed {
    let directory = tempfile::tempdir().unwrap();
    let executable = directory.path().join(file_name);
    std::fs::copy(corpus(), &executable).unwrap();
    change(&executable);
    Installed {
        _directory: directory,
        executable,
    }
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// The mutant that breaks a rule.
fn mutant(rule: &str) -> Installed {
    let name = format!("notation-{}", rule.to_lowercase());
    match rule {
        "NP-PK-001" => install("mutant"),
        "NP-PK-002" => {
            let installed = install("real");
            let link = installed.executable.with_file_name("notation-link");
            symlink(&installed.executable, &link).unwrap();
            Installed {
                executable: link,
                ..installed
            }
        }
        "NP-PK-003" => install_copy(&name, |path| set_mode(path, 0o655)),
        "NP-PK-005" => install_copy(&name, |path| {
            let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
            file.set_len(256 * 1024 * 1024).unwrap();
        }),
        "NP-PK-011" => install("notation-odd~name"),
        "NP-PK-013" => install_copy(&name, |path| set_mode(path, 0o777)),
        _ => install(&name),
    }
}

fn report(installed: &Installed, key: &str) -> Report {
    let subject = Subject::new(&installed.executable)
        .with_key_id(key)
        .with_time_limit(TIME_LIMIT)
        .with_metadata_limit(METADATA_LIMIT)
        .with_repetitions(6);
    check_plugin(&subject).unwrap()
}

fn key_for(rule: &str) -> &'static str {
    if WITH_AN_RSA_KEY.iter().any(|id| rule.starts_with(id)) {
        "rsa"
    } else {
        "ec"
    }
}

fn skipped(report: &Report) -> Vec<&str> {
    report
        .results
        .iter()
        .filter(|result| matches!(result.verdict, Verdict::Skip { .. }))
        .map(|result| result.id.as_str())
        .collect()
}

fn described(report: &Report) -> String {
    report
        .results
        .iter()
        .filter_map(|result| match &result.verdict {
            Verdict::Fail { seen } => Some(format!("\n    {}: {seen}", result.id)),
            _ => None,
        })
        .collect()
}

#[test]
fn a_correct_plugin_breaks_no_rule() {
    let correct = install("notation-correct");
    for key in ["ec", "rsa"] {
        let report = report(&correct, key);
        assert!(report.broken().is_empty(), "{key}: {}", described(&report));
        assert!(report.passed());
        let unexpected: Vec<&str> = skipped(&report)
            .into_iter()
            .filter(|id| !NOT_FOR_THE_CORRECT_PLUGIN.contains(id))
            .collect();
        assert!(unexpected.is_empty(), "{key}: {unexpected:?}");
    }
}

#[test]
fn each_mutant_is_caught_by_exactly_the_rule_that_it_breaks() {
    let all = rules().unwrap();
    let correct = report(&install("notation-correct"), "ec");
    let cannot = skipped(&correct).contains(&WITHOUT_NETWORK);
    if cannot {
        println!("skipped: {WITHOUT_NETWORK} needs a system that allows `unshare --net`");
    }
    let pending: Vec<String> = all
        .iter()
        .map(|rule| rule.id.clone())
        .filter(|id| !cannot || id != WITHOUT_NETWORK)
        .chain(VARIANTS.iter().map(|&name| name.to_owned()))
        .rev()
        .collect();
    let pending = Mutex::new(pending);
    let wrong = Mutex::new(BTreeSet::new());
    corpus();
    std::thread::scope(|scope| {
        // More threads than cores: some mutants sleep.
        for _ in 0..20 {
            scope.spawn(|| {
                loop {
                    let Some(name) = pending.lock().unwrap().pop() else {
                        break;
                    };
                    let rule = name.get(..9).unwrap();
                    let report = report(&mutant(&name), key_for(rule));
                    if report.broken() != [rule] {
                        wrong
                            .lock()
                            .unwrap()
                            .insert(format!("{name}: {}", described(&report)));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    let list: Vec<&str> = wrong.iter().map(String::as_str).collect();
    assert!(wrong.is_empty(), "{}", list.join("\n"));
}

#[test]
fn without_a_key_the_rules_that_need_one_are_skipped_and_none_fails() {
    let correct = install("notation-correct");
    let subject = Subject::new(&correct.executable).with_time_limit(TIME_LIMIT);
    let report = check_plugin(&subject).unwrap();
    assert!(report.broken().is_empty(), "{}", described(&report));
    for rule in rules().unwrap() {
        let asked = !skipped(&report).contains(&rule.id.as_str());
        let elsewhere = NOT_FOR_THE_CORRECT_PLUGIN.contains(&rule.id.as_str());
        assert!(
            asked || elsewhere || rule.tier == Tier::Online,
            "{}",
            rule.id
        );
        if rule.id == "NP-GS-104" {
            assert!(!asked);
        }
    }
}

#[test]
fn a_plugin_that_never_ends_is_stopped_and_fails() {
    let directory = tempfile::tempdir().unwrap();
    let executable = directory.path().join("notation-hang");
    std::fs::write(&executable, "#!/bin/sh\nsleep 600\n").unwrap();
    set_mode(&executable, 0o755);
    let subject = Subject::new(executable).with_time_limit(Duration::from_millis(100));
    let report = check_plugin(&subject).unwrap();
    assert!(!report.passed());
}
