//! The one error a plugin answers with, and where each protocol code comes from.

use std::{collections::BTreeMap, fmt, time::Duration};

use notary_plugin_protocol::{ErrorCode, ErrorResponse, MessageError};

/// Why a command failed: a protocol error code, a sentence for the person who reads it, and details
/// for the program that does.
///
/// The constructors are named after the codes of the plugin specification ("Error Codes"), so the code
/// is chosen where the failure is understood. Say in the message what failed, on what, and what to do
/// about it; never put a secret in it.
///
/// ```
/// use notary_plugin_sdk::PluginError;
///
/// let error = PluginError::validation("no key is called `release`: run `notation-demo keys` to see them")
///     .with_metadata("keyId", "release");
/// assert!(!error.is_retryable());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginError {
    code: ErrorCode,
    message: String,
    metadata: BTreeMap<String, String>,
    retry: Retry,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Retry {
    /// Trying again gives the same answer.
    Never,
    /// Another attempt may succeed; the backend may have said when.
    After(Option<Duration>),
}

impl PluginError {
    /// A failure with any code, an own one (`ErrorCode::Other`) included. Hosts show codes that they
    /// do not know as they are, so prefer one of the six.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let retry = match code {
            ErrorCode::Throttled | ErrorCode::Timeout => Retry::After(None),
            _ => Retry::Never,
        };
        Self {
            code,
            message: message.into(),
            metadata: BTreeMap::new(),
            retry,
        }
    }

    /// `VALIDATION_ERROR`: the request or the configuration is wrong, or the key does not exist.
    #[must_use]
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::ValidationError, message)
    }

    /// `UNSUPPORTED_CONTRACT_VERSION`: the host speaks a version that this plugin does not.
    #[must_use]
    pub fn unsupported_contract_version(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::UnsupportedContractVersion, message)
    }

    /// `ACCESS_DENIED`: who we are could not be proven, or is not allowed to do this.
    #[must_use]
    pub fn access_denied(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::AccessDenied, message)
    }

    /// `TIMEOUT`: no answer in time. May be tried again.
    #[must_use]
    pub fn timeout(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Timeout, message)
    }

    /// `THROTTLED`: the backend asked us to slow down. May be tried again.
    #[must_use]
    pub fn throttled(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Throttled, message)
    }

    /// `ERROR`: anything else.
    #[must_use]
    pub fn error(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Error, message)
    }

    /// `ERROR` of a kind that passes: a connection reset, a token that was briefly away. Retried by
    /// [`Context::retry`](crate::Context::retry) inside the deadline.
    #[must_use]
    pub fn transient(message: impl Into<String>) -> Self {
        Self {
            retry: Retry::After(None),
            ..Self::error(message)
        }
    }

    /// Adds a detail for programs to the error object (`errorMetadata`), such as a request id.
    #[must_use]
    pub fn with_metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(name.into(), value.into());
        self
    }

    /// Makes the failure retryable after the time that the backend asked for (`Retry-After`).
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry = Retry::After(Some(wait));
        self
    }

    /// Makes the failure final: nothing that happens within the deadline can change it.
    #[must_use]
    pub fn without_retry(mut self) -> Self {
        self.retry = Retry::Never;
        self
    }

    /// Puts the operation that failed in front of the message: `{what}: {message}`.
    #[must_use]
    pub fn context(mut self, what: impl fmt::Display) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// The protocol code.
    #[must_use]
    pub fn code(&self) -> &ErrorCode {
        &self.code
    }

    /// The sentence for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The details for programs.
    #[must_use]
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// Whether another attempt may succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.retry != Retry::Never
    }

    /// How long the backend asked us to wait before the next attempt, if it did.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self.retry {
            Retry::After(wait) => wait,
            Retry::Never => None,
        }
    }

    /// The error object that goes to the host.
    pub(crate) fn into_response(self) -> ErrorResponse {
        ErrorResponse {
            code: self.code,
            message: self.message,
            metadata: self.metadata,
        }
    }
}

impl fmt::Display for PluginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for PluginError {}

impl From<MessageError> for PluginError {
    /// A message that breaks the protocol: the message's own code, and the rule in words.
    fn from(error: MessageError) -> Self {
        Self::new(error.error_code(), error.to_string())
    }
}
