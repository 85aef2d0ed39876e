//! Plugins that take over a check of the verification.

use std::collections::BTreeMap;

use notary_plugin_protocol::{
    VerificationCheck, VerificationResult, VerifySignatureRequest, VerifySignatureResponse,
};

use crate::{Context, PluginError, erased::AnySignatureCheck};

/// One check: trusted identity, or revocation. The host has already proven the signature's integrity and
/// that its chain leads to the trust store.
#[allow(
    async_fn_in_trait,
    reason = "the SDK drives plugins on one thread, so no future has to be Send"
)]
pub trait SignatureCheck: 'static {
    /// Judges the signature. "No" is a [`CheckVerdict`], not an error; an error says that it could not be
    /// judged, and makes the verification fail at every level.
    ///
    /// # Errors
    /// Whatever keeps the check from being made.
    async fn check(
        &self,
        request: &VerifySignatureRequest,
        context: &Context,
    ) -> Result<CheckVerdict, PluginError>;

    /// Whether this check has dealt with a critical attribute that the host does not know. Answer `true`
    /// only for attributes that [`check`](Self::check) looks at: the host rejects the signature if nobody does.
    fn understands(&self, attribute: &str) -> bool {
        let _ = attribute;
        false
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckVerdict {
    /// The signature passes this check.
    Passed,
    /// It does not, for this reason.
    Failed(String),
}

/// The checks that a plugin has.
#[derive(Default)]
pub(crate) struct Checks {
    pub(crate) trusted_identity: Option<Box<dyn AnySignatureCheck>>,
    pub(crate) revocation: Option<Box<dyn AnySignatureCheck>>,
}

impl Checks {
    /// Answers `verify-signature`: exactly the requested results, and exactly the attributes that a
    /// requested check understands.
    pub(crate) async fn verify(
        &self,
        request: &VerifySignatureRequest,
        context: &Context,
    ) -> Result<VerifySignatureResponse, PluginError> {
        let mut results = BTreeMap::new();
        let mut used = Vec::new();
        for requested in &request.trust_policy.signature_verification {
            let check = self.check(*requested)?;
            let result = match check.check(request, context).await? {
                CheckVerdict::Passed => VerificationResult::passed(),
                CheckVerdict::Failed(reason) => VerificationResult::failed(reason),
            };
            results.insert((*requested).into(), result);
            used.push(check);
        }
        let processed_attributes = (request.signature.unprocessed_attributes.iter())
            .filter(|attribute| used.iter().any(|check| check.understands(attribute)))
            .cloned()
            .collect();
        Ok(VerifySignatureResponse {
            verification_results: results,
            processed_attributes,
        })
    }

    fn check(&self, requested: VerificationCheck) -> Result<&dyn AnySignatureCheck, PluginError> {
        let check = match requested {
            VerificationCheck::TrustedIdentity => &self.trusted_identity,
            VerificationCheck::RevocationCheck => &self.revocation,
        };
        check
            .as_deref()
            .ok_or_else(|| PluginError::validation(format!("this plugin does not do {requested}")))
    }
}
