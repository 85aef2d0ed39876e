//! Eight processes of the real program change the same files at the same time, and nothing of it is lost.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

use apostille_testing::registry::{DockerRegistry, FerroRegistry};
use serde_json::json;

use crate::support::registries::Image;
use crate::support::{Home, Ran, Signer};

const PROCESSES: usize = 8;

/// Runs `work` in eight threads that begin together; each runs processes of its own.
fn at_once<T: Send>(work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(PROCESSES);
    let one = |number| {
        start.wait();
        work(number)
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..PROCESSES)
            .map(|number| scope.spawn(move || one(number)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    })
}

/// Runs `work` while another process reads again and again, and never finds anything broken.
fn while_reading<T>(home: &Home, reader: &[&str], work: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                home.run(reader).ok();
            }
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        reading.join().unwrap();
        result
    })
}

fn key_names(home: &Home) -> BTreeSet<String> {
    let listed = home.run(&["key", "list", "--output", "json"]).ok().json();
    let keys = listed["keys"].as_array().unwrap();
    let name = |key: &serde_json::Value| key["name"].as_str().unwrap().to_owned();
    keys.iter().map(name).collect()
}

#[test]
fn keys_that_eight_processes_add_are_all_in_the_list() {
    let home = Home::new();
    home.install_script("signer", "");
    while_reading(&home, &["key", "list"], || {
        at_once(|process| {
            for number in 0..4 {
                let name = format!("key-{process}-{number}");
                home.run(&["key", "add", &name, "--plugin", "signer", "--id", "k"])
                    .ok();
            }
        })
    });
    assert_eq!(key_names(&home).len(), 1 + 4 * PROCESSES);
}

#[test]
fn keys_are_added_deleted_and_made_the_default_at_once() {
    let home = Home::new();
    home.install_script("signer", "");
    for process in 0..PROCESSES {
        let name = format!("old-{process}");
        home.run(&["key", "add", &name, "--plugin", "signer", "--id", "k"])
            .ok();
    }
    at_once(|process| {
        let (old, new) = (format!("old-{process}"), format!("new-{process}"));
        home.run(&[
            "key",
            "add",
            &new,
            "--plugin",
            "signer",
            "--id",
            "k",
            "--default",
        ])
        .ok();
        home.run(&["key", "delete", &old]).ok();
    });
    let mut expected: BTreeSet<String> = (0..PROCESSES).map(|n| format!("new-{n}")).collect();
    expected.insert("release".to_owned());
    assert_eq!(key_names(&home), expected);
    let listed = home.run(&["key", "list", "--output", "json"]).ok().json();
    let default = listed["keys"].as_array().unwrap();
    let defaults = default.iter().filter(|key| key["default"] == true);
    assert_eq!(defaults.count(), 1, "{listed}");
}

#[test]
fn one_of_eight_processes_gets_a_name_and_the_others_are_told() {
    let home = Home::new();
    home.install_script("signer", "");
    let ran = at_once(|process| {
        let id = format!("id-{process}");
        home.run(&["key", "add", "same", "--plugin", "signer", "--id", &id])
    });
    one_wins(&ran, "already exists");
}

#[track_caller]
fn one_wins(ran: &[Ran], reason: &str) {
    assert_eq!(ran.iter().filter(|ran| ran.code == 0).count(), 1, "{ran:?}");
    for lost in ran.iter().filter(|ran| ran.code != 0) {
        assert!(lost.err.contains(reason), "{}", lost.err);
    }
}

#[test]
fn certificates_that_eight_processes_add_are_all_in_the_store() {
    let home = Home::new();
    home.sign(&[]).ok();
    for process in 0..PROCESSES {
        for number in 0..3 {
            let pem = Signer::new("another").root_pem();
            fs::write(home.work().join(format!("{process}-{number}.pem")), pem).unwrap();
        }
    }
    // The store is the one by which the image is verified: a half-written certificate would make that fail.
    while_reading(
        &home,
        &["verify", "--oci-layout", "--scope", "local/app", "app:v1"],
        || {
            at_once(|process| {
                for number in 0..3 {
                    let file = format!("{process}-{number}.pem");
                    home.run(&["cert", "add", "--type", "ca", "--store", "release", &file])
                        .ok();
                }
            })
        },
    );
    assert_eq!(
        fs::read_dir(home.store("ca", "release")).unwrap().count(),
        1 + 3 * PROCESSES
    );
    home.run(&["cert", "list"]).ok();
}

#[test]
fn one_of_eight_certificates_gets_a_file_name_and_is_whole() {
    let home = Home::new();
    let pems: Vec<String> = (0..PROCESSES)
        .map(|process| {
            let pem = Signer::new("another").root_pem();
            let folder = home.work().join(process.to_string());
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("same.pem"), &pem).unwrap();
            pem
        })
        .collect();
    let ran = at_once(|process| {
        let file = format!("{process}/same.pem");
        home.run(&["cert", "add", "--type", "tsa", "--store", "new", &file])
    });
    one_wins(&ran, "already exists");
    let winner = ran.iter().position(|ran| ran.code == 0).unwrap();
    let stored = fs::read_to_string(home.store("tsa", "new").join("same.pem")).unwrap();
    assert_eq!(stored, pems[winner]);
}

#[test]
fn a_store_that_others_empty_and_remove_keeps_what_is_added() {
    let home = Home::new();
    for process in 0..PROCESSES {
        for number in 0..4 {
            let pem = Signer::new("another").root_pem();
            fs::write(home.work().join(format!("{process}-{number}.pem")), pem).unwrap();
        }
    }
    // The store disappears with its last certificate, again and again.
    at_once(|process| {
        for number in 0..4 {
            let file = format!("{process}-{number}.pem");
            let store = ["--type", "ca", "--store", "busy"];
            home.run(&[&["cert", "add"], &store[..], &[&file]].concat())
                .ok();
            if number < 3 {
                home.run(&[&["cert", "delete", "--yes"], &store[..], &[&file]].concat())
                    .ok();
            }
        }
    });
    let left = fs::read_dir(home.store("ca", "busy")).unwrap().count();
    assert_eq!(left, PROCESSES);
}

#[test]
fn test_certificates_that_eight_processes_make_are_all_there() {
    let home = Home::bare();
    at_once(|process| {
        let name = format!("test-{process}");
        home.run(&["cert", "generate-test", "--default", &name])
            .ok();
    });
    assert_eq!(key_names(&home).len(), PROCESSES);
    let listed = home.run(&["cert", "list"]).ok();
    assert_eq!(listed.out.matches(".crt").count(), PROCESSES);
}

#[test]
fn of_eight_policies_one_is_there_as_a_whole() {
    let home = Home::new();
    home.sign(&[]).ok();
    let policies: Vec<String> = (0..PROCESSES)
        .map(|process| {
            let policy = json!({"version": "1.0", "trustPolicies": [{
                "name": format!("statement-{process}-{}", "x".repeat(process * 1000)),
                "registryScopes": ["*"],
                "signatureVerification": {"level": "strict"},
                "trustStores": ["ca:release"],
                "trustedIdentities": ["*"],
            }]});
            fs::write(
                home.work().join(format!("{process}.json")),
                policy.to_string(),
            )
            .unwrap();
            policy.to_string()
        })
        .collect();
    while_reading(
        &home,
        &["verify", "--oci-layout", "--scope", "local/app", "app:v1"],
        || {
            at_once(|process| {
                for _ in 0..3 {
                    let file = format!("{process}.json");
                    home.run(&["policy", "import", "--force", &file]).ok();
                }
            })
        },
    );
    let stored = fs::read_to_string(home.policy_file()).unwrap();
    assert!(policies.contains(&stored), "{stored}");
}

#[test]
fn signatures_of_eight_processes_are_all_in_the_layout() {
    let home = Home::new();
    home.sign(&[]).ok();
    while_reading(&home, &["list", "--oci-layout", "app:v1"], || {
        at_once(|_| {
            for _ in 0..2 {
                home.sign(&[]).ok();
            }
        })
    });
    let listed = home.run(&["list", "--oci-layout", "app:v1"]).ok();
    assert_eq!(
        listed.out.matches("sha256:").count(),
        1 + 1 + 2 * PROCESSES,
        "{}",
        listed.out
    );
    home.verify(&[]).ok();
}

#[test]
fn signatures_of_eight_processes_are_all_under_the_referrers_tag() {
    let registry = DockerRegistry::start().unwrap();
    let image = Image::new(&registry.host());
    at_once(|_| {
        for _ in 0..2 {
            image.run("sign", &registry.host(), &[]).ok();
        }
    });
    assert_eq!(image.signatures().len(), 2 * PROCESSES);
    image.run("verify", &registry.host(), &[]).ok();
}

#[test]
fn signatures_of_eight_processes_are_all_in_the_referrers_api() {
    let registry = FerroRegistry::start().unwrap();
    let image = Image::new(&registry.host());
    at_once(|_| {
        for _ in 0..2 {
            image.run("sign", &registry.host(), &[]).ok();
        }
    });
    assert_eq!(image.signatures().len(), 2 * PROCESSES);
}

#[test]
fn a_signature_file_that_eight_processes_write_is_one_of_theirs() {
    let home = Home::new();
    let policy = json!({"version": "1.0", "trustPolicies": [{
        "name": "files", "globalPolicy": true,
        "signatureVerification": {"level": "strict"},
        "trustStores": ["ca:release"], "trustedIdentities": ["*"],
    }]});
    fs::write(
        home.config().join("trustpolicy.blob.json"),
        policy.to_string(),
    )
    .unwrap();
    fs::write(home.work().join("file"), "content").unwrap();
    home.run(&["blob", "sign", "file"]).ok();
    let verify = ["blob", "verify", "-s", "file.jws.sig", "file"];
    while_reading(&home, &verify, || {
        at_once(|_| {
            for _ in 0..3 {
                home.run(&["blob", "sign", "--force", "file"]).ok();
            }
        })
    });
    home.run(&verify).ok();
}

#[test]
fn plugins_that_eight_processes_remove_are_gone_one_by_one() {
    let home = Home::new();
    for process in 0..PROCESSES {
        home.install_script(&format!("plugin-{process}"), "");
    }
    home.install_script("stays", "");
    let list = ["plugin", "list", "--output", "json"];
    while_reading(&home, &list, || {
        at_once(|process| {
            let name = format!("plugin-{process}");
            home.run(&["plugin", "uninstall", "--yes", &name]).ok();
        })
    });
    let listed = home.run(&list).ok().json();
    let plugins = listed["plugins"].as_array().unwrap();
    assert_eq!(plugins.len(), 1, "{listed}");
    assert_eq!(plugins[0]["name"], "stays");

    let ran = at_once(|_| home.run(&["plugin", "uninstall", "--yes", "stays"]));
    one_wins(&ran, "stays");
    let left = fs::read_dir(home.config().join("plugins")).unwrap();
    assert_eq!(left.count(), 0);
}
