//! The plugin under test and what is known of it.

use crate::HarnessError;
use crate::execution::{Execution, Stdin, execute};
use serde_json::{Map, Value, json};
use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longer than any plugin that talks to a real server should take; a plugin that waits for input
/// that never comes is ended by it.
const DEFAULT_TIME_LIMIT: Duration = Duration::from_secs(30);

/// The bytes that probes ask a plugin to sign: not text, so that a plugin that treats the payload as
/// a string, or cuts it at a NUL, is found out.
pub(crate) const PROBE_PAYLOAD: &[u8] = b"\x00conformance\xff\xfe\x0d\x0aprobe\x00";

/// A plugin executable, the key to sign with and the configuration to send.
#[derive(Clone, Debug)]
pub struct Subject {
    executable: PathBuf,
    key: Option<KeyUnderTest>,
    plugin_config: Map<String, Value>,
    environment: Vec<(String, String)>,
    time_limit: Duration,
    metadata: OnceCell<Result<Value, String>>,
}

/// A key that the plugin can sign with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUnderTest {
    /// The id as a host would send it.
    pub id: String,
}

impl Subject {
    /// A plugin without a key: only the rules that need none are checked.
    pub fn new(executable: impl Into<PathBuf>) -> Self {
        Self {
            executable: executable.into(),
            key: None,
            plugin_config: Map::new(),
            environment: Vec::new(),
            time_limit: DEFAULT_TIME_LIMIT,
            metadata: OnceCell::new(),
        }
    }

    /// Gives the id of a key that can sign.
    #[must_use]
    pub fn with_key_id(mut self, id: impl Into<String>) -> Self {
        self.key = Some(KeyUnderTest { id: id.into() });
        self
    }

    /// Adds one `pluginConfig` entry, sent with every request.
    #[must_use]
    pub fn with_plugin_config(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.plugin_config
            .insert(key.into(), Value::String(value.into()));
        self
    }

    /// Sets a variable in the plugin's environment.
    #[must_use]
    pub fn with_environment(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Bounds each run of the plugin.
    #[must_use]
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// The path of the executable.
    #[must_use]
    pub fn executable(&self) -> &Path {
        &self.executable
    }

    pub(crate) fn key(&self) -> Option<&KeyUnderTest> {
        self.key.as_ref()
    }

    /// Runs one command with these bytes on standard input.
    pub(crate) fn run(&self, command: &str, stdin: Stdin<'_>) -> Result<Execution, HarnessError> {
        execute(
            &self.executable,
            &[command],
            &self.environment,
            stdin,
            self.time_limit,
        )
    }

    /// Runs one command with a request in compact JSON, as hosts send it.
    pub(crate) fn request(
        &self,
        command: &str,
        request: &Value,
    ) -> Result<Execution, HarnessError> {
        self.run(command, Stdin::Bytes(request.to_string().as_bytes()))
    }

    /// The metadata, or why there is none; the plugin is asked once for all checks that look at it.
    pub(crate) fn metadata(&self) -> Result<Result<Value, String>, HarnessError> {
        if let Some(known) = self.metadata.get() {
            return Ok(known.clone());
        }
        let answer = self
            .request("get-plugin-metadata", &self.metadata_request())?
            .answer();
        Ok(self.metadata.get_or_init(|| answer).clone())
    }

    pub(crate) fn metadata_request(&self) -> Value {
        self.with_config(json!({}))
    }

    pub(crate) fn describe_key_request(&self, key_id: &str) -> Value {
        self.with_config(json!({ "contractVersion": "1.0", "keyId": key_id }))
    }

    pub(crate) fn generate_signature_request(
        &self,
        key_id: &str,
        key_spec: &str,
        payload: &[u8],
    ) -> Value {
        use base64::Engine as _;
        let payload = base64::engine::general_purpose::STANDARD.encode(payload);
        let hash = key_spec
            .parse::<notary_plugin_protocol::KeySpec>()
            .map(|spec| spec.hash_algorithm().as_str())
            .unwrap_or_default();
        self.with_config(json!({
            "contractVersion": "1.0",
            "keyId": key_id,
            "keySpec": key_spec,
            "hashAlgorithm": hash,
            "payload": payload,
        }))
    }

    fn with_config(&self, mut request: Value) -> Value {
        if !self.plugin_config.is_empty()
            && let Some(members) = request.as_object_mut()
        {
            members.insert(
                "pluginConfig".to_owned(),
                Value::Object(self.plugin_config.clone()),
            );
        }
        request
    }
}
