//! What can go wrong on the way to a signature, in the words of the person who has to put it right.

use std::path::PathBuf;

use cryptoki::context::Function;
use cryptoki::error::{Error as CryptokiError, RvError};
use notary_plugin_protocol::ErrorCode;

use crate::pin::PinError;

/// A failure of the module, the token or the key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("the PKCS#11 module {} cannot be read: {source}", .path.display())]
    ModuleUnreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{} is not a shared library, so it cannot be a PKCS#11 module", .0.display())]
    NotALibrary(PathBuf),
    #[error(
        "the PKCS#11 module {} is built for {built_for}, and this program for {here}: install the vendor's module for {here}", .path.display()
    )]
    WrongArchitecture {
        path: PathBuf,
        built_for: String,
        here: &'static str,
    },
    #[error("the PKCS#11 module {} does not load: {reason}", .path.display())]
    ModuleLoad { path: PathBuf, reason: String },
    #[error("{} is a shared library but no PKCS#11 module: it has no C_GetFunctionList", .0.display())]
    NotPkcs11(PathBuf),
    #[error("the PKCS#11 module {} cannot be initialised ({rv:?}): {hint}", .path.display())]
    Initialize {
        path: PathBuf,
        rv: RvError,
        hint: &'static str,
    },
    #[error("the PKCS#11 module {} sees no token: is it connected, and is the module configured for it?", .0.display())]
    NoToken(PathBuf),
    #[error("no token matches {wanted}; there is {present}")]
    NoSuchToken { wanted: String, present: String },
    #[error("{count} tokens match{wanted}: {candidates}; say which with a URI such as {example}")]
    SeveralTokens {
        count: usize,
        wanted: String,
        candidates: String,
        example: String,
    },
    #[error("the token in slot {slot} is not initialised: initialise it with its vendor's tool")]
    Uninitialised { slot: u64 },
    #[error(
        "the token `{0}` wants a PIN: name a file that holds it with the configuration key `pin_file`, or set the \
         environment variable NOTATION_PKCS11_PIN"
    )]
    PinWanted(String),
    #[error("the token `{0}` has no user PIN yet: set it with its vendor's tool")]
    PinNeverSet(String),
    #[error("the user PIN of the token `{0}` is locked: unlock it with the security officer's PIN")]
    PinLocked(String),
    #[error(
        "the token `{0}` has one try left before it locks, so the PIN was not tried: log in once with the vendor's \
         tool, or set the configuration key `use_last_pin_try` to `true`"
    )]
    LastTry(String),
    #[error(
        "the PIN from {from} cannot be right, since the token `{token}` wants {min} to {max} bytes: it was not tried"
    )]
    PinLength {
        token: String,
        from: String,
        min: usize,
        max: usize,
    },
    #[error(
        "the token `{token}` refused the PIN from {from}. It was tried once and is not tried again; {tries}"
    )]
    PinRefused {
        token: String,
        from: String,
        tries: &'static str,
    },
    #[error("the PIN of the token `{0}` has expired: change it with its vendor's tool")]
    PinExpired(String),
    #[error(transparent)]
    Pin(#[from] PinError),
    #[error("the token `{token}` has no private key {wanted}{hint}; {present}")]
    NoSuchKey {
        token: String,
        wanted: String,
        hint: &'static str,
        present: String,
    },
    #[error(
        "{count} private keys on the token `{token}` match: {candidates}; pass one of these as key id"
    )]
    SeveralKeys {
        token: String,
        count: usize,
        candidates: String,
    },
    #[error(
        "the key {0} may not sign (its CKA_SIGN is false): choose another, or make one with `generate-key`"
    )]
    MayNotSign(String),
    #[error(
        "the key {key} is {kind}, and the Notary Project signs with RSA 2048, 3072 or 4096, or EC P-256, P-384 or P-521"
    )]
    UnsupportedKey { key: String, kind: String },
    #[error(
        "the token does not tell the public key of {0}: store the public key or the certificate beside it, under the \
         same id (`import-cert` does the latter)"
    )]
    PublicKeyUnknown(String),
    #[error("the token `{token}` cannot make {wanted} signatures: it has none of {mechanisms}")]
    NoMechanism {
        token: String,
        wanted: &'static str,
        mechanisms: String,
    },
    #[error("the token refused each way to make the signature: {0}")]
    EveryMechanismRefused(String),
    #[error("the token already has {0}: choose another label or id, nothing was written")]
    Exists(String),
    #[error("the token `{0}` is write-protected")]
    WriteProtected(String),
    #[error("the token went away while {action} ({rv:?}): connect it again")]
    Gone { action: &'static str, rv: RvError },
    #[error("the token failed while {action}: {function} answered {rv:?}")]
    Call {
        action: &'static str,
        function: Function,
        rv: RvError,
    },
    #[error("the PKCS#11 module broke its contract while {action}: {reason}")]
    Broken {
        action: &'static str,
        reason: String,
    },
    #[error("{0}")]
    Certificate(String),
    #[error("no random numbers: {0}")]
    Random(String),
}

impl TokenError {
    /// The error of a call into the module.
    pub(crate) fn call(action: &'static str) -> impl Fn(CryptokiError) -> Self {
        move |error| match error {
            CryptokiError::Pkcs11(rv, function) => Self::returned(action, function, rv),
            other => Self::Broken {
                action,
                reason: other.to_string(),
            },
        }
    }

    /// The error for a return value that is not `CKR_OK`.
    pub(crate) fn returned(action: &'static str, function: Function, rv: RvError) -> Self {
        if is_gone(rv) {
            Self::Gone { action, rv }
        } else {
            Self::Call {
                action,
                function,
                rv,
            }
        }
    }

    /// Whether a new session may help: the old one was lost, not refused.
    pub(crate) fn is_session_loss(&self) -> bool {
        match self {
            Self::Gone { .. } => true,
            Self::Call { rv, .. } => matches!(
                rv,
                RvError::SessionHandleInvalid
                    | RvError::SessionClosed
                    | RvError::UserNotLoggedIn
                    | RvError::CryptokiNotInitialized
                    | RvError::KeyHandleInvalid
                    | RvError::ObjectHandleInvalid
            ),
            _ => false,
        }
    }

    /// The code of the plugin protocol.
    pub(crate) fn code(&self) -> ErrorCode {
        match self {
            Self::PinWanted(_)
            | Self::PinNeverSet(_)
            | Self::PinLocked(_)
            | Self::LastTry(_)
            | Self::PinLength { .. }
            | Self::PinRefused { .. }
            | Self::PinExpired(_)
            | Self::Pin(_)
            | Self::MayNotSign(_) => ErrorCode::AccessDenied,
            Self::ModuleUnreadable { .. }
            | Self::NotALibrary(_)
            | Self::WrongArchitecture { .. }
            | Self::NotPkcs11(_)
            | Self::NoSuchToken { .. }
            | Self::SeveralTokens { .. }
            | Self::NoSuchKey { .. }
            | Self::SeveralKeys { .. }
            | Self::UnsupportedKey { .. }
            | Self::Exists(_)
            | Self::Certificate(_) => ErrorCode::ValidationError,
            Self::Call { rv, .. } => match rv {
                RvError::KeyFunctionNotPermitted
                | RvError::ActionProhibited
                | RvError::UserNotLoggedIn
                | RvError::TokenWriteProtected
                | RvError::SessionReadOnly => ErrorCode::AccessDenied,
                RvError::FunctionCanceled => ErrorCode::Timeout,
                RvError::SessionCount | RvError::DeviceMemory => ErrorCode::Throttled,
                _ => ErrorCode::Error,
            },
            _ => ErrorCode::Error,
        }
    }
}

/// The return values that say that the device itself is no longer there.
fn is_gone(rv: RvError) -> bool {
    matches!(
        rv,
        RvError::DeviceRemoved | RvError::TokenNotPresent | RvError::TokenNotRecognized
    )
}
