//! How long the signatures of one artifact may take to arrive.

use std::time::{Duration, Instant};

use apostille_artifact::Descriptor;
use apostille_registry::{ArtifactStore, StoredSignature};

use crate::inspect::InspectError;

/// The time that is left for fetching the signatures of an artifact. Each request has a limit of its own; a store that
/// sends a hundred signatures, each just within that, must not keep a verifier for hours.
#[derive(Debug)]
pub(crate) struct Patience {
    whole: Duration,
    left: Duration,
}

impl Patience {
    pub(crate) fn new(whole: Duration) -> Self {
        Self { whole, left: whole }
    }

    /// Fetches a signature, within what is left.
    pub(crate) async fn fetch(
        &mut self,
        store: &dyn ArtifactStore,
        manifest: &Descriptor,
    ) -> Result<StoredSignature, InspectError> {
        if self.left.is_zero() {
            return Err(InspectError::TooSlow { whole: self.whole });
        }
        let began = Instant::now();
        let fetched = tokio::time::timeout(self.left, store.fetch_signature(manifest)).await;
        self.left = self.left.saturating_sub(began.elapsed());
        match fetched {
            Ok(stored) => Ok(stored?),
            Err(_) => Err(InspectError::TooSlow { whole: self.whole }),
        }
    }
}
