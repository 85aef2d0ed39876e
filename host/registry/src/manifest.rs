//! Signature manifests: what ties an envelope to the artifact that it signs.
//!
//! Two forms are read: the one of OCI 1.1, with an `artifactType` and an empty configuration, and the
//! older one, whose configuration's media type says that this is a signature. The first is written.

use std::collections::BTreeMap;

use apostille_artifact::{Descriptor, DigestAlgorithm};
use serde::{Deserialize, Serialize};

use crate::media_type::{ARTIFACT_MANIFEST, EMPTY_JSON, IMAGE_INDEX, IMAGE_MANIFEST, SIGNATURE};
use crate::store::NewSignature;

/// The content of the empty configuration.
pub(crate) const EMPTY_CONFIG: &[u8] = b"{}";

/// Why a manifest is not that of a signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureManifestError {
    /// It is not a JSON document of a manifest's shape.
    #[error("it is not a manifest: {0}")]
    NotAManifest(String),
    /// Its media type is neither an image manifest nor the withdrawn artifact manifest.
    #[error("its media type is {0:?}, which cannot hold a signature")]
    MediaType(String),
    /// It says that it is something else.
    #[error("its artifact type is {0:?} and not that of a Notary Project signature")]
    ArtifactType(String),
    /// Its configuration is neither empty nor of the older form.
    #[error(
        "its configuration has media type {0:?}, where a signature has the empty configuration"
    )]
    Config(String),
    /// It has none or several layers.
    #[error("it has {0} layers, where a signature has exactly one, the envelope")]
    Layers(usize),
}

/// What a signature manifest says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignatureManifest {
    pub(crate) envelope: Descriptor,
    pub(crate) subject: Option<Descriptor>,
    pub(crate) annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReadManifest {
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    blobs: Option<Vec<Descriptor>>,
    subject: Option<Descriptor>,
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenManifest<'a> {
    schema_version: u8,
    media_type: &'static str,
    artifact_type: &'static str,
    config: EmptyConfig,
    layers: [&'a Descriptor; 1],
    subject: &'a Descriptor,
    annotations: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct EmptyConfig {
    #[serde(flatten)]
    descriptor: Descriptor,
    data: &'static str,
}

impl SignatureManifest {
    /// Reads a manifest that a store holds under `media_type`.
    pub(crate) fn parse(media_type: &str, bytes: &[u8]) -> Result<Self, SignatureManifestError> {
        let manifest: ReadManifest = serde_json::from_slice(bytes)
            .map_err(|error| SignatureManifestError::NotAManifest(error.to_string()))?;
        if let Some(inner) = manifest
            .media_type
            .as_deref()
            .filter(|inner| *inner != media_type)
        {
            return Err(SignatureManifestError::MediaType(inner.to_owned()));
        }
        let layers = match media_type {
            IMAGE_MANIFEST => {
                check_kind(manifest.artifact_type.as_deref(), manifest.config.as_ref())?;
                manifest.layers
            }
            ARTIFACT_MANIFEST => {
                check_artifact_type(manifest.artifact_type.as_deref().unwrap_or_default())?;
                manifest.blobs
            }
            other => return Err(SignatureManifestError::MediaType(other.to_owned())),
        };
        let layers = layers.unwrap_or_default();
        let [envelope]: [Descriptor; 1] = layers
            .try_into()
            .map_err(|layers: Vec<_>| SignatureManifestError::Layers(layers.len()))?;
        Ok(Self {
            envelope,
            subject: manifest.subject,
            annotations: manifest.annotations.unwrap_or_default(),
        })
    }
}

fn check_kind(
    artifact_type: Option<&str>,
    config: Option<&Descriptor>,
) -> Result<(), SignatureManifestError> {
    let config = config
        .map(|config| config.media_type.as_str())
        .unwrap_or_default();
    match artifact_type.filter(|text| !text.is_empty()) {
        Some(artifact_type) => {
            check_artifact_type(artifact_type)?;
            if config == EMPTY_JSON {
                Ok(())
            } else {
                Err(SignatureManifestError::Config(config.to_owned()))
            }
        }
        None => check_artifact_type(config),
    }
}

fn check_artifact_type(artifact_type: &str) -> Result<(), SignatureManifestError> {
    if artifact_type == SIGNATURE {
        Ok(())
    } else {
        Err(SignatureManifestError::ArtifactType(
            artifact_type.to_owned(),
        ))
    }
}

/// The three pieces in which a signature is stored.
pub(crate) struct SignatureParts {
    pub(crate) envelope: Descriptor,
    pub(crate) config: Descriptor,
    pub(crate) manifest_bytes: Vec<u8>,
    /// Carries artifact type and annotations, as the indexes that list it do.
    pub(crate) manifest: Descriptor,
}

impl SignatureParts {
    /// Makes the manifest of a signature over `subject`. Registries speak SHA-256, whatever the
    /// signature's own hash is.
    pub(crate) fn new(
        subject: &Descriptor,
        signature: &NewSignature,
    ) -> Result<Self, serde_json::Error> {
        let envelope = Descriptor::of(
            signature.media_type.clone(),
            DigestAlgorithm::Sha256,
            &signature.envelope,
        );
        let config = Descriptor::of(EMPTY_JSON, DigestAlgorithm::Sha256, EMPTY_CONFIG);
        let manifest_bytes = serde_json::to_vec(&WrittenManifest {
            schema_version: 2,
            media_type: IMAGE_MANIFEST,
            artifact_type: SIGNATURE,
            config: EmptyConfig {
                descriptor: config.clone(),
                data: "e30=",
            },
            layers: [&envelope],
            subject: &subject.content_only(),
            annotations: &signature.annotations,
        })?;
        let mut manifest = Descriptor::of(IMAGE_MANIFEST, DigestAlgorithm::Sha256, &manifest_bytes);
        manifest.artifact_type = Some(SIGNATURE.to_owned());
        manifest.annotations = signature.annotations.clone();
        Ok(Self {
            envelope,
            config,
            manifest_bytes,
            manifest,
        })
    }
}

/// What a manifest refers to, if it is one and refers to anything.
pub(crate) fn subject_of(manifest: &[u8]) -> Option<Descriptor> {
    #[derive(Deserialize)]
    struct Subject {
        subject: Option<Descriptor>,
    }
    serde_json::from_slice::<Subject>(manifest).ok()?.subject
}

/// What a manifest says that it is, or what its attributes show it to be where it does not say.
pub(crate) fn media_type_of(manifest: &[u8]) -> Option<String> {
    let manifest: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(manifest).ok()?;
    if let Some(media_type) = manifest.get("mediaType") {
        return Some(media_type.as_str()?.to_owned());
    }
    match (
        manifest.contains_key("manifests"),
        manifest.contains_key("layers"),
    ) {
        (true, false) => Some(IMAGE_INDEX.to_owned()),
        (false, true) => Some(IMAGE_MANIFEST.to_owned()),
        _ => None,
    }
}

/// The entries of an index. Entries that are no descriptors are left out: nothing can be fetched by them.
pub(crate) fn entries_of(index: &[u8]) -> Result<Vec<Descriptor>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Index {
        // Null is how some writers spell an empty list.
        manifests: Option<Vec<serde_json::Value>>,
    }
    let entries = serde_json::from_slice::<Index>(index)?
        .manifests
        .unwrap_or_default();
    Ok(entries
        .into_iter()
        .filter_map(|entry| serde_json::from_value(entry).ok())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use time::OffsetDateTime;

    fn subject() -> Descriptor {
        Descriptor::of(IMAGE_MANIFEST, DigestAlgorithm::Sha256, b"{}")
    }

    fn written() -> Value {
        let signature = NewSignature::new(
            "application/cose",
            b"envelope".to_vec(),
            &[[1; 32]],
            OffsetDateTime::UNIX_EPOCH,
            BTreeMap::new(),
        );
        serde_json::from_slice(
            &SignatureParts::new(&subject(), &signature)
                .unwrap()
                .manifest_bytes,
        )
        .unwrap()
    }

    fn parse(manifest: &Value) -> Result<SignatureManifest, SignatureManifestError> {
        SignatureManifest::parse(IMAGE_MANIFEST, manifest.to_string().as_bytes())
    }

    #[test]
    fn a_written_manifest_reads_back() {
        let manifest = parse(&written()).unwrap();
        assert_eq!(manifest.subject, Some(subject()));
        assert_eq!(manifest.envelope.media_type, "application/cose");
        assert!(manifest.envelope.check(b"envelope").is_ok());
        assert_eq!(manifest.annotations.len(), 2);
        assert_eq!(written()["config"]["data"], "e30=");
        assert_eq!(
            written()["config"]["digest"],
            "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        );
    }

    #[test]
    fn the_older_form_is_read() {
        let mut older = written();
        older.as_object_mut().unwrap().remove("artifactType");
        older["config"]["mediaType"] = json!(SIGNATURE);
        assert!(parse(&older).is_ok());
    }

    #[test]
    fn the_withdrawn_artifact_manifest_is_read() {
        let mut withdrawn = written();
        withdrawn["mediaType"] = json!(ARTIFACT_MANIFEST);
        withdrawn["blobs"] = withdrawn["layers"].take();
        let text = withdrawn.to_string();
        assert!(SignatureManifest::parse(ARTIFACT_MANIFEST, text.as_bytes()).is_ok());
    }

    #[test]
    fn exactly_one_layer_is_required() {
        let layer = written()["layers"][0].clone();
        for (layers, count) in [(json!([]), 0), (json!([layer, layer]), 2), (Value::Null, 0)] {
            let mut manifest = written();
            manifest["layers"] = layers;
            assert_eq!(parse(&manifest), Err(SignatureManifestError::Layers(count)));
        }
    }

    #[test]
    fn what_is_something_else_is_no_signature() {
        let mut sbom = written();
        sbom["artifactType"] = json!("application/spdx+json");
        assert!(matches!(
            parse(&sbom),
            Err(SignatureManifestError::ArtifactType(_))
        ));

        let mut image = written();
        image.as_object_mut().unwrap().remove("artifactType");
        assert!(matches!(
            parse(&image),
            Err(SignatureManifestError::ArtifactType(_))
        ));

        let mut configured = written();
        configured["config"]["mediaType"] = json!(SIGNATURE);
        assert!(matches!(
            parse(&configured),
            Err(SignatureManifestError::Config(_))
        ));

        let mut index = written();
        index["mediaType"] = json!("application/vnd.oci.image.index.v1+json");
        assert!(matches!(
            parse(&index),
            Err(SignatureManifestError::MediaType(_))
        ));
        assert!(matches!(
            SignatureManifest::parse("text/html", b"{}"),
            Err(SignatureManifestError::MediaType(_))
        ));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_manifest_or_an_error(bytes: Vec<u8>, text in "[\\[\\]{}\":,a-z0-9]{0,60}") {
            let _ = SignatureManifest::parse(IMAGE_MANIFEST, &bytes);
            let _ = SignatureManifest::parse(IMAGE_MANIFEST, text.as_bytes());
            let _ = entries_of(text.as_bytes());
        }
    }
}
