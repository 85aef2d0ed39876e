//! Pushing: blobs, manifests, and a signature that consists of both.

use apostille_artifact::{ContentMismatch, Descriptor, Digest, Tag};
use bytes::Bytes;
use reqwest::{Method, StatusCode};
use url::Url;

use super::auth::Access;
use super::exchange::{Answer, Request, same_origin};
use super::repository::{ReferrersApi, RemoteRepository};
use crate::error::{Malformed, Operation, RegistryError};
use crate::manifest::{EMPTY_CONFIG, SignatureParts};
use crate::media_type::{IMAGE_CONFIG, IMAGE_LAYER};
use crate::store::{NewSignature, PushWarning, PushedSignature, check_envelope_len};
use crate::{SingleLayerImage, limits::MAX_MANIFEST_LEN};

/// How often an upload is begun anew when it breaks off. The session that broke cannot be relied on.
const MAX_UPLOAD_ATTEMPTS: u32 = 3;

const OCTETS: &str = "application/octet-stream";

impl RemoteRepository {
    pub(super) async fn push_new_signature(
        &self,
        subject: &Descriptor,
        signature: &NewSignature,
    ) -> Result<PushedSignature, RegistryError> {
        check_envelope_len(signature, &self.place())?;
        let parts = SignatureParts::new(subject, signature).map_err(|error| {
            RegistryError::malformed("the new manifest", self.place(), Malformed::Json(error))
        })?;
        // The envelope is new; the empty configuration is in every repository that has a signature.
        self.upload(
            &parts.envelope.digest,
            Bytes::copy_from_slice(&signature.envelope),
        )
        .await?;
        self.push_blob(&parts.config, Bytes::from_static(EMPTY_CONFIG))
            .await?;
        let answer = self
            .put_manifest(&parts.manifest, &parts.manifest_bytes, None)
            .await?;
        let listed = self.list_new(&subject.digest, &parts.manifest, &answer);
        let warnings = listed.await.map_err(|source| RegistryError::NotListed {
            manifest: parts.manifest.digest.clone(),
            place: self.place(),
            source: Box::new(source),
        })?;
        Ok(PushedSignature {
            manifest: parts.manifest,
            warnings,
        })
    }

    /// Sees to it that a new signature is listed: by the registry, which answered so, or under the referrers tag.
    async fn list_new(
        &self,
        subject: &Digest,
        manifest: &Descriptor,
        answer: &Answer,
    ) -> Result<Vec<PushWarning>, RegistryError> {
        if self.keeps_referrers_itself(subject, answer).await? {
            return Ok(Vec::new());
        }
        self.add_to_referrers_tag(subject, manifest).await
    }

    /// Whether the registry will list the new manifest among the subject's referrers: it says so in
    /// `OCI-Subject`, or at least has the API.
    async fn keeps_referrers_itself(
        &self,
        subject: &Digest,
        answer: &Answer,
    ) -> Result<bool, RegistryError> {
        if self.endpoint.options.force_referrers_tag {
            return Ok(false);
        }
        if answer.header("oci-subject") == Some(subject.to_string().as_str()) {
            self.learn_referrers_api(ReferrersApi::Present);
            return Ok(true);
        }
        self.has_referrers_api(subject).await
    }

    /// Pushes an image of one layer under a tag, to have something to sign.
    ///
    /// # Errors
    /// The ways in which a registry cannot be reached or written.
    pub async fn push_image(
        &self,
        image: &SingleLayerImage,
        tag: &Tag,
    ) -> Result<Descriptor, RegistryError> {
        for (media_type, bytes) in [(IMAGE_LAYER, &image.layer), (IMAGE_CONFIG, &image.config)] {
            let blob = Descriptor::of(
                media_type,
                apostille_artifact::DigestAlgorithm::Sha256,
                bytes,
            );
            self.push_blob(&blob, Bytes::copy_from_slice(bytes)).await?;
        }
        let manifest = image.descriptor();
        self.put_manifest(&manifest, &image.manifest, Some(tag.as_str()))
            .await?;
        Ok(manifest)
    }

    /// Pushes a blob unless it is there.
    async fn push_blob(&self, blob: &Descriptor, bytes: Bytes) -> Result<(), RegistryError> {
        let url = self
            .endpoint
            .url(&self.repository, &format!("blobs/{}", blob.digest))?;
        let request = Request::get(Operation::Push, &self.repository, url, 0)
            .method(Method::HEAD, Access::PullPush);
        let answer = self.endpoint.exchange(&request).await?;
        match answer.status {
            StatusCode::OK => Ok(()),
            StatusCode::NOT_FOUND => self.upload(&blob.digest, bytes).await,
            _ => Err(self.endpoint.refusal(&request, &answer)),
        }
    }

    async fn upload(&self, digest: &Digest, bytes: Bytes) -> Result<(), RegistryError> {
        let mut attempts = 1;
        loop {
            match self.upload_once(digest, bytes.clone()).await {
                Err(RegistryError::Interrupted { .. }) if attempts < MAX_UPLOAD_ATTEMPTS => {
                    attempts += 1
                }
                result => return result,
            }
        }
    }

    /// An upload in two requests: one asks where to put the blob, one puts it there.
    async fn upload_once(&self, digest: &Digest, bytes: Bytes) -> Result<(), RegistryError> {
        let url = self.endpoint.url(&self.repository, "blobs/uploads/")?;
        let begin = Request::get(Operation::Push, &self.repository, url, MAX_MANIFEST_LEN)
            .method(Method::POST, Access::PullPush);
        let answer = self.endpoint.exchange(&begin).await?;
        if answer.status != StatusCode::ACCEPTED {
            return Err(self.endpoint.refusal(&begin, &answer));
        }
        let mut finish = Request::get(
            Operation::Push,
            &self.repository,
            self.upload_location(&begin, &answer, digest)?,
            MAX_MANIFEST_LEN,
        )
        .method(Method::PUT, Access::PullPush)
        .body(OCTETS, bytes);
        finish.repeatable = false;
        let answer = self.endpoint.exchange(&finish).await?;
        if answer.status.is_success() {
            Ok(())
        } else {
            Err(self.endpoint.refusal(&finish, &answer))
        }
    }

    /// Where the blob goes. The credential goes there too, so it must be the registry itself.
    fn upload_location(
        &self,
        begin: &Request<'_>,
        answer: &Answer,
        digest: &Digest,
    ) -> Result<Url, RegistryError> {
        let distrusted = |reason: &str| RegistryError::Distrusted {
            attempt: self.endpoint.attempt(begin.operation, begin.repository),
            reason: reason.to_owned(),
        };
        let location = answer
            .header("location")
            .ok_or_else(|| distrusted("it does not say where to upload to"))?;
        let mut url = begin
            .url
            .join(location)
            .map_err(|_| distrusted("it wants the upload at something that is no URL"))?;
        if !same_origin(&url, &begin.url) {
            return Err(distrusted(
                "it wants the upload on another server (if it is behind a proxy, it must be told its own address)",
            ));
        }
        url.query_pairs_mut()
            .append_pair("digest", &digest.to_string());
        Ok(url)
    }

    /// Puts a manifest under its digest, or under a tag.
    pub(super) async fn put_manifest(
        &self,
        manifest: &Descriptor,
        bytes: &[u8],
        tag: Option<&str>,
    ) -> Result<Answer, RegistryError> {
        let digest = manifest.digest.to_string();
        let url = self.endpoint.url(
            &self.repository,
            &format!("manifests/{}", tag.unwrap_or(&digest)),
        )?;
        let request = Request::get(Operation::Push, &self.repository, url, MAX_MANIFEST_LEN)
            .method(Method::PUT, Access::PullPush)
            .body(&manifest.media_type, Bytes::copy_from_slice(bytes));
        let answer = self.endpoint.exchange(&request).await?;
        if !answer.status.is_success() {
            return Err(self.endpoint.refusal(&request, &answer));
        }
        match answer
            .header("docker-content-digest")
            .and_then(|stored| stored.parse::<Digest>().ok())
        {
            Some(stored)
                if stored.algorithm() == manifest.digest.algorithm()
                    && stored != manifest.digest =>
            {
                Err(RegistryError::ContentMismatch {
                    what: "the manifest that was pushed".to_owned(),
                    place: self.place(),
                    source: ContentMismatch::Digest {
                        expected: manifest.digest.clone(),
                        actual: stored,
                    },
                })
            }
            _ => Ok(answer),
        }
    }
}
