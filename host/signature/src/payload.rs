//! What a signature is made over: one descriptor, as JSON ("Payload" in the signature specification).

use std::collections::BTreeMap;

use apostille_artifact::{Descriptor, Digest};
use serde::Serialize;

use crate::Error;
use crate::attributes::RESERVED_PREFIX;
use crate::json::{Members, read_object};
use crate::limits::MAX_PAYLOAD_LEN;
use crate::value::{AttributeName, AttributeValue};

/// The media type of the payload, the only one that exists.
pub const PAYLOAD_MEDIA_TYPE: &str = "application/vnd.cncf.notary.payload.v1+json";

/// The largest `size` in a descriptor: readers keep it in a signed 64-bit integer.
const MAX_SIZE: u64 = i64::MAX as u64;

/// The payload of an envelope.
///
/// ```
/// use apostille_artifact::{Descriptor, DigestAlgorithm};
/// use apostille_signature::Payload;
///
/// let blob = Descriptor::of("text/plain", DigestAlgorithm::Sha256, b"hello");
/// let metadata = [("build".to_owned(), "123".to_owned())].into();
/// let payload = Payload::new(&blob, metadata)?;
/// assert_eq!(Payload::from_json(&payload.to_json())?, payload);
/// # Ok::<(), apostille_signature::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    target_artifact: Descriptor,
}

impl Payload {
    /// The payload that signs `target`, with the user's metadata added to its annotations.
    ///
    /// Only media type, digest, size and annotations are signed: the rest of a descriptor says
    /// nothing that a verifier could check.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] if the key of a piece of metadata is empty, begins with the reserved
    /// prefix `io.cncf.notary`, or is an annotation of `target` already; if the media type is empty or
    /// the size is more than a signed 64-bit integer holds.
    pub fn new(target: &Descriptor, metadata: BTreeMap<String, String>) -> Result<Self, Error> {
        if target.media_type.is_empty() {
            return Err(Error::request("the artifact has no media type"));
        }
        if target.size > MAX_SIZE {
            return Err(Error::request(format!(
                "the artifact's size {} is too large",
                target.size
            )));
        }
        let mut target_artifact = target.content_only();
        target_artifact.annotations.clone_from(&target.annotations);
        for (key, value) in metadata {
            check_metadata_key(&key, &target_artifact)?;
            target_artifact.annotations.insert(key, value);
        }
        Ok(Self { target_artifact })
    }

    /// The artifact that is signed, with its annotations.
    #[must_use]
    pub fn target_artifact(&self) -> &Descriptor {
        &self.target_artifact
    }

    /// The payload in `json`.
    ///
    /// Members that are not known are ignored, since a later specification may add some; members
    /// that occur twice, or differ from a known one only in case, are refused.
    ///
    /// # Errors
    /// [`Error::TooLarge`] above [`MAX_PAYLOAD_LEN`], [`Error::InvalidPayload`].
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        Error::check_size("the payload", json.len(), MAX_PAYLOAD_LEN)?;
        read(json).map_err(|error| match error {
            Error::Malformed { reason, .. } => Error::InvalidPayload { reason },
            other => other,
        })
    }

    /// The payload as compact JSON.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Wire<'a> {
            target_artifact: &'a Descriptor,
        }
        let wire = Wire {
            target_artifact: &self.target_artifact,
        };
        // Writing texts and numbers to memory cannot fail; an empty payload is refused everywhere.
        serde_json::to_vec(&wire).unwrap_or_default()
    }
}

fn check_metadata_key(key: &str, target: &Descriptor) -> Result<(), Error> {
    if key.is_empty() {
        return Err(Error::request("a piece of user metadata has an empty key"));
    }
    if key.starts_with(RESERVED_PREFIX) {
        return Err(Error::request(format!(
            "the key \"{key}\" of the user metadata begins with the reserved prefix {RESERVED_PREFIX}"
        )));
    }
    if target.annotations.contains_key(key) {
        return Err(Error::request(format!(
            "the key \"{key}\" of the user metadata is an annotation of the artifact already"
        )));
    }
    Ok(())
}

fn read(json: &[u8]) -> Result<Payload, Error> {
    const KNOWN: [&str; 8] = [
        "mediaType",
        "digest",
        "size",
        "annotations",
        "artifactType",
        "urls",
        "data",
        "platform",
    ];
    let mut payload = read_object("payload", json)?;
    payload.refuse_case_variants(&["targetArtifact"])?;
    let target = payload
        .take("targetArtifact")
        .ok_or_else(|| payload.malformed("member \"targetArtifact\" is missing".to_owned()))?;
    let mut target = Members::of("targetArtifact", target)?;
    target.refuse_case_variants(&KNOWN)?;

    let media_type = target.take_text("mediaType")?;
    if media_type.is_empty() {
        return Err(target.malformed("member \"mediaType\" is empty".to_owned()));
    }
    let digest: Digest = target
        .take_text("digest")?
        .parse()
        .map_err(|error| target.malformed(format!("member \"digest\": {error}")))?;
    let size = match target.take("size") {
        Some(AttributeValue::Integer(size)) => {
            u64::try_from(size).ok().filter(|&size| size <= MAX_SIZE)
        }
        _ => None,
    }
    .ok_or_else(|| target.malformed("member \"size\" is no integer from 0 to 2^63-1".to_owned()))?;

    let mut target_artifact = Descriptor::new(media_type, digest, size);
    target_artifact.annotations = annotations(&mut target)?;
    target_artifact.artifact_type = match target.take("artifactType") {
        None => None,
        Some(AttributeValue::Text(text)) => Some(text).filter(|text| !text.is_empty()),
        Some(_) => return Err(target.malformed("member \"artifactType\" is no text".to_owned())),
    };
    Ok(Payload { target_artifact })
}

fn annotations(target: &mut Members) -> Result<BTreeMap<String, String>, Error> {
    let members = match target.take("annotations") {
        None | Some(AttributeValue::Null) => return Ok(BTreeMap::new()),
        Some(AttributeValue::Map(members)) => members,
        Some(_) => return Err(target.malformed("member \"annotations\" is no object".to_owned())),
    };
    members
        .into_iter()
        .map(|pair| match pair {
            (AttributeName::Text(key), AttributeValue::Text(value)) => Ok((key, value)),
            (key, _) => Err(target.malformed(format!("annotation \"{key}\" is no text"))),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use apostille_artifact::DigestAlgorithm;

    const DIGEST: &str = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

    fn refusal(json: &str) -> String {
        Payload::from_json(json.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn only_media_type_digest_size_and_annotations_are_written() {
        let mut target = Descriptor::of("text/plain", DigestAlgorithm::Sha256, b"hello");
        target.artifact_type = Some("a/b".to_owned());
        let payload = Payload::new(&target, [("k".to_owned(), "v".to_owned())].into()).unwrap();
        assert_eq!(
            String::from_utf8(payload.to_json()).unwrap(),
            format!(
                r#"{{"targetArtifact":{{"mediaType":"text/plain","digest":"{DIGEST}","size":5,"annotations":{{"k":"v"}}}}}}"#
            )
        );
    }

    #[test]
    fn user_metadata_may_not_use_the_reserved_prefix_nor_replace_an_annotation() {
        let mut target = Descriptor::of("text/plain", DigestAlgorithm::Sha256, b"hello");
        target
            .annotations
            .insert("taken".to_owned(), "x".to_owned());
        for key in ["io.cncf.notary.x", "io.cncf.notary", "taken", ""] {
            let metadata = [(key.to_owned(), "v".to_owned())].into();
            assert!(Payload::new(&target, metadata).is_err(), "{key}");
        }
    }

    #[test]
    fn members_that_are_not_known_are_ignored() {
        let json = format!(
            r#"{{"x":1,"targetArtifact":{{"mediaType":"a/b","digest":"{DIGEST}","size":0,"urls":["u"],"y":null,"annotations":null}}}}"#
        );
        let payload = Payload::from_json(json.as_bytes()).unwrap();
        assert_eq!(payload.target_artifact().size, 0);
    }

    #[test]
    fn a_descriptor_needs_media_type_digest_and_size_of_the_right_kind() {
        for (fault, json) in [
            ("targetArtifact", "{}".to_owned()),
            ("object", r#"{"targetArtifact":[]}"#.to_owned()),
            (
                "mediaType",
                format!(r#"{{"targetArtifact":{{"digest":"{DIGEST}","size":0}}}}"#),
            ),
            (
                "digest",
                r#"{"targetArtifact":{"mediaType":"a/b","size":0}}"#.to_owned(),
            ),
            (
                "digest",
                r#"{"targetArtifact":{"mediaType":"a/b","digest":"sha256:00","size":0}}"#
                    .to_owned(),
            ),
            (
                "size",
                format!(r#"{{"targetArtifact":{{"mediaType":"a/b","digest":"{DIGEST}"}}}}"#),
            ),
            (
                "size",
                format!(
                    r#"{{"targetArtifact":{{"mediaType":"a/b","digest":"{DIGEST}","size":-1}}}}"#
                ),
            ),
            (
                "size",
                format!(
                    r#"{{"targetArtifact":{{"mediaType":"a/b","digest":"{DIGEST}","size":1.5}}}}"#
                ),
            ),
            (
                "size",
                format!(
                    r#"{{"targetArtifact":{{"mediaType":"a/b","digest":"{DIGEST}","size":9223372036854775808}}}}"#
                ),
            ),
        ] {
            assert!(refusal(&json).contains(fault), "{json}: {}", refusal(&json));
        }
    }

    #[test]
    fn a_second_or_case_variant_member_is_refused() {
        let descriptor = format!(r#"{{"mediaType":"a/b","digest":"{DIGEST}","size":0}}"#);
        let twice = format!(r#"{{"targetArtifact":{descriptor},"targetArtifact":{descriptor}}}"#);
        assert!(refusal(&twice).contains("occurs twice"));
        let variant = format!(r#"{{"targetArtifact":{descriptor},"TargetArtifact":{descriptor}}}"#);
        assert!(refusal(&variant).contains("only in case"));
        let inner = format!(
            r#"{{"targetArtifact":{{"mediaType":"a/b","digest":"{DIGEST}","size":0,"Size":7}}}}"#
        );
        assert!(refusal(&inner).contains("only in case"));
    }

    #[test]
    fn a_payload_above_the_limit_is_refused() {
        let error = Payload::from_json(&vec![b' '; MAX_PAYLOAD_LEN + 1]).unwrap_err();
        assert!(matches!(
            error,
            Error::TooLarge {
                limit: MAX_PAYLOAD_LEN,
                ..
            }
        ));
    }
}
