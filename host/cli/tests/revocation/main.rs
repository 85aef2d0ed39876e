//! Revocation as a user meets it: `apostille verify` against an OCSP responder and CRLs of OpenSSL, beside `notation`
//! with the same configuration, where that is installed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod authority;
mod server;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use authority::{Authority, Place, Subject};
use server::{Server, url_of};

const SUBJECTS: &[Subject] = &[
    subject("none", None, None, false),
    subject("ocsp", Some(Place::Served), Some(Place::Served), false),
    subject(
        "ocsp-revoked",
        Some(Place::Served),
        Some(Place::Served),
        true,
    ),
    subject("crl", None, Some(Place::Served), false),
    subject("crl-revoked", None, Some(Place::Served), true),
    subject("fallback", Some(Place::Dead), Some(Place::Served), false),
    subject(
        "fallback-revoked",
        Some(Place::Dead),
        Some(Place::Served),
        true,
    ),
    subject("unknown", Some(Place::Dead), Some(Place::Dead), false),
];

const fn subject(
    name: &'static str,
    ocsp: Option<Place>,
    crl: Option<Place>,
    revoked: bool,
) -> Subject {
    Subject {
        name,
        ocsp,
        crl,
        revoked,
    }
}

/// A CA on the network, and a user whose configuration trusts it and has a signed layout for each certificate.
struct Site {
    directory: tempfile::TempDir,
    server: Server,
    authority: std::sync::Arc<Authority>,
}

impl Site {
    fn new() -> Option<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let dead = url_of(&TcpListener::bind("127.0.0.1:0").unwrap());
        let authority = Authority::new(&url_of(&listener), &dead, SUBJECTS)?;
        let authority = std::sync::Arc::new(authority);
        let files = authority.clone();
        let look_up = move |name: &str, body: &[u8]| match name {
            "tsa" => Some(("application/timestamp-reply", files.stamp(body)?)),
            file => Some(("application/octet-stream", files.read(file)?)),
        };
        let server = Server::new(listener, Box::new(look_up));
        let directory = tempfile::tempdir().unwrap();
        let site = Self {
            directory,
            server,
            authority,
        };
        site.write_configuration();
        for subject in SUBJECTS {
            copy_layout(&site.path(subject.name));
            let layout = site.layout(subject.name);
            let signed = site.apostille(&["sign", "--key", subject.name, "--oci-layout", &layout]);
            assert!(
                signed.status.success(),
                "{}: {}",
                subject.name,
                text(&signed)
            );
        }
        Some(site)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn layout(&self, name: &str) -> String {
        format!("{}:v2", self.path(name).display())
    }

    fn write_configuration(&self) {
        let ca = self.authority.path();
        let keys: Vec<String> = SUBJECTS
            .iter()
            .map(|Subject { name, .. }| {
                format!(
                    r#"{{"name": "{name}", "keyPath": "{0}/{name}.key", "certPath": "{0}/{name}.chain.pem"}}"#,
                    ca.display()
                )
            })
            .collect();
        for store_type in ["ca", "tsa"] {
            let store = self.path(&format!("config/truststore/x509/{store_type}/test"));
            fs::create_dir_all(&store).unwrap();
            fs::copy(ca.join("ca.pem"), store.join("ca.pem")).unwrap();
        }
        let keys = format!(r#"{{"keys": [{}]}}"#, keys.join(", "));
        fs::write(self.path("config/signingkeys.json"), keys).unwrap();
        self.set_level(r#"{"level": "strict"}"#);
    }

    fn set_level(&self, verification: &str) {
        self.set_policy(verification, r#"["ca:test"]"#);
    }

    fn set_policy(&self, verification: &str, stores: &str) {
        let policy = format!(
            r#"{{"version": "1.0", "trustPolicies": [{{"name": "test", "registryScopes": ["*"],
                "signatureVerification": {verification}, "trustStores": {stores},
                "trustedIdentities": ["x509.subject: C=GB, ST=England, O=Example"]}}]}}"#
        );
        fs::write(self.path("config/trustpolicy.json"), policy).unwrap();
    }

    fn run(&self, program: &Path, arguments: &[&str]) -> Output {
        Command::new(program)
            .args(arguments)
            .env("NOTATION_CONFIG", self.path("config"))
            .env("NOTATION_CACHE", self.path("cache"))
            .env("NOTATION_EXPERIMENTAL", "1")
            .env_remove("HTTP_PROXY")
            .env_remove("http_proxy")
            .output()
            .unwrap()
    }

    fn apostille(&self, arguments: &[&str]) -> Output {
        self.run(Path::new(env!("CARGO_BIN_EXE_apostille")), arguments)
    }

    /// Verifies the layout of a subject, asking also at private addresses, which loopback is.
    fn verify(&self, name: &str, more: &[&str]) -> Output {
        let layout = self.layout(name);
        let usual = [
            "verify",
            "--revocation-private-addresses",
            "--oci-layout",
            "--scope",
            "local/test",
            &layout,
        ];
        self.apostille(&[&usual, more].concat())
    }

    fn forget_crls(&self) {
        let _ = fs::remove_dir_all(self.path("cache"));
    }
}

fn text(output: &Output) -> String {
    let both = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&both).into_owned()
}

/// Copies the reference layout, which holds one image.
fn copy_layout(to: &Path) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../testdata/reference/notation-go/oci-layout");
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        fs::create_dir_all(to.join(&folder)).unwrap();
        for entry in fs::read_dir(from.join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else {
                fs::copy(entry.path(), to.join(path)).unwrap();
            }
        }
    }
}

fn find_notation() -> Option<PathBuf> {
    let found = std::env::var_os("NOTATION_BIN")
        .map(PathBuf::from)
        .or_else(|| apostille_testing::tools::find_tool("notation").ok())
        .filter(|path| path.is_file());
    if found.is_none() {
        println!("skipped: notation is not installed");
    }
    found
}

/// Asserts that both come to this verdict, each with a cache of its own.
fn assert_both(site: &Site, notation: &Path, name: &str, trusted: bool) {
    site.forget_crls();
    let ours = site.verify(name, &[]);
    assert_eq!(ours.status.success(), trusted, "apostille: {}", text(&ours));
    site.forget_crls();
    let layout = site.layout(name);
    let usual = ["verify", "--oci-layout", "--scope", "local/test", &layout];
    let theirs = site.run(notation, &usual);
    assert_eq!(
        theirs.status.success(),
        trusted,
        "notation: {}",
        text(&theirs)
    );
}

#[test]
fn notation_comes_to_the_same_verdicts_about_timestamps_and_their_authority() {
    const WITH_TSA: &str = r#"["ca:test", "tsa:test"]"#;
    let Some(notation) = find_notation() else {
        return;
    };
    let Some(site) = Site::new() else { return };
    let stamped = "stamped";
    copy_layout(&site.path(stamped));
    let (layout, root) = (site.layout(stamped), site.authority.path().join("ca.pem"));
    let url = format!("{}/tsa", site.server.url());
    let signed = site.run(
        &notation,
        &[
            "sign",
            "--key",
            "none",
            "--timestamp-url",
            &url,
            "--timestamp-root-cert",
            root.to_str().unwrap(),
            "--oci-layout",
            &layout,
        ],
    );
    assert!(signed.status.success(), "{}", text(&signed));

    site.set_policy(r#"{"level": "strict"}"#, WITH_TSA);
    assert_both(&site, &notation, stamped, true);
    assert_both(&site, &notation, "none", false);
    site.set_policy(
        r#"{"level": "strict", "verifyTimestamp": "afterCertExpiry"}"#,
        WITH_TSA,
    );
    assert_both(&site, &notation, stamped, true);
    assert_both(&site, &notation, "none", true);

    site.authority.revoke("tsa");
    site.authority.issue_crl();
    assert_both(&site, &notation, stamped, true);
    site.set_policy(r#"{"level": "strict"}"#, WITH_TSA);
    assert_both(&site, &notation, stamped, false);
    let refused = site.verify(stamped, &[]);
    assert!(
        text(&refused).contains("timestamping certificate"),
        "{}",
        text(&refused)
    );
    site.set_level(r#"{"level": "strict"}"#);
    assert_both(&site, &notation, stamped, true);
}

/// What is expected of the level strict: nothing, or a word of the refusal.
fn refusal(name: &str) -> Option<&'static str> {
    match name {
        "unknown" => Some("is not known"),
        revoked if revoked.ends_with("-revoked") => Some("is revoked"),
        _ => None,
    }
}

#[test]
fn what_the_ca_says_decides_under_strict_is_a_warning_under_permissive_and_is_not_asked_for_under_skip()
 {
    let Some(site) = Site::new() else { return };
    for Subject { name, ocsp, .. } in SUBJECTS {
        site.server.asked();
        let output = site.verify(name, &[]);
        if matches!(ocsp, Some(Place::Served)) {
            assert!(site.server.asked().contains(&format!("{name}.ocsp")));
        }
        match refusal(name) {
            None => assert!(output.status.success(), "{name}: {}", text(&output)),
            Some(word) => {
                assert!(!output.status.success(), "{name}");
                assert!(text(&output).contains(word), "{name}: {}", text(&output));
            }
        }
    }
    site.set_level(r#"{"level": "permissive"}"#);
    for name in ["ocsp-revoked", "unknown"] {
        let output = site.verify(name, &[]);
        assert!(output.status.success(), "{name}: {}", text(&output));
        assert!(
            text(&output).contains("revocation was set to \"log\""),
            "{}",
            text(&output)
        );
    }
    site.set_level(r#"{"level": "strict", "override": {"revocation": "skip"}}"#);
    site.server.asked();
    site.forget_crls();
    let output = site.verify("ocsp-revoked", &[]);
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(site.server.asked(), Vec::<String>::new());
}

#[test]
fn notation_comes_to_the_same_verdicts() {
    let Some(notation) = find_notation() else {
        return;
    };
    let Some(site) = Site::new() else { return };
    for level in [r#"{"level": "strict"}"#, r#"{"level": "permissive"}"#] {
        site.set_level(level);
        for Subject { name, .. } in SUBJECTS {
            site.forget_crls();
            let ours = site.verify(name, &[]);
            site.forget_crls();
            let layout = site.layout(name);
            let theirs = site.run(
                &notation,
                &["verify", "--oci-layout", "--scope", "local/test", &layout],
            );
            assert_eq!(
                ours.status.success(),
                theirs.status.success(),
                "{level}, {name}: {}\n{}",
                text(&ours),
                text(&theirs)
            );
        }
    }
}

#[test]
fn notation_and_apostille_use_each_other_s_cached_crls() {
    let Some(notation) = find_notation() else {
        return;
    };
    let Some(site) = Site::new() else { return };
    let layout = site.layout("crl");
    let theirs = || {
        site.run(
            &notation,
            &["verify", "--oci-layout", "--scope", "local/test", &layout],
        )
    };
    site.server.asked();

    assert!(theirs().status.success());
    assert_eq!(site.server.asked(), ["ca.crl"]);
    let ours = site.verify("crl", &["--revocation-offline"]);
    assert!(ours.status.success(), "{}", text(&ours));
    assert_eq!(site.server.asked(), Vec::<String>::new());

    site.forget_crls();
    assert!(site.verify("crl", &[]).status.success());
    assert_eq!(site.server.asked(), ["ca.crl"]);
    let found = theirs();
    assert!(found.status.success(), "{}", text(&found));
    assert_eq!(site.server.asked(), Vec::<String>::new());
}

#[test]
fn a_private_address_is_not_asked_unless_allowed_and_a_bundle_needs_no_network() {
    let Some(site) = Site::new() else { return };
    site.server.asked();
    let layout = site.layout("crl");
    let usual = ["verify", "--oci-layout", "--scope", "local/test", &layout];
    let refused = site.apostille(&usual);
    assert!(!refused.status.success());
    assert!(
        text(&refused).contains("127.0.0.1 is not a public address"),
        "{}",
        text(&refused)
    );
    assert_eq!(site.server.asked(), Vec::<String>::new());

    let bundle = site.path("bundle");
    fs::create_dir(&bundle).unwrap();
    fs::write(
        bundle.join("ca.crl"),
        site.authority.read("ca.crl").unwrap(),
    )
    .unwrap();
    fs::write(
        bundle.join("a.ocsp"),
        site.authority.read("ocsp-revoked.ocsp").unwrap(),
    )
    .unwrap();
    let bundle = bundle.display().to_string();
    let offline = ["--revocation-offline", "--revocation-bundle", &bundle];
    for Subject { name, revoked, .. } in SUBJECTS {
        let output = site.verify(name, &offline);
        assert_eq!(
            output.status.success(),
            !revoked,
            "{name}: {}",
            text(&output)
        );
    }
    assert_eq!(site.server.asked(), Vec::<String>::new());
}

#[test]
fn the_explanation_says_who_was_asked_and_until_when_the_answer_holds() {
    let Some(site) = Site::new() else { return };
    let output = site.verify("fallback", &["--output", "json"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let outcomes = document["signatures"][0]["verification"]["outcomes"]
        .as_array()
        .unwrap();
    let revocation = outcomes
        .iter()
        .find(|outcome| outcome["step"] == "revocation")
        .unwrap();
    let leaf = &revocation["certificates"][0];
    assert_eq!(leaf["subject"], "CN=fallback,O=Example,ST=England,C=GB");
    assert_eq!(leaf["status"], "good");
    let evidence = leaf["evidence"].as_array().unwrap();
    let starts = |index: usize, with: &str| evidence[index].as_str().unwrap().starts_with(with);
    assert!(starts(0, "OCSP http://127.0.0.1:"), "{evidence:?}");
    assert!(starts(1, "CRL http://127.0.0.1:"), "{evidence:?}");
    assert!(text(&site.verify("fallback", &["--explain"])).contains("good, holds until 20"));
}
