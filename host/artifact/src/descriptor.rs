//! Descriptors: what an artifact is, and how to check that one got it.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::{Digest, DigestAlgorithm};

/// An OCI content descriptor: media type, digest and size of some bytes, with optional annotations.
///
/// This is what a signature is made over. Attributes of the OCI descriptor that do not identify the
/// content (`urls`, `data`) are ignored when read, so that they cannot influence anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Descriptor {
    /// The media type of the bytes (RFC 6838), for example `application/vnd.oci.image.manifest.v1+json`.
    pub media_type: String,
    /// The digest of the bytes.
    pub digest: Digest,
    /// How many bytes there are.
    pub size: u64,
    /// Free key and value pairs; keys that begin with `io.cncf.notary` are reserved.
    #[serde(
        default,
        deserialize_with = "null_as_empty",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub annotations: BTreeMap<String, String>,
    /// What kind of artifact a manifest describes, where the media type alone does not say.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub artifact_type: Option<String>,
    /// The platform that an image in an index is meant for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
}

/// The platform of an image in an index (OCI image index specification).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Platform {
    /// The processor architecture in Go's words, for example `amd64`.
    #[serde(default)]
    pub architecture: String,
    /// The operating system in Go's words, for example `linux`.
    #[serde(default)]
    pub os: String,
    /// The variant of the processor, for example `v8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// The version of the operating system; Windows images carry it.
    #[serde(
        rename = "os.version",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub os_version: Option<String>,
}

impl Platform {
    /// A platform without variant.
    pub fn new(os: impl Into<String>, architecture: impl Into<String>) -> Self {
        Self {
            architecture: architecture.into(),
            os: os.into(),
            variant: None,
            os_version: None,
        }
    }
}

/// Bytes that are not what the descriptor announced.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContentMismatch {
    /// There are more or fewer bytes than announced.
    #[error("it has {actual} bytes where {expected} were announced")]
    Size {
        /// The size in the descriptor.
        expected: u64,
        /// The size of the bytes.
        actual: u64,
    },
    /// The bytes hash to something else.
    #[error("its digest is {actual} where {expected} was announced")]
    Digest {
        /// The digest in the descriptor.
        expected: Digest,
        /// The digest of the bytes.
        actual: Digest,
    },
}

impl Descriptor {
    /// A descriptor with the three attributes that identify content, and nothing else.
    pub fn new(media_type: impl Into<String>, digest: Digest, size: u64) -> Self {
        Self {
            media_type: media_type.into(),
            digest,
            size,
            annotations: BTreeMap::new(),
            artifact_type: None,
            platform: None,
        }
    }

    /// Describes `content`.
    pub fn of(media_type: impl Into<String>, algorithm: DigestAlgorithm, content: &[u8]) -> Self {
        Self::new(
            media_type,
            Digest::of(algorithm, content),
            content.len() as u64,
        )
    }

    /// Checks that `content` has the size and the digest that this descriptor announces.
    ///
    /// # Errors
    /// [`ContentMismatch`] says which of the two differs; the size is compared first.
    pub fn check(&self, content: &[u8]) -> Result<(), ContentMismatch> {
        let actual = content.len() as u64;
        if actual != self.size {
            return Err(ContentMismatch::Size {
                expected: self.size,
                actual,
            });
        }
        let actual = Digest::of(self.digest.algorithm(), content);
        if actual != self.digest {
            return Err(ContentMismatch::Digest {
                expected: self.digest.clone(),
                actual,
            });
        }
        Ok(())
    }

    /// Whether both describe the same content: media type, digest and size are equal. Annotations,
    /// artifact type and platform say something about the content and are not compared.
    pub fn same_content(&self, other: &Self) -> bool {
        self.media_type == other.media_type
            && self.digest == other.digest
            && self.size == other.size
    }

    /// The same content without annotations, artifact type and platform.
    #[must_use]
    pub fn content_only(&self) -> Self {
        Self::new(self.media_type.clone(), self.digest.clone(), self.size)
    }
}

// Go's encoder writes an absent map as null, and its decoder takes null for empty.
fn null_as_empty<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn empty_as_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Descriptor {
        Descriptor::of(
            "application/octet-stream",
            DigestAlgorithm::Sha256,
            b"content",
        )
    }

    #[test]
    fn only_what_is_there_is_written() {
        let json = serde_json::to_string(&sample()).unwrap();
        assert_eq!(
            json,
            r#"{"mediaType":"application/octet-stream","digest":"sha256:ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73","size":7}"#
        );
    }

    #[test]
    fn every_attribute_reads_back() {
        let mut descriptor = sample();
        descriptor.annotations.insert("key".into(), "value".into());
        descriptor.artifact_type = Some("application/vnd.cncf.notary.signature".into());
        descriptor.platform = Some(Platform {
            variant: Some("v8".into()),
            ..Platform::new("linux", "arm64")
        });
        let json = serde_json::to_string(&descriptor).unwrap();
        assert_eq!(
            serde_json::from_str::<Descriptor>(&json).unwrap(),
            descriptor
        );
    }

    #[test]
    fn null_annotations_and_an_empty_artifact_type_mean_absent() {
        let digest = sample().digest;
        let json = format!(
            r#"{{"mediaType":"a/b","digest":"{digest}","size":0,"annotations":null,"artifactType":""}}"#
        );
        let descriptor: Descriptor = serde_json::from_str(&json).unwrap();
        assert!(descriptor.annotations.is_empty());
        assert_eq!(descriptor.artifact_type, None);
    }

    #[test]
    fn a_negative_size_a_missing_digest_and_a_repeated_digest_are_refused() {
        let digest = sample().digest;
        for json in [
            format!(r#"{{"mediaType":"a/b","digest":"{digest}","size":-1}}"#),
            r#"{"mediaType":"a/b","size":1}"#.to_owned(),
            format!(r#"{{"mediaType":"a/b","digest":"{digest}","digest":"{digest}","size":1}}"#),
        ] {
            assert!(serde_json::from_str::<Descriptor>(&json).is_err(), "{json}");
        }
    }

    #[test]
    fn size_and_digest_are_both_checked() {
        assert_eq!(sample().check(b"content"), Ok(()));
        assert_eq!(
            sample().check(b"contents"),
            Err(ContentMismatch::Size {
                expected: 7,
                actual: 8
            })
        );
        assert!(matches!(
            sample().check(b"Content"),
            Err(ContentMismatch::Digest { .. })
        ));
    }

    #[test]
    fn annotations_do_not_make_other_content() {
        let mut annotated = sample();
        annotated.annotations.insert("key".into(), "value".into());
        assert!(annotated.same_content(&sample()));
        assert_eq!(annotated.content_only(), sample());
        let mut other = sample();
        other.media_type = "text/plain".into();
        assert!(!other.same_content(&sample()));
    }
}
