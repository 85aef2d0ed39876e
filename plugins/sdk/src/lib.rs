//! Write a Notary Project plugin: implement a trait, call [`Plugin::run`].
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
