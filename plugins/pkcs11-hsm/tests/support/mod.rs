//! The real plugin on a real token, and a module that misbehaves in front of it.

#![allow(dead_code, unreachable_pub)] // each test program uses a part

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use apostille_testing::SoftHsm;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notary_plugin_protocol::KeySpec;
use notary_x509::{Certificate, PublicKey};
use serde_json::{Value, json};

/// The plugin, set up for one token.
pub struct Plugin {
    pub hsm: SoftHsm,
    config: serde_json::Map<String, Value>,
    environment: Vec<(String, String)>,
}

/// What `generate-signature` answered, decoded.
pub struct Signed {
    pub signature: Vec<u8>,
    pub chain: Vec<Certificate>,
}

/// The error object of a failed command.
#[derive(Debug)]
pub struct Refusal {
    pub code: String,
    pub message: String,
}

impl Plugin {
    /// On a fresh token, with module and PIN file configured.
    pub fn new() -> Self {
        Self::on(SoftHsm::start().unwrap())
    }

    pub fn on(hsm: SoftHsm) -> Self {
        let module = hsm.module().display().to_string();
        let pin_file = hsm.pin_file().display().to_string();
        Self {
            hsm,
            config: serde_json::Map::new(),
            environment: Vec::new(),
        }
        .with("module", &module)
        .with("pin_file", &pin_file)
    }

    /// With one more key of the plugin configuration.
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.config.insert(key.to_owned(), value.into());
        self
    }

    pub fn without(mut self, key: &str) -> Self {
        self.config.remove(key);
        self
    }

    /// With one more variable in the host's environment.
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Behind the module of `shim.c`, which does what `words` say.
    pub fn with_shim(self, words: &str) -> Self {
        let real = self.hsm.module().display().to_string();
        let log = self.log_path().display().to_string();
        let shim = shim().display().to_string();
        self.with("module", &shim)
            .with_variable("SHIM", words)
            .with_variable("SHIM_MODULE", &real)
            .with_variable("SHIM_LOG", &log)
    }

    fn log_path(&self) -> PathBuf {
        self.hsm.directory().join("shim.log")
    }

    /// The lines that the shim wrote and that begin with `what`.
    pub fn logged(&self, what: &str) -> Vec<String> {
        let log = std::fs::read_to_string(self.log_path()).unwrap_or_default();
        log.lines()
            .filter(|line| line.starts_with(what))
            .map(str::to_owned)
            .collect()
    }

    /// The plugin configuration.
    pub fn config(&self) -> &serde_json::Map<String, Value> {
        &self.config
    }

    /// The plugin in the host's environment.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_notation-pkcs11-hsm"));
        for variable in [
            "NOTATION_PKCS11_PIN",
            "NOTATION_PKCS11_MODULE",
            "NOTATION_PKCS11_PIN_FILE",
        ] {
            command.env_remove(variable);
        }
        command
            .envs(self.hsm.env())
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a protocol command.
    pub fn call(&self, command: &str, mut request: Value) -> Result<Value, Refusal> {
        request["contractVersion"] = "1.0".into();
        request["pluginConfig"] = Value::Object(self.config.clone());
        let before = self.objects();
        let mut child = self
            .command()
            .arg(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(request.to_string().as_bytes())
            .unwrap();
        let answer = answer(child.wait_with_output().unwrap());
        assert!(
            before == self.objects(),
            "{command} changed what is on the token"
        );
        answer
    }

    /// What is on SoftHSM2's tokens: each object's file and its content. Counters of wrong PINs, which the
    /// token itself keeps, are in other files.
    fn objects(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let tokens = self.hsm.directory().join("tokens");
        let files = std::fs::read_dir(tokens)
            .unwrap()
            .flat_map(|token| std::fs::read_dir(token.unwrap().path()).unwrap())
            .map(|file| file.unwrap().path());
        files
            .filter(|path| path.extension().is_some_and(|ending| ending == "object"))
            .filter(|path| path.file_name().is_some_and(|name| name != "token.object"))
            .map(|path| (path.clone(), std::fs::read(path).unwrap()))
            .collect()
    }

    pub fn describe(&self, key_id: &str) -> Result<String, Refusal> {
        let answer = self.call("describe-key", json!({ "keyId": key_id }))?;
        assert_eq!(answer["keyId"], key_id);
        Ok(answer["keySpec"].as_str().unwrap().to_owned())
    }

    pub fn sign(&self, key_id: &str, key_spec: KeySpec, payload: &[u8]) -> Result<Signed, Refusal> {
        let request = json!({
            "keyId": key_id,
            "keySpec": key_spec.as_str(),
            "hashAlgorithm": key_spec.hash_algorithm().as_str(),
            "payload": STANDARD.encode(payload),
        });
        let answer = self.call("generate-signature", request)?;
        assert_eq!(
            answer["signingAlgorithm"],
            key_spec.signing_algorithm().as_str()
        );
        let decode = |value: &Value| STANDARD.decode(value.as_str().unwrap()).unwrap();
        let chain = answer["certificateChain"].as_array().unwrap();
        Ok(Signed {
            signature: decode(&answer["signature"]),
            chain: chain
                .iter()
                .map(|der| Certificate::from_der(&decode(der)).unwrap())
                .collect(),
        })
    }

    /// Runs a command for people: its standard output, or all that it printed if it failed.
    pub fn person(&self, arguments: &[&str]) -> Result<String, String> {
        let config = self.config.iter().flat_map(|(key, value)| {
            [
                "--plugin-config".to_owned(),
                format!("{key}={}", value.as_str().unwrap()),
            ]
        });
        let output = self
            .command()
            .args(arguments)
            .args(config)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        if output.status.success() {
            Ok(String::from_utf8(output.stdout).unwrap())
        } else {
            let printed = [output.stdout, output.stderr].concat();
            Err(String::from_utf8(printed).unwrap())
        }
    }

    /// Puts a key onto the token and a self-signed certificate beside it.
    pub fn certified_key(&self, key_spec: KeySpec, label: &str, id: u8) -> PublicKey {
        let key = self
            .hsm
            .import_key(key_spec.as_str(), label, &[id])
            .unwrap();
        let certificate = self.hsm.directory().join(format!("{label}.pem"));
        let subject = format!("CN={label},O=Example,ST=England,C=GB");
        let direct = Self::beside(&self.hsm);
        direct(&[
            "self-sign",
            "--key-id",
            label,
            "--subject",
            &subject,
            "--out",
            certificate.to_str().unwrap(),
        ]);
        direct(&[
            "import-cert",
            "--key-id",
            label,
            certificate.to_str().unwrap(),
        ]);
        PublicKey::from_spki_der(&spki(&key.key_pair)).unwrap()
    }

    /// Makes a key on the token by the plugin's own commands, with a certificate beside it: its URI.
    pub fn generated_key(&self, key_spec: KeySpec) -> String {
        let label = key_spec.as_str();
        let run = |arguments: &[&str]| {
            self.person(arguments)
                .unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
        };
        let key_id = run(&["generate-key", "--label", label, "--key-spec", label]);
        let key_id = key_id.trim();
        let pem = self.hsm.directory().join(format!("{label}.pem"));
        let pem = pem.to_str().unwrap();
        let subject = format!("CN={label},O=Example,ST=England,C=GB");
        run(&[
            "self-sign",
            "--key-id",
            key_id,
            "--subject",
            &subject,
            "--out",
            pem,
        ]);
        run(&["import-cert", "--key-id", key_id, pem]);
        key_id.to_owned()
    }

    /// Signs, and verifies the signature with the key of the leaf.
    pub fn sign_and_verify(&self, key_id: &str, key_spec: KeySpec) {
        let signed = self.sign(key_id, key_spec, b"payload").unwrap();
        let leaf = signed.chain[0].public_key();
        leaf.verify(key_spec.signing_algorithm(), b"payload", &signed.signature)
            .unwrap();
    }

    /// Runs a command for people with the plain module, whatever faults the plugin under test has.
    fn beside(hsm: &SoftHsm) -> impl Fn(&[&str]) + '_ {
        |arguments| {
            let output = Command::new(env!("CARGO_BIN_EXE_notation-pkcs11-hsm"))
                .args(arguments)
                .envs(hsm.env())
                .env("NOTATION_PKCS11_MODULE", hsm.module())
                .env("NOTATION_PKCS11_PIN_FILE", hsm.pin_file())
                .output()
                .unwrap();
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
}

/// The protocol's discipline, checked for every call: success is JSON on standard output and nothing
/// else, failure is exit code 1 and one JSON error on standard error.
fn answer(output: Output) -> Result<Value, Refusal> {
    let error = String::from_utf8(output.stderr).unwrap();
    if output.status.success() {
        assert_eq!(error, "");
        return Ok(serde_json::from_slice(&output.stdout).unwrap());
    }
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert_eq!(output.stdout, b"");
    let error: Value = serde_json::from_str(&error).unwrap_or_else(|_| panic!("no JSON: {error}"));
    Err(Refusal {
        code: error["errorCode"].as_str().unwrap().to_owned(),
        message: error["errorMessage"].as_str().unwrap().to_owned(),
    })
}

/// The `SubjectPublicKeyInfo` of a key that the test made.
pub fn spki(key: &rcgen::KeyPair) -> Vec<u8> {
    rcgen::PublicKeyData::subject_public_key_info(key)
}

/// `shim.c`, compiled once per test program.
fn shim() -> &'static Path {
    static SHIM: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = SHIM.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("shim.so");
        compile(
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("tests/support/shim.c")
                .as_path(),
            &path,
        );
        (directory, path)
    });
    path
}

/// Compiles C into a shared library with the compiler that builds the cryptographic library as well.
pub fn compile(source: &Path, library: &Path) {
    let output = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-w", "-o"])
        .arg(library)
        .arg(source)
        .arg("-ldl")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
