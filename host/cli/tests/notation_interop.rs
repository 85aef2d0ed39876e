//! The stock `notation` verifies what we sign, we verify what it signs, and it signs with our plugin, over layouts and
//! registries of both kinds, in both formats. It is found by `NOTATION_BIN` or on the `PATH`; without it each test says
//! that it was skipped.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "command/support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};

use apostille_registry::{RegistryClient, RegistryOptions, SingleLayerImage};
use apostille_testing::registry::{DockerRegistry, FerroRegistry};
use serde_json::json;
use support::{Authority, Home, PKCS11, Ran, Signer, Token, wait};

const APOSTILLE: &str = env!("CARGO_BIN_EXE_apostille");
const FORMATS: [&str; 2] = ["jws", "cose"];

/// The two programs in one home.
struct Both {
    home: Home,
    notation: PathBuf,
}

/// Skips the test where there is no `notation`.
fn both() -> Option<Both> {
    let notation = support::notation()?;
    let mut home = Home::new();
    home.set("NOTATION_EXPERIMENTAL", "1");
    Some(Both { home, notation })
}

impl Both {
    fn ours(&self, arguments: &[&str]) -> Ran {
        self.home.run_program(Path::new(APOSTILLE), arguments)
    }

    fn its(&self, arguments: &[&str]) -> Ran {
        self.home.run_program(&self.notation, arguments)
    }

    /// Both succeed, with the same lines on standard output.
    #[track_caller]
    fn alike(&self, arguments: &[&str]) -> String {
        let (ours, its) = (self.ours(arguments).ok(), self.its(arguments).ok());
        assert_eq!(ours.out, its.out, "{arguments:?}");
        ours.out
    }

    /// The same where `notation` has no order of its own: it prints maps and layouts in another one each time.
    #[track_caller]
    fn alike_in_any_order(&self, arguments: &[&str]) -> String {
        let (ours, its) = (self.ours(arguments).ok(), self.its(arguments).ok());
        assert_eq!(in_order(&ours.out), in_order(&its.out), "{arguments:?}");
        ours.out
    }

    /// Each program signs in each format, and both verify and list the result alike.
    fn sign_and_verify(&self, reference: &str, sign: &[&str], place: &[&str], scope: &[&str]) {
        for format in FORMATS {
            for program in [Path::new(APOSTILLE), &self.notation] {
                let sign = [
                    &["sign", "--signature-format", format],
                    sign,
                    place,
                    &[reference],
                ]
                .concat();
                let signed = self.home.run_program(program, &sign).ok();
                assert!(
                    signed.out.starts_with("Successfully signed "),
                    "{}",
                    signed.out
                );
                assert!(
                    signed.out.contains("\nPushed the signature to "),
                    "{}",
                    signed.out
                );
                self.alike(&[&["verify"], place, scope, &[reference]].concat());
            }
        }
        let listed = self.alike_in_any_order(&[&["list"], place, &[reference]].concat());
        assert_eq!(listed.matches("sha256:").count(), 5, "{listed}");
    }
}

/// The lines in alphabetical order, without the branches of a tree.
fn in_order(text: &str) -> Vec<&str> {
    let mut lines: Vec<_> = text
        .lines()
        .map(|line| line.trim_start_matches(['├', '└', '─', '│', ' ']))
        .collect();
    lines.sort_unstable();
    lines
}

fn push(host: &str) -> String {
    let client = RegistryClient::new(RegistryOptions::default()).unwrap();
    let repository = client
        .repository(&host.parse().unwrap(), &"team/app".parse().unwrap())
        .unwrap();
    let image = SingleLayerImage::new(b"layer");
    let pushed = wait(async {
        repository
            .push_image(&image, &"v1".parse().unwrap())
            .await
            .unwrap()
    });
    format!("{host}/team/app@{}", pushed.digest)
}

#[test]
fn signatures_of_files_are_good_for_both() {
    let Some(both) = both() else { return };
    let work = both.home.work();
    let policy = json!({"version": "1.0", "trustPolicies": [{
        "name": "files", "globalPolicy": true,
        "signatureVerification": {"level": "strict"},
        "trustStores": ["ca:release"], "trustedIdentities": ["*"],
    }]});
    std::fs::write(
        both.home.config().join("trustpolicy.blob.json"),
        policy.to_string(),
    )
    .unwrap();
    std::fs::write(work.join("empty"), b"").unwrap();
    std::fs::write(work.join("big.tar"), vec![7; 3 * 1024 * 1024 + 1]).unwrap();
    for format in FORMATS {
        for (blob, media_type) in [
            ("empty", "text/plain"),
            ("big.tar", "application/x-tar; v=1"),
        ] {
            let sign = [
                "blob",
                "sign",
                "--force",
                "--signature-format",
                format,
                "--media-type",
                media_type,
                "--user-metadata",
                "build=17",
                blob,
            ];
            let signature = format!("{blob}.{format}.sig");
            let verify = [
                "blob",
                "verify",
                "--media-type",
                media_type,
                "-m",
                "build=17",
                "-s",
                &signature,
                blob,
            ];
            let (ours, its) = (both.ours(&sign).ok(), both.its(&sign).ok());
            assert_eq!(ours.out, its.out);
            both.alike(&verify);
            both.alike(&["blob", "inspect", &signature]);
            both.alike(&["blob", "inspect", "--output", "json", &signature]);
            both.ours(&sign).ok();
            both.alike(&verify);
            both.alike(&["blob", "inspect", &signature]);
        }
        std::fs::write(work.join("big.tar"), b"changed").unwrap();
        let signature = format!("big.tar.{format}.sig");
        let verify = ["blob", "verify", "-s", &signature, "big.tar"];
        both.ours(&verify).refused(3, &["integrity"]);
        both.its(&verify).refused(1, &["integrity"]);
        std::fs::write(work.join("big.tar"), vec![7; 3 * 1024 * 1024 + 1]).unwrap();
    }
    both.alike(&["blob", "policy", "show"]);
}

#[test]
fn signatures_in_a_layout_are_good_for_both() {
    let Some(both) = both() else { return };
    both.sign_and_verify("app:v1", &[], &["--oci-layout"], &["--scope", "local/app"]);
}

#[test]
fn signatures_in_a_registry_with_the_referrers_api_are_good_for_both() {
    let Some(both) = both() else { return };
    let registry = FerroRegistry::start().unwrap();
    let reference = push(&registry.host());
    both.sign_and_verify(&reference, &[], &["--insecure-registry"], &[]);
    both.alike(&["inspect", "--insecure-registry", &reference]);
    both.alike(&[
        "inspect",
        "--insecure-registry",
        "--output",
        "json",
        &reference,
    ]);
}

#[test]
fn signatures_under_the_referrers_tag_are_good_for_both() {
    let Some(both) = both() else { return };
    let registry = DockerRegistry::start().unwrap();
    let reference = push(&registry.host());
    both.sign_and_verify(&reference, &[], &["--insecure-registry"], &[]);
    both.alike(&[
        "inspect",
        "--insecure-registry",
        "--output",
        "json",
        &reference,
    ]);
}

#[test]
fn a_forced_referrers_tag_is_found_by_both() {
    let Some(both) = both() else { return };
    let registry = FerroRegistry::start().unwrap();
    let reference = push(&registry.host());
    both.ours(&[
        "sign",
        "--insecure-registry",
        "--force-referrers-tag",
        &reference,
    ])
    .ok();
    both.its(&[
        "sign",
        "--insecure-registry",
        "--force-referrers-tag",
        &reference,
    ])
    .ok();
    both.alike(&["verify", "--insecure-registry", &reference]);
}

#[test]
fn both_sign_with_our_plugin_and_a_key_in_a_token() {
    let Some(mut both) = both() else { return };
    let _token = Token::in_home(&mut both.home);
    let added = both
        .its(&[
            "key",
            "add",
            "token",
            "--plugin",
            PKCS11,
            "--id",
            "pkcs11:object=release",
        ])
        .ok();
    assert_eq!(added.out, "token\n");
    both.sign_and_verify(
        "app:v1",
        &["--key", "token"],
        &["--oci-layout"],
        &["--scope", "local/app"],
    );
    both.alike(&["plugin", "list"]);
}

#[test]
fn metadata_and_expiry_mean_the_same_to_both() {
    let Some(both) = both() else { return };
    let sign = [
        "sign",
        "--oci-layout",
        "-m",
        "build=7",
        "-m",
        "by=us",
        "--expiry",
        "2h",
        "app:v1",
    ];
    let verify = [
        "verify",
        "--oci-layout",
        "--scope",
        "local/app",
        "-m",
        "build=7",
        "app:v1",
    ];
    both.ours(&sign).ok();
    let shown = both.alike_in_any_order(&verify);
    assert!(shown.contains("build   7"), "{shown}");
    let other = Both {
        home: Home::new(),
        notation: both.notation.clone(),
    };
    let mut other = other;
    other.home.set("NOTATION_EXPERIMENTAL", "1");
    other.its(&sign).ok();
    other.alike_in_any_order(&verify);
}

#[test]
fn a_chain_from_a_file_is_good_for_both() {
    let Some(both) = both() else { return };
    both.home
        .add_signer("release", &Authority::new("Root").issue("release", |_| {}));
    both.sign_and_verify("app:v1", &[], &["--oci-layout"], &["--scope", "local/app"]);
}

#[test]
fn both_refuse_the_same_under_each_level() {
    let Some(both) = both() else { return };
    let hour_ago = time::OffsetDateTime::now_utc() - time::Duration::hours(1);
    let minute = Some(std::time::Duration::from_secs(60));
    both.home
        .sign_at(&Signer::new("stranger"), hour_ago, minute);
    let arguments = ["verify", "--oci-layout", "--scope", "local/app", "app:v1"];
    for verification in [
        json!({"level": "strict"}),
        json!({"level": "strict", "override": {"expiry": "log"}}),
        json!({"level": "permissive"}),
        json!({"level": "permissive", "override": {"authenticity": "log"}}),
        json!({"level": "audit"}),
        json!({"level": "audit", "override": {"expiry": "enforce"}}),
        json!({"level": "audit", "override": {"authenticity": "enforce"}}),
        json!({"level": "skip"}),
    ] {
        both.home.set_policy(&verification);
        let (ours, its) = (both.ours(&arguments), both.its(&arguments));
        assert_eq!(
            ours.code == 0,
            its.code == 0,
            "{verification}: {}{}",
            ours.err,
            its.err
        );
        assert_eq!(ours.out, its.out, "{verification}");
    }
}

#[test]
fn each_reads_the_keys_certificates_and_policies_that_the_other_writes() {
    let Some(both) = both() else { return };
    for (writer, name) in [
        (both.notation.as_path(), "its"),
        (Path::new(APOSTILLE), "ours"),
    ] {
        let home = Home::bare();
        let both = Both {
            home,
            notation: both.notation.clone(),
        };
        let mut both = both;
        both.home.set("NOTATION_EXPERIMENTAL", "1");
        let write = |arguments: &[&str]| both.home.run_program(writer, arguments).ok();
        write(&["certificate", "generate-test", "--default", name]);
        let policy = json!({"version": "1.0", "trustPolicies": [{
            "name": "images",
            "registryScopes": ["*"],
            "signatureVerification": {"level": "strict"},
            "trustStores": [format!("ca:{name}")],
            "trustedIdentities": ["*"],
        }]});
        std::fs::write(both.home.work().join("policy.json"), policy.to_string()).unwrap();
        write(&["policy", "import", "policy.json"]);
        for shown in [
            &["key", "list"][..],
            &["certificate", "list"],
            &[
                "certificate",
                "show",
                "--type",
                "ca",
                "--store",
                name,
                &format!("{name}.crt"),
            ],
            &["policy", "show"],
        ] {
            both.alike(shown);
        }
        both.sign_and_verify("app:v1", &[], &["--oci-layout"], &["--scope", "local/app"]);
    }
}
