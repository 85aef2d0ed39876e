//! The Notary Project plugin contract, version 1.0, as types.
//!
//! Signing with a key that must not enter the signing process, and checks that a verifier leaves to
//! somebody else, are done by *plugins*: executables that the host (`notation`, `apostille`) starts
//! once per command. This crate has what both sides say to each other. It does no I/O, has no
//! runtime and no cryptography.
//!
//! # A command is a process
//!
//! A plugin named `com.example.kms` is an executable `notation-com.example.kms`
//! ([`PluginName`]). Its single argument is a [`Command`]; it reads one JSON request from standard
//! input and then either
//!
//! * writes one JSON response, and nothing else, to standard output and exits with 0, or
//! * writes one [`ErrorResponse`] to standard error and exits with 1.
//!
//! Each message is less than 64 MiB ([`MAX_MESSAGE_LEN`]).
//!
//! # Capabilities and commands
//!
//! Everything starts with `get-plugin-metadata`, which is cheap, static and offline. It lists
//! [`Capability`]s, and each of them requires commands:
//!
//! | capability | commands | the plugin makes |
//! |---|---|---|
//! | `SIGNATURE_GENERATOR.RAW` | `describe-key`, `generate-signature` | signatures; the host makes the envelope |
//! | `SIGNATURE_GENERATOR.ENVELOPE` | `generate-envelope` | envelopes for OCI artifacts |
//! | `SIGNATURE_GENERATOR.ENVELOPE_FOR_BLOB` | `describe-key`, `generate-envelope` | envelopes for files |
//! | `SIGNATURE_VERIFIER.TRUSTED_IDENTITY` | `verify-signature` | the trusted identity check |
//! | `SIGNATURE_VERIFIER.REVOCATION_CHECK` | `verify-signature` | the revocation check |
//!
//! # Messages are valid once they exist
//!
//! [`Message::from_json`] refuses what breaks the contract, with the attribute's JSON path and the
//! rule; a value that it returns needs no further checks. [`Request`] ties a request to its command
//! and its response.
//!
//! ```
//! use notary_plugin_protocol::{DescribeKeyRequest, DescribeKeyResponse, ErrorCode, KeySpec, Message, Request};
//!
//! let request = DescribeKeyRequest::from_json(br#"{"contractVersion":"1.0","keyId":"alias/release"}"#)?;
//! let response = DescribeKeyResponse { key_id: request.key_id.clone(), key_spec: KeySpec::Ec384 };
//! assert_eq!(response.to_json(), br#"{"keyId":"alias/release","keySpec":"EC-384"}"#);
//! request.check_answer(&response).expect("the key id is the request's");
//!
//! let error = DescribeKeyRequest::from_json(br#"{"contractVersion":"1.0","keyId":""}"#).unwrap_err();
//! assert_eq!(error.to_string(), "describe-key request: $.keyId: cannot be empty");
//! assert_eq!(error.error_code(), ErrorCode::ValidationError);
//! # Ok::<(), notary_plugin_protocol::MessageError>(())
//! ```
//!
//! What the specification leaves open for later versions stays open: unknown attributes are
//! ignored, unknown capabilities and error codes kept. What it closes is closed, and what plugins
//! in use do beyond it is read: `null` for an absent list or map, line breaks in base64, the time
//! `0001-01-01T00:00:00Z` for "never". A response whose attribute occurs twice, or differs from a
//! known one in the case of letters alone, is refused, because two readers could read two values.
//!
//! # Algorithms
//!
//! The [`KeySpec`] determines everything: the [`HashAlgorithm`], the [`SigningAlgorithm`] and the
//! length of the signature. The plugin hashes the payload itself.
//!
//! | key spec | signing algorithm | signature |
//! |---|---|---|
//! | `RSA-2048`, `RSA-3072`, `RSA-4096` | RSASSA-PSS with SHA-256, -384, -512 | as long as the modulus; the salt is as long as the hash |
//! | `EC-256`, `EC-384`, `EC-521` | ECDSA with SHA-256, -384, -512 | raw `r‖s` of 64, 96, 132 bytes, never DER: [`EcdsaSignature`] converts |
//!
//! # Versions
//!
//! A plugin lists the contract versions that it supports, one per major version. A host uses the
//! highest of its own major version that is not above its own minor version
//! ([`ContractVersion::usable_from`]); a plugin answers every minor version of a major version that
//! it knows ([`ContractVersion::can_answer`]) and otherwise says `UNSUPPORTED_CONTRACT_VERSION`.
//!
//! # Beyond the contract
//!
//! [`session`] is an optional addition: one process for many requests. The feature `schemas` has
//! the JSON Schemas of all messages, which are published in `schemas/1.0/`.
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
