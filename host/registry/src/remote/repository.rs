//! A repository of a registry as a store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use apostille_artifact::{
    ContentMismatch, Descriptor, Digest, DigestAlgorithm, Repository, Selector,
};
use futures::future::BoxFuture;
use reqwest::StatusCode;

use super::exchange::{Answer, Endpoint, Request};
use crate::error::{Malformed, Operation, RegistryError};
use crate::limits::{MAX_ENVELOPE_LEN, MAX_MANIFEST_LEN};
use crate::manifest::{SignatureManifest, media_type_of};
use crate::media_type::{
    ARTIFACT_MANIFEST, DOCKER_MANIFEST, DOCKER_MANIFEST_LIST, IMAGE_INDEX, IMAGE_MANIFEST,
};
use crate::store::{ArtifactStore, NewSignature, PushedSignature, SignatureList, StoredSignature};

/// The `Accept` of a request for any manifest. Docker's schema 1 is not among them: its digest is not
/// that of its bytes.
const ANY_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json, \
     application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.oci.artifact.manifest.v1+json";

/// A repository of a registry; made by [`RegistryClient::repository`](crate::RegistryClient::repository).
///
/// A tag or digest is resolved by fetching the manifest itself and hashing it: a signature is made over
/// bytes that were seen, not over a digest that somebody put into a header.
#[derive(Clone, Debug)]
pub struct RemoteRepository {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) repository: Repository,
    referrers_api: Arc<AtomicU8>,
}

/// What is known about a registry's referrers API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReferrersApi {
    Unknown,
    Present,
    Absent,
}

impl RemoteRepository {
    pub(super) fn new(endpoint: Arc<Endpoint>, repository: Repository) -> Self {
        Self {
            endpoint,
            repository,
            referrers_api: Arc::default(),
        }
    }

    pub(super) fn place(&self) -> String {
        self.endpoint.place(&self.repository)
    }

    pub(super) fn referrers_api(&self) -> ReferrersApi {
        match self.referrers_api.load(Ordering::Relaxed) {
            1 => ReferrersApi::Present,
            2 => ReferrersApi::Absent,
            _ => ReferrersApi::Unknown,
        }
    }

    pub(super) fn learn_referrers_api(&self, api: ReferrersApi) {
        let value = match api {
            ReferrersApi::Unknown => 0,
            ReferrersApi::Present => 1,
            ReferrersApi::Absent => 2,
        };
        self.referrers_api.store(value, Ordering::Relaxed);
    }

    async fn resolve_reference(&self, selector: &Selector) -> Result<Descriptor, RegistryError> {
        let url = self
            .endpoint
            .url(&self.repository, &format!("manifests/{selector}"))?;
        let request = Request::get(Operation::Resolve, &self.repository, url, MAX_MANIFEST_LEN)
            .accept(ANY_MANIFEST);
        let answer = self.found(&request, selector.to_string()).await?;
        let digest = match selector {
            Selector::Digest(digest) => self.checked(digest, &answer)?,
            Selector::Tag(tag) => self.digest_of(tag.as_str(), &answer)?,
        };
        let media_type = manifest_media_type(&answer)
            .map_err(|reason| RegistryError::malformed(selector, self.place(), reason))?;
        Ok(Descriptor::new(
            media_type,
            digest,
            answer.body.len() as u64,
        ))
    }

    /// The digest of what a tag gave, by the algorithm of the registry's own word, which must be true.
    pub(super) fn digest_of(&self, tag: &str, answer: &Answer) -> Result<Digest, RegistryError> {
        match answer
            .header("docker-content-digest")
            .and_then(|announced| announced.parse().ok())
        {
            Some(announced) => self
                .checked(&announced, answer)
                .map_err(|error| match error {
                    RegistryError::ContentMismatch { place, source, .. } => {
                        RegistryError::ContentMismatch {
                            what: tag.to_owned(),
                            place,
                            source,
                        }
                    }
                    other => other,
                }),
            None => Ok(Digest::of(DigestAlgorithm::Sha256, &answer.body)),
        }
    }

    fn checked(&self, expected: &Digest, answer: &Answer) -> Result<Digest, RegistryError> {
        let actual = Digest::of(expected.algorithm(), &answer.body);
        if actual == *expected {
            return Ok(actual);
        }
        Err(RegistryError::ContentMismatch {
            what: expected.to_string(),
            place: self.place(),
            source: ContentMismatch::Digest {
                expected: expected.clone(),
                actual,
            },
        })
    }

    /// Sends a request for something that must be there.
    pub(super) async fn found(
        &self,
        request: &Request<'_>,
        what: String,
    ) -> Result<Answer, RegistryError> {
        let answer = self.endpoint.exchange(request).await?;
        match answer.status {
            StatusCode::OK => Ok(answer),
            StatusCode::NOT_FOUND => Err(RegistryError::NotFound {
                what,
                place: self.place(),
            }),
            _ => Err(self.endpoint.refusal(request, &answer)),
        }
    }

    /// Fetches a manifest or blob and compares it with its descriptor.
    async fn fetch(
        &self,
        kind: &str,
        content: &Descriptor,
        accept: &str,
        limit: u64,
    ) -> Result<Vec<u8>, RegistryError> {
        if content.size > limit {
            return Err(RegistryError::TooLarge {
                what: content.digest.to_string(),
                place: self.place(),
                limit,
            });
        }
        let url = self
            .endpoint
            .url(&self.repository, &format!("{kind}/{}", content.digest))?;
        let request = Request::get(Operation::Fetch, &self.repository, url, limit).accept(accept);
        let answer = self.found(&request, content.digest.to_string()).await?;
        content
            .check(&answer.body)
            .map_err(|source| RegistryError::ContentMismatch {
                what: content.digest.to_string(),
                place: self.place(),
                source,
            })?;
        Ok(answer.body)
    }

    async fn fetch_stored(&self, manifest: &Descriptor) -> Result<StoredSignature, RegistryError> {
        let bytes = self
            .fetch(
                "manifests",
                manifest,
                &manifest.media_type,
                MAX_MANIFEST_LEN,
            )
            .await?;
        let parsed = SignatureManifest::parse(&manifest.media_type, &bytes).map_err(|reason| {
            RegistryError::NotASignature {
                manifest: manifest.digest.clone(),
                place: self.place(),
                reason,
            }
        })?;
        let envelope = self
            .fetch("blobs", &parsed.envelope, "*/*", MAX_ENVELOPE_LEN)
            .await?;
        Ok(StoredSignature {
            manifest: manifest.clone(),
            subject: parsed.subject,
            annotations: parsed.annotations,
            media_type: parsed.envelope.media_type,
            envelope,
        })
    }
}

impl ArtifactStore for RemoteRepository {
    fn resolve<'a>(
        &'a self,
        selector: &'a Selector,
    ) -> BoxFuture<'a, Result<Descriptor, RegistryError>> {
        Box::pin(self.resolve_reference(selector))
    }

    fn signatures<'a>(
        &'a self,
        subject: &'a Descriptor,
        limit: usize,
    ) -> BoxFuture<'a, Result<SignatureList, RegistryError>> {
        Box::pin(self.list_signatures(&subject.digest, limit))
    }

    fn fetch_signature<'a>(
        &'a self,
        manifest: &'a Descriptor,
    ) -> BoxFuture<'a, Result<StoredSignature, RegistryError>> {
        Box::pin(self.fetch_stored(manifest))
    }

    fn push_signature<'a>(
        &'a self,
        subject: &'a Descriptor,
        signature: &'a NewSignature,
    ) -> BoxFuture<'a, Result<PushedSignature, RegistryError>> {
        Box::pin(self.push_new_signature(subject, signature))
    }

    fn fetch_manifest<'a>(
        &'a self,
        manifest: &'a Descriptor,
    ) -> BoxFuture<'a, Result<Vec<u8>, RegistryError>> {
        Box::pin(self.fetch(
            "manifests",
            manifest,
            &manifest.media_type,
            MAX_MANIFEST_LEN,
        ))
    }
}

/// The media type of a manifest. Where the answer's header and the document both name one, they must
/// agree: the same bytes under two types are two things to two readers.
fn manifest_media_type(answer: &Answer) -> Result<String, Malformed> {
    let inner = media_type_of(&answer.body);
    let media_type = match (answer.media_type(), inner) {
        (Some(header), Some(inner)) if header != inner => {
            return Err(Malformed::ContradictoryMediaType);
        }
        (Some(header), _) => header.to_owned(),
        (None, Some(inner)) => inner,
        (None, None) => return Err(Malformed::NotAManifest),
    };
    let known = [
        IMAGE_MANIFEST,
        IMAGE_INDEX,
        DOCKER_MANIFEST,
        DOCKER_MANIFEST_LIST,
        ARTIFACT_MANIFEST,
    ];
    if known.contains(&media_type.as_str()) {
        Ok(media_type)
    } else {
        Err(Malformed::NotAManifest)
    }
}
