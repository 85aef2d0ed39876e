//! The reasons for which a signature is not trusted.

use std::error::Error as StdError;

use apostille_artifact::Descriptor;
use apostille_signature::timestamp::TimestampError;
use notary_plugin_protocol::{AnswerMismatch, PluginName, PluginNameError, VerificationCheck};
use notary_x509::{RuleViolation, describe_time};
use thiserror::Error;
use time::OffsetDateTime;

use crate::revocation::RevocationFailure;
use crate::store::{StoreError, StoreType};

/// Why a check failed. The message says what failed, on what, and what to do where something can
/// be done.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Failure {
    /// The envelope is malformed, its signature is wrong, or its certificates break the rules.
    #[error(transparent)]
    Envelope(#[from] apostille_signature::Error),
    /// The signature is for something else.
    #[error("the signature is for another artifact: it signs {}, and what is verified is {}", show(.signed), show(.found))]
    OtherArtifact {
        /// What the payload says.
        signed: Box<Descriptor>,
        /// What is verified.
        found: Box<Descriptor>,
    },
    /// The file to be verified could not be read.
    #[error("the file to be verified cannot be read")]
    BlobUnreadable(#[source] std::io::Error),
    /// A piece of user metadata that was asked for is not signed, or is signed with another value.
    #[error("the signature does not have the metadata {key}={value}{}", instead(.found.as_deref()))]
    MetadataMissing {
        /// The key.
        key: String,
        /// The value that was asked for.
        value: String,
        /// The value that is signed.
        found: Option<String>,
    },
    /// Critical attributes that nobody here understands.
    #[error("the signature has critical attributes that are not understood, so that it cannot be judged: {}", .names.join(", "))]
    UnknownCriticalAttributes {
        /// Their names.
        names: Vec<String>,
    },
    /// The policy names no trust store of the type that the signing scheme needs.
    #[error(
        "the statement names no trust store of the type {needed}, which signatures under the scheme {scheme} need; add one to its trustStores"
    )]
    NoTrustStoreOfType {
        /// The type.
        needed: StoreType,
        /// The signing scheme.
        scheme: String,
    },
    /// A trust store cannot be used.
    #[error(transparent)]
    TrustStore(#[from] StoreError),
    /// No certificate of the chain is in the trust stores.
    #[error("none of the signature's certificates is in the trust stores {}; its chain ends at \"{root}\" (SHA-256 {root_fingerprint})", .stores.join(", "))]
    ChainNotTrusted {
        /// The stores.
        stores: Vec<String>,
        /// The subject of the chain's last certificate.
        root: String,
        /// Its fingerprint, in hexadecimal digits.
        root_fingerprint: String,
    },
    /// No trusted identity is the signer.
    #[error("the signer \"{subject}\" is none of the trusted identities: {}", .mismatches.join("; "))]
    SignerNotTrusted {
        /// The subject of the signing certificate.
        subject: String,
        /// For each identity that names a subject, what differs.
        mismatches: Vec<String>,
    },
    /// All identities are for plugins, and no plugin decides about them.
    #[error(
        "the statement names no x509.subject identity, and no verification plugin decides whether \"{subject}\" is trusted"
    )]
    NoSubjectIdentity {
        /// The subject of the signing certificate.
        subject: String,
    },
    /// The signature has expired by its own word.
    #[error("the signature expired on {}", describe_time(*.expiry))]
    Expired {
        /// When.
        expiry: OffsetDateTime,
    },
    /// A certificate was not valid at the time that counts.
    #[error("{violation}; the time that counts is {time_source}")]
    CertificateNotValid {
        /// The certificate and the rule.
        violation: RuleViolation,
        /// Which time that was.
        time_source: &'static str,
    },
    /// The policy demands a timestamp and the signature has none.
    #[error(
        "the signature has no timestamp countersignature; the statement asks for one, since it names a tsa trust store and verifyTimestamp is {setting}"
    )]
    TimestampMissing {
        /// The setting of the statement.
        setting: &'static str,
    },
    /// The timestamp does not hold.
    #[error("the timestamp countersignature is not acceptable: {0}")]
    Timestamp(#[from] TimestampError),
    /// A certificate was revoked, or nobody knows whether it was.
    #[error(transparent)]
    Revocation(#[from] RevocationFailure),
    /// The signature names a verification plugin by something that is no plugin's name.
    #[error("the signature asks for the verification plugin `{}`, which is no plugin's name", .name.escape_debug())]
    PluginName {
        /// The name.
        name: String,
        /// What is wrong with it.
        source: PluginNameError,
    },
    /// Nothing is executed on the word of a signer who is not trusted.
    #[error(
        "the verification plugin `{name}` is not run, because the signer that asks for it is not in the trust stores"
    )]
    PluginOfUntrustedSigner {
        /// The plugin.
        name: PluginName,
    },
    /// The plugin could not be asked.
    #[error("the verification plugin `{name}` failed: {source}")]
    Plugin {
        /// The plugin.
        name: PluginName,
        /// What went wrong.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The plugin is not of the version that the signature demands.
    #[error(
        "the verification plugin `{name}` has version {found}; the signature demands at least {minimum}"
    )]
    PluginTooOld {
        /// The plugin.
        name: PluginName,
        /// Its version.
        found: String,
        /// The lowest version that the signature accepts.
        minimum: String,
    },
    /// A version that is not one by Semantic Versioning, so that nothing can be compared.
    #[error("{whose} version `{}` is not a semantic version", .version.escape_debug())]
    PluginVersion {
        /// Whose version it is.
        whose: &'static str,
        /// The version.
        version: String,
    },
    /// The plugin verifies nothing.
    #[error(
        "the plugin `{name}` that the signature asks to be verified with cannot verify signatures"
    )]
    PluginCannotVerify {
        /// The plugin.
        name: PluginName,
    },
    /// The plugin speaks another version of the contract.
    #[error("the verification plugin `{name}` does not support contract version 1.0")]
    PluginContract {
        /// The plugin.
        name: PluginName,
    },
    /// The plugin's answer does not fit the question.
    #[error("the verification plugin `{name}` gave an answer that does not fit: {source}")]
    PluginAnswer {
        /// The plugin.
        name: PluginName,
        /// What does not fit.
        source: AnswerMismatch,
    },
    /// The plugin says no.
    #[error("the verification plugin `{name}` refused ({check}): {reason}")]
    RefusedByPlugin {
        /// The plugin.
        name: PluginName,
        /// The check.
        check: VerificationCheck,
        /// Its reason.
        reason: String,
    },
    /// A critical attribute that the plugin contract has no form for.
    #[error(
        "the critical attribute {name} is not a text, number, truth value or null, so that no plugin can be asked about it"
    )]
    AttributeNotPrimitive {
        /// The attribute.
        name: String,
    },
}

fn show(descriptor: &Descriptor) -> String {
    format!(
        "{} ({}, {} bytes)",
        descriptor.digest, descriptor.media_type, descriptor.size
    )
}

fn instead(found: Option<&str>) -> String {
    found.map_or_else(String::new, |found| format!("; it has the value {found}"))
}
