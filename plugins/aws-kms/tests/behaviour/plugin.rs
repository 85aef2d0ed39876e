//! The real plugin beside a real server.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notary_plugin_protocol::KeySpec;
use notary_x509::Certificate;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// The plugin with a configuration and an environment, in a home of its own.
pub struct Plugin {
    config: Map<String, Value>,
    environment: BTreeMap<String, String>,
    home: TempDir,
}

/// What `generate-signature` answered, decoded.
#[derive(Debug)]
pub struct Signed {
    pub signature: Vec<u8>,
    pub chain: Vec<Certificate>,
}

/// The error object of a failed command.
#[derive(Debug)]
pub struct Refusal {
    pub code: String,
    pub message: String,
    pub metadata: Value,
    /// Everything that was printed, to look for secrets in.
    pub printed: String,
}

impl Plugin {
    /// With nothing configured at all.
    pub fn bare() -> Self {
        Self {
            config: Map::new(),
            environment: BTreeMap::new(),
            home: TempDir::new().unwrap(),
        }
        // One attempt at a busy or absent service is enough to know, and this machine has no role.
        .variable("AWS_MAX_ATTEMPTS", "1")
        .variable("AWS_EC2_METADATA_DISABLED", "true")
    }

    pub fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.config.insert(key.to_owned(), value.into().into());
        self
    }

    /// The same plugin in a home of its own.
    pub fn again(&self) -> Self {
        Self {
            config: self.config.clone(),
            environment: self.environment.clone(),
            home: TempDir::new().unwrap(),
        }
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Writes a file into the plugin's home.
    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.home.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_notation-aws-kms"));
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .envs(&self.environment);
        command
    }

    /// Runs a protocol command.
    pub fn call(&self, command: &str, mut request: Value) -> Result<Value, Refusal> {
        request["contractVersion"] = "1.0".into();
        request["pluginConfig"] = Value::Object(self.config.clone());
        let mut child = self
            .command()
            .arg(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(request.to_string().as_bytes()).unwrap();
        drop(input);
        answer(&child.wait_with_output().unwrap())
    }

    pub fn describe(&self, key_id: &str) -> Result<KeySpec, Refusal> {
        let answer = self.call("describe-key", json!({ "keyId": key_id }))?;
        assert_eq!(answer["keyId"], key_id);
        Ok(answer["keySpec"].as_str().unwrap().parse().unwrap())
    }

    pub fn sign(&self, key_id: &str, key_spec: KeySpec, payload: &[u8]) -> Result<Signed, Refusal> {
        let request = sign_request(key_id, key_spec, payload);
        let answer = self.call("generate-signature", request)?;
        let algorithm = key_spec.signing_algorithm().as_str();
        assert_eq!(answer["signingAlgorithm"], algorithm);
        Ok(Signed::from_answer(&answer))
    }

    /// Signs, and checks the signature with the certificate that came with it.
    pub fn sign_well(&self, key_id: &str, key_spec: KeySpec) -> Signed {
        let payload = b"\x00\xff payload with any bytes";
        let signed = self.sign(key_id, key_spec, payload).unwrap();
        let leaf = signed.chain[0].public_key();
        leaf.verify(key_spec.signing_algorithm(), payload, &signed.signature)
            .unwrap();
        signed
    }

    /// Runs a command for people: its standard output, or all that it printed if it failed.
    pub fn person(&self, arguments: &[&str]) -> Result<String, String> {
        let config = self.config.iter().flat_map(|(key, value)| {
            let pair = format!("{key}={}", value.as_str().unwrap());
            ["--plugin-config".to_owned(), pair]
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

    /// Begins a warm session.
    pub fn session(&self) -> WarmSession {
        let mut child = self
            .command()
            .arg("serve-session")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        WarmSession {
            requests: child.stdin.take().unwrap(),
            answers: BufReader::new(child.stdout.take().unwrap()),
            child,
            config: self.config.clone(),
            sent: 0,
        }
    }
}

/// A process that answers many requests.
pub struct WarmSession {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    config: Map<String, Value>,
    sent: u64,
}

impl WarmSession {
    /// Sends a `generate-signature` without waiting for its answer.
    pub fn send(&mut self, key_id: &str, key_spec: KeySpec, payload: &[u8]) {
        let mut request = sign_request(key_id, key_spec, payload);
        request["contractVersion"] = "1.0".into();
        request["pluginConfig"] = Value::Object(self.config.clone());
        self.sent += 1;
        let frame = json!({ "id": self.sent, "command": "generate-signature", "request": request });
        writeln!(self.requests, "{frame}").unwrap();
    }

    /// The next answer, whichever request it belongs to.
    pub fn receive(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// Sends one request and waits for its answer.
    pub fn sign(&mut self, key_id: &str, key_spec: KeySpec) -> Value {
        self.send(key_id, key_spec, b"payload");
        self.receive()
    }

    /// Ends the session in an orderly way.
    pub fn end(mut self) {
        drop(self.requests);
        assert!(self.child.wait().unwrap().success());
    }
}

fn sign_request(key_id: &str, key_spec: KeySpec, payload: &[u8]) -> Value {
    json!({
        "keyId": key_id,
        "keySpec": key_spec.as_str(),
        "hashAlgorithm": key_spec.hash_algorithm().as_str(),
        "payload": STANDARD.encode(payload),
    })
}

impl Signed {
    pub fn from_answer(answer: &Value) -> Self {
        let decode = |value: &Value| STANDARD.decode(value.as_str().unwrap()).unwrap();
        let chain = answer["certificateChain"].as_array().unwrap();
        Self {
            signature: decode(&answer["signature"]),
            chain: chain
                .iter()
                .map(|der| Certificate::from_der(&decode(der)).unwrap())
                .collect(),
        }
    }
}

/// The protocol's discipline, checked for every call: success is JSON on standard output and nothing
/// else, failure is exit code 1 and one JSON error on standard error.
fn answer(output: &Output) -> Result<Value, Refusal> {
    let error = String::from_utf8(output.stderr.clone()).unwrap();
    if output.status.success() {
        assert_eq!(error, "");
        return Ok(serde_json::from_slice(&output.stdout).unwrap());
    }
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert_eq!(output.stdout, b"");
    let object: Value = serde_json::from_str(&error).unwrap_or_else(|_| panic!("no JSON: {error}"));
    Err(Refusal {
        code: object["errorCode"].as_str().unwrap().to_owned(),
        message: object["errorMessage"].as_str().unwrap().to_owned(),
        metadata: object["errorMetadata"].clone(),
        printed: error,
    })
}

impl Refusal {
    /// Checks the code and that each word is in the message.
    #[track_caller]
    pub fn is(&self, code: &str, words: &[&str]) {
        assert_eq!(self.code, code, "{}", self.message);
        for word in words {
            assert!(
                self.message.contains(word),
                "no `{word}` in: {}",
                self.message
            );
        }
    }
}
