//! What is signed here is accepted by `notation`, and what `notation` signs is accepted here.
//!
//! Needs `notation`: at `$NOTATION_BIN` or on the `PATH`. Without it the tests say that they were
//! skipped.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use apostille_signature::{Envelope, EnvelopeFormat};
use notary_plugin_protocol::KeySpec;
use support::Signer;

const CONTENT: &[u8] = b"what is signed";

fn notation() -> Option<PathBuf> {
    let on_path = || {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path)
            .map(|directory| directory.join("notation"))
            .find(|candidate| candidate.is_file())
    };
    let found = std::env::var_os("NOTATION_BIN")
        .map(PathBuf::from)
        .or_else(on_path);
    if found.is_none() {
        println!("skipped: no notation at $NOTATION_BIN or on the PATH");
    }
    found
}

/// A configuration directory that trusts the signer, holds its key, and has the content to sign.
fn configuration(signer: &Signer) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &[u8]| {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    write("content", CONTENT);
    let certificate = signer.chain.leaf().to_pem();
    write(
        "notation/truststore/x509/ca/test/root.pem",
        certificate.as_bytes(),
    );
    let policy = serde_json::json!({
        "version": "1.0",
        "trustPolicies": [{
            "name": "all",
            "signatureVerification": {"level": "strict"},
            "trustStores": ["ca:test"],
            "trustedIdentities": ["*"],
            "globalPolicy": true,
        }],
    });
    write(
        "notation/trustpolicy.blob.json",
        policy.to_string().as_bytes(),
    );
    let key = write("key.pem", signer.key.to_pkcs8_pem().unwrap().as_bytes());
    let certificate = write("certificate.pem", certificate.as_bytes());
    let keys = serde_json::json!({
        "default": "test",
        "keys": [{"name": "test", "keyPath": key, "certPath": certificate}],
    });
    write("notation/signingkeys.json", keys.to_string().as_bytes());
    directory
}

fn run(notation: &Path, directory: &Path, arguments: &[&str]) -> Output {
    Command::new(notation)
        .args(["blob"])
        .args(arguments)
        .current_dir(directory)
        .env("XDG_CONFIG_HOME", directory)
        .env("HOME", directory)
        .env("NOTATION_CONFIG", directory.join("notation"))
        .output()
        .unwrap()
}

#[test]
fn notation_accepts_what_is_signed_here() {
    let Some(notation) = notation() else { return };
    for &key_spec in KeySpec::ALL {
        let signer = Signer::new(key_spec);
        let directory = configuration(&signer);
        for format in EnvelopeFormat::ALL {
            let mut request = signer.request(CONTENT);
            request.expiry = Some(Duration::from_secs(3600));
            let signed = signer.sign(request, format);
            let file = format!("content{}", format.file_extension());
            std::fs::write(directory.path().join(&file), signed.as_bytes()).unwrap();

            let arguments = [
                "verify",
                "--user-metadata",
                "build=<123> & more",
                "--signature",
                &file,
                "content",
            ];
            let output = run(&notation, directory.path(), &arguments);
            assert!(
                output.status.success(),
                "{key_spec} {format}: {}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
}

#[test]
fn what_notation_signs_is_accepted_here() {
    let Some(notation) = notation() else { return };
    for &key_spec in KeySpec::ALL {
        let signer = Signer::new(key_spec);
        let directory = configuration(&signer);
        for format in EnvelopeFormat::ALL {
            let arguments = [
                "sign",
                "--signature-format",
                format.as_str(),
                "--user-metadata",
                "build=<123>",
                "--expiry",
                "24h",
                "content",
            ];
            let output = run(&notation, directory.path(), &arguments);
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            let file = directory
                .path()
                .join(format!("content{}", format.file_extension()));
            let verified = Envelope::parse(format, &std::fs::read(file).unwrap())
                .and_then(Envelope::verify_integrity)
                .unwrap_or_else(|error| panic!("{key_spec} {format}: {error}"));
            let target = verified.payload().target_artifact();
            assert_eq!(target.check(CONTENT), Ok(()));
            assert_eq!(target.annotations["build"], "<123>");
            assert_eq!(
                verified.expiry(),
                Some(verified.signing_time() + Duration::from_secs(24 * 3600))
            );
            assert_eq!(verified.certificate_chain(), &signer.chain);
        }
    }
}
