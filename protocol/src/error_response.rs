//! The error object that a failing plugin prints on standard error.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::json::{Node, Read, read_message};
use crate::message_error::MessageError;
use crate::messages::Message;
use crate::wire::compact;

/// Why a plugin failed. Open: plugins in use have codes of their own, which are kept and shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorCode {
    /// A required attribute of the request is empty or malformed, the key does not exist, or the
    /// payload or envelope type is not supported.
    ValidationError,
    /// The request's contract version is not supported.
    UnsupportedContractVersion,
    /// Authentication or authorisation failed.
    AccessDenied,
    /// The operation timed out. The host may try again.
    Timeout,
    /// The service limits the rate of requests. The host may try again.
    Throttled,
    /// Anything else.
    Error,
    /// A code that is not of the contract.
    Other(String),
}

impl ErrorCode {
    /// The codes of the contract.
    pub const KNOWN: &'static [Self] = &[
        Self::ValidationError,
        Self::UnsupportedContractVersion,
        Self::AccessDenied,
        Self::Timeout,
        Self::Throttled,
        Self::Error,
    ];

    /// The code as it stands on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::ValidationError => "VALIDATION_ERROR",
            Self::UnsupportedContractVersion => "UNSUPPORTED_CONTRACT_VERSION",
            Self::AccessDenied => "ACCESS_DENIED",
            Self::Timeout => "TIMEOUT",
            Self::Throttled => "THROTTLED",
            Self::Error => "ERROR",
            Self::Other(code) => code,
        }
    }

    /// Whether the host may send the same request again: `TIMEOUT` and `THROTTLED`.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Timeout | Self::Throttled)
    }
}

impl From<&str> for ErrorCode {
    fn from(code: &str) -> Self {
        Self::KNOWN
            .iter()
            .find(|known| known.as_str() == code)
            .cloned()
            .unwrap_or_else(|| Self::Other(code.to_owned()))
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What a failing plugin says on standard error, beside exit code 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorResponse {
    /// The kind of failure; not empty.
    pub code: ErrorCode,
    /// What happened, for a person. May be empty: the specification only recommends it.
    pub message: String,
    /// More about it, in the plugin's own terms.
    pub metadata: BTreeMap<String, String>,
}

/// Why a command failed: standard error of a plugin that ends with exit code 1.
#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schemas", schemars(transform = crate::schemas::refuse_case_variants))]
struct ErrorWire<'a> {
    /// The kind of failure. Hosts try again after TIMEOUT and THROTTLED; they show codes that they do
    /// not know.
    error_code: &'a ErrorCode,
    /// What happened, for a person.
    #[cfg_attr(feature = "schemas", schemars(with = "Option<String>"))]
    error_message: &'a str,
    /// More about it, in the plugin's own terms.
    #[cfg_attr(
        feature = "schemas",
        schemars(with = "Option<BTreeMap<String, String>>")
    )]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    error_metadata: &'a BTreeMap<String, String>,
}

impl ErrorResponse {
    /// A failure without metadata.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            metadata: BTreeMap::new(),
        }
    }
}

impl Message for ErrorResponse {
    const NAME: &'static str = "error response";

    fn from_json(bytes: &[u8]) -> Result<Self, MessageError> {
        read_message(Self::NAME, bytes, read_error)
    }

    fn to_json(&self) -> Vec<u8> {
        compact(&ErrorWire {
            error_code: &self.code,
            error_message: &self.message,
            error_metadata: &self.metadata,
        })
    }
}

impl From<&MessageError> for ErrorResponse {
    fn from(error: &MessageError) -> Self {
        Self::new(error.error_code(), error.to_string())
    }
}

fn read_error(node: Node<'_>) -> Read<ErrorResponse> {
    let object = node.answer_object(&["errorCode", "errorMessage", "errorMetadata"])?;
    Ok(ErrorResponse {
        code: object.required("errorCode")?.non_empty_text()?.into(),
        message: match object.optional("errorMessage") {
            Some(message) => message.text()?.to_owned(),
            None => String::new(),
        },
        metadata: match object.optional("errorMetadata") {
            Some(metadata) => metadata.text_map()?,
            None => BTreeMap::new(),
        },
    })
}

#[cfg(feature = "schemas")]
crate::schemas::described_by!(ErrorResponse => ErrorWire<'static>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_codes_are_kept_and_only_timeouts_and_throttling_may_be_tried_again() {
        let error =
            ErrorResponse::from_json(br#"{"errorCode":"INVALID_KEY_ID","errorMessage":"no"}"#)
                .unwrap();
        assert_eq!(error.code, ErrorCode::Other("INVALID_KEY_ID".into()));
        assert!(!error.code.is_retryable());
        let retryable: Vec<_> = ErrorCode::KNOWN
            .iter()
            .filter(|code| code.is_retryable())
            .collect();
        assert_eq!(retryable, [&ErrorCode::Timeout, &ErrorCode::Throttled]);
    }

    #[test]
    fn the_message_is_optional_and_the_code_is_not() {
        let error = ErrorResponse::from_json(br#"{"errorCode":"ERROR"}"#).unwrap();
        assert_eq!(error, ErrorResponse::new(ErrorCode::Error, ""));
        let refusal = ErrorResponse::from_json(b"{}").unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "error response: $.errorCode: required, but missing"
        );
    }

    #[test]
    fn metadata_survives_the_wire() {
        let mut error = ErrorResponse::new(ErrorCode::AccessDenied, "no \"sign\" permission\n");
        error.metadata.insert("key 1".into(), "<value>".into());
        assert_eq!(ErrorResponse::from_json(&error.to_json()).unwrap(), error);
    }
}
