//! Several references in one run.

use std::fs;

use apostille_testing::registry::FerroRegistry;
use serde_json::Value;

use crate::support::registries::Image;
use crate::support::{Home, PKCS11, Ran, SCOPE, Token};

fn lines(ran: &Ran) -> Vec<Value> {
    ran.out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn several_references_are_signed_and_verified_and_the_exit_code_counts_what_failed() {
    let home = Home::new();
    home.layout("second");
    let three = ["--oci-layout", "app:v1", "absent:v1", "second:v1"];
    let signed = home.run(&[&["sign"], &three[..]].concat());
    assert_eq!(signed.code, 11, "{}", signed.err);
    assert_eq!(signed.out.matches("Successfully signed ").count(), 2);
    assert!(signed.err.contains("Error: absent:v1: "), "{}", signed.err);
    assert!(signed.err.ends_with("2 of 3 signed\n"), "{}", signed.err);
    home.layout("unsigned");
    let verified = home.run(&[&["verify", "--scope", SCOPE, "unsigned:v1"], &three[..]].concat());
    assert_eq!(verified.code, 12, "{}", verified.err);
    assert_eq!(verified.out.matches("Successfully verified").count(), 2);
    assert!(
        verified.err.ends_with("2 of 4 verified\n"),
        "{}",
        verified.err
    );
}

#[test]
fn a_list_from_a_file_is_resumed_where_it_ended() {
    let home = Home::new();
    home.layout("second");
    home.sign(&[]).ok();
    fs::write(
        home.work().join("list"),
        "# images\n\napp:v1\n  second:v1\n",
    )
    .unwrap();
    let arguments = [
        "sign",
        "--oci-layout",
        "--from-file",
        "list",
        "--skip-signed",
        "-o",
        "json",
    ];
    let mut results: Vec<String> = lines(&home.run(&arguments).ok())
        .iter()
        .map(|line| format!("{} {}", line["requested"], line["result"]))
        .collect();
    results.sort();
    assert_eq!(
        results,
        [r#""app:v1" "alreadySigned""#, r#""second:v1" "signed""#]
    );
    assert!(
        lines(&home.run(&arguments).ok())
            .iter()
            .all(|line| line["result"] == "alreadySigned")
    );
}

#[test]
fn concurrent_signatures_of_one_image_are_all_kept() {
    let registry = FerroRegistry::start().unwrap();
    let image = Image::new(&registry.host());
    let reference = image.at(&image.host);
    let list = vec![reference; 12].join("\n");
    fs::write(image.home.work().join("list"), list).unwrap();
    image.home.run(&["sign", "--from-file", "list"]).ok();
    assert_eq!(image.signatures().len(), 12);
    let verified = image
        .home
        .run(&["verify", "--from-file", "list", "-o", "json"])
        .ok();
    assert!(
        lines(&verified)
            .iter()
            .all(|line| line["verdict"] == "trusted")
    );
}

#[test]
fn many_signatures_cost_one_session_of_the_plugin() {
    let mut home = Home::new();
    let _token = Token::in_home(&mut home);
    home.install_counted(PKCS11);
    let list = vec!["app:v1"; 20].join("\n");
    fs::write(home.work().join("list"), list).unwrap();
    let key = ["--plugin", PKCS11, "--id", "pkcs11:object=release"];
    home.run(&[&["sign", "--oci-layout", "--from-file", "list"], &key[..]].concat())
        .ok();
    assert_eq!(
        home.counted(PKCS11),
        ["get-plugin-metadata", "serve-session"]
    );
    home.verify(&[]).ok();
}
