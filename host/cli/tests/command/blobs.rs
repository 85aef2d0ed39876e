//! Files: signed, verified, changed, streamed, and such as cannot be signed.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::{Home, Ran, Signer, Token};

const REFUSED: i32 = 3;

/// A home with the key `release`, trusted for files.
fn home() -> Home {
    let home = Home::new();
    trust_for_blobs(&home, "files", &json!({"level": "strict"}));
    home
}

fn trust_for_blobs(home: &Home, name: &str, verification: &serde_json::Value) {
    let mut statement =
        json!({"name": name, "globalPolicy": true, "signatureVerification": verification});
    if verification["level"] == "skip" {
        statement["globalPolicy"] = json!(false);
    } else {
        statement["trustStores"] = json!(["ca:release"]);
        statement["trustedIdentities"] = json!(["*"]);
    }
    let policy = json!({"version": "1.0", "trustPolicies": [statement]});
    let file = home.config().join("trustpolicy.blob.json");
    fs::write(file, policy.to_string()).unwrap();
}

fn write(home: &Home, name: &str, content: &[u8]) {
    fs::write(home.work().join(name), content).unwrap();
}

fn verify(home: &Home, more: &[&str]) -> Ran {
    home.run(&[&["blob", "verify", "-s", "blob.jws.sig"], more].concat())
}

#[test]
fn files_of_every_size_are_signed_and_a_changed_byte_is_noticed() {
    let home = home();
    for size in [0, 1, 512 * 1024, 4 * 1024 * 1024 + 1] {
        let mut content = vec![b'x'; size];
        write(&home, "blob", &content);
        home.run(&["blob", "sign", "--force", "blob"]).ok();
        verify(&home, &["blob"]).ok();
        content.push(b'x');
        write(&home, "blob", &content);
        verify(&home, &["blob"]).refused(REFUSED, &["integrity", "another artifact"]);
        content.pop();
        if let Some(last) = content.last_mut() {
            *last = b'y';
            write(&home, "blob", &content);
            verify(&home, &["blob"]).refused(REFUSED, &["integrity"]);
        }
    }
}

#[test]
fn the_digest_follows_the_key() {
    let mut home = home();
    let token = Token::in_home(&mut home);
    token.hsm.import_key("EC-384", "larger", &[3]).unwrap();
    write(&home, "blob", b"content");
    let self_sign = |home: &Home| {
        let plugin = home.config().join("plugins/pkcs11-hsm/notation-pkcs11-hsm");
        let mut command = Command::new(plugin);
        let out = home.config().join("larger.pem");
        let out = out.to_str().unwrap().to_owned();
        home.prepare(
            &mut command,
            &[
                "self-sign",
                "--key-id",
                "larger",
                "--subject",
                "CN=larger,O=Example,ST=England,C=GB",
                "--out",
                &out,
            ],
        );
        assert!(command.output().unwrap().status.success());
        out
    };
    let certificates = format!("certificates={}", self_sign(&home));
    home.run(&[
        "blob",
        "sign",
        "--plugin",
        "pkcs11-hsm",
        "--id",
        "pkcs11:object=larger",
        "--plugin-config",
        &certificates,
        "blob",
    ])
    .ok();
    let signed = home
        .run(&["blob", "inspect", "-o", "json", "blob.jws.sig"])
        .ok()
        .json();
    let digest = signed["signedArtifact"]["digest"].as_str().unwrap();
    assert!(digest.starts_with("sha384:"), "{digest}");
    // The signature is fine, only its signer is unknown.
    verify(&home, &["blob"]).refused(REFUSED, &["trust store"]);
}

#[test]
fn a_signature_is_private_and_asked_for_before_it_is_replaced() {
    let home = home();
    write(&home, "blob", b"content");
    let sign = [
        "blob",
        "sign",
        "--signature-directory",
        "new/signatures",
        "blob",
    ];
    home.run(&sign).ok();
    let signature = home.work().join("new/signatures/blob.jws.sig");
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&signature), 0o600);
    assert_eq!(mode(signature.parent().unwrap()), 0o700);
    let before = fs::read(&signature).unwrap();
    // At the end of input nothing is done, and that is no error.
    let kept = home.run(&sign).ok();
    assert!(
        kept.out
            .contains("already exists, do you want to overwrite it? [y/N]")
    );
    assert_eq!(fs::read(&signature).unwrap(), before);
    let mut command = Command::new(env!("CARGO_BIN_EXE_apostille"));
    home.prepare(&mut command, &sign);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"y\n").unwrap();
    assert!(child.wait().unwrap().success());
    assert_ne!(fs::read(&signature).unwrap(), before);
}

#[test]
fn standard_input_is_verified_from_a_file_and_from_a_pipe() {
    let home = home();
    write(&home, "blob", &vec![b'z'; 2 * 1024 * 1024]);
    home.run(&["blob", "sign", "blob"]).ok();
    let program = env!("CARGO_BIN_EXE_apostille");
    let mut command = Command::new(program);
    home.prepare(&mut command, &["blob", "verify", "-s", "blob.jws.sig", "-"]);
    let blob = home.work().join("blob");
    assert!(
        command
            .stdin(File::open(&blob).unwrap())
            .output()
            .unwrap()
            .status
            .success()
    );
    let mut cat = Command::new("cat")
        .arg(&blob)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut command = Command::new(program);
    home.prepare(&mut command, &["blob", "verify", "-s", "blob.jws.sig", "-"]);
    let output = command.stdin(cat.stdout.take().unwrap()).output().unwrap();
    cat.wait().unwrap();
    assert!(output.status.success());
    // Nothing at all is another blob.
    home.run(&["blob", "verify", "-s", "blob.jws.sig", "-"])
        .refused(1, &["standard input", "device"]);
}

#[test]
fn a_pipe_is_signed_under_its_name_and_devices_and_directories_are_not() {
    let home = home();
    let pipe = home.work().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let target = pipe.clone();
    let writer = std::thread::spawn(move || fs::write(target, b"content").unwrap());
    home.run(&["blob", "sign", "pipe"]).ok();
    writer.join().unwrap();
    // Whoever reads it now waits for ever.
    fs::remove_file(pipe).unwrap();
    write(&home, "blob", b"content");
    home.run(&["blob", "verify", "-s", "pipe.jws.sig", "blob"])
        .ok();
    for (path, word) in [
        ("/dev/zero", "device"),
        (".", "directory"),
        ("/", "not the path of a file"),
    ] {
        let ran =
            home.unchanged(|| home.run(&["blob", "sign", "--signature-directory", "d", path]));
        assert!(
            ran.code != 0 && (ran.err.contains(word) || ran.err.contains("directory")),
            "{}",
            ran.err
        );
    }
}

#[test]
fn a_file_that_is_written_to_meanwhile_is_not_signed() {
    let home = home();
    let path = home.work().join("blob");
    let file = File::create(&path).unwrap();
    file.set_len(64 * 1024 * 1024).unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut len = 64 * 1024 * 1024;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                len += 1;
                file.set_len(len).unwrap();
            }
        });
        let ran = home.run(&["blob", "sign", "blob"]);
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        ran.refused(1, &["changed while it was read"]);
    });
    assert!(!home.work().join("blob.jws.sig").exists());
}

#[test]
fn a_statement_that_skips_reads_neither_the_file_nor_the_signature() {
    let home = home();
    trust_for_blobs(&home, "none", &json!({"level": "skip"}));
    write(&home, "blob", b"content");
    write(&home, "blob.jws.sig", b"not a signature");
    let ran = verify(&home, &["--policy-name", "none", "blob"]).ok();
    assert_eq!(
        ran.out,
        "Trust policy is configured to skip signature verification for blob\n"
    );
    verify(&home, &["blob"]).refused(4, &["no global statement"]);
}

#[test]
fn a_check_that_is_only_logged_is_a_warning_and_an_unknown_signer_is_none() {
    let home = home();
    write(&home, "blob", b"content");
    home.add_key("stranger", &Signer::new("stranger"));
    home.run(&["blob", "sign", "blob"]).ok();
    verify(&home, &["blob"]).refused(REFUSED, &["trust store", "certificate add"]);
    trust_for_blobs(&home, "audit", &json!({"level": "audit"}));
    let ran = verify(&home, &["blob"]).ok();
    assert!(
        ran.err.contains("Warning: authenticity was set to \"log\""),
        "{}",
        ran.err
    );
    assert_eq!(ran.out, "\nSuccessfully verified signature for blob\n");
}

#[test]
fn the_signature_of_an_artifact_is_none_of_a_file() {
    let home = home();
    write(&home, "blob", b"content");
    home.sign(&[]).ok();
    fs::copy(home.envelope(), home.work().join("blob.jws.sig")).unwrap();
    verify(&home, &["blob"]).refused(REFUSED, &["another artifact"]);
}

#[test]
fn an_explanation_and_a_document_name_every_check() {
    let home = home();
    write(&home, "blob", b"content");
    let signed = home
        .run(&["blob", "sign", "-o", "json", "blob"])
        .ok()
        .json();
    assert_eq!(signed["signature"], "blob.jws.sig");
    assert_eq!(signed["signedArtifact"]["size"], 7);
    let explained = verify(&home, &["--explain", "blob"]).ok();
    for word in [
        "statement: files",
        "signature blob.jws.sig",
        "integrity [enforce]: passed",
        "revocation",
    ] {
        assert!(explained.out.contains(word), "{}", explained.out);
    }
    let document = verify(&home, &["-o", "json", "blob"]).ok().json();
    assert_eq!(document["verdict"], "trusted");
    assert_eq!(document["outcomes"].as_array().unwrap().len(), 9);
    write(&home, "blob", b"changed");
    let ran = verify(&home, &["-o", "json", "blob"]);
    assert_eq!(
        (ran.code, &ran.json()["verdict"]),
        (REFUSED, &json!("notTrusted"))
    );
}
