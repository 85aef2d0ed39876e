//! `generate-envelope`: a complete signature envelope around a payload.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use serde::Serialize;

use super::{AnswerMismatch, Message, Request, contract_version, demand, key_id, plugin_config};
use crate::command::Command;
use crate::envelope::{PayloadType, SignatureEnvelopeType};
use crate::json::{Node, Read, read_message};
use crate::key_id::{KeyId, PluginConfig};
use crate::message_error::MessageError;
use crate::version::ContractVersion;
use crate::wire::{Base64, compact};

/// Asks for a complete signature envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerateEnvelopeRequest {
    /// The contract that the host speaks.
    pub contract_version: ContractVersion,
    /// The key.
    pub key_id: KeyId,
    /// What the payload is.
    pub payload_type: PayloadType,
    /// The format of the envelope to make.
    pub signature_envelope_type: SignatureEnvelopeType,
    /// The payload: UTF-8 JSON `{"targetArtifact": {…}}`; not empty.
    pub payload: Vec<u8>,
    /// After how many seconds from the signing time the signature expires. Zero on the wire means
    /// the same as absent: never. At most 2⁵³−1.
    pub expiry_duration_in_seconds: Option<NonZeroU64>,
    /// Settings for the plugin.
    pub plugin_config: PluginConfig,
}

/// Asks for a complete signature envelope around a payload.
#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct GenerateEnvelopeRequestWire<'a> {
    /// The contract that the host speaks, `major.minor`. A plugin answers every minor version of a
    /// major version that it knows.
    contract_version: ContractVersion,
    /// The key, in the plugin's own terms.
    key_id: &'a KeyId,
    /// What the payload is.
    payload_type: PayloadType,
    /// The format of the envelope to make.
    signature_envelope_type: SignatureEnvelopeType,
    /// The payload: UTF-8 JSON `{"targetArtifact": {…}}`.
    payload: Base64<'a>,
    /// After how many seconds from the signing time the signature expires. Zero means never, like
    /// absence.
    #[cfg_attr(
        feature = "schemas",
        schemars(with = "Option<crate::schemas::Seconds>")
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    expiry_duration_in_seconds: Option<NonZeroU64>,
    /// Settings for the plugin, passed on as they are.
    #[serde(skip_serializing_if = "PluginConfig::is_empty")]
    #[cfg_attr(feature = "schemas", schemars(with = "Option<PluginConfig>"))]
    plugin_config: &'a PluginConfig,
}

impl Message for GenerateEnvelopeRequest {
    const NAME: &'static str = "generate-envelope request";

    fn from_json(bytes: &[u8]) -> Result<Self, MessageError> {
        read_message(Self::NAME, bytes, read_request)
    }

    fn to_json(&self) -> Vec<u8> {
        compact(&GenerateEnvelopeRequestWire {
            contract_version: self.contract_version,
            key_id: &self.key_id,
            payload_type: self.payload_type,
            signature_envelope_type: self.signature_envelope_type,
            payload: Base64(&self.payload),
            expiry_duration_in_seconds: self.expiry_duration_in_seconds,
            plugin_config: &self.plugin_config,
        })
    }
}

fn read_request(node: Node<'_>) -> Read<GenerateEnvelopeRequest> {
    let object = node.object()?;
    Ok(GenerateEnvelopeRequest {
        contract_version: contract_version(&object)?,
        key_id: key_id(&object)?,
        payload_type: object.required("payloadType")?.word()?,
        signature_envelope_type: object.required("signatureEnvelopeType")?.word()?,
        payload: object.required("payload")?.base64()?,
        expiry_duration_in_seconds: match object.optional("expiryDurationInSeconds") {
            Some(seconds) => NonZeroU64::new(seconds.whole_number()?),
            None => None,
        },
        plugin_config: plugin_config(&object)?,
    })
}

impl Request for GenerateEnvelopeRequest {
    const COMMAND: Command = Command::GenerateEnvelope;
    type Response = GenerateEnvelopeResponse;

    fn check_answer(&self, response: &GenerateEnvelopeResponse) -> Result<(), AnswerMismatch> {
        demand(
            Self::COMMAND,
            "$.signatureEnvelopeType",
            self.signature_envelope_type,
            response.signature_envelope_type,
        )
    }
}

/// A complete signature envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerateEnvelopeResponse {
    /// The envelope's bytes; not empty.
    pub signature_envelope: Vec<u8>,
    /// The format of the envelope, equal to that of the request.
    pub signature_envelope_type: SignatureEnvelopeType,
    /// Annotations for the signature manifest. May be absent on the wire.
    pub annotations: BTreeMap<String, String>,
}

/// A complete signature envelope.
#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schemas", schemars(transform = crate::schemas::refuse_case_variants))]
struct GenerateEnvelopeResponseWire<'a> {
    /// The envelope.
    signature_envelope: Base64<'a>,
    /// The format of the envelope, equal to that of the request.
    signature_envelope_type: SignatureEnvelopeType,
    /// Annotations for the signature manifest.
    #[cfg_attr(
        feature = "schemas",
        schemars(with = "Option<BTreeMap<String, String>>")
    )]
    annotations: &'a BTreeMap<String, String>,
}

impl Message for GenerateEnvelopeResponse {
    const NAME: &'static str = "generate-envelope response";

    fn from_json(bytes: &[u8]) -> Result<Self, MessageError> {
        read_message(Self::NAME, bytes, |node| {
            let object =
                node.answer_object(&["signatureEnvelope", "signatureEnvelopeType", "annotations"])?;
            Ok(Self {
                signature_envelope: object.required("signatureEnvelope")?.base64()?,
                signature_envelope_type: object.required("signatureEnvelopeType")?.word()?,
                annotations: match object.optional("annotations") {
                    Some(annotations) => annotations.text_map()?,
                    None => BTreeMap::new(),
                },
            })
        })
    }

    fn to_json(&self) -> Vec<u8> {
        compact(&GenerateEnvelopeResponseWire {
            signature_envelope: Base64(&self.signature_envelope),
            signature_envelope_type: self.signature_envelope_type,
            annotations: &self.annotations,
        })
    }
}

#[cfg(feature = "schemas")]
crate::schemas::described_by!(GenerateEnvelopeRequest => GenerateEnvelopeRequestWire<'static>);
#[cfg(feature = "schemas")]
crate::schemas::described_by!(GenerateEnvelopeResponse => GenerateEnvelopeResponseWire<'static>);
