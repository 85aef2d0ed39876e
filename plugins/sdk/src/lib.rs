//! Write a Notary Project plugin: implement two small traits, call [`Plugin::run`].
//!
//! A plugin is an executable `notation-{name}` that signs with keys which the signing process must never
//! see. Hosts (`notation`, Apostille) start it with one argument, a command, write one JSON request to its
//! standard input, and read one JSON response from its standard output
//! ([`notary_plugin_protocol`] has the messages). This crate is everything of that which is the
//! same in every plugin, so that what remains is your key service:
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use notary_plugin_sdk::{
//!     BackendSignature, CertificateBundle, Context, KeyProvider, Plugin, PluginDescription, PluginError, Setting,
//!     SigningInput, SigningKey, protocol::KeyId, settings::CERTIFICATES, x509::PublicKey,
//! };
//! # mod vault {
//! #     use notary_plugin_sdk::PluginError;
//! #     pub struct Client;
//! #     impl Client {
//! #         pub async fn log_in(_: &str) -> Result<Self, PluginError> { unreachable!() }
//! #         pub async fn public_key(&self, _: &str) -> Result<Vec<u8>, PluginError> { unreachable!() }
//! #         pub async fn sign_digest(&self, _: &str, _: &[u8]) -> Result<Vec<u8>, PluginError> { unreachable!() }
//! #     }
//! # }
//!
//! // Declared once: parsing, "did you mean", redaction, --help and the documentation come from it.
//! const ADDRESS: Setting = Setting::text("address", "URL of the service").from_environment("EXAMPLE_ADDRESS");
//!
//! static DESCRIPTION: PluginDescription = PluginDescription {
//!     name: "example",
//!     version: env!("CARGO_PKG_VERSION"),
//!     url: "https://example.com/notation-example",
//!     description: "Signs with keys of the Example service",
//!     settings: &[ADDRESS, CERTIFICATES],
//! };
//!
//! struct Service(std::rc::Rc<vault::Client>);
//! struct Key(std::rc::Rc<vault::Client>, String);
//!
//! impl KeyProvider for Service {
//!     type Key = Key;
//!
//!     async fn open(context: &Context) -> Result<Self, PluginError> {
//!         Ok(Self(vault::Client::log_in(context.settings().required(&ADDRESS)?).await?.into()))
//!     }
//!
//!     async fn find_key(&self, key_id: &KeyId, _: &Context) -> Result<Key, PluginError> {
//!         Ok(Key(self.0.clone(), key_id.as_str().to_owned()))
//!     }
//! }
//!
//! impl SigningKey for Key {
//!     async fn public_key(&self, _: &Context) -> Result<PublicKey, PluginError> {
//!         let der = self.0.public_key(&self.1).await?;
//!         PublicKey::from_spki_der(&der).map_err(|error| PluginError::error(error.to_string()))
//!     }
//!
//!     async fn sign(&self, input: &SigningInput, context: &Context) -> Result<BackendSignature, PluginError> {
//!         let sign = || self.0.sign_digest(&self.1, input.digest());
//!         context.retry(sign).await.map(BackendSignature::EcdsaDer)
//!     }
//!
//!     async fn certificates(&self, context: &Context) -> Result<CertificateBundle, PluginError> {
//!         let mut bundle = CertificateBundle::new();
//!         bundle.add_setting(context.settings(), &CERTIFICATES)?;
//!         Ok(bundle)
//!     }
//! }
//!
//! fn main() -> ExitCode {
//!     Plugin::new(&DESCRIPTION).keys::<Service>().run()
//! }
//! ```
//!
//! That plugin answers `get-plugin-metadata`, `describe-key` and `generate-signature`, serves warm sessions,
//! and has the commands `keys`, `csr`, `self-sign`, `doctor` and `version` for people.
//!
//! # What you can rely on
//!
//! * **One answer, and nothing else.** Before your code runs, the SDK takes the process's streams away and
//!   points file descriptors 1 and 2 elsewhere, so that neither a `println!` nor a C library can spoil the
//!   answer. Errors are an error object on standard error with exit code 1; so are panics.
//! * **A deadline.** A command answers `TIMEOUT` by itself before hosts lose patience
//!   ([`settings::DEADLINE`]), even if native code never returns. [`Context::retry`] tries again inside it.
//! * **No wrong signature leaves.** Each one is verified with the public key of the certificate first, and the
//!   chain is complete, ordered and valid by the certificate requirements of the specification.
//! * **Start-up costs nothing.** `get-plugin-metadata` starts no async runtime, no thread and no client; your
//!   [`KeyProvider::open`] only runs for commands that need keys.
//! * **Secrets stay secret.** They come from the environment and never from `pluginConfig`, and
//!   [`Secret`] cannot be printed.
//!
//! # Threads and blocking
//!
//! Everything runs on one thread, so futures need not be `Send` and `Rc` is fine. Code that blocks (a native
//! library) works as it is; in a warm session it holds up the other requests, which
//! `tokio::task::spawn_blocking` avoids.
//!
//! # Other kinds of plugins
//!
//! [`EnvelopeGenerator`] makes whole envelopes and [`SignatureCheck`] takes over a check of the verification;
//! a [`Plugin`] may combine them. [`PersonCommand`] adds commands of your own. `examples/` has one of each,
//! and `template/` is a crate to start from.
#![deny(unsafe_code)]

mod certificates;
mod command;
mod context;
mod deadline;
mod description;
mod diagnosis;
mod envelope;
mod erased;
mod error;
mod exit;
mod http_status;
mod key_chain;
mod keyring;
pub mod log;
mod overdue;
mod person;
mod plugin;
mod retry;
mod run;
mod secret;
mod session;
mod setting;
pub mod settings;
mod signing;
mod stdio;
mod usable_key;
mod verification;

pub use certificates::{CERTIFICATE_DIRECTORY_LIMIT, CERTIFICATE_FILE_LIMIT, CertificateBundle};
pub use clap;
pub use context::Context;
pub use deadline::Deadline;
pub use description::PluginDescription;
pub use diagnosis::{Diagnosis, Finding, Verdict};
pub use envelope::EnvelopeGenerator;
pub use error::PluginError;
pub use http_status::{error_code_for_status, parse_retry_after};
pub use notary_plugin_protocol as protocol;
pub use notary_x509 as x509;
pub use person::{CommandOutput, PersonCommand};
pub use plugin::Plugin;
pub use run::run;
pub use secret::Secret;
pub use setting::{Kind, Setting};
pub use settings::Settings;
pub use signing::{BackendSignature, KeyListing, KeyProvider, SigningInput, SigningKey};
pub use stdio::INPUT_LIMIT;
pub use verification::{CheckVerdict, SignatureCheck};
