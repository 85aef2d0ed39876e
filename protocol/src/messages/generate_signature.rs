//! `generate-signature`: a raw signature over a payload.

use serde::Serialize;

use super::{AnswerMismatch, Message, Request, contract_version, demand, key_id, plugin_config};
use crate::algorithm::{HashAlgorithm, KeySpec, SigningAlgorithm};
use crate::command::Command;
use crate::json::{Node, Read, read_message};
use crate::key_id::{KeyId, PluginConfig};
use crate::message_error::{MessageError, Rule};
use crate::signature::RawSignature;
use crate::version::ContractVersion;
use crate::wire::{Base64, base64_list, compact};

/// Asks for a signature over bytes.
///
/// There is no hash algorithm to set: it follows from the key spec, and a request in which the two
/// do not belong together is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerateSignatureRequest {
    /// The contract that the host speaks.
    pub contract_version: ContractVersion,
    /// The key.
    pub key_id: KeyId,
    /// The key spec that `describe-key` gave.
    pub key_spec: KeySpec,
    /// The bytes to sign, never a digest of them; not empty.
    pub payload: Vec<u8>,
    /// Settings for the plugin.
    pub plugin_config: PluginConfig,
}

impl GenerateSignatureRequest {
    /// The algorithm with which the plugin hashes the payload.
    #[must_use]
    pub const fn hash_algorithm(&self) -> HashAlgorithm {
        self.key_spec.hash_algorithm()
    }

    /// The algorithm with which the plugin signs.
    #[must_use]
    pub const fn signing_algorithm(&self) -> SigningAlgorithm {
        self.key_spec.signing_algorithm()
    }
}

/// Asks for a signature over bytes.
#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schemas", schemars(transform = crate::schemas::pair_hash_with_key_spec))]
struct GenerateSignatureRequestWire<'a> {
    /// The contract that the host speaks, `major.minor`. A plugin answers every minor version of a
    /// major version that it knows.
    contract_version: ContractVersion,
    /// The key, in the plugin's own terms.
    key_id: &'a KeyId,
    /// The key spec that describe-key gave.
    key_spec: KeySpec,
    /// The algorithm with which the plugin hashes the payload: the one that belongs to the key spec.
    hash_algorithm: HashAlgorithm,
    /// The bytes to sign, never a digest of them.
    payload: Base64<'a>,
    /// Settings for the plugin, passed on as they are.
    #[serde(skip_serializing_if = "PluginConfig::is_empty")]
    #[cfg_attr(feature = "schemas", schemars(with = "Option<PluginConfig>"))]
    plugin_config: &'a PluginConfig,
}

impl Message for GenerateSignatureRequest {
    const NAME: &'static str = "generate-signature request";

    fn from_json(bytes: &[u8]) -> Result<Self, MessageError> {
        read_message(Self::NAME, bytes, read_request)
    }

    fn to_json(&self) -> Vec<u8> {
        compact(&GenerateSignatureRequestWire {
            contract_version: self.contract_version,
            key_id: &self.key_id,
            key_spec: self.key_spec,
            hash_algorithm: self.hash_algorithm(),
            payload: Base64(&self.payload),
            plugin_config: &self.plugin_config,
        })
    }
}

fn read_request(node: Node<'_>) -> Read<GenerateSignatureRequest> {
    let object = node.object()?;
    let contract_version = contract_version(&object)?;
    let key_id = key_id(&object)?;
    let key_spec: KeySpec = object.required("keySpec")?.word()?;
    let hash_node = object.required("hashAlgorithm")?;
    let found: HashAlgorithm = hash_node.word()?;
    let expected = key_spec.hash_algorithm();
    if found != expected {
        return Err(hash_node.violates(Rule::HashAlgorithmMismatch {
            key_spec,
            expected,
            found,
        }));
    }
    Ok(GenerateSignatureRequest {
        contract_version,
        key_id,
        key_spec,
        payload: object.required("payload")?.base64()?,
        plugin_config: plugin_config(&object)?,
    })
}

impl Request for GenerateSignatureRequest {
    const COMMAND: Command = Command::GenerateSignature;
    type Response = GenerateSignatureResponse;

    fn check_answer(&self, response: &GenerateSignatureResponse) -> Result<(), AnswerMismatch> {
        demand(Self::COMMAND, "$.keyId", &self.key_id, &response.key_id)?;
        demand(
            Self::COMMAND,
            "$.signingAlgorithm",
            self.signing_algorithm(),
            response.signature.algorithm(),
        )
    }
}

/// A signature and the certificates of the key that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerateSignatureResponse {
    /// The key id of the request, byte for byte.
    pub key_id: KeyId,
    /// The signature with its algorithm (`signature` and `signingAlgorithm` on the wire).
    pub signature: RawSignature,
    /// Certificates in DER, the signing certificate first and the root last; at least one, none
    /// empty. Nothing else about them is checked here.
    pub certificate_chain: Vec<Vec<u8>>,
}

/// A signature and the certificates of the key that made it.
#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schemas", schemars(
    transform = crate::schemas::fix_signature_length,
    transform = crate::schemas::refuse_case_variants,
))]
struct GenerateSignatureResponseWire<'a> {
    /// The key id of the request, byte for byte.
    key_id: &'a KeyId,
    /// The raw signature: RSASSA-PSS with a salt as long as the hash, as long as the modulus; ECDSA as
    /// `r‖s` of fixed width (64, 96 or 132 bytes), never ASN.1 DER.
    signature: Base64<'a>,
    /// The algorithm of the signature: the one that belongs to the key spec.
    signing_algorithm: SigningAlgorithm,
    /// Certificates in DER, the signing certificate first, then each one's issuer, the root last.
    #[cfg_attr(feature = "schemas", schemars(length(min = 1)))]
    certificate_chain: Vec<Base64<'a>>,
}

const RESPONSE_ATTRIBUTES: &[&str] =
    &["keyId", "signature", "signingAlgorithm", "certificateChain"];

impl Message for GenerateSignatureResponse {
    const NAME: &'static str = "generate-signature response";

    fn from_json(bytes: &[u8]) -> Result<Self, MessageError> {
        read_message(Self::NAME, bytes, read_response)
    }

    fn to_json(&self) -> Vec<u8> {
        compact(&GenerateSignatureResponseWire {
            key_id: &self.key_id,
            signature: Base64(self.signature.as_bytes()),
            signing_algorithm: self.signature.algorithm(),
            certificate_chain: base64_list(&self.certificate_chain),
        })
    }
}

fn read_response(node: Node<'_>) -> Read<GenerateSignatureResponse> {
    let object = node.answer_object(RESPONSE_ATTRIBUTES)?;
    let algorithm = object.required("signingAlgorithm")?.word()?;
    let signature = object.required("signature")?;
    Ok(GenerateSignatureResponse {
        key_id: key_id(&object)?,
        signature: RawSignature::new(algorithm, signature.base64()?)
            .map_err(|error| signature.violates(error))?,
        certificate_chain: object
            .required("certificateChain")?
            .non_empty_array(|certificate| certificate.base64())?,
    })
}

#[cfg(feature = "schemas")]
crate::schemas::described_by!(GenerateSignatureRequest => GenerateSignatureRequestWire<'static>);
#[cfg(feature = "schemas")]
crate::schemas::described_by!(GenerateSignatureResponse => GenerateSignatureResponseWire<'static>);
