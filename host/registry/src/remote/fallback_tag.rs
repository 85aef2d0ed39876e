//! The referrers tag: the list of referrers that clients keep where the registry does not.
//!
//! The list is an image index under the tag `sha256-<hex of the subject>`. Adding to it means to read
//! it, to write it with one more entry, and to hope that nobody wrote in between: the distribution
//! protocol has no conditional write. What is done about that:
//!
//! * After writing, one waits longer than one's own reading and writing took, and reads again. If the
//!   entry is gone, somebody who had read before wrote after: it is added again.
//! * Entries of others that were seen in any version on the way are kept: whoever comes later repairs
//!   what the one before lost.
//! * The index that was replaced is deleted only at the end, once it is known not to be the current one.
//! * That there is no index is believed when it was heard twice, since a registry that is just replacing
//!   the tag may deny it for a moment.
//!
//! So an entry can only be lost to a writer who takes longer between reading and writing than we wait
//! (and who does not look again, as other clients may not).

use std::time::{Duration, Instant};

use apostille_artifact::{Descriptor, Digest, DigestAlgorithm};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::auth::Access;
use super::exchange::Request;
use super::repository::RemoteRepository;
use super::retry::with_jitter;
use crate::error::{Malformed, Operation, RegistryError};
use crate::limits::MAX_MANIFEST_LEN;
use crate::media_type::IMAGE_INDEX;
use crate::store::PushWarning;

/// How often the index is written before giving up. Each round at least one of the writers that are in
/// each other's way succeeds, and they spread out.
const MAX_ROUNDS: u32 = 40;

/// How long to wait between writing and reading again: this many times as long as reading and writing
/// took, within the bounds.
const SETTLE_FACTOR: u32 = 2;
const SHORTEST_SETTLE: Duration = Duration::from_millis(50);
const LONGEST_SETTLE: Duration = Duration::from_secs(2);

/// The pause before one asks again whether there really is no index.
const DOUBT_PAUSE: Duration = Duration::from_millis(30);

/// An index as it was read.
pub(super) struct ReferrersIndex {
    digest: Digest,
    document: Value,
}

impl ReferrersIndex {
    fn entries(&self) -> &[Value] {
        self.document
            .get("manifests")
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    fn contains(&self, entry: &Value) -> bool {
        self.entries()
            .iter()
            .any(|known| known.get("digest") == entry.get("digest"))
    }

    /// The entries that are descriptors.
    pub(super) fn descriptors(&self) -> Vec<Descriptor> {
        self.entries()
            .iter()
            .filter_map(|entry| serde_json::from_value(entry.clone()).ok())
            .collect()
    }

    /// The same document with further entries.
    fn with(&self, missing: Vec<Value>) -> Value {
        let mut document = self.document.clone();
        let mut entries = self.entries().to_vec();
        entries.extend(missing);
        if let Some(document) = document.as_object_mut() {
            document.insert("manifests".to_owned(), Value::Array(entries));
        }
        document
    }
}

impl RemoteRepository {
    /// Reads the index under the referrers tag, if there is one.
    pub(super) async fn read_referrers_tag(
        &self,
        operation: Operation,
        subject: &Digest,
    ) -> Result<Option<ReferrersIndex>, RegistryError> {
        let tag = referrers_tag(subject);
        let url = self
            .endpoint
            .url(&self.repository, &format!("manifests/{tag}"))?;
        let request =
            Request::get(operation, &self.repository, url, MAX_MANIFEST_LEN).accept(IMAGE_INDEX);
        let answer = self.endpoint.exchange(&request).await?;
        match answer.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            _ => return Err(self.endpoint.refusal(&request, &answer)),
        }
        let digest = self.digest_of(&tag, &answer)?;
        let document: Value = serde_json::from_slice(&answer.body).map_err(|error| {
            RegistryError::malformed(&tag, self.place(), Malformed::Json(error))
        })?;
        // Something else under that name must not be read as an empty list, or be replaced.
        let is_index = document
            .get("manifests")
            .is_some_and(|manifests| manifests.is_array() || manifests.is_null())
            && document
                .get("mediaType")
                .is_none_or(|media_type| media_type == IMAGE_INDEX);
        if !is_index {
            return Err(RegistryError::malformed(
                &tag,
                self.place(),
                Malformed::NotAnIndex,
            ));
        }
        Ok(Some(ReferrersIndex { digest, document }))
    }

    /// Adds a referrer to the index, so that it and everything that was seen there stays.
    pub(super) async fn add_to_referrers_tag(
        &self,
        subject: &Digest,
        referrer: &Descriptor,
    ) -> Result<Vec<PushWarning>, RegistryError> {
        let ours = serde_json::to_value(referrer).map_err(|error| {
            RegistryError::malformed("the new entry", self.place(), Malformed::Json(error))
        })?;
        let mut wanted = vec![ours];
        let mut replaced: Vec<Digest> = Vec::new();
        for round in 0..MAX_ROUNDS {
            let began = Instant::now();
            let current = self.read_with_doubt(subject).await?;
            let missing = missing_from(current.as_ref(), &wanted);
            if missing.is_empty() {
                return Ok(self.delete_replaced(replaced, current.as_ref()).await);
            }
            remember(&mut wanted, current.as_ref());
            self.write_index(subject, current.as_ref(), missing).await?;
            replaced.extend(current.map(|index| index.digest));
            let settle = (began.elapsed() * SETTLE_FACTOR * (round + 1))
                .clamp(SHORTEST_SETTLE, LONGEST_SETTLE);
            // Whoever collided waits differently long from here on.
            tokio::time::sleep(settle + with_jitter(settle)).await;
        }
        Err(RegistryError::Overtaken {
            place: self.place(),
            tag: referrers_tag(subject),
        })
    }

    async fn read_with_doubt(
        &self,
        subject: &Digest,
    ) -> Result<Option<ReferrersIndex>, RegistryError> {
        match self.read_referrers_tag(Operation::Push, subject).await? {
            Some(index) => Ok(Some(index)),
            None => {
                tokio::time::sleep(DOUBT_PAUSE).await;
                self.read_referrers_tag(Operation::Push, subject).await
            }
        }
    }

    async fn write_index(
        &self,
        subject: &Digest,
        current: Option<&ReferrersIndex>,
        missing: Vec<Value>,
    ) -> Result<(), RegistryError> {
        let document = match current {
            Some(index) => index.with(missing),
            None => json!({"schemaVersion": 2, "mediaType": IMAGE_INDEX, "manifests": missing}),
        };
        let bytes = document.to_string().into_bytes();
        if bytes.len() as u64 > MAX_MANIFEST_LEN {
            let what = format!("the referrers index {}", referrers_tag(subject));
            return Err(RegistryError::TooLarge {
                what,
                place: self.place(),
                limit: MAX_MANIFEST_LEN,
            });
        }
        let index = Descriptor::of(IMAGE_INDEX, DigestAlgorithm::Sha256, &bytes);
        self.put_manifest(&index, &bytes, Some(&referrers_tag(subject)))
            .await?;
        Ok(())
    }

    /// Deletes the indexes that were replaced. The signature is in place by now, so that what fails here
    /// is worth a warning and no more.
    async fn delete_replaced(
        &self,
        mut replaced: Vec<Digest>,
        current: Option<&ReferrersIndex>,
    ) -> Vec<PushWarning> {
        replaced.sort();
        replaced.dedup();
        replaced.retain(|digest| current.is_none_or(|current| current.digest != *digest));
        let mut warnings = Vec::new();
        for index in replaced {
            if let Err(error) = self.delete_manifest(&index).await {
                warnings.push(PushWarning::OldIndexRemains {
                    index,
                    place: self.place(),
                    reason: error.to_string(),
                });
            }
        }
        warnings
    }

    async fn delete_manifest(&self, digest: &Digest) -> Result<(), RegistryError> {
        let url = self
            .endpoint
            .url(&self.repository, &format!("manifests/{digest}"))?;
        let request = Request::get(Operation::Delete, &self.repository, url, MAX_MANIFEST_LEN)
            .method(Method::DELETE, Access::Delete);
        let answer = self.endpoint.exchange(&request).await?;
        // Not found: whoever replaced it as well was faster.
        if answer.status.is_success() || answer.status == StatusCode::NOT_FOUND {
            Ok(())
        } else {
            Err(self.endpoint.refusal(&request, &answer))
        }
    }
}

fn referrers_tag(subject: &Digest) -> String {
    format!("{}-{}", subject.algorithm(), subject.hex())
}

fn missing_from(current: Option<&ReferrersIndex>, wanted: &[Value]) -> Vec<Value> {
    wanted
        .iter()
        .filter(|entry| !current.is_some_and(|index| index.contains(entry)))
        .cloned()
        .collect()
}

fn remember(wanted: &mut Vec<Value>, current: Option<&ReferrersIndex>) {
    for entry in current.map(ReferrersIndex::entries).unwrap_or_default() {
        if !wanted
            .iter()
            .any(|known| known.get("digest") == entry.get("digest"))
        {
            wanted.push(entry.clone());
        }
    }
}
