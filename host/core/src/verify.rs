//! Verifying the signatures of an artifact.

use std::collections::BTreeMap;
use std::time::Duration;

use apostille_artifact::Descriptor;
use apostille_registry::{ArtifactStore, RegistryError, StoredSignature};
use apostille_signature::EnvelopeFormat;
use apostille_trust::policy::{Action, ApplicableStatement, Check, TrustStatement};
use apostille_trust::revocation::RevocationChecker;
use apostille_trust::store::{StoreError, StoreReference, StoreType, TrustStore, TrustStores};
use apostille_trust::verify::{
    AppliedStatement, ExpectedArtifact, Verification, VerificationInput, VerificationPlugins,
    verify_envelope,
};
use notary_plugin_protocol::PluginConfig;
use time::OffsetDateTime;

use crate::inspect::InspectError;
use crate::patience::Patience;

/// What decides about trust beside the policy.
#[derive(Clone, Copy)]
pub struct TrustSources<'a> {
    /// The trust stores that statements refer to.
    pub stores: &'a dyn TrustStores,
    /// Who answers whether certificates were revoked.
    pub revocation: &'a dyn RevocationChecker,
    /// The plugins that signatures may ask to be verified with.
    pub plugins: &'a dyn VerificationPlugins,
}

/// How to verify.
#[derive(Clone, Debug)]
pub struct VerifyOptions {
    /// How many signatures are looked at, at most.
    pub limit: usize,
    /// How long the signatures of one artifact may take to arrive, altogether.
    pub patience: Duration,
    /// Metadata that must be signed, each key with this value.
    pub metadata: BTreeMap<String, String>,
    /// What a verification plugin is told.
    pub plugin_config: PluginConfig,
    /// The present.
    pub now: OffsetDateTime,
}

/// What came out of the signatures of an artifact.
#[derive(Debug)]
pub struct ArtifactVerification {
    /// The statement of the policy that was applied, and why it was this one.
    pub statement: AppliedStatement,
    /// Whether the statement says that nothing is verified. Nothing is known about the artifact then.
    pub skipped: bool,
    /// The signatures that were looked at, in order; only the last can be trusted.
    pub attempts: Vec<Attempt>,
    /// Whether there are more signatures than the limit allowed.
    pub truncated: bool,
}

/// One signature.
#[derive(Debug)]
pub struct Attempt {
    /// The signature's manifest.
    pub manifest: Descriptor,
    /// What was found out, or why the signature could not be read.
    pub outcome: Result<Box<Verification>, InspectError>,
}

impl ArtifactVerification {
    /// The signature because of which the artifact is trusted, if there is one.
    #[must_use]
    pub fn trusted(&self) -> Option<&Verification> {
        let verifications = self
            .attempts
            .iter()
            .filter_map(|attempt| attempt.outcome.as_deref().ok());
        verifications.rev().find(|one| one.is_trusted())
    }
}

/// A statement of the policy with everything that it takes to apply it, found to be usable before any artifact is looked
/// at. One can verify many artifacts.
pub struct Verifier<'a> {
    statement: &'a ApplicableStatement<'a>,
    stores: LoadedStores<'a>,
    sources: TrustSources<'a>,
    options: &'a VerifyOptions,
}

impl<'a> Verifier<'a> {
    /// Loads the trust stores of the statement.
    ///
    /// # Errors
    /// None of the stores that could make a signature trusted can be used, and the statement demands one.
    pub fn new(
        statement: &'a ApplicableStatement<'a>,
        sources: TrustSources<'a>,
        options: &'a VerifyOptions,
    ) -> Result<Self, StoreError> {
        let stores = LoadedStores::for_statement(statement.statement, sources.stores)?;
        Ok(Self {
            statement,
            stores,
            sources,
            options,
        })
    }

    /// Looks at the signatures of `subject`, one after the other until one is trusted.
    ///
    /// A signature that cannot be fetched or read is an outcome like any other: whoever can push one must not be able
    /// to make the others useless.
    ///
    /// # Errors
    /// The signatures cannot be listed; that none is trusted is not an error but an answer.
    pub async fn verify(
        &self,
        store: &dyn ArtifactStore,
        subject: &Descriptor,
    ) -> Result<ArtifactVerification, RegistryError> {
        let skipped = self.statement.statement.verification().skips_verification();
        let mut result = ArtifactVerification {
            statement: self.statement.into(),
            skipped,
            attempts: Vec::new(),
            truncated: false,
        };
        if skipped {
            return Ok(result);
        }
        let list = store.signatures(subject, self.options.limit).await?;
        result.truncated = list.truncated;
        let mut patience = Patience::new(self.options.patience);
        for manifest in list.manifests {
            let outcome = match patience.fetch(store, &manifest).await {
                Ok(stored) => self.judge(subject, &stored).await,
                Err(error) => Err(error),
            };
            let trusted = outcome.as_ref().is_ok_and(|one| one.is_trusted());
            result.attempts.push(Attempt { manifest, outcome });
            if trusted {
                break;
            }
        }
        Ok(result)
    }

    async fn judge(
        &self,
        subject: &Descriptor,
        stored: &StoredSignature,
    ) -> Result<Box<Verification>, InspectError> {
        let input = VerificationInput {
            format: EnvelopeFormat::from_media_type(&stored.media_type)?,
            envelope: &stored.envelope,
            artifact: ExpectedArtifact::Manifest(subject),
            user_metadata: &self.options.metadata,
            statement: self.statement,
            stores: &self.stores,
            revocation: self.sources.revocation,
            plugins: self.sources.plugins,
            plugin_config: &self.options.plugin_config,
            now: self.options.now,
        };
        Ok(Box::new(verify_envelope(&input).await))
    }
}

/// The trust stores of a statement, read once for all signatures.
pub(crate) struct LoadedStores<'a> {
    loaded: Vec<TrustStore>,
    source: &'a dyn TrustStores,
}

impl<'a> LoadedStores<'a> {
    /// The stores that the statement needs: none where it says that nothing is verified.
    pub(crate) fn for_statement(
        statement: &TrustStatement,
        source: &'a dyn TrustStores,
    ) -> Result<Self, StoreError> {
        if statement.verification().skips_verification() {
            let loaded = Vec::new();
            return Ok(Self { loaded, source });
        }
        Self::load(statement, source)
    }

    /// Loads the stores that can make a signer trusted. One that cannot be used is passed over here, since the
    /// signatures may be of a kind that does not need it; a signature that does need it fails because of it.
    fn load(statement: &TrustStatement, source: &'a dyn TrustStores) -> Result<Self, StoreError> {
        let mut loaded = Vec::new();
        let mut first_error = None;
        let signing = statement
            .trust_stores()
            .iter()
            .filter(|reference| reference.store_type != StoreType::Tsa);
        for reference in signing {
            match source.store(reference) {
                Ok(store) => loaded.push(store),
                Err(error) => {
                    first_error.get_or_insert(error);
                }
            }
        }
        let enforced = statement.verification().action(Check::Authenticity) == Action::Enforce;
        match first_error {
            Some(error) if loaded.is_empty() && enforced => Err(error),
            _ => Ok(Self { loaded, source }),
        }
    }
}

impl TrustStores for LoadedStores<'_> {
    fn store(&self, reference: &StoreReference) -> Result<TrustStore, StoreError> {
        let loaded = self
            .loaded
            .iter()
            .find(|store| store.reference() == reference);
        match loaded {
            Some(store) => Ok(store.clone()),
            None => self.source.store(reference),
        }
    }
}
