//! The plugin under test and what is known of it.

use crate::HarnessError;
use crate::execution::{Environment, Execution, Invocation, Running, Stdin, execute};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notary_plugin_protocol::KeySpec;
use serde_json::{Map, Value, json};
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longer than any plugin that talks to a real server should take; a plugin that waits for input
/// that never comes is ended by it.
const DEFAULT_TIME_LIMIT: Duration = Duration::from_secs(30);

/// "Static" metadata takes no longer than this, even without network and credentials.
const DEFAULT_METADATA_LIMIT: Duration = Duration::from_secs(1);

/// The media type of what is signed.
pub(crate) const PAYLOAD_TYPE: &str = "application/vnd.cncf.notary.payload.v1+json";

/// How often the rules on many runs in a row run a command.
const DEFAULT_REPETITIONS: usize = 50;

/// A key id that no key store holds: requests that are wrong in another respect carry it where no
/// real key was given.
pub(crate) const STAND_IN_KEY: &str = "conformance-no-such-key-7f3a";

/// The shortest configured value, in bytes, that reports leave out.
const SHORTEST_SECRET: usize = 4;

/// A plugin executable, the key to sign with and the configuration to send.
#[derive(Clone, Debug)]
pub struct Subject {
    executable: PathBuf,
    key: Option<KeyUnderTest>,
    plugin_config: Map<String, Value>,
    environment: Vec<(String, String)>,
    time_limit: Duration,
    metadata_limit: Duration,
    repetitions: usize,
    pub(crate) seen: Seen,
}

/// What was already asked of the plugin, so that it is asked once for all the checks that look at it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    metadata: OnceCell<Execution>,
    metadata_again: OnceCell<Execution>,
    empty_requests: RefCell<BTreeMap<&'static str, Execution>>,
    pub(crate) described: OnceCell<Execution>,
    pub(crate) signed: RefCell<BTreeMap<Vec<u8>, Execution>>,
    pub(crate) enveloped: RefCell<BTreeMap<String, Execution>>,
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
            metadata_limit: DEFAULT_METADATA_LIMIT,
            repetitions: DEFAULT_REPETITIONS,
            seen: Seen::default(),
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

    /// How long `get-plugin-metadata` may take without network and credentials.
    #[must_use]
    pub fn with_metadata_limit(mut self, limit: Duration) -> Self {
        self.metadata_limit = limit;
        self
    }

    /// How often the rules on many runs in a row run a command; at least twice.
    #[must_use]
    pub fn with_repetitions(mut self, repetitions: usize) -> Self {
        self.repetitions = repetitions.max(2);
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

    /// The text without the values of the environment and of the plugin configuration, which may be
    /// secrets. Values shorter than [`SHORTEST_SECRET`] stay: they would tear words apart.
    pub(crate) fn redact(&self, text: &str) -> String {
        let configured = self.plugin_config.values().filter_map(Value::as_str);
        let environment = self.environment.iter().map(|(_, value)| value.as_str());
        configured
            .chain(environment)
            .filter(|value| value.len() >= SHORTEST_SECRET)
            .fold(text.to_owned(), |text, value| {
                text.replace(value, "[redacted]")
            })
    }

    pub(crate) fn time_limit(&self) -> Duration {
        self.time_limit
    }

    pub(crate) fn metadata_limit(&self) -> Duration {
        self.metadata_limit
    }

    pub(crate) fn repetitions(&self) -> usize {
        self.repetitions
    }

    /// Runs the plugin.
    pub(crate) fn invoke(&self, invocation: &Invocation<'_>) -> Result<Execution, HarnessError> {
        execute(
            &self.executable,
            &self.environment,
            invocation,
            self.time_limit,
        )
    }

    /// Starts the plugin and leaves it running.
    pub(crate) fn start(
        &self,
        invocation: &Invocation<'_>,
        scratch: &Path,
    ) -> Result<Running, HarnessError> {
        Running::start(&self.executable, &self.environment, invocation, scratch)
    }

    /// Runs one command with these bytes on standard input.
    pub(crate) fn run(&self, command: &str, stdin: Stdin<'_>) -> Result<Execution, HarnessError> {
        self.invoke(&Invocation::new(&[command], stdin))
    }

    /// Runs one command in an environment that holds nothing but `PATH`.
    pub(crate) fn run_bare(
        &self,
        command: &str,
        request: &Value,
    ) -> Result<Execution, HarnessError> {
        let request = request.to_string();
        self.invoke(&Invocation {
            environment: Environment::Bare,
            ..Invocation::new(&[command], Stdin::Bytes(request.as_bytes()))
        })
    }

    /// Runs one command with a request in compact JSON, as hosts send it.
    pub(crate) fn request(
        &self,
        command: &str,
        request: &Value,
    ) -> Result<Execution, HarnessError> {
        self.run(command, Stdin::Bytes(request.to_string().as_bytes()))
    }

    /// The first run of `get-plugin-metadata`.
    pub(crate) fn metadata_run(&self) -> Result<&Execution, HarnessError> {
        if let Some(known) = self.seen.metadata.get() {
            return Ok(known);
        }
        let run = self.request("get-plugin-metadata", &self.metadata_request())?;
        Ok(self.seen.metadata.get_or_init(|| run))
    }

    /// The second run of `get-plugin-metadata`, in nothing different from the first.
    pub(crate) fn metadata_again(&self) -> Result<&Execution, HarnessError> {
        if let Some(known) = self.seen.metadata_again.get() {
            return Ok(known);
        }
        let run = self.request("get-plugin-metadata", &self.metadata_request())?;
        Ok(self.seen.metadata_again.get_or_init(|| run))
    }

    /// The metadata in any form, or why there is none.
    pub(crate) fn metadata(&self) -> Result<Result<Value, String>, HarnessError> {
        Ok(self.metadata_run()?.answer_in_any_form())
    }

    /// The run of a command with a request that has no attribute at all.
    pub(crate) fn empty_request(&self, command: &'static str) -> Result<Execution, HarnessError> {
        if let Some(known) = self.seen.empty_requests.borrow().get(command) {
            return Ok(known.clone());
        }
        let run = self.request(command, &json!({}))?;
        self.seen
            .empty_requests
            .borrow_mut()
            .insert(command, run.clone());
        Ok(run)
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
        spec: KeySpec,
        payload: &[u8],
    ) -> Value {
        self.with_config(json!({
            "contractVersion": "1.0",
            "keyId": key_id,
            "keySpec": spec.as_str(),
            "hashAlgorithm": spec.hash_algorithm().as_str(),
            "payload": STANDARD.encode(payload),
        }))
    }

    pub(crate) fn generate_envelope_request(
        &self,
        key_id: &str,
        media_type: &str,
        payload: &Value,
    ) -> Value {
        self.with_config(json!({
            "contractVersion": "1.0",
            "keyId": key_id,
            "payloadType": PAYLOAD_TYPE,
            "signatureEnvelopeType": media_type,
            "payload": STANDARD.encode(payload.to_string()),
        }))
    }

    pub(crate) fn verify_signature_request(&self, chain: &[String], identity: &str) -> Value {
        self.with_config(json!({
            "contractVersion": "1.0",
            "signature": {
                "criticalAttributes": {
                    "contentType": PAYLOAD_TYPE,
                    "signingScheme": "notary.x509",
                },
                "unprocessedAttributes": [],
                "certificateChain": chain,
            },
            "trustPolicy": {
                "trustedIdentities": [identity],
                "signatureVerification": ["SIGNATURE_VERIFIER.TRUSTED_IDENTITY"],
            },
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
