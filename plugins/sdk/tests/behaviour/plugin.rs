//! Starting the example plugins, with keys and certificates of their own.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use notary_plugin_sdk::{protocol::KeySpec, x509::PrivateKey};
use serde_json::{Value, json};
use tempfile::TempDir;

/// An example plugin and the directory that it works in.
pub(crate) struct Plugin {
    executable: PathBuf,
    pub(crate) directory: TempDir,
    environment: BTreeMap<String, String>,
}

/// What a run of a plugin came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Plugin {
    /// The example with this name, which `cargo test` has built.
    pub(crate) fn example(name: &str) -> Self {
        let this = std::env::current_exe().unwrap();
        let executable = this
            .parent()
            .unwrap()
            .parent()
            .unwrap()
            .join("examples")
            .join(name);
        assert!(
            executable.exists(),
            "{} is missing: run the tests without --test",
            executable.display()
        );
        Self::at(executable)
    }

    pub(crate) fn at(executable: PathBuf) -> Self {
        Self {
            executable,
            directory: TempDir::new().unwrap(),
            environment: BTreeMap::new(),
        }
    }

    /// `troublemaker` with a key and a self-signed certificate.
    pub(crate) fn troublemaker() -> Self {
        let mut plugin = Self::example("troublemaker");
        plugin.add_key("key.pem", KeySpec::Ec256);
        let key = plugin.path("key.pem");
        plugin.set("TROUBLE_KEY", key.to_str().unwrap());
        plugin.self_sign("good", "certificate.pem");
        plugin
    }

    pub(crate) fn set(&mut self, variable: &str, value: &str) {
        self.environment
            .insert(variable.to_owned(), value.to_owned());
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Writes a new private key and returns it.
    pub(crate) fn add_key(&self, name: &str, key_spec: KeySpec) -> PrivateKey {
        let key = PrivateKey::generate(key_spec).unwrap();
        fs::write(self.path(name), key.to_pkcs8_pem().unwrap().as_bytes()).unwrap();
        key
    }

    /// Has the plugin certify its own key.
    pub(crate) fn self_sign(&self, key_id: &str, file: &str) {
        let run = self.run(
            &[
                "self-sign",
                "--key-id",
                key_id,
                "--subject",
                "CN=test,O=example,ST=x,C=GB",
                "--out",
                file,
            ],
            "",
        );
        assert_eq!(run.code, Some(0), "{run:?}");
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.executable);
        command
            .args(arguments)
            .env_clear()
            .envs(&self.environment)
            .current_dir(self.directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> Run {
        let mut child = self.command(arguments).spawn().unwrap();
        // A plugin may exit without reading all of it.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Run::of(child.wait_with_output().unwrap())
    }

    /// Runs a protocol command.
    pub(crate) fn ask(&self, command: &str, request: &Value) -> Run {
        self.run(&[command], &request.to_string())
    }

    /// Asks for a signature over `payload` with an EC-256 key and the certificate of the directory.
    pub(crate) fn sign(&self, key_id: &str, payload: &[u8]) -> Run {
        self.ask(
            "generate-signature",
            &signature_request(key_id, KeySpec::Ec256, payload),
        )
    }
}

pub(crate) fn signature_request(key_id: &str, key_spec: KeySpec, payload: &[u8]) -> Value {
    json!({
        "contractVersion": "1.0",
        "keyId": key_id,
        "keySpec": key_spec.as_str(),
        "hashAlgorithm": key_spec.hash_algorithm().as_str(),
        "payload": STANDARD.encode(payload),
        "pluginConfig": { "certificates": "certificate.pem" },
    })
}

impl Run {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The answer of a protocol command that succeeded by every rule of the contract.
    pub(crate) fn answer(&self) -> Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        assert_eq!(self.stderr, "");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Code and message of a protocol command that failed by every rule of the contract.
    pub(crate) fn error(&self) -> (String, String) {
        assert_eq!(self.code, Some(1), "{self:?}");
        assert_eq!(self.stdout, "");
        let error: Value =
            serde_json::from_str(&self.stderr).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        let text = |name: &str| error[name].as_str().unwrap().to_owned();
        (text("errorCode"), text("errorMessage"))
    }
}

/// Whether a program can be started; otherwise says that the test was skipped.
pub(crate) fn available(program: &str) -> bool {
    let found = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !found {
        eprintln!("skipped: there is no {program} here");
    }
    found
}

pub(crate) fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
