//! The Notary Project plugin contract, version 1.0, as types.
#![forbid(unsafe_code)]

mod algorithm;
mod command;
mod envelope;
mod error_response;
mod json;
mod key_id;
mod limits;
mod message_error;
mod messages;
mod name;
#[cfg(feature = "schemas")]
pub mod schemas;
pub mod session;
mod signature;
mod timestamp;
mod version;
mod vocabulary;
mod wire;

pub use algorithm::{HashAlgorithm, KeySpec, SigningAlgorithm};
pub use command::{Capability, Command, VerificationCheck};
pub use envelope::{PayloadType, SignatureEnvelopeType, SigningScheme};
pub use error_response::{ErrorCode, ErrorResponse};
pub use key_id::{EmptyKeyId, KeyId, PluginConfig};
pub use limits::MAX_MESSAGE_LEN;
pub use message_error::{MessageError, Rule};
pub use messages::{
    AnswerMismatch, AttributeValue, CriticalAttributes, DescribeKeyRequest, DescribeKeyResponse,
    GenerateEnvelopeRequest, GenerateEnvelopeResponse, GenerateSignatureRequest,
    GenerateSignatureResponse, GetPluginMetadataRequest, Message, PluginMetadata, Request,
    SignatureToVerify, TrustPolicyExcerpt, VerificationResult, VerifySignatureRequest,
    VerifySignatureResponse,
};
pub use name::{EXECUTABLE_PREFIX, OperatingSystem, PluginName, PluginNameError};
pub use signature::{EcdsaSignature, RawSignature, SignatureError};
pub use version::{ContractVersion, InvalidContractVersion};
pub use vocabulary::UnknownWord;
