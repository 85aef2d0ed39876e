//! `verify-signature`: checks that a plugin does in the host's stead.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use time::OffsetDateTime;

use super::{AnswerMismatch, Message, Request, contract_version, plugin_config};
use crate::command::{Capability, Command, VerificationCheck};
use crate::envelope::{PayloadType, SigningScheme};
use crate::json::{Json, Node, Read, read_message};
use crate::key_id::PluginConfig;
use crate::message_error::MessageError;
use crate::timestamp::{Timestamp, read_timestamp};
use crate::version::ContractVersion;
use crate::wire::{Base64, base64_list, compact};

/// Asks for checks of a signature whose integrity and trust store the host has already checked.
#[derive(Debug, Clone, PartialEq)]
pub struct VerifySignatureRequest {
    /// The contract that the host speaks.
    pub contract_version: ContractVersion,
    /// The signature.
    pub signature: SignatureToVerify,
    /// What the trust policy says about it.
    pub trust_policy: TrustPolicyExcerpt,
    /// Settings for the plugin.
    pub plugin_config: PluginConfig,
}

/// What a verifier plugin learns of a signature, independent of the envelope's format.
#[derive(Debug, Clone, PartialEq)]
pub struct SignatureToVerify {
    /// The critical attributes.
    pub critical_attributes: CriticalAttributes,
    /// Names of the critical attributes that the host does not understand. The plugin must.
    pub unprocessed_attributes: Vec<String>,
    /// Certificates in DER, the signing certificate first; at least one, none empty.
    pub certificate_chain: Vec<Vec<u8>>,
}

/// The critical attributes of a signature.
#[derive(Debug, Clone, PartialEq)]
pub struct CriticalAttributes {
    /// What the envelope's payload is.
    pub content_type: PayloadType,
    /// How the time of signing is proven.
    pub signing_scheme: SigningScheme,
    /// When the signature expires, if it does.
    ///
    /// On the wire "never" may be absence or the zero time `0001-01-01T00:00:00Z`, which hosts in
    /// use send and some plugins insist on: it is what is written.
    pub expiry: Option<OffsetDateTime>,
    /// When the signing authority says that the signature was made.
    pub authentic_signing_time: Option<OffsetDateTime>,
    /// The name of the verification plugin, as the signature has it.
    pub verification_plugin: Option<String>,
    /// The lowest version of it, as the signature has it.
    pub verification_plugin_min_version: Option<String>,
    /// The extended attributes that the host does not understand.
    pub extended_attributes: BTreeMap<String, AttributeValue>,
}

/// The value of an extended attribute: a JSON primitive. Producers encode anything else as text.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum AttributeValue {
    /// `null`.
    Null,
    /// A boolean. The specification lists none, and none is ambiguous.
    Bool(bool),
    /// A number.
    Number(serde_json::Number),
    /// A string.
    Text(String),
}

/// What the applicable statement of the trust policy says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustPolicyExcerpt {
    /// The trusted identities, verbatim.
    pub trusted_identities: Vec<String>,
    /// The checks that the plugin is to do; at least one.
    pub signature_verification: BTreeSet<VerificationCheck>,
}

/// Asks for checks of a signature whose integrity and trust store the host has already checked.
#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct RequestWire<'a> {
    /// The contract that the host speaks, `major.minor`. A plugin answers every minor version of a
    /// major version that it knows.
    contract_version: ContractVersion,
    /// The signature.
    signature: SignatureWire<'a>,
    /// What the applicable statement of the trust policy says.
    trust_policy: TrustPolicyWire<'a>,
    /// Settings for the plugin, passed on as they are.
    #[serde(skip_serializing_if = "PluginConfig::is_empty")]
    #[cfg_attr(feature = "schemas", schemars(with = "Option<PluginConfig>"))]
    plugin_config: &'a PluginConfig,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct SignatureWire<'a> {
    /// The critical attributes, independent of the envelope's format.
    critical_attributes: CriticalAttributesWire<'a>,
    /// Names of the critical attributes that the host does not understand.
    #[cfg_attr(feature = "schemas", schemars(with = "Option<Vec<String>>"))]
    unprocessed_attributes: &'a [String],
    /// Certificates in DER, the signing certificate first.
    #[cfg_attr(feature = "schemas", schemars(length(min = 1)))]
    certificate_chain: Vec<Base64<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct CriticalAttributesWire<'a> {
    /// What the envelope's payload is.
    content_type: PayloadType,
    /// How the time of signing is proven.
    signing_scheme: SigningScheme,
    /// When the signature expires. Absent, null and the time 0001-01-01T00:00:00Z mean never.
    #[cfg_attr(feature = "schemas", schemars(with = "Option<Timestamp>"))]
    expiry: Timestamp,
    /// When the signing authority says that the signature was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    authentic_signing_time: Option<Timestamp>,
    /// The name of the verification plugin.
    #[cfg_attr(feature = "schemas", schemars(length(min = 1)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_plugin: Option<&'a str>,
    /// The lowest version of the verification plugin.
    #[cfg_attr(feature = "schemas", schemars(length(min = 1)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_plugin_min_version: Option<&'a str>,
    /// The extended attributes that the host does not understand. JSON primitives only.
    #[cfg_attr(
        feature = "schemas",
        schemars(with = "Option<BTreeMap<String, AttributeValue>>")
    )]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extended_attributes: &'a BTreeMap<String, AttributeValue>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct TrustPolicyWire<'a> {
    /// The trusted identities, verbatim.
    #[cfg_attr(feature = "schemas", schemars(with = "Option<Vec<String>>"))]
    trusted_identities: &'a [String],
    /// The checks that the plugin is to do.
    #[cfg_attr(
        feature = "schemas",
        schemars(with = "Vec<VerificationCheck>", length(min = 1))
    )]
    signature_verification: &'a BTreeSet<VerificationCheck>,
}

impl Message for VerifySignatureRequest {
    const NAME: &'static str = "verify-signature request";

    fn from_json(bytes: &[u8]) -> Result<Self, MessageError> {
        read_message(Self::NAME, bytes, |node| {
            let object = node.object()?;
            Ok(Self {
                contract_version: contract_version(&object)?,
                signature: read_signature(object.required("signature")?)?,
                trust_policy: read_trust_policy(object.required("trustPolicy")?)?,
                plugin_config: plugin_config(&object)?,
            })
        })
    }

    fn to_json(&self) -> Vec<u8> {
        let attributes = &self.signature.critical_attributes;
        compact(&RequestWire {
            contract_version: self.contract_version,
            signature: SignatureWire {
                critical_attributes: CriticalAttributesWire {
                    content_type: attributes.content_type,
                    signing_scheme: attributes.signing_scheme,
                    expiry: attributes.expiry.map_or(Timestamp::ZERO, Timestamp),
                    authentic_signing_time: attributes.authentic_signing_time.map(Timestamp),
                    verification_plugin: attributes.verification_plugin.as_deref(),
                    verification_plugin_min_version: attributes
                        .verification_plugin_min_version
                        .as_deref(),
                    extended_attributes: &attributes.extended_attributes,
                },
                unprocessed_attributes: &self.signature.unprocessed_attributes,
                certificate_chain: base64_list(&self.signature.certificate_chain),
            },
            trust_policy: TrustPolicyWire {
                trusted_identities: &self.trust_policy.trusted_identities,
                signature_verification: &self.trust_policy.signature_verification,
            },
            plugin_config: &self.plugin_config,
        })
    }
}

fn read_signature(node: Node<'_>) -> Read<SignatureToVerify> {
    let object = node.object()?;
    Ok(SignatureToVerify {
        critical_attributes: read_critical_attributes(object.required("criticalAttributes")?)?,
        unprocessed_attributes: read_texts(object.optional("unprocessedAttributes"))?,
        certificate_chain: object
            .required("certificateChain")?
            .non_empty_array(|certificate| certificate.base64())?,
    })
}

fn read_critical_attributes(node: Node<'_>) -> Read<CriticalAttributes> {
    let object = node.object()?;
    let time = |name| object.optional(name).map_or(Ok(None), read_timestamp);
    let text = |name| -> Read<Option<String>> {
        object
            .optional(name)
            .map(|text| text.non_empty_text().map(str::to_owned))
            .transpose()
    };
    Ok(CriticalAttributes {
        content_type: object.required("contentType")?.word()?,
        signing_scheme: object.required("signingScheme")?.word()?,
        expiry: time("expiry")?,
        authentic_signing_time: time("authenticSigningTime")?,
        verification_plugin: text("verificationPlugin")?,
        verification_plugin_min_version: text("verificationPluginMinVersion")?,
        extended_attributes: match object.optional("extendedAttributes") {
            Some(attributes) => attributes.map(read_attribute_value)?,
            None => BTreeMap::new(),
        },
    })
}

fn read_attribute_value(node: Node<'_>) -> Read<AttributeValue> {
    Ok(match node.json() {
        Json::Null => AttributeValue::Null,
        Json::Bool(value) => AttributeValue::Bool(*value),
        Json::Number(value) => AttributeValue::Number(value.clone()),
        Json::Text(value) => AttributeValue::Text(value.clone().into_owned()),
        Json::Array(_) | Json::Object(_) => return node.expected_primitive(),
    })
}

fn read_trust_policy(node: Node<'_>) -> Read<TrustPolicyExcerpt> {
    let object = node.object()?;
    Ok(TrustPolicyExcerpt {
        trusted_identities: read_texts(object.optional("trustedIdentities"))?,
        signature_verification: object
            .required("signatureVerification")?
            .non_empty_array(|check| check.word())?
            .into_iter()
            .collect(),
    })
}

/// A list of strings; empty if it is absent or null.
fn read_texts(node: Option<Node<'_>>) -> Read<Vec<String>> {
    node.map_or(Ok(Vec::new()), |list| {
        list.array(|text| text.text().map(str::to_owned))
    })
}

impl Request for VerifySignatureRequest {
    const COMMAND: Command = Command::VerifySignature;
    type Response = VerifySignatureResponse;

    /// Every check that was asked for has a result, and every attribute was processed. Results
    /// for other checks and other names are tolerated, since plugins in use send them: see
    /// [`VerifySignatureResponse::unrequested`].
    fn check_answer(&self, response: &VerifySignatureResponse) -> Result<(), AnswerMismatch> {
        let mismatch = |attribute, expected: String, found: String| AnswerMismatch {
            command: Self::COMMAND,
            attribute,
            expected,
            found,
        };
        for check in &self.trust_policy.signature_verification {
            if response.result(*check).is_none() {
                let found = response.verification_results.keys().map(Capability::as_str);
                let found = found.collect::<Vec<_>>().join(", ");
                return Err(mismatch("$.verificationResults", check.to_string(), found));
            }
        }
        for name in &self.signature.unprocessed_attributes {
            if !response.processed_attributes.contains(name) {
                let found = response.processed_attributes.join(", ");
                return Err(mismatch("$.processedAttributes", name.clone(), found));
            }
        }
        Ok(())
    }
}

/// The outcome of the checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifySignatureResponse {
    /// One result per check.
    pub verification_results: BTreeMap<Capability, VerificationResult>,
    /// Names of the critical attributes that the plugin processed. Absent or null on the wire is
    /// read as none.
    pub processed_attributes: Vec<String>,
}

/// The outcome of one check. A failure always has a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerificationResult {
    success: bool,
    reason: String,
}

impl VerificationResult {
    /// The check passed.
    #[must_use]
    pub const fn passed() -> Self {
        Self {
            success: true,
            reason: String::new(),
        }
    }

    /// The check failed, and why. An empty reason is replaced by one that says that there is none.
    #[must_use]
    pub fn failed(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self {
            success: false,
            reason: if reason.is_empty() {
                "no reason was given".to_owned()
            } else {
                reason
            },
        }
    }

    /// Whether the check passed.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.success
    }

    /// Why it failed, or whatever the plugin says about a success (usually nothing).
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl VerifySignatureResponse {
    /// The result of a check, if there is one.
    #[must_use]
    pub fn result(&self, check: VerificationCheck) -> Option<&VerificationResult> {
        self.verification_results.get(&check.into())
    }

    /// The results and attribute names that the request did not ask about. The specification
    /// wants none; a host ignores them with a warning.
    #[must_use]
    pub fn unrequested(&self, request: &VerifySignatureRequest) -> Vec<String> {
        let requested = &request.trust_policy.signature_verification;
        let results = self.verification_results.keys().filter(|capability| {
            capability
                .verification_check()
                .is_none_or(|check| !requested.contains(&check))
        });
        let sent = &request.signature.unprocessed_attributes;
        let names = self
            .processed_attributes
            .iter()
            .filter(|name| !sent.contains(name));
        results
            .map(ToString::to_string)
            .chain(names.cloned())
            .collect()
    }
}

/// The outcome of the checks. A check that fails is no error of the plugin.
#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schemas", schemars(transform = crate::schemas::refuse_case_variants))]
struct ResponseWire<'a> {
    /// One result per check that was asked for, by the name of its capability.
    verification_results: BTreeMap<&'a str, ResultWire<'a>>,
    /// Names of the critical attributes that the plugin processed.
    #[cfg_attr(feature = "schemas", schemars(with = "Option<Vec<String>>"))]
    processed_attributes: &'a [String],
}

#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schemas", schemars(
    transform = crate::schemas::demand_reason_for_failure,
    transform = crate::schemas::refuse_case_variants,
))]
struct ResultWire<'a> {
    /// Whether the check passed.
    success: bool,
    /// Why it did not.
    #[cfg_attr(feature = "schemas", schemars(with = "Option<String>"))]
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'a str,
}

impl Message for VerifySignatureResponse {
    const NAME: &'static str = "verify-signature response";

    fn from_json(bytes: &[u8]) -> Result<Self, MessageError> {
        read_message(Self::NAME, bytes, |node| {
            let object = node.answer_object(&["verificationResults", "processedAttributes"])?;
            let results = object.required("verificationResults")?.map(read_result)?;
            Ok(Self {
                verification_results: results
                    .into_iter()
                    .map(|(name, result)| (Capability::from(name.as_str()), result))
                    .collect(),
                processed_attributes: read_texts(object.optional("processedAttributes"))?,
            })
        })
    }

    fn to_json(&self) -> Vec<u8> {
        compact(&ResponseWire {
            verification_results: self
                .verification_results
                .iter()
                .map(|(check, result)| {
                    let VerificationResult { success, reason } = result;
                    (
                        check.as_str(),
                        ResultWire {
                            success: *success,
                            reason,
                        },
                    )
                })
                .collect(),
            processed_attributes: &self.processed_attributes,
        })
    }
}

fn read_result(node: Node<'_>) -> Read<VerificationResult> {
    let object = node.answer_object(&["success", "reason"])?;
    let success = object.required("success")?.boolean()?;
    let reason = if success {
        object
            .optional("reason")
            .map_or(Ok(""), |reason| reason.text())?
            .to_owned()
    } else {
        object.required("reason")?.non_empty_text()?.to_owned()
    };
    Ok(VerificationResult { success, reason })
}

#[cfg(feature = "schemas")]
crate::schemas::described_by!(VerifySignatureRequest => RequestWire<'static>);
#[cfg(feature = "schemas")]
crate::schemas::described_by!(VerifySignatureResponse => ResponseWire<'static>);
