//! What may stand in a trust store.

use std::collections::{BTreeMap, HashSet};

use notary_x509::Certificate;

use super::error::StoreError;
use super::{StoreReference, StoreType};

/// The most certificates of one store. A bundle of every public root has some 150.
pub const MAX_ANCHORS: usize = 1000;

/// A certificate that signatures may chain to.
#[derive(Clone, Debug)]
pub struct Anchor {
    /// The certificate.
    pub certificate: Certificate,
    /// Where it came from, for explanations: the path of the file, usually.
    pub origin: String,
}

/// The certificates of one store; at least one, each fit for the store's type.
#[derive(Clone, Debug)]
pub struct TrustStore {
    reference: StoreReference,
    anchors: Vec<Anchor>,
    warnings: Vec<String>,
}

impl TrustStore {
    /// A store with these certificates. The same certificate twice counts once.
    ///
    /// # Errors
    /// [`StoreError::NotAnAnchor`] for a certificate that [`check_anchor`] refuses,
    /// [`StoreError::TooManyCertificates`], [`StoreError::Empty`].
    pub fn new(reference: StoreReference, anchors: Vec<Anchor>) -> Result<Self, StoreError> {
        if anchors.is_empty() {
            return Err(StoreError::Empty { store: reference });
        }
        if anchors.len() > MAX_ANCHORS {
            return Err(StoreError::TooManyCertificates { store: reference });
        }
        let mut seen = HashSet::new();
        let mut kept = Vec::new();
        for anchor in anchors {
            check_anchor(reference.store_type, &anchor.certificate, &anchor.origin)?;
            if seen.insert(anchor.certificate.sha256_fingerprint()) {
                kept.push(anchor);
            }
        }
        Ok(Self {
            reference,
            anchors: kept,
            warnings: Vec::new(),
        })
    }

    pub(super) fn with_warnings(mut self, warnings: Vec<String>) -> Self {
        self.warnings = warnings;
        self
    }

    /// Which store this is.
    #[must_use]
    pub fn reference(&self) -> &StoreReference {
        &self.reference
    }

    /// The certificates.
    #[must_use]
    pub fn anchors(&self) -> &[Anchor] {
        &self.anchors
    }

    /// What was passed over while the store was read.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// Whether a certificate may be trusted in a store of this type: a CA, or a certificate that signed
/// itself; for timestamps, a root CA. A leaf that somebody else issued is never an anchor: to trust
/// it alone would go around whatever its issuer says about it later.
///
/// # Errors
/// [`StoreError::NotAnAnchor`].
pub fn check_anchor(
    store_type: StoreType,
    certificate: &Certificate,
    origin: &str,
) -> Result<(), StoreError> {
    let reason = match store_type {
        StoreType::Ca | StoreType::SigningAuthority => {
            if certificate.is_ca() || certificate.is_self_signed() {
                return Ok(());
            }
            "it is neither a CA certificate nor self-signed; trust the CA that issued it"
        }
        StoreType::Tsa => {
            if certificate.is_ca() && certificate.is_self_signed() {
                return Ok(());
            }
            "a timestamping authority is trusted by its root, a self-signed CA certificate"
        }
    };
    Err(StoreError::NotAnAnchor {
        subject: certificate.subject().to_string(),
        origin: origin.to_owned(),
        store_type,
        reason,
    })
}

/// Where the certificates come from that policies refer to as `type:name`.
pub trait TrustStores: Send + Sync {
    /// The store of that name.
    ///
    /// # Errors
    /// [`StoreError`]; a signature is then not trusted, whatever the other stores hold.
    fn store(&self, reference: &StoreReference) -> Result<TrustStore, StoreError>;
}

/// Trust stores that are held in memory, for programs that do not keep them as directories.
#[derive(Clone, Debug, Default)]
pub struct MemoryTrustStores {
    stores: BTreeMap<StoreReference, TrustStore>,
}

impl MemoryTrustStores {
    /// No stores.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a store, in place of one of the same name.
    pub fn insert(&mut self, store: TrustStore) {
        self.stores.insert(store.reference.clone(), store);
    }
}

impl TrustStores for MemoryTrustStores {
    fn store(&self, reference: &StoreReference) -> Result<TrustStore, StoreError> {
        self.stores
            .get(reference)
            .cloned()
            .ok_or_else(|| StoreError::NotFound {
                store: reference.clone(),
            })
    }
}
