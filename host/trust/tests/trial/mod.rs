//! Signatures made for a test, and verifications of them under a policy.

pub(crate) mod tsa;

use std::collections::BTreeMap;
use std::sync::Mutex;

use apostille_artifact::{Descriptor, DigestAlgorithm};
use apostille_signature::{EnvelopeFormat, Payload, SignatureParts, SigningRequest};
use apostille_trust::policy::OciTrustPolicy;
use apostille_trust::revocation::{NoRevocationChecker, RevocationChecker};
use apostille_trust::store::{Anchor, MemoryTrustStores, StoreReference, TrustStore};
use apostille_trust::verify::{
    ExpectedArtifact, PluginFailure, Step, StepResult, Verification, VerificationInput,
    VerificationPlugins, verify_envelope,
};
use futures::executor::block_on;
use futures::future::BoxFuture;
use notary_plugin_protocol::{
    Capability, ContractVersion, PluginConfig, PluginMetadata, PluginName, VerificationCheck,
    VerificationResult, VerifySignatureRequest, VerifySignatureResponse,
};
use notary_x509::{Certificate, CertificateChain, PrivateKey};
use rcgen::{CertificateParams, DnType};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::evidence::{Ca, Leaf, NOW};

pub(crate) const REPOSITORY: &str = "registry.example/app";

/// A certificate of `ca` whose subject meets what policies demand, after `change`.
pub(crate) fn signer(ca: &Ca, change: impl FnOnce(&mut CertificateParams)) -> Leaf {
    ca.issue("release", |params| {
        for (kind, value) in [
            (DnType::CountryName, "GB"),
            (DnType::StateOrProvinceName, "England"),
            (DnType::OrganizationName, "Example"),
        ] {
            params.distinguished_name.push(kind, value);
        }
        change(params);
    })
}

pub(crate) fn artifact() -> Descriptor {
    Descriptor::of(
        "application/vnd.oci.image.manifest.v1+json",
        DigestAlgorithm::Sha256,
        b"{}",
    )
}

/// A JWS envelope on [`artifact`] with the metadata `build=7`, made at [`NOW`], after `change`.
pub(crate) fn sign(
    leaf: &Leaf,
    chain: &CertificateChain,
    change: impl FnOnce(&mut SigningRequest),
) -> Vec<u8> {
    let key = PrivateKey::from_der(&leaf.key.serialize_der()).unwrap();
    let metadata = [("build".to_owned(), "7".to_owned())].into();
    let payload = Payload::new(&artifact(), metadata).unwrap();
    let mut request = SigningRequest::new(payload, key.key_spec(), NOW);
    change(&mut request);
    let unsigned = request.prepare(EnvelopeFormat::Jws).unwrap();
    let parts = SignatureParts {
        signature: key.sign(unsigned.bytes_to_sign()).unwrap(),
        certificate_chain: chain.clone(),
        timestamp: None,
    };
    unsigned.assemble(parts).unwrap().as_bytes().to_vec()
}

pub(crate) fn store(reference: &str, certificates: &[&Certificate]) -> TrustStore {
    let reference: StoreReference = reference.parse().unwrap();
    let anchors = certificates.iter().map(|certificate| Anchor {
        certificate: (*certificate).clone(),
        origin: "a test".to_owned(),
    });
    TrustStore::new(reference, anchors.collect()).unwrap()
}

/// Everything that a verification depends on.
pub(crate) struct Trial {
    pub(crate) level: Value,
    pub(crate) trust_stores: Vec<&'static str>,
    pub(crate) identities: Vec<&'static str>,
    pub(crate) stores: MemoryTrustStores,
    pub(crate) artifact: Descriptor,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) revocation: Box<dyn RevocationChecker>,
    pub(crate) plugins: Box<dyn VerificationPlugins>,
    pub(crate) now: OffsetDateTime,
}

impl Trial {
    /// A strict one with `root` in the store `ca:test`.
    pub(crate) fn trusting(root: &Certificate) -> Self {
        let mut stores = MemoryTrustStores::new();
        stores.insert(store("ca:test", &[root]));
        Self {
            level: json!({"level": "strict"}),
            trust_stores: vec!["ca:test"],
            identities: vec!["*"],
            stores,
            artifact: artifact(),
            metadata: BTreeMap::new(),
            revocation: Box::new(NoRevocationChecker),
            plugins: Box::new(Plugin::default()),
            now: NOW,
        }
    }

    pub(crate) fn at_level(mut self, level: Value) -> Self {
        self.level = level;
        self
    }

    pub(crate) fn verify(&self, envelope: &[u8]) -> Verification {
        self.verify_as(EnvelopeFormat::Jws, envelope)
    }

    pub(crate) fn verify_as(&self, format: EnvelopeFormat, envelope: &[u8]) -> Verification {
        let mut statement = json!({
            "name": "test",
            "registryScopes": ["*"],
            "signatureVerification": self.level,
        });
        if self.level["level"] != "skip" {
            statement["trustStores"] = json!(self.trust_stores);
            statement["trustedIdentities"] = json!(self.identities);
        }
        let document = json!({"version": "1.0", "trustPolicies": [statement]});
        let policy =
            OciTrustPolicy::parse(document.to_string().as_bytes(), "trustpolicy.json").unwrap();
        let statement = policy.statement_for(REPOSITORY).unwrap();
        let input = VerificationInput {
            format,
            envelope,
            artifact: ExpectedArtifact::Manifest(&self.artifact),
            user_metadata: &self.metadata,
            statement: &statement,
            stores: &self.stores,
            revocation: self.revocation.as_ref(),
            plugins: self.plugins.as_ref(),
            plugin_config: &PluginConfig::default(),
            now: self.now,
        };
        block_on(verify_envelope(&input))
    }
}

/// The steps that failed, and whether that is enforced.
pub(crate) fn failed(verification: &Verification) -> Vec<(Step, &'static str)> {
    verification
        .outcomes()
        .iter()
        .filter(|outcome| outcome.failure().is_some())
        .map(|outcome| (outcome.step, outcome.action.as_str()))
        .collect()
}

/// Why a step failed, in words.
pub(crate) fn why(verification: &Verification, step: Step) -> String {
    let outcome = verification.outcome(step).unwrap();
    match &outcome.result {
        StepResult::Failed { because } => because.to_string(),
        other => panic!("{step} did not fail: {other:?}"),
    }
}

/// A verification plugin that is installed, as `com.example.verifier` unless it says otherwise, and keeps what it was asked.
pub(crate) struct Plugin {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) capabilities: Vec<Capability>,
    pub(crate) refuses: Option<VerificationCheck>,
    pub(crate) silent_about: Option<VerificationCheck>,
    pub(crate) processes: Vec<&'static str>,
    pub(crate) asked: std::sync::Arc<Mutex<Vec<String>>>,
}

pub(crate) const PLUGIN: &str = "com.example.verifier";

impl Default for Plugin {
    fn default() -> Self {
        Self {
            name: PLUGIN,
            version: "1.0.0",
            capabilities: vec![
                Capability::SignatureVerifierTrustedIdentity,
                Capability::SignatureVerifierRevocationCheck,
            ],
            refuses: None,
            silent_about: None,
            processes: Vec::new(),
            asked: std::sync::Arc::default(),
        }
    }
}

impl VerificationPlugins for Plugin {
    fn metadata<'a>(
        &'a self,
        name: &'a PluginName,
    ) -> BoxFuture<'a, Result<PluginMetadata, PluginFailure>> {
        self.asked
            .lock()
            .unwrap()
            .push(format!("metadata of {name}"));
        let metadata = if name.as_str() == self.name {
            Ok(PluginMetadata {
                name: name.clone(),
                description: "a plugin of the tests".to_owned(),
                version: self.version.to_owned(),
                url: "https://example.com/".to_owned(),
                supported_contract_versions: vec![ContractVersion::V1_0],
                capabilities: self.capabilities.clone(),
                warm_sessions: None,
            })
        } else {
            Err(format!("no plugin {name} is installed").into())
        };
        Box::pin(std::future::ready(metadata))
    }

    fn verify_signature<'a>(
        &'a self,
        _: &'a PluginName,
        request: &'a VerifySignatureRequest,
    ) -> BoxFuture<'a, Result<VerifySignatureResponse, PluginFailure>> {
        let asked = format!("{:?}", request.trust_policy.signature_verification);
        self.asked.lock().unwrap().push(asked);
        let results = request
            .trust_policy
            .signature_verification
            .iter()
            .filter(|check| self.silent_about != Some(**check))
            .map(|check| {
                let result = if self.refuses == Some(*check) {
                    VerificationResult::failed("it does not like it")
                } else {
                    VerificationResult::passed()
                };
                (Capability::from(*check), result)
            });
        let response = VerifySignatureResponse {
            verification_results: results.collect(),
            processed_attributes: self.processes.iter().map(ToString::to_string).collect(),
        };
        Box::pin(std::future::ready(Ok(response)))
    }
}
