//! `get-plugin-metadata`: what a plugin is and can do.

use serde::Serialize;

use super::{AnswerMismatch, Message, Request, plugin_config};
use crate::command::{Capability, Command, VerificationCheck};
use crate::json::{Node, Read, read_message};
use crate::key_id::PluginConfig;
use crate::message_error::{MessageError, Rule};
use crate::name::PluginName;
use crate::session::WarmSessions;
use crate::version::ContractVersion;
use crate::wire::compact;

/// Asks a plugin what it is. The only request without a contract version: it is sent to find out
/// which are supported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GetPluginMetadataRequest {
    /// Settings for the plugin. Its answer should not depend on them.
    pub plugin_config: PluginConfig,
}

/// Asks a plugin what it is and can do. The only request without a contract version.
#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct GetPluginMetadataRequestWire<'a> {
    /// Settings for the plugin, passed on as they are.
    #[serde(skip_serializing_if = "PluginConfig::is_empty")]
    #[cfg_attr(feature = "schemas", schemars(with = "Option<PluginConfig>"))]
    plugin_config: &'a PluginConfig,
}

impl Message for GetPluginMetadataRequest {
    const NAME: &'static str = "get-plugin-metadata request";

    fn from_json(bytes: &[u8]) -> Result<Self, MessageError> {
        read_message(Self::NAME, bytes, |node| {
            Ok(Self {
                plugin_config: plugin_config(&node.object()?)?,
            })
        })
    }

    fn to_json(&self) -> Vec<u8> {
        compact(&GetPluginMetadataRequestWire {
            plugin_config: &self.plugin_config,
        })
    }
}

impl Request for GetPluginMetadataRequest {
    const COMMAND: Command = Command::GetPluginMetadata;
    type Response = PluginMetadata;

    fn check_answer(&self, _: &PluginMetadata) -> Result<(), AnswerMismatch> {
        Ok(())
    }
}

/// What a plugin is and can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginMetadata {
    /// The plugin's name, equal to that of the directory it is installed in.
    pub name: PluginName,
    /// What it does, for a person; not empty.
    pub description: String,
    /// The publisher's version; not empty. Semantic Versioning 2.0.0 without a `v` in practice:
    /// see [`semantic_version`](Self::semantic_version).
    pub version: String,
    /// A page for support or documentation; not empty.
    pub url: String,
    /// The contract versions that the plugin supports: one per major version, 1.0 among them.
    pub supported_contract_versions: Vec<ContractVersion>,
    /// What the plugin can do; not empty.
    pub capabilities: Vec<Capability>,
    /// The offer of warm sessions, an addition that hosts without it ignore: see
    /// [`crate::session`].
    pub warm_sessions: Option<WarmSessions>,
}

impl PluginMetadata {
    /// Whether the plugin has the capability.
    #[must_use]
    pub fn has_capability(&self, capability: &Capability) -> bool {
        self.capabilities.contains(capability)
    }

    /// The checks that the plugin does in the host's stead.
    pub fn verification_checks(&self) -> impl Iterator<Item = VerificationCheck> {
        self.capabilities
            .iter()
            .filter_map(Capability::verification_check)
    }

    /// The version by Semantic Versioning, if it is one. Needed to upgrade without force, and by
    /// signatures that demand a minimum version of their verification plugin.
    #[must_use]
    pub fn semantic_version(&self) -> Option<semver::Version> {
        self.version.parse().ok()
    }
}

/// What a plugin is and can do. Static: it depends neither on the request nor on the network.
#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schemas", schemars(transform = crate::schemas::refuse_case_variants))]
struct PluginMetadataWire<'a> {
    /// The plugin's name, equal to that of the directory it is installed in. Reverse domain names
    /// avoid collisions.
    name: &'a PluginName,
    /// What the plugin does, for a person.
    #[cfg_attr(feature = "schemas", schemars(length(min = 1)))]
    description: &'a str,
    /// The publisher's version; Semantic Versioning 2.0.0 without a leading "v" if upgrades are to
    /// be recognised.
    #[cfg_attr(feature = "schemas", schemars(length(min = 1)))]
    version: &'a str,
    /// A page for support or documentation.
    #[cfg_attr(feature = "schemas", schemars(length(min = 1)))]
    url: &'a str,
    /// The contract versions that the plugin supports: one per major version, 1.0 among them.
    #[cfg_attr(
        feature = "schemas",
        schemars(schema_with = "crate::schemas::supported_contract_versions")
    )]
    supported_contract_versions: &'a [ContractVersion],
    /// What the plugin can do. Hosts ignore capabilities that they do not know.
    #[cfg_attr(
        feature = "schemas",
        schemars(with = "Vec<Capability>", length(min = 1))
    )]
    capabilities: &'a [Capability],
    /// The offer of warm sessions, an addition to the contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    warm_sessions: Option<&'a WarmSessions>,
}

const ATTRIBUTES: &[&str] = &[
    "name",
    "description",
    "version",
    "url",
    "supportedContractVersions",
    "capabilities",
    "warmSessions",
];

impl Message for PluginMetadata {
    const NAME: &'static str = "get-plugin-metadata response";

    fn from_json(bytes: &[u8]) -> Result<Self, MessageError> {
        read_message(Self::NAME, bytes, read_metadata)
    }

    fn to_json(&self) -> Vec<u8> {
        compact(&PluginMetadataWire {
            name: &self.name,
            description: &self.description,
            version: &self.version,
            url: &self.url,
            supported_contract_versions: &self.supported_contract_versions,
            capabilities: &self.capabilities,
            warm_sessions: self.warm_sessions.as_ref(),
        })
    }
}

fn read_metadata(node: Node<'_>) -> Read<PluginMetadata> {
    let object = node.answer_object(ATTRIBUTES)?;
    let text = |name| -> Read<String> { Ok(object.required(name)?.non_empty_text()?.to_owned()) };
    Ok(PluginMetadata {
        name: object.required("name")?.word()?,
        description: text("description")?,
        version: text("version")?,
        url: text("url")?,
        capabilities: object
            .required("capabilities")?
            .non_empty_array(|word| word.non_empty_text().map(Capability::from))?,
        supported_contract_versions: contract_versions(
            object.required("supportedContractVersions")?,
        )?,
        warm_sessions: match object.optional("warmSessions") {
            Some(offer) => Some(WarmSessions::read(offer)?),
            None => None,
        },
    })
}

/// One version per major version, and one that contract 1.0 can be spoken with.
fn contract_versions(node: Node<'_>) -> Read<Vec<ContractVersion>> {
    let versions: Vec<ContractVersion> = node.non_empty_array(|version| version.word())?;
    let mut majors = std::collections::BTreeSet::new();
    for version in &versions {
        if !majors.insert(version.major) {
            let major = version.major;
            return Err(node.violates(Rule::TwoVersionsOfOneMajor { major }));
        }
    }
    let required = ContractVersion::V1_0;
    if required.usable_from(&versions).is_none() {
        return Err(node.violates(Rule::NoUsableContractVersion {
            found: versions,
            required,
        }));
    }
    Ok(versions)
}

#[cfg(feature = "schemas")]
crate::schemas::described_by!(GetPluginMetadataRequest => GetPluginMetadataRequestWire<'static>);
#[cfg(feature = "schemas")]
crate::schemas::described_by!(PluginMetadata => PluginMetadataWire<'static>);
