//! Verification plugins: what is asked of them, and what their answers count for.
//!
//! A signature can name a plugin that has to take part in its verification. Whoever made the
//! signature chose that name, so nothing is looked up or run before the signer's chain has been
//! found in a trust store. The plugin can then decide whether the signer is a trusted identity and
//! whether certificates are revoked, in place of the checks here; it never replaces the trust
//! store, expiry or validity, and its word cannot make good a check that failed here.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as StdError;

use apostille_signature::{AttributeName, VerificationPlugin, VerifiedEnvelope};
use futures::future::BoxFuture;
use notary_plugin_protocol::{
    AttributeValue, ContractVersion, CriticalAttributes, PayloadType, PluginConfig, PluginMetadata,
    PluginName, Request, SignatureToVerify, TrustPolicyExcerpt, VerificationCheck,
    VerifySignatureRequest, VerifySignatureResponse,
};
use semver::Version;

use super::failure::Failure;
use crate::policy::{Action, Check, TrustStatement};

/// Any reason for which a plugin could not be asked.
pub type PluginFailure = Box<dyn StdError + Send + Sync>;

/// The plugins that are installed. Implemented where processes are run.
pub trait VerificationPlugins: Send + Sync {
    /// Finds the plugin and asks what it is. A plugin that is not installed is a failure that says
    /// so.
    fn metadata<'a>(
        &'a self,
        name: &'a PluginName,
    ) -> BoxFuture<'a, Result<PluginMetadata, PluginFailure>>;

    /// Asks the plugin to verify a signature.
    fn verify_signature<'a>(
        &'a self,
        name: &'a PluginName,
        request: &'a VerifySignatureRequest,
    ) -> BoxFuture<'a, Result<VerifySignatureResponse, PluginFailure>>;
}

/// No plugins: every signature that asks for one fails.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoVerificationPlugins;

const NONE_INSTALLED: &str = "this program runs no verification plugins";

impl VerificationPlugins for NoVerificationPlugins {
    fn metadata<'a>(
        &'a self,
        _: &'a PluginName,
    ) -> BoxFuture<'a, Result<PluginMetadata, PluginFailure>> {
        Box::pin(std::future::ready(Err(NONE_INSTALLED.into())))
    }

    fn verify_signature<'a>(
        &'a self,
        _: &'a PluginName,
        _: &'a VerifySignatureRequest,
    ) -> BoxFuture<'a, Result<VerifySignatureResponse, PluginFailure>> {
        Box::pin(std::future::ready(Err(NONE_INSTALLED.into())))
    }
}

/// A plugin that was found fit, and the checks that it is to do in place of those here.
#[derive(Debug)]
pub(super) struct Delegate {
    pub(super) name: PluginName,
    pub(super) version: String,
    pub(super) checks: BTreeSet<VerificationCheck>,
}

impl Delegate {
    pub(super) fn does(&self, check: VerificationCheck) -> bool {
        self.checks.contains(&check)
    }
}

/// The name that the signature gives, if it is a plugin's name at all.
pub(super) fn name_of(wanted: &VerificationPlugin) -> Result<PluginName, Failure> {
    wanted.name.parse().map_err(|source| Failure::PluginName {
        name: wanted.name.clone(),
        source,
    })
}

/// Whether a plugin is what the signature demands, and which checks it takes over under this policy.
pub(super) fn delegate(
    name: PluginName,
    min_version: Option<&str>,
    metadata: &PluginMetadata,
    statement: &TrustStatement,
) -> Result<Delegate, Failure> {
    if ContractVersion::V1_0
        .usable_from(&metadata.supported_contract_versions)
        .is_none()
    {
        return Err(Failure::PluginContract { name });
    }
    let mut checks: BTreeSet<_> = metadata.verification_checks().collect();
    if checks.is_empty() {
        return Err(Failure::PluginCannotVerify { name });
    }
    if let Some(minimum) = min_version {
        check_version(&name, &metadata.version, minimum)?;
    }
    if statement.verification().action(Check::Revocation) == Action::Skip {
        checks.remove(&VerificationCheck::RevocationCheck);
    }
    Ok(Delegate {
        name,
        version: metadata.version.clone(),
        checks,
    })
}

/// Versions compare by precedence (Semantic Versioning 2.0.0 §11): a pre-release is lower than its
/// release, and build metadata does not count.
fn check_version(name: &PluginName, found: &str, minimum: &str) -> Result<(), Failure> {
    let parse = |whose, version: &str| {
        Version::parse(version).map_err(|_| Failure::PluginVersion {
            whose,
            version: version.to_owned(),
        })
    };
    let lowest = parse("the signature's minimum plugin", minimum)?;
    let version = parse("the verification plugin's", found)?;
    if version.cmp_precedence(&lowest).is_lt() {
        return Err(Failure::PluginTooOld {
            name: name.clone(),
            found: found.to_owned(),
            minimum: minimum.to_owned(),
        });
    }
    Ok(())
}

/// The names of the critical attributes that the specification does not define.
pub(super) fn unknown_critical(envelope: &VerifiedEnvelope) -> Vec<&AttributeName> {
    envelope
        .extended_attributes()
        .iter()
        .filter(|attribute| attribute.critical)
        .map(|attribute| &attribute.name)
        .collect()
}

/// The question to a plugin: everything critical in the signature, the attributes that nobody here
/// understands, and what the policy says.
pub(super) fn question(
    delegate: &Delegate,
    envelope: &VerifiedEnvelope,
    statement: &TrustStatement,
    config: &PluginConfig,
) -> Result<VerifySignatureRequest, Failure> {
    let extended_attributes = critical_extended_attributes(envelope)?;
    let plugin = envelope.verification_plugin();
    let certificates = envelope.certificate_chain().certificates();
    Ok(VerifySignatureRequest {
        contract_version: ContractVersion::V1_0,
        signature: SignatureToVerify {
            unprocessed_attributes: extended_attributes.keys().cloned().collect(),
            critical_attributes: CriticalAttributes {
                content_type: PayloadType::NotaryPayloadV1,
                signing_scheme: envelope.signing_scheme(),
                expiry: envelope.expiry(),
                authentic_signing_time: envelope.authentic_signing_time(),
                verification_plugin: plugin.map(|plugin| plugin.name.clone()),
                verification_plugin_min_version: plugin
                    .and_then(|plugin| plugin.min_version.clone()),
                extended_attributes,
            },
            certificate_chain: certificates
                .iter()
                .map(|one| one.as_der().to_vec())
                .collect(),
        },
        trust_policy: TrustPolicyExcerpt {
            trusted_identities: statement
                .trusted_identities()
                .iter()
                .map(|identity| identity.as_written().to_owned())
                .collect(),
            signature_verification: delegate.checks.clone(),
        },
        plugin_config: config.clone(),
    })
}

fn critical_extended_attributes(
    envelope: &VerifiedEnvelope,
) -> Result<BTreeMap<String, AttributeValue>, Failure> {
    let mut attributes = BTreeMap::new();
    for attribute in envelope
        .extended_attributes()
        .iter()
        .filter(|attribute| attribute.critical)
    {
        // The contract names attributes by text; what has no text cannot be asked about.
        let Some(name) = attribute.name.as_text() else {
            return Err(Failure::UnknownCriticalAttributes {
                names: vec![attribute.name.to_string()],
            });
        };
        let value = match attribute.value.to_json() {
            serde_json::Value::Null => AttributeValue::Null,
            serde_json::Value::Bool(value) => AttributeValue::Bool(value),
            serde_json::Value::Number(value) => AttributeValue::Number(value),
            serde_json::Value::String(value) => AttributeValue::Text(value),
            serde_json::Value::Array(_) | serde_json::Value::Object(_) => {
                return Err(Failure::AttributeNotPrimitive {
                    name: name.to_owned(),
                });
            }
        };
        attributes.insert(name.to_owned(), value);
    }
    Ok(attributes)
}

/// Whether an answer fits its question: every check has a result, every attribute was processed.
/// What was not asked about is passed over, with a notice.
pub(super) fn check_answer(
    delegate: &Delegate,
    request: &VerifySignatureRequest,
    response: &VerifySignatureResponse,
) -> Result<Option<String>, Failure> {
    request
        .check_answer(response)
        .map_err(|source| Failure::PluginAnswer {
            name: delegate.name.clone(),
            source,
        })?;
    let unrequested = response.unrequested(request);
    Ok((!unrequested.is_empty()).then(|| {
        format!(
            "the verification plugin `{}` answered what was not asked and is not considered: {}",
            delegate.name,
            unrequested.join(", ")
        )
    }))
}

/// What the plugin says about one of the checks that it was asked to do.
pub(super) fn result(
    delegate: &Delegate,
    response: &VerifySignatureResponse,
    check: VerificationCheck,
) -> Result<String, Failure> {
    match response.result(check) {
        Some(result) if result.is_success() => Ok(format!(
            "the verification plugin `{}` says so",
            delegate.name
        )),
        // A missing result was refused before; it counts as a refusal all the same.
        other => Err(Failure::RefusedByPlugin {
            name: delegate.name.clone(),
            check,
            reason: other
                .map_or("it gave no result", |result| result.reason())
                .to_owned(),
        }),
    }
}
