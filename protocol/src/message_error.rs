//! What can be wrong with a message.

use crate::error_response::ErrorCode;
use crate::limits::{MAX_MESSAGE_LEN, quoted};
use crate::name::PluginNameError;
use crate::signature::SignatureError;
use crate::version::ContractVersion;
use crate::vocabulary::UnknownWord;

/// A message breaks a rule of the contract.
///
/// Never quotes a value of `pluginConfig`, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}: {path}: {rule}")]
pub struct MessageError {
    /// Which message, such as `describe-key request`.
    pub message: &'static str,
    /// Where in it: a JSON path (RFC 9535), `$` being the message as a whole.
    pub path: String,
    /// The rule that is broken there.
    pub rule: Rule,
}

/// A rule of the contract that a message can break.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rule {
    /// The message exceeds [`MAX_MESSAGE_LEN`].
    #[error("the message has {found} bytes, at most {MAX_MESSAGE_LEN} are read")]
    TooLong {
        /// Its length in bytes.
        found: usize,
    },
    /// There is nothing but white space.
    #[error("the message is empty, expected one JSON object")]
    NoJson,
    /// The bytes are not exactly one JSON value (RFC 8259) in UTF-8.
    #[error("not exactly one JSON value: {0}")]
    NotJson(String),
    /// The value has the wrong JSON type.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// The type that belongs here, with its article.
        expected: &'static str,
        /// The type that is here.
        found: &'static str,
    },
    /// A required attribute is absent or null.
    #[error("required, but missing")]
    Missing,
    /// An attribute that must not be empty is.
    #[error("cannot be empty")]
    Empty,
    /// Two attributes of one object have the same name.
    #[error("the attribute occurs twice")]
    Duplicate,
    /// An attribute's name differs from one of the contract in nothing but the case of letters.
    /// Some implementations take one for the other, so that two sides could read two values.
    #[error("the attribute must be spelled {expected}")]
    CaseVariant {
        /// The contract's spelling.
        expected: &'static str,
    },
    /// The word is not in the set that belongs here.
    #[error(transparent)]
    UnknownWord(#[from] UnknownWord),
    /// Not base64 with the standard alphabet and padding (RFC 4648 §4).
    #[error("not base64 in the standard alphabet with padding")]
    NotBase64,
    /// Not an integer from 0 to 2⁵³−1.
    #[error("not a whole number from 0 to 9007199254740991")]
    NotWholeNumber,
    /// Zero where a positive number belongs.
    #[error("must be greater than zero")]
    Zero,
    /// Not a date and time of RFC 3339.
    #[error("{} is not an RFC 3339 date and time, such as 2026-01-31T12:00:00Z", quoted(.0))]
    NotTime(String),
    /// Not a version of the contract.
    #[error("{} is no contract version: expected two numbers joined by a dot, such as \"1.0\"", quoted(.0))]
    NotContractVersion(String),
    /// The request is of a contract that is not spoken here.
    #[error("contract version {found} is not supported, {supported} is")]
    UnsupportedContractVersion {
        /// What the request asks for.
        found: ContractVersion,
        /// What is supported.
        supported: ContractVersion,
    },
    /// The plugin supports no contract version that this side can use.
    #[error("the contract version {required} is not among those that the plugin supports ({})", .found.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    NoUsableContractVersion {
        /// What the plugin supports.
        found: Vec<ContractVersion>,
        /// What is needed.
        required: ContractVersion,
    },
    /// The list of supported contract versions has more than one of a major version.
    #[error("more than one contract version of major version {major}")]
    TwoVersionsOfOneMajor {
        /// The major version.
        major: u16,
    },
    /// `hashAlgorithm` is not the one that `keySpec` demands.
    #[error("{key_spec} keys use {expected}, not {found}")]
    HashAlgorithmMismatch {
        /// The key spec of the request.
        key_spec: crate::KeySpec,
        /// The hash algorithm that follows from it.
        expected: crate::HashAlgorithm,
        /// The one in the request.
        found: crate::HashAlgorithm,
    },
    /// The text is no plugin name.
    #[error(transparent)]
    PluginName(#[from] PluginNameError),
    /// The bytes are no raw signature of the algorithm.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

impl MessageError {
    /// The code with which a plugin refuses such a request.
    #[must_use]
    pub const fn error_code(&self) -> ErrorCode {
        match self.rule {
            Rule::UnsupportedContractVersion { .. } => ErrorCode::UnsupportedContractVersion,
            _ => ErrorCode::ValidationError,
        }
    }
}
