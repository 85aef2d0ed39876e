//! Examples in the schemas. Made from values of the types, so that they are what they illustrate.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;

use serde_json::Value;
use time::macros::datetime;

use crate::session::WarmSessions;
use crate::{
    AttributeValue, Capability, Command, ContractVersion, CriticalAttributes, DescribeKeyRequest,
    DescribeKeyResponse, ErrorCode, ErrorResponse, GenerateEnvelopeRequest,
    GenerateEnvelopeResponse, GenerateSignatureRequest, GenerateSignatureResponse,
    GetPluginMetadataRequest, KeyId, KeySpec, Message, PayloadType, PluginConfig, PluginMetadata,
    PluginName, RawSignature, SignatureEnvelopeType, SignatureToVerify, SigningScheme,
    TrustPolicyExcerpt, VerificationCheck, VerificationResult, VerifySignatureRequest,
    VerifySignatureResponse,
};

/// Examples of a command's request and response.
pub(super) fn of(command: Command) -> (Vec<Value>, Vec<Value>) {
    let examples = match command {
        Command::GetPluginMetadata => Some(metadata()),
        Command::DescribeKey => describe_key(),
        Command::GenerateSignature => generate_signature(),
        Command::GenerateEnvelope => generate_envelope(),
        Command::VerifySignature => Some(verify_signature()),
    };
    examples.unwrap_or_default()
}

fn value(message: &impl Message) -> Value {
    serde_json::from_slice(&message.to_json()).unwrap_or_default()
}

fn config() -> PluginConfig {
    PluginConfig::from_iter([("ca_certs", "/etc/notation/chain.pem")])
}

fn metadata() -> (Vec<Value>, Vec<Value>) {
    let plain = GetPluginMetadataRequest::default();
    let configured = GetPluginMetadataRequest {
        plugin_config: config(),
    };
    let name = "com.example.kms".parse::<PluginName>().ok();
    let responses = name.map(|name| {
        value(&PluginMetadata {
            name,
            description: "Signs with keys in the Example KMS".to_owned(),
            version: "1.2.3".to_owned(),
            url: "https://example.com/notation-plugin".to_owned(),
            supported_contract_versions: vec![ContractVersion::V1_0],
            capabilities: vec![Capability::SignatureGeneratorRaw],
            warm_sessions: Some(WarmSessions::default()),
        })
    });
    (
        vec![value(&plain), value(&configured)],
        responses.into_iter().collect(),
    )
}

fn describe_key() -> Option<(Vec<Value>, Vec<Value>)> {
    let key_id = KeyId::new("arn:example:key/1").ok()?;
    let request = DescribeKeyRequest {
        contract_version: ContractVersion::V1_0,
        key_id: key_id.clone(),
        plugin_config: config(),
    };
    let response = DescribeKeyResponse {
        key_id,
        key_spec: KeySpec::Ec256,
    };
    Some((vec![value(&request)], vec![value(&response)]))
}

/// Not a certificate, but the start of one.
fn chain() -> Vec<Vec<u8>> {
    vec![
        vec![0x30, 0x82, 0x01, 0x5a, 0x30],
        vec![0x30, 0x82, 0x01, 0x3c, 0x30],
    ]
}

fn generate_signature() -> Option<(Vec<Value>, Vec<Value>)> {
    let key_id = KeyId::new("arn:example:key/1").ok()?;
    let request = GenerateSignatureRequest {
        contract_version: ContractVersion::V1_0,
        key_id: key_id.clone(),
        key_spec: KeySpec::Ec256,
        payload: b"eyJhbGciOiJFUzI1NiJ9.e30".to_vec(),
        plugin_config: PluginConfig::new(),
    };
    let response = GenerateSignatureResponse {
        key_id,
        signature: RawSignature::new(KeySpec::Ec256.signing_algorithm(), (1..=64).collect())
            .ok()?,
        certificate_chain: chain(),
    };
    Some((vec![value(&request)], vec![value(&response)]))
}

fn generate_envelope() -> Option<(Vec<Value>, Vec<Value>)> {
    let request = GenerateEnvelopeRequest {
        contract_version: ContractVersion::V1_0,
        key_id: KeyId::new("arn:example:key/1").ok()?,
        payload_type: PayloadType::NotaryPayloadV1,
        signature_envelope_type: SignatureEnvelopeType::Jws,
        payload: br#"{"targetArtifact":{}}"#.to_vec(),
        expiry_duration_in_seconds: NonZeroU64::new(86400),
        plugin_config: PluginConfig::new(),
    };
    let response = GenerateEnvelopeResponse {
        signature_envelope: br#"{"payload":"e30"}"#.to_vec(),
        signature_envelope_type: SignatureEnvelopeType::Jws,
        annotations: BTreeMap::from([("com.example.build".to_owned(), "42".to_owned())]),
    };
    Some((vec![value(&request)], vec![value(&response)]))
}

fn verify_signature() -> (Vec<Value>, Vec<Value>) {
    let attribute = "com.example.environment".to_owned();
    let request = VerifySignatureRequest {
        contract_version: ContractVersion::V1_0,
        signature: SignatureToVerify {
            critical_attributes: CriticalAttributes {
                content_type: PayloadType::NotaryPayloadV1,
                signing_scheme: SigningScheme::NotaryX509SigningAuthority,
                expiry: Some(datetime!(2027-10-06 07:01:20 UTC)),
                authentic_signing_time: Some(datetime!(2026-10-06 07:01:20 UTC)),
                verification_plugin: Some("com.example.kms".to_owned()),
                verification_plugin_min_version: Some("1.0.0".to_owned()),
                extended_attributes: BTreeMap::from([(
                    attribute.clone(),
                    AttributeValue::Text("production".to_owned()),
                )]),
            },
            unprocessed_attributes: vec![attribute.clone()],
            certificate_chain: chain(),
        },
        trust_policy: TrustPolicyExcerpt {
            trusted_identities: vec!["x509.subject: C=US, ST=WA, O=Example".to_owned()],
            signature_verification: BTreeSet::from([
                VerificationCheck::TrustedIdentity,
                VerificationCheck::RevocationCheck,
            ]),
        },
        plugin_config: PluginConfig::new(),
    };
    let response = VerifySignatureResponse {
        verification_results: BTreeMap::from([
            (
                VerificationCheck::TrustedIdentity.into(),
                VerificationResult::passed(),
            ),
            (
                VerificationCheck::RevocationCheck.into(),
                VerificationResult::failed("the signing certificate was revoked on 2026-09-01"),
            ),
        ]),
        processed_attributes: vec![attribute],
    };
    (vec![value(&request)], vec![value(&response)])
}

pub(super) fn errors() -> Vec<Value> {
    let mut error = ErrorResponse::new(
        ErrorCode::AccessDenied,
        "role ci may not use key arn:example:key/1",
    );
    error
        .metadata
        .insert("requestId".to_owned(), "7b1f".to_owned());
    vec![value(&error)]
}
