//! `kill -9` at any point of a write: what is found afterwards is the old or the new, and the next run works.
//!
//! Each command is killed after many delays that spread over its running time, and, where `strace` is there and may
//! trace, at each of its system calls that touch a file, one after the other.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use apostille_testing::registry::DockerRegistry;
use serde_json::json;

use crate::support::registries::Image;
use crate::support::{Home, Signer, contents};

/// How many delays are tried.
const DELAYS: u32 = 24;

/// The calls that change what is on disk, with those before which it matters not to have done them.
const CALLS: [&str; 9] = [
    "mkdir,mkdirat",
    "openat",
    "write",
    "fsync,fdatasync",
    "chmod,fchmod,fchmodat",
    "rename,renameat,renameat2",
    "link,linkat",
    "unlink,unlinkat,rmdir",
    "flock",
];

fn spawn(home: &Home, program: &Path, arguments: &[&str]) -> std::process::Child {
    let mut command = Command::new(program);
    home.prepare(&mut command, arguments);
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills `arguments` at many moments, each time in a home that `prepare` makes, and lets `check` look at what is left.
fn killed_at_any_point(prepare: impl Fn() -> Home, arguments: &[&str], check: impl Fn(&Home)) {
    let home = prepare();
    let began = Instant::now();
    home.run(arguments).ok();
    let whole = began.elapsed();
    check(&home);

    let program = Path::new(env!("CARGO_BIN_EXE_apostille"));
    for step in 0..DELAYS {
        let home = prepare();
        let mut child = spawn(&home, program, arguments);
        std::thread::sleep(whole * step / DELAYS);
        child.kill().unwrap();
        child.wait().unwrap();
        check(&home);
    }
    killed_at_each_call(prepare, arguments, check);
}

fn killed_at_each_call(prepare: impl Fn() -> Home, arguments: &[&str], check: impl Fn(&Home)) {
    let traces = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !traces {
        println!("skipped: strace is not there, or may not trace");
        return;
    }
    for calls in CALLS {
        for number in 1.. {
            let home = prepare();
            let inject = format!("inject={calls}:signal=KILL:when={number}");
            let trace = format!("trace={calls}");
            let program = env!("CARGO_BIN_EXE_apostille");
            let mut traced = vec!["-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject];
            traced.push(program);
            traced.extend(arguments);
            let status = spawn(&home, Path::new("strace"), &traced).wait().unwrap();
            check(&home);
            // strace ends as its child did.
            if status.signal().is_none() {
                assert!(status.success(), "{calls} {number}");
                break;
            }
        }
    }
}

/// A home with a key, a policy and a signed image.
fn signed() -> Home {
    let home = Home::new();
    home.install_script("signer", "");
    home.sign(&[]).ok();
    home
}

fn key_names(home: &Home) -> Vec<String> {
    let listed = home.run(&["key", "list", "--output", "json"]).ok().json();
    let keys = listed["keys"].as_array().unwrap();
    let name = |key: &serde_json::Value| key["name"].as_str().unwrap().to_owned();
    keys.iter().map(name).collect()
}

const ADD: [&str; 7] = ["key", "add", "new", "--plugin", "signer", "--id", "k"];

#[test]
fn a_key_is_in_the_list_or_not_yet() {
    killed_at_any_point(signed, &ADD, |home| {
        let names = key_names(home);
        if names == ["release"] {
            home.run(&ADD).ok();
        }
        assert_eq!(key_names(home), ["release", "new"]);
    });
}

#[test]
fn a_key_is_deleted_or_still_there() {
    let prepare = || {
        let home = signed();
        home.run(&ADD).ok();
        home
    };
    killed_at_any_point(prepare, &["key", "delete", "new"], |home| {
        if key_names(home) == ["release", "new"] {
            home.run(&["key", "delete", "new"]).ok();
        }
        assert_eq!(key_names(home), ["release"]);
    });
}

#[test]
fn a_certificate_is_in_the_store_as_a_whole_or_not_at_all() {
    let pem = Signer::new("another").root_pem();
    let prepare = || {
        let home = signed();
        fs::write(home.work().join("new.pem"), &pem).unwrap();
        home
    };
    let add = [
        "cert", "add", "--type", "ca", "--store", "release", "new.pem",
    ];
    killed_at_any_point(prepare, &add, |home| {
        // The store is that of the signer: whatever is in it beside certificates would make this fail.
        home.verify(&[]).ok();
        home.run(&["cert", "list"]).ok();
        let added = home.store("ca", "release").join("new.pem");
        if !added.exists() {
            home.run(&add).ok();
        }
        assert_eq!(fs::read_to_string(added).unwrap(), pem);
    });
}

#[test]
fn a_policy_is_the_old_or_the_new_one() {
    let policy = json!({"version": "1.0", "trustPolicies": [{
        "name": "new", "registryScopes": ["*"],
        "signatureVerification": {"level": "strict"},
        "trustStores": ["ca:release"], "trustedIdentities": ["*"],
    }]})
    .to_string();
    let prepare = || {
        let home = signed();
        fs::write(home.work().join("new.json"), &policy).unwrap();
        home
    };
    let old = fs::read_to_string(prepare().policy_file()).unwrap();
    let import = ["policy", "import", "--force", "new.json"];
    killed_at_any_point(prepare, &import, |home| {
        let stored = fs::read_to_string(home.policy_file()).unwrap();
        assert!(stored == old || stored == policy, "{stored}");
        home.verify(&[]).ok();
    });
}

#[test]
fn a_layout_has_the_signature_or_not_and_can_be_signed_again() {
    let sign = ["sign", "--oci-layout", "app:v1"];
    killed_at_any_point(signed, &sign, |home| {
        home.verify(&[]).ok();
        let count = || {
            let listed = home.run(&["list", "--oci-layout", "app:v1"]).ok();
            listed.out.matches("sha256:").count() - 1
        };
        let before = count();
        assert!((1..=2).contains(&before), "{before}");
        home.run(&sign).ok();
        assert_eq!(count(), before + 1);
    });
}

#[test]
fn a_signature_file_is_the_old_or_the_new_one() {
    let policy = json!({"version": "1.0", "trustPolicies": [{
        "name": "files", "globalPolicy": true,
        "signatureVerification": {"level": "strict"},
        "trustStores": ["ca:release"], "trustedIdentities": ["*"],
    }]})
    .to_string();
    let prepare = || {
        let home = Home::new();
        fs::write(home.config().join("trustpolicy.blob.json"), &policy).unwrap();
        fs::write(home.work().join("file"), "content").unwrap();
        home.run(&["blob", "sign", "file"]).ok();
        home
    };
    let sign = ["blob", "sign", "--force", "file"];
    killed_at_any_point(prepare, &sign, |home| {
        home.run(&["blob", "verify", "-s", "file.jws.sig", "file"])
            .ok();
    });
}

#[test]
fn a_test_certificate_that_was_cut_short_can_be_cleaned_up_and_made_again() {
    let make = ["cert", "generate-test", "--default", "test"];
    // Making a key takes its time: each kind of leftover is cleaned up and made good once.
    let seen = RefCell::new(BTreeSet::new());
    killed_at_any_point(Home::bare, &make, |home| {
        // Whatever is there is whole.
        home.run(&["cert", "list"]).ok();
        home.run(&["key", "list"]).ok();
        if !seen.borrow_mut().insert(kinds(&home.config())) {
            return;
        }
        home.run(&["cert", "cleanup-test", "--yes", "test"]).ok();
        assert!(key_names(home).is_empty());
        home.run(&make).ok();
        assert_eq!(key_names(home), ["test"]);
        home.run(&["sign", "--oci-layout", "app:v1"]).ok();
    });
    let kinds = seen.into_inner().len();
    assert!(kinds > 1, "it was never killed in between");
}

/// The files below a directory and whether they are empty, without what makes unfinished ones differ.
fn kinds(directory: &Path) -> Vec<(String, bool)> {
    let kind = |(path, content): (PathBuf, Vec<u8>)| {
        let path = path.strip_prefix(directory).unwrap().to_str().unwrap();
        let name = path
            .split_once(".apostille-")
            .map_or(path, |(folder, _)| folder);
        (name.to_owned(), content.is_empty())
    };
    contents(directory).into_iter().map(kind).collect()
}

#[test]
fn a_plugin_is_there_as_a_whole_or_gone() {
    killed_at_any_point(
        signed,
        &["plugin", "uninstall", "--yes", "signer"],
        |home| {
            let listed = home
                .run(&["plugin", "list", "--output", "json"])
                .ok()
                .json();
            let plugins = listed["plugins"].as_array().unwrap();
            assert!(plugins.len() <= 1, "{listed}");
            for plugin in plugins {
                assert_eq!(plugin["name"], "signer");
                assert_eq!(plugin.get("error"), None, "{listed}");
                home.run(&["plugin", "uninstall", "--yes", "signer"]).ok();
            }
            home.install_script("signer", "");
            home.run(&ADD).ok();
        },
    );
}

#[test]
fn a_registry_keeps_what_it_had_when_a_signer_is_killed() {
    let registry = DockerRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    let reference = image.at(&registry.host());
    let began = Instant::now();
    image.run("sign", &registry.host(), &[]).ok();
    let whole = began.elapsed();
    let mut listed = image.signatures().len();
    for step in 0..10 {
        let program = Path::new(env!("CARGO_BIN_EXE_apostille"));
        let mut child = spawn(&image.home, program, &["sign", &reference]);
        std::thread::sleep(whole * step / 10);
        child.kill().unwrap();
        child.wait().unwrap();
        // A request that was on its way may still arrive.
        std::thread::sleep(Duration::from_millis(20));
        let now = image.signatures().len();
        assert!(now >= listed && now <= listed + 1, "{listed}, then {now}");
        listed = now;
    }
    image.run("sign", &registry.host(), &[]).ok();
    assert_eq!(image.signatures().len(), listed + 1);
}

#[test]
fn what_a_killed_process_left_is_removed_an_hour_later() {
    let home = signed();
    let left = home.config().join(".apostille-left");
    let file = fs::File::create(&left).unwrap();
    home.run(&ADD).ok();
    assert!(left.exists(), "somebody may be writing it");
    let hours_ago = std::time::SystemTime::now() - Duration::from_secs(2 * 60 * 60);
    file.set_modified(hours_ago).unwrap();
    let before = names(&home.config());
    home.run(&["key", "delete", "new"]).ok();
    assert!(!left.exists());
    assert_eq!(names(&home.config()).len(), before.len() - 1);
}

fn names(directory: &Path) -> Vec<PathBuf> {
    let files: BTreeMap<PathBuf, Vec<u8>> = contents(directory);
    files.into_keys().collect()
}
