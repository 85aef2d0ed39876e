//! A user with a home of their own: configuration, a signing key, a trust policy and an image.

#![allow(dead_code, unused_imports)] // each test program uses a part

pub(crate) mod draft;
mod forging;
mod pki;
mod plugin;
pub(crate) mod registries;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use apostille_artifact::Descriptor;
use apostille_registry::OciLayout;
use serde_json::{Value, json};

pub(crate) use forging::{alter_member, wait};
pub(crate) use pki::{Authority, Signer, Validity};
pub(crate) use plugin::{PKCS11, Token};

/// The scope of the layout in the trust policy.
pub(crate) const SCOPE: &str = "local/app";

/// The stock `notation`, by `NOTATION_BIN` or on the `PATH`; without it, says that the test is skipped.
pub(crate) fn notation() -> Option<PathBuf> {
    let notation = std::env::var_os("NOTATION_BIN")
        .map(PathBuf::from)
        .or_else(|| apostille_testing::tools::find_tool("notation").ok())
        .filter(|path| path.is_file());
    if notation.is_none() {
        println!("skipped: no `notation` on the PATH, and NOTATION_BIN is not set");
    }
    notation
}

/// What a run of the program left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn new(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// It succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{}", self.err);
        self
    }

    /// It failed with this exit code, printed no result, and its error has each of these words.
    #[track_caller]
    pub(crate) fn refused(self, code: i32, words: &[&str]) -> Self {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        assert_eq!(self.out, "", "{}", self.err);
        let error = self
            .err
            .split("Error: ")
            .nth(1)
            .unwrap_or_else(|| panic!("no error: {}", self.err));
        for word in words {
            assert!(error.contains(word), "{word:?} is not in {error}");
        }
        self
    }

    /// It failed with this exit code, whatever it printed, and its error has each of these words.
    #[track_caller]
    pub(crate) fn failed(self, code: i32, words: &[&str]) -> Self {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        for word in words {
            assert!(self.err.contains(word), "{word:?} is not in {}", self.err);
        }
        self
    }

    /// The one JSON document on standard output.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}

/// A user's home, gone when it is dropped.
pub(crate) struct Home {
    directory: tempfile::TempDir,
    environment: Vec<(OsString, OsString)>,
}

impl Home {
    /// A home with an image in the layout `app`, tagged `v1`, and nothing configured.
    pub(crate) fn bare() -> Self {
        let home = Self {
            directory: tempfile::tempdir().unwrap(),
            environment: Vec::new(),
        };
        fs::create_dir_all(home.config()).unwrap();
        fs::create_dir_all(home.work()).unwrap();
        home.layout("app");
        home
    }

    /// The same, with the key `release` as default, trusted under a strict policy for everything.
    pub(crate) fn new() -> Self {
        let home = Self::bare();
        home.add_signer("release", &Signer::new("release"));
        home.set_policy(&json!({"level": "strict"}));
        home
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.directory.path().join("config")
    }

    /// The working directory of the program.
    pub(crate) fn work(&self) -> PathBuf {
        self.directory.path().join("work")
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.environment.push((name.into(), value.into()));
    }

    /// Makes another layout with an image of its own.
    pub(crate) fn layout(&self, name: &str) -> Descriptor {
        let (_, image) = OciLayout::create(
            &self.work().join(name),
            &"v1".parse().unwrap(),
            name.as_bytes(),
        )
        .unwrap();
        image
    }

    /// Makes a key in files the default one, and its certificate trusted.
    pub(crate) fn add_signer(&self, name: &str, signer: &Signer) {
        self.add_key(name, signer);
        self.trust("ca", name, &signer.root_pem());
    }

    pub(crate) fn add_key(&self, name: &str, signer: &Signer) {
        let (key, certificate) = (
            self.config().join(format!("{name}.key")),
            self.config().join(format!("{name}.crt")),
        );
        fs::write(&key, signer.key_pem()).unwrap();
        fs::write(&certificate, signer.chain_pem()).unwrap();
        let keys = json!({
            "default": name,
            "keys": [{"name": name, "keyPath": key, "certPath": certificate}],
        });
        fs::write(self.config().join("signingkeys.json"), keys.to_string()).unwrap();
    }

    pub(crate) fn trust(&self, store_type: &str, store: &str, pem: &str) {
        let directory = self.store(store_type, store);
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("certificate.pem"), pem).unwrap();
    }

    pub(crate) fn store(&self, store_type: &str, store: &str) -> PathBuf {
        self.config()
            .join("truststore/x509")
            .join(store_type)
            .join(store)
    }

    /// One statement for everything, with the store `ca:release` and every identity.
    pub(crate) fn set_policy(&self, verification: &Value) {
        let mut statement = json!({
            "name": "images",
            "registryScopes": ["*"],
            "signatureVerification": verification,
        });
        if verification["level"] != "skip" {
            statement["trustStores"] = json!(["ca:release"]);
            statement["trustedIdentities"] = json!(["*"]);
        }
        self.write_policy(&json!({"version": "1.0", "trustPolicies": [statement]}));
    }

    pub(crate) fn write_policy(&self, policy: &Value) {
        fs::write(self.policy_file(), policy.to_string()).unwrap();
    }

    pub(crate) fn policy_file(&self) -> PathBuf {
        self.config().join("trustpolicy.oci.json")
    }

    /// Another home with the same files, the paths in them changed, and the same environment.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self {
            directory: tempfile::tempdir().unwrap(),
            environment: self.environment.clone(),
        };
        for (path, content) in contents(self.directory.path()) {
            let target = copy
                .directory
                .path()
                .join(path.strip_prefix(self.directory.path()).unwrap());
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::copy(&path, &target).unwrap();
            if let Ok(text) = String::from_utf8(content) {
                let [from, to] = [self, &copy].map(|home| home.directory.path().to_str().unwrap());
                fs::write(&target, text.replace(from, to)).unwrap();
            }
        }
        copy
    }

    /// A text with the path of this home replaced by `[HOME]`.
    pub(crate) fn anonymous(&self, text: &str) -> String {
        text.replace(self.directory.path().to_str().unwrap(), "[HOME]")
    }

    /// Gives a program this home, in an environment that has nothing of the caller's.
    pub(crate) fn prepare(&self, command: &mut Command, arguments: &[&str]) {
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.directory.path())
            .env("NOTATION_CONFIG", self.config())
            .env("NOTATION_CACHE", self.directory.path().join("cache"))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.work())
            .stdin(Stdio::null());
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_program(Path::new(env!("CARGO_BIN_EXE_apostille")), arguments)
    }

    /// Any program in this home.
    pub(crate) fn run_program(&self, program: &Path, arguments: &[&str]) -> Ran {
        let mut command = Command::new(program);
        self.prepare(&mut command, arguments);
        Ran::new(command.output().unwrap())
    }

    /// `sign` for the layout `app`.
    pub(crate) fn sign(&self, more: &[&str]) -> Ran {
        self.run(&[&["sign", "--oci-layout", "app:v1"], more].concat())
    }

    /// `verify` for the layout `app`.
    pub(crate) fn verify(&self, more: &[&str]) -> Ran {
        self.run(
            &[
                &["verify", "--oci-layout", "--scope", SCOPE, "app:v1"],
                more,
            ]
            .concat(),
        )
    }

    /// Runs `work` and asserts that it changed no file of the layout `app` and of the configuration.
    #[track_caller]
    pub(crate) fn unchanged<T>(&self, work: impl FnOnce() -> T) -> T {
        let before = (contents(&self.work()), contents(&self.config()));
        let result = work();
        assert!(
            before.0 == contents(&self.work()),
            "the working directory was changed"
        );
        assert!(
            before.1 == contents(&self.config()),
            "the configuration was changed"
        );
        result
    }

    /// The same for the layouts alone.
    #[track_caller]
    pub(crate) fn unchanged_layout<T>(&self, work: impl FnOnce() -> T) -> T {
        let before = contents(&self.work());
        let result = work();
        assert!(
            before == contents(&self.work()),
            "the working directory was changed"
        );
        result
    }

    /// Every blob of the layout `app` whose text contains `part`.
    pub(crate) fn blobs_with(&self, part: &str) -> Vec<PathBuf> {
        let found = contents(&self.work().join("app/blobs"));
        let matching = found
            .into_iter()
            .filter(|(_, bytes)| String::from_utf8_lossy(bytes).contains(part));
        matching.map(|(path, _)| path).collect()
    }

    /// The blob with the JWS envelope of the only signature.
    pub(crate) fn envelope(&self) -> PathBuf {
        let mut found = self.blobs_with("\"x5c\"");
        assert_eq!(found.len(), 1);
        found.remove(0)
    }
}

/// Every file below `root` with its content.
pub(crate) fn contents(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let content = fs::read(&path).unwrap();
                found.insert(path, content);
            }
        }
    }
    found
}
