//! The messages of the five commands.

mod describe_key;
mod generate_envelope;
mod generate_signature;
mod get_plugin_metadata;
mod verify_signature;

pub use describe_key::{DescribeKeyRequest, DescribeKeyResponse};
pub use generate_envelope::{GenerateEnvelopeRequest, GenerateEnvelopeResponse};
pub use generate_signature::{GenerateSignatureRequest, GenerateSignatureResponse};
pub use get_plugin_metadata::{GetPluginMetadataRequest, PluginMetadata};
pub use verify_signature::{
    AttributeValue, CriticalAttributes, SignatureToVerify, TrustPolicyExcerpt, VerificationResult,
    VerifySignatureRequest, VerifySignatureResponse,
};

use crate::command::Command;
use crate::json::{Object, Read};
use crate::key_id::{EmptyKeyId, KeyId, PluginConfig};
use crate::message_error::{MessageError, Rule};
use crate::version::{ContractVersion, InvalidContractVersion};

/// A message that can be read from and written to JSON.
pub trait Message: Sized {
    /// What the message is called in errors, such as `describe-key request`.
    const NAME: &'static str;

    /// Reads the message from exactly one JSON object in UTF-8, white space around it allowed.
    /// Attributes that are not known are ignored.
    ///
    /// # Errors
    /// The first rule of the contract that the message breaks, and where.
    fn from_json(bytes: &[u8]) -> Result<Self, MessageError>;

    /// Writes the message as JSON on one line, without a newline at its end.
    fn to_json(&self) -> Vec<u8>;
}

/// A request, tied to its command and to its response.
pub trait Request: Message {
    /// The command that the request belongs to.
    const COMMAND: Command;

    /// What a plugin answers.
    type Response: Message;

    /// Checks that a response is an answer to this request: that what it echoes is equal and what
    /// it returns is what was asked for.
    ///
    /// # Errors
    /// The first attribute of the response that does not match.
    fn check_answer(&self, response: &Self::Response) -> Result<(), AnswerMismatch>;
}

/// A response that is well formed and does not answer the request that was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{command} response: {attribute} is {}, the request asked for {}",
    crate::limits::quoted(found),
    crate::limits::quoted(expected)
)]
pub struct AnswerMismatch {
    /// The command.
    pub command: Command,
    /// The attribute of the response, as a JSON path.
    pub attribute: &'static str,
    /// What the request demands.
    pub expected: String,
    /// What the response has.
    pub found: String,
}

/// Compares an attribute of a response with what the request demands.
fn demand(
    command: Command,
    attribute: &'static str,
    expected: impl ToString,
    found: impl ToString,
) -> Result<(), AnswerMismatch> {
    let (expected, found) = (expected.to_string(), found.to_string());
    if expected == found {
        return Ok(());
    }
    Err(AnswerMismatch {
        command,
        attribute,
        expected,
        found,
    })
}

impl From<InvalidContractVersion> for Rule {
    fn from(error: InvalidContractVersion) -> Self {
        Self::NotContractVersion(error.0)
    }
}

impl From<EmptyKeyId> for Rule {
    fn from(_: EmptyKeyId) -> Self {
        Self::Empty
    }
}

/// The request's contract version, which must be one that this crate can answer. Read first, since
/// in another major version nothing else need mean the same.
fn contract_version(request: &Object<'_>) -> Read<ContractVersion> {
    let node = request.required("contractVersion")?;
    let found = node.word()?;
    let supported = ContractVersion::V1_0;
    if supported.can_answer(found) {
        return Ok(found);
    }
    Err(node.violates(Rule::UnsupportedContractVersion { found, supported }))
}

fn key_id(message: &Object<'_>) -> Read<KeyId> {
    message.required("keyId")?.word()
}

fn plugin_config(request: &Object<'_>) -> Read<PluginConfig> {
    match request.optional("pluginConfig") {
        Some(config) => config.text_map().map(PluginConfig::from),
        None => Ok(PluginConfig::default()),
    }
}
