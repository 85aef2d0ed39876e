//! Flags that several commands share, with the names, short forms and defaults of `notation`.

use std::collections::BTreeMap;
use std::time::Duration;

use apostille_plugins::{PluginEnvironment, RunOptions};
use clap::Args;

use crate::failure::Failure;
use crate::go_duration::SignedDuration;
use crate::{environment, go_duration, pairs, usage};

/// `--debug`
#[derive(Args, Clone, Debug, Default)]
pub struct LoggingFlags {
    /// Debug mode
    #[arg(short, long)]
    pub debug: bool,
}

/// How to reach a registry.
#[derive(Args, Clone, Default)]
pub struct RegistryFlags {
    /// Username for registry operations (default: $NOTATION_USERNAME)
    #[arg(short, long, value_name = "string", allow_hyphen_values = true)]
    pub username: Option<String>,
    /// Password for registry operations (default: $NOTATION_PASSWORD)
    #[arg(short, long, value_name = "string", allow_hyphen_values = true)]
    pub password: Option<String>,
    /// Use plain HTTP to connect to the registry. For tests only
    #[arg(long)]
    pub insecure_registry: bool,
    /// How long one request to the registry may take, and be repeated while the registry is busy, such as 30s or 10m
    /// (default: 2m, repeated for 1m)
    #[arg(long, value_name = "duration", allow_hyphen_values = true, value_parser = go_duration::parse)]
    registry_timeout: Option<SignedDuration>,
}

impl RegistryFlags {
    /// How long the user lets one request take.
    ///
    /// # Errors
    /// A timeout that is not positive.
    pub fn timeout(&self) -> Result<Option<Duration>, Failure> {
        match self.registry_timeout {
            Some(timeout) if timeout.negative || timeout.magnitude.is_zero() => Err(
                Failure::usage("registry-timeout must be a positive duration"),
            ),
            timeout => Ok(timeout.map(|timeout| timeout.magnitude)),
        }
    }
}

impl std::fmt::Debug for RegistryFlags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RegistryFlags")
            .field("username", &self.username)
            .field("insecure_registry", &self.insecure_registry)
            .field("registry_timeout", &self.registry_timeout)
            .finish_non_exhaustive()
    }
}

/// Which key signs, and the format of the envelope.
#[derive(Args, Clone, Debug, Default)]
pub struct SignerFlags {
    /// Name of a key that was added with "key add", or a key's URI: awskms:///..., azurekms://..., hashivault://...,
    /// pkcs11:... Not together with --id and --plugin
    #[arg(short, long, value_name = "string", allow_hyphen_values = true)]
    pub key: Option<String>,
    /// Key id, as the plugin knows it (with --plugin). Not together with --key
    #[arg(long, value_name = "string", allow_hyphen_values = true)]
    pub id: Option<String>,
    /// Name of the signing plugin (with --id). Not together with --key
    #[arg(long, value_name = "string", allow_hyphen_values = true)]
    pub plugin: Option<String>,
    /// Envelope format: "jws" or "cose" (default: "signatureFormat" of config.json, or "jws")
    #[arg(long, value_name = "string", allow_hyphen_values = true)]
    pub signature_format: Option<String>,
}

impl SignerFlags {
    /// The rules between these flags.
    ///
    /// # Errors
    /// `--id` without `--plugin` or the reverse; `--key` with either.
    pub fn check(&self) -> Result<(), Failure> {
        let (key, id, plugin) = (self.key.is_some(), self.id.is_some(), self.plugin.is_some());
        usage::together(&[("id", id), ("plugin", plugin)])?;
        usage::at_most_one(&[("key", key), ("id", id)])?;
        usage::at_most_one(&[("key", key), ("plugin", plugin)])
    }
}

/// `--plugin-config`
#[derive(Args, Clone, Default)]
pub struct PluginConfigFlag {
    /// {key}={value} pair that is passed to the plugin as it is; may be repeated
    #[arg(long, value_name = "key=value", allow_hyphen_values = true)]
    plugin_config: Vec<String>,
}

impl std::fmt::Debug for PluginConfigFlag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PluginConfigFlag(*****)")
    }
}

impl PluginConfigFlag {
    /// The pairs.
    ///
    /// # Errors
    /// Something that is not a pair.
    pub fn pairs(&self) -> Result<BTreeMap<String, String>, Failure> {
        pairs::parse("plugin-config", &self.plugin_config)
    }
}

/// How plugins are run.
#[derive(Args, Clone, Debug, Default)]
pub struct PluginRunFlags {
    /// How long one command of a plugin may take, such as 90s or 5m (default: 60s)
    #[arg(long, value_name = "duration", allow_hyphen_values = true, value_parser = go_duration::parse)]
    plugin_timeout: Option<SignedDuration>,
    /// Environment variable that plugins see, such as VAULT_ADDR or AWS_*; may be repeated (default: all but the
    /// registry credentials)
    #[arg(long, value_name = "name", allow_hyphen_values = true)]
    plugin_env: Vec<String>,
}

impl PluginRunFlags {
    /// The flags, and the defaults for the others.
    ///
    /// # Errors
    /// A timeout that is not positive.
    pub fn options(&self) -> Result<RunOptions, Failure> {
        let mut options = RunOptions::default();
        if let Some(timeout) = self.plugin_timeout {
            if timeout.negative || timeout.magnitude.is_zero() {
                return Err(Failure::usage("plugin-timeout must be a positive duration"));
            }
            options.deadline = timeout.magnitude;
            options.metadata_deadline = options.metadata_deadline.min(timeout.magnitude);
        }
        if !self.plugin_env.is_empty() {
            let allowed = self.plugin_env.iter().map(String::as_str);
            options.environment =
                PluginEnvironment::allow_list(environment::all_variables(), allowed);
        }
        Ok(options)
    }
}

/// `--user-metadata`
#[derive(Args, Clone, Debug, Default)]
pub struct MetadataFlag {
    /// {key}={value} pair of the signed payload; may be repeated. "verify" demands it, "sign" adds it
    #[arg(
        short = 'm',
        long,
        value_name = "key=value",
        allow_hyphen_values = true
    )]
    user_metadata: Vec<String>,
}

impl MetadataFlag {
    /// The pairs.
    ///
    /// # Errors
    /// Something that is not a pair.
    pub fn pairs(&self) -> Result<BTreeMap<String, String>, Failure> {
        pairs::parse("user-metadata", &self.user_metadata)
    }
}

/// `--expiry`
#[derive(Args, Clone, Debug, Default)]
pub struct ExpiryFlag {
    /// How long the signature counts as fresh, in hours (h) and minutes (m): 12h, 30m, 3h20m
    #[arg(short, long, value_name = "duration", allow_hyphen_values = true, value_parser = go_duration::parse)]
    expiry: Option<SignedDuration>,
}

impl ExpiryFlag {
    /// The duration; `None` if the signature does not expire.
    ///
    /// # Errors
    /// Negative, or not whole seconds.
    pub fn duration(&self) -> Result<Option<std::time::Duration>, Failure> {
        match self.expiry {
            None => Ok(None),
            Some(expiry) if expiry.magnitude.is_zero() => Ok(None),
            Some(expiry) if expiry.negative => {
                Err(Failure::usage("expiry duration cannot be a negative value"))
            }
            Some(expiry) if expiry.magnitude.subsec_nanos() != 0 => Err(Failure::usage(
                "expiry duration supports minimum granularity of seconds",
            )),
            Some(expiry) => Ok(Some(expiry.magnitude)),
        }
    }
}

/// RFC 3161 timestamping while signing.
#[derive(Args, Clone, Debug, Default)]
pub struct TimestampFlags {
    /// URL of the RFC 3161 timestamping authority (TSA)
    #[arg(long, value_name = "string", allow_hyphen_values = true)]
    pub timestamp_url: Option<String>,
    /// File with the root certificate of the timestamping authority
    #[arg(long, value_name = "string", allow_hyphen_values = true)]
    pub timestamp_root_cert: Option<String>,
}

impl TimestampFlags {
    /// The rules between these flags.
    ///
    /// # Errors
    /// One without the other, or an empty one.
    pub fn check(&self) -> Result<(), Failure> {
        usage::together(&[
            ("timestamp-url", self.timestamp_url.is_some()),
            ("timestamp-root-cert", self.timestamp_root_cert.is_some()),
        ])?;
        if self.timestamp_url.as_deref() == Some("") {
            return Err(Failure::usage("timestamping: tsa url cannot be empty"));
        }
        if self.timestamp_root_cert.as_deref() == Some("") {
            return Err(Failure::usage(
                "timestamping: tsa root certificate path cannot be empty",
            ));
        }
        Ok(())
    }
}

/// `--max-signatures`
#[derive(Args, Clone, Debug)]
pub struct LimitFlag {
    /// How many signatures to look at, at most
    #[arg(long, value_name = "int", default_value = "100", allow_hyphen_values = true, value_parser = usage::integer)]
    max_signatures: i64,
}

impl LimitFlag {
    /// The limit.
    ///
    /// # Errors
    /// Zero or less.
    pub fn limit(&self) -> Result<usize, Failure> {
        usage::positive_limit(self.max_signatures)
    }
}

/// `--output` of the commands that print text unless told otherwise.
#[derive(Args, Clone, Debug, Default)]
pub struct OutputFlag {
    /// Output format: "text", or "json" for scripts
    #[arg(
        short,
        long,
        value_name = "string",
        default_value = "text",
        allow_hyphen_values = true
    )]
    output: String,
}

impl OutputFlag {
    /// Whether JSON is asked for.
    ///
    /// # Errors
    /// An unknown format.
    pub fn is_json(&self) -> Result<bool, Failure> {
        match self.output.as_str() {
            "json" => Ok(true),
            "text" => Ok(false),
            other => Err(unrecognised_format(other, "text")),
        }
    }
}

/// `--output` of `inspect`.
#[derive(Args, Clone, Debug, Default)]
pub struct TreeOutputFlag {
    /// Output format: "tree", or "json" for scripts
    #[arg(
        short,
        long,
        value_name = "string",
        default_value = "tree",
        allow_hyphen_values = true
    )]
    output: String,
}

impl TreeOutputFlag {
    /// Whether JSON is asked for.
    ///
    /// # Errors
    /// An unknown format.
    pub fn is_json(&self) -> Result<bool, Failure> {
        match self.output.as_str() {
            "json" => Ok(true),
            "tree" => Ok(false),
            other => Err(unrecognised_format(other, "tree")),
        }
    }
}

fn unrecognised_format(format: &str, usual: &str) -> Failure {
    Failure::usage(format!("unrecognized output format {format}")).hint(format!(
        "Supported output formats are \"{usual}\" and \"json\""
    ))
}
