//! What the plugin and its worker say to each other: both ends are always the same build.

use notary_plugin_protocol::KeySpec;
use serde::{Deserialize, Serialize};

use crate::locator::ObjectName;
use crate::token::{KeySummary, TokenAddress, TokenSummary};

/// A request, answered by the [`Response`] with the same number.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) number: u64,
    pub(crate) operation: Operation,
}

/// What the worker is asked to do. [`Operation::Connect`] comes first and once.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Operation {
    /// Load the module, find the token, log in.
    Connect {
        address: TokenAddress,
        writable: bool,
    },
    /// Find one key; later requests name it by the number in the answer.
    FindKey { name: ObjectName },
    /// Sign a payload.
    Sign {
        key: usize,
        key_spec: KeySpec,
        #[serde(with = "base64_bytes")]
        payload: Vec<u8>,
    },
    /// Read the token's certificates, those of the key first.
    Certificates { key: usize },
    /// List the private keys.
    ListKeys,
    /// Describe module and token.
    Summarise,
    /// Make a key pair on the token.
    GenerateKey {
        key_spec: KeySpec,
        label: String,
        id: Vec<u8>,
    },
    /// Store a DER certificate beside a key.
    StoreCertificate {
        key: usize,
        #[serde(with = "base64_bytes")]
        certificate: Vec<u8>,
    },
}

impl Operation {
    /// What goes on, to follow "while".
    pub(crate) fn doing(&self) -> &'static str {
        match self {
            Self::Connect { .. } => "connecting to the token",
            Self::FindKey { .. } => "looking for the key",
            Self::Sign { .. } => "signing",
            Self::Certificates { .. } => "reading certificates",
            Self::ListKeys => "listing the keys",
            Self::Summarise => "describing the token",
            Self::GenerateKey { .. } => "generating the key",
            Self::StoreCertificate { .. } => "storing the certificate",
        }
    }
}

/// The answer to a [`Request`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Response {
    pub(crate) number: u64,
    pub(crate) result: Result<Answer, Failure>,
}

/// What an operation gives.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// Nothing but success.
    Done,
    /// `FindKey`.
    Key(FoundKey),
    /// `Sign`: RSASSA-PSS bytes or ECDSA r‖s.
    Signature(#[serde(with = "base64_bytes")] Vec<u8>),
    /// `Certificates`: DER.
    Certificates(Vec<Vec<u8>>),
    /// `ListKeys`.
    Keys(Vec<KeySummary>),
    /// `Summarise`.
    Summary(TokenSummary),
}

/// A key that the worker knows by number.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FoundKey {
    /// The worker's number for it.
    pub(crate) number: usize,
    /// `CKA_LABEL`.
    pub(crate) label: String,
    /// `CKA_ID`.
    pub(crate) id: Vec<u8>,
    /// DER `SubjectPublicKeyInfo`.
    #[serde(with = "base64_bytes")]
    pub(crate) public_key: Vec<u8>,
}

/// An error on its way to the host.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Failure {
    /// A code of the plugin protocol.
    pub(crate) code: String,
    /// What failed, why, and what to do.
    pub(crate) message: String,
}

/// Bytes as base64, a third of the size that JSON's arrays of numbers have.
mod base64_bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map_err(D::Error::custom)
    }
}
