//! `describe-key`: the key spec of a key.

use serde::Serialize;

use super::{AnswerMismatch, Message, Request, contract_version, demand, key_id, plugin_config};
use crate::algorithm::KeySpec;
use crate::command::Command;
use crate::json::read_message;
use crate::key_id::{KeyId, PluginConfig};
use crate::message_error::MessageError;
use crate::version::ContractVersion;
use crate::wire::compact;

/// Asks for the key spec of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribeKeyRequest {
    /// The contract that the host speaks.
    pub contract_version: ContractVersion,
    /// The key.
    pub key_id: KeyId,
    /// Settings for the plugin.
    pub plugin_config: PluginConfig,
}

/// Asks for the key spec of a key.
#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct DescribeKeyRequestWire<'a> {
    /// The contract that the host speaks, `major.minor`. A plugin answers every minor version of a
    /// major version that it knows.
    contract_version: ContractVersion,
    /// The key, in the plugin's own terms.
    key_id: &'a KeyId,
    /// Settings for the plugin, passed on as they are.
    #[serde(skip_serializing_if = "PluginConfig::is_empty")]
    #[cfg_attr(feature = "schemas", schemars(with = "Option<PluginConfig>"))]
    plugin_config: &'a PluginConfig,
}

impl Message for DescribeKeyRequest {
    const NAME: &'static str = "describe-key request";

    fn from_json(bytes: &[u8]) -> Result<Self, MessageError> {
        read_message(Self::NAME, bytes, |node| {
            let object = node.object()?;
            Ok(Self {
                contract_version: contract_version(&object)?,
                key_id: key_id(&object)?,
                plugin_config: plugin_config(&object)?,
            })
        })
    }

    fn to_json(&self) -> Vec<u8> {
        compact(&DescribeKeyRequestWire {
            contract_version: self.contract_version,
            key_id: &self.key_id,
            plugin_config: &self.plugin_config,
        })
    }
}

impl Request for DescribeKeyRequest {
    const COMMAND: Command = Command::DescribeKey;
    type Response = DescribeKeyResponse;

    fn check_answer(&self, response: &DescribeKeyResponse) -> Result<(), AnswerMismatch> {
        demand(Self::COMMAND, "$.keyId", &self.key_id, &response.key_id)
    }
}

/// The key spec of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribeKeyResponse {
    /// The key id of the request, byte for byte.
    pub key_id: KeyId,
    /// The key's type and size.
    pub key_spec: KeySpec,
}

/// The key spec of a key.
#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schemas", schemars(transform = crate::schemas::refuse_case_variants))]
struct DescribeKeyResponseWire<'a> {
    /// The key id of the request, byte for byte.
    key_id: &'a KeyId,
    /// The key's type and size.
    key_spec: KeySpec,
}

impl Message for DescribeKeyResponse {
    const NAME: &'static str = "describe-key response";

    fn from_json(bytes: &[u8]) -> Result<Self, MessageError> {
        read_message(Self::NAME, bytes, |node| {
            let object = node.answer_object(&["keyId", "keySpec"])?;
            Ok(Self {
                key_id: key_id(&object)?,
                key_spec: object.required("keySpec")?.word()?,
            })
        })
    }

    fn to_json(&self) -> Vec<u8> {
        compact(&DescribeKeyResponseWire {
            key_id: &self.key_id,
            key_spec: self.key_spec,
        })
    }
}

#[cfg(feature = "schemas")]
crate::schemas::described_by!(DescribeKeyRequest => DescribeKeyRequestWire<'static>);
#[cfg(feature = "schemas")]
crate::schemas::described_by!(DescribeKeyResponse => DescribeKeyResponseWire<'static>);
