//! Signing with a timestamp by an authority that OpenSSL plays, and everything that such an authority can get wrong.
//! Without OpenSSL each test says that it was skipped.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
#![allow(dead_code)] // what is shared with other test programs is not all used here

#[path = "revocation/authority.rs"]
mod authority;
#[path = "revocation/server.rs"]
mod server;
#[path = "command/support/mod.rs"]
mod support;

use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

use apostille_signature::limits::MAX_TIMESTAMP_LEN;
use authority::Authority;
use serde_json::json;
use server::{Server, url_of};
use support::{Home, Ran, Signer};

const REPLY: &str = "application/timestamp-reply";
const SIGNER: i32 = 6;

/// A user and a timestamping authority.
struct Site {
    home: Home,
    authority: Arc<Authority>,
    server: Server,
}

impl Site {
    /// The authority answers what `answer` makes of a request and of the right response to it.
    fn new(
        answer: impl Fn(Vec<u8>) -> Option<(&'static str, Vec<u8>)> + Send + 'static,
    ) -> Option<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let authority = Arc::new(Authority::new(
            &url_of(&listener),
            "http://127.0.0.1:1",
            &[],
        )?);
        let files = authority.clone();
        let server = Server::new(
            listener,
            Box::new(move |name, body| match name {
                "tsa" => answer(files.stamp(body)?),
                file => Some(("application/octet-stream", files.read(file)?)),
            }),
        );
        let home = Home::new();
        let root = String::from_utf8(authority.read("ca.pem").unwrap()).unwrap();
        home.trust("tsa", "stamps", &root);
        home.write_policy(&json!({"version": "1.0", "trustPolicies": [{
            "name": "images",
            "registryScopes": ["*"],
            "signatureVerification": {"level": "strict"},
            "trustStores": ["ca:release", "tsa:stamps"],
            "trustedIdentities": ["*"],
        }]}));
        Some(Self {
            home,
            authority,
            server,
        })
    }

    /// `sign` with a timestamp; the authority's certificate names a CRL on loopback.
    fn sign(&self, more: &[&str]) -> Ran {
        let (url, root) = (
            format!("{}/tsa", self.server.url()),
            self.authority.path().join("ca.pem"),
        );
        self.sign_with(
            &url,
            &root,
            &[&["--revocation-private-addresses"], more].concat(),
        )
    }

    fn sign_with(&self, url: &str, root: &Path, more: &[&str]) -> Ran {
        let root = root.to_str().unwrap();
        let timestamp = ["--timestamp-url", url, "--timestamp-root-cert", root];
        self.home.sign(&[&timestamp, more].concat())
    }

    fn refuses(&self, words: &[&str]) {
        self.home
            .unchanged(|| self.sign(&[]))
            .refused(SIGNER, words);
    }
}

fn honest(response: Vec<u8>) -> Option<(&'static str, Vec<u8>)> {
    Some((REPLY, response))
}

#[test]
fn a_signature_with_a_timestamp_is_verified_by_it_in_both_formats() {
    let Some(site) = Site::new(honest) else {
        return;
    };
    site.home.sign(&[]).ok();
    let verify = ["--revocation-private-addresses"];
    site.home
        .verify(&verify)
        .refused(3, &["no timestamp countersignature"]);
    for format in ["jws", "cose"] {
        site.sign(&["--signature-format", format]).ok();
    }
    site.home.verify(&verify).ok();
    let shown = site
        .home
        .run(&["inspect", "--oci-layout", "app:v1", "-o", "json"])
        .ok()
        .json();
    let stamped = shown["signatures"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|signature| {
            signature["unsignedAttributes"]["timestampSignature"]["certificates"].is_array()
        });
    assert_eq!(stamped.count(), 2, "{shown:#}");
    let tree = site
        .home
        .run(&["inspect", "--oci-layout", "app:v1"])
        .ok()
        .out;
    assert!(tree.contains("timestamp signature\n"), "{tree}");
    assert!(
        tree.contains("issued to: CN=tsa,O=Example,ST=England,C=GB"),
        "{tree}"
    );
}

#[test]
fn notation_accepts_a_timestamp_that_we_asked_for() {
    let Some(notation) = std::env::var_os("NOTATION_BIN")
        .map(std::path::PathBuf::from)
        .or_else(|| apostille_testing::tools::find_tool("notation").ok())
    else {
        println!("skipped: no `notation` on the PATH, and NOTATION_BIN is not set");
        return;
    };
    for format in ["jws", "cose"] {
        let Some(mut site) = Site::new(honest) else {
            return;
        };
        site.home.set("NOTATION_EXPERIMENTAL", "1");
        site.sign(&["--signature-format", format]).ok();
        let arguments = ["verify", "--oci-layout", "--scope", "local/app", "app:v1"];
        site.home.run_program(&notation, &arguments).ok();
    }
}

#[test]
fn an_authority_that_answers_with_something_else_is_refused() {
    for (kind, body, words) in [
        (REPLY, b"garbage".to_vec(), "refused"),
        (REPLY, Vec::new(), "refused"),
        ("text/html", b"<html>".to_vec(), "text/html"),
        (REPLY, vec![0x30; MAX_TIMESTAMP_LEN + 1], "larger than"),
    ] {
        let answer = move |_| Some((kind, body.clone()));
        let Some(site) = Site::new(answer) else {
            return;
        };
        site.refuses(&["timestamp", words, "Nothing was stored"]);
    }
}

#[test]
fn an_authority_that_says_it_has_no_such_page_is_refused() {
    let Some(site) = Site::new(|_| None) else {
        return;
    };
    site.refuses(&["status 404", "Nothing was stored"]);
}

#[test]
fn quarkslab_info_1_an_answer_to_an_earlier_request_is_refused() {
    let first: Mutex<Option<Vec<u8>>> = Mutex::new(None);
    let answer = move |response: Vec<u8>| {
        let mut first = first.lock().unwrap();
        Some((REPLY, first.get_or_insert(response).clone()))
    };
    let Some(site) = Site::new(answer) else {
        return;
    };
    site.sign(&[]).ok();
    site.refuses(&["timestamp", "Nothing was stored"]);
}

#[test]
fn an_authority_of_another_root_is_refused() {
    let Some(site) = Site::new(honest) else {
        return;
    };
    let other = site.home.work().join("../other.pem");
    std::fs::write(&other, Signer::new("other root").root_pem()).unwrap();
    let url = format!("{}/tsa", site.server.url());
    let ran = site.home.unchanged(|| site.sign_with(&url, &other, &[]));
    ran.refused(SIGNER, &["timestamp", "Nothing was stored"]);
}

#[test]
fn cve_2024_56138_a_revoked_authority_is_refused_when_signing() {
    let Some(site) = Site::new(honest) else {
        return;
    };
    site.authority.revoke("tsa");
    site.authority.issue_crl();
    site.refuses(&[
        "timestamping certificate",
        "is revoked",
        "Nothing was stored",
    ]);
}

#[test]
fn an_authority_that_is_down_is_named() {
    let Some(site) = Site::new(honest) else {
        return;
    };
    let root = site.authority.path().join("ca.pem");
    let ran = site
        .home
        .unchanged(|| site.sign_with("http://127.0.0.1:1/tsa", &root, &[]));
    ran.refused(SIGNER, &["127.0.0.1 does not answer", "Nothing was stored"]);
}

#[test]
fn quarkslab_info_3_a_url_or_root_that_cannot_be_used_is_refused_before_the_key_signs() {
    let Some(site) = Site::new(honest) else {
        return;
    };
    let root = site.authority.path().join("ca.pem");
    site.sign_with("ftp://tsa.example", &root, &[])
        .refused(2, &["ftp://tsa.example"]);
    let url = site.server.url();
    for (file, words) in [
        ("tsa.chain.pem", "exactly one is needed"),
        ("tsa.pem", "not self-signed"),
        ("openssl.cnf", "cannot be the root certificate"),
        ("absent.pem", "absent.pem"),
    ] {
        let path = site.authority.path().join(file);
        site.home
            .unchanged(|| site.sign_with(url, &path, &[]))
            .refused(SIGNER, &[words]);
    }
    assert!(site.server.asked().is_empty());
}
