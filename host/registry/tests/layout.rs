//! OCI layouts as stores of signatures.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use apostille_artifact::{Descriptor, Digest, DigestAlgorithm, Selector, Tag};
use apostille_registry::limits::{MAX_ENVELOPE_LEN, MAX_MANIFEST_LEN, MAX_SCANNED_MANIFESTS};
use apostille_registry::media_type::{IMAGE_INDEX, IMAGE_MANIFEST, SIGNATURE};
use apostille_registry::{ArtifactStore, Malformed, NewSignature, OciLayout, RegistryError};
use serde_json::{Value, json};
use tempfile::TempDir;
use time::OffsetDateTime;

struct Fixture {
    directory: TempDir,
    layout: OciLayout,
    image: Descriptor,
}

fn tag(name: &str) -> Selector {
    Selector::Tag(name.parse().unwrap())
}

fn fixture() -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let v1: Tag = "v1".parse().unwrap();
    let (layout, image) = OciLayout::create(&directory.path().join("app"), &v1, b"layer").unwrap();
    Fixture {
        directory,
        layout,
        image,
    }
}

fn signature(envelope: &[u8]) -> NewSignature {
    NewSignature::new(
        "application/cose",
        envelope.to_vec(),
        &[[7; 32]],
        OffsetDateTime::now_utc(),
        BTreeMap::new(),
    )
}

impl Fixture {
    fn blob(&self, digest: &Digest) -> PathBuf {
        self.layout.path().join("blobs/sha256").join(digest.hex())
    }

    fn index(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.layout.path().join("index.json")).unwrap())
            .unwrap()
    }

    fn write_index(&self, index: &Value) {
        std::fs::write(self.layout.path().join("index.json"), index.to_string()).unwrap();
    }

    fn add_blob(&self, media_type: &str, content: &Value) -> Descriptor {
        let bytes = content.to_string().into_bytes();
        let descriptor = Descriptor::of(media_type, DigestAlgorithm::Sha256, &bytes);
        std::fs::write(self.blob(&descriptor.digest), bytes).unwrap();
        descriptor
    }

    async fn push(&self, envelope: &[u8]) -> Descriptor {
        self.layout
            .push_signature(&self.image, &signature(envelope))
            .await
            .unwrap()
            .manifest
    }

    async fn listed(&self) -> Vec<Digest> {
        let list = self.layout.signatures(&self.image, 100).await.unwrap();
        list.manifests
            .into_iter()
            .map(|manifest| manifest.digest)
            .collect()
    }
}

#[tokio::test]
async fn an_image_is_found_by_tag_and_by_digest() {
    let fixture = fixture();
    assert_eq!(
        fixture.layout.resolve(&tag("v1")).await.unwrap(),
        fixture.image
    );
    let by_digest = Selector::Digest(fixture.image.digest.clone());
    assert_eq!(
        fixture.layout.resolve(&by_digest).await.unwrap(),
        fixture.image
    );
    let reopened = OciLayout::open(fixture.layout.path()).unwrap();
    assert_eq!(reopened.resolve(&tag("v1")).await.unwrap(), fixture.image);
}

#[tokio::test]
async fn a_pushed_signature_is_listed_and_fetched_and_nothing_else_changes() {
    let fixture = fixture();
    let before = fixture.index();
    let manifest = fixture.push(b"envelope").await;

    let list = fixture
        .layout
        .signatures(&fixture.image, 100)
        .await
        .unwrap();
    assert_eq!(list.manifests, std::slice::from_ref(&manifest));
    assert!(!list.truncated);

    let stored = fixture.layout.fetch_signature(&manifest).await.unwrap();
    assert_eq!(stored.envelope, b"envelope");
    assert_eq!(stored.media_type, "application/cose");
    assert_eq!(stored.subject, Some(fixture.image.clone()));
    assert_eq!(stored.annotations, manifest.annotations);

    let mut after = fixture.index();
    assert_eq!(after["manifests"][1]["artifactType"], SIGNATURE);
    after["manifests"].as_array_mut().unwrap().pop();
    assert_eq!(after, before);
    let unfinished = std::fs::read_dir(fixture.layout.path()).unwrap().count();
    assert_eq!(
        unfinished, 3,
        "oci-layout, index.json and blobs, no temporary file"
    );
}

#[tokio::test]
async fn the_same_signature_twice_is_one_entry() {
    let fixture = fixture();
    let one = signature(b"envelope");
    fixture
        .layout
        .push_signature(&fixture.image, &one)
        .await
        .unwrap();
    fixture
        .layout
        .push_signature(&fixture.image, &one)
        .await
        .unwrap();
    assert_eq!(fixture.listed().await.len(), 1);
}

#[tokio::test]
async fn foreign_attributes_of_the_index_survive_a_push() {
    let fixture = fixture();
    let mut index = fixture.index();
    index["annotations"] = json!({"vendor": "kept"});
    index["manifests"][0]["urls"] = json!(["https://example.com/image"]);
    fixture.write_index(&index);
    fixture.push(b"envelope").await;
    assert_eq!(fixture.index()["annotations"]["vendor"], "kept");
    assert_eq!(
        fixture.index()["manifests"][0]["urls"][0],
        "https://example.com/image"
    );
}

#[tokio::test]
async fn the_limit_cuts_the_list_and_says_so() {
    let fixture = fixture();
    for number in 0..3_u8 {
        fixture.push(&[number]).await;
    }
    let list = fixture.layout.signatures(&fixture.image, 2).await.unwrap();
    assert_eq!((list.manifests.len(), list.truncated), (2, true));
    let list = fixture.layout.signatures(&fixture.image, 3).await.unwrap();
    assert_eq!((list.manifests.len(), list.truncated), (3, false));
}

#[tokio::test]
async fn eight_writers_at_once_lose_nothing() {
    let fixture = fixture();
    let writers: Vec<_> = (0..8_u8)
        .map(|writer| {
            let (layout, image) = (
                OciLayout::open(fixture.layout.path()).unwrap(),
                fixture.image.clone(),
            );
            tokio::spawn(async move {
                for number in 0..5 {
                    layout
                        .push_signature(&image, &signature(&[writer, number]))
                        .await
                        .unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(fixture.listed().await.len(), 40);
}

#[tokio::test]
async fn signatures_in_the_older_form_and_behind_a_referrers_tag_are_found() {
    let fixture = fixture();
    let pushed = fixture.push(b"envelope").await;
    let mut older: Value =
        serde_json::from_slice(&std::fs::read(fixture.blob(&pushed.digest)).unwrap()).unwrap();
    older.as_object_mut().unwrap().remove("artifactType");
    older["config"]["mediaType"] = json!(SIGNATURE);
    let older = fixture.add_blob(IMAGE_MANIFEST, &older);

    let referrers = fixture.add_blob(
        IMAGE_INDEX,
        &json!({"schemaVersion": 2, "manifests": [older]}),
    );
    let mut index = fixture.index();
    let mut entry = serde_json::to_value(&referrers).unwrap();
    let name = format!("sha256-{}", fixture.image.digest.hex());
    entry["annotations"] = json!({"org.opencontainers.image.ref.name": name});
    index["manifests"] = json!([index["manifests"][0], entry]);
    fixture.write_index(&index);

    assert_eq!(fixture.listed().await, std::slice::from_ref(&older.digest));
    assert_eq!(
        fixture
            .layout
            .fetch_signature(&older)
            .await
            .unwrap()
            .envelope,
        b"envelope"
    );
}

#[tokio::test]
async fn what_refers_to_the_image_and_is_no_signature_is_not_listed() {
    let fixture = fixture();
    let sbom = fixture.add_blob(
        IMAGE_MANIFEST,
        &json!({"schemaVersion": 2, "artifactType": "application/spdx+json", "subject": fixture.image, "layers": []}),
    );
    let mut index = fixture.index();
    index["manifests"]
        .as_array_mut()
        .unwrap()
        .push(serde_json::to_value(&sbom).unwrap());
    fixture.write_index(&index);
    assert!(fixture.listed().await.is_empty());
    assert!(matches!(
        fixture.layout.fetch_signature(&sbom).await,
        Err(RegistryError::NotASignature { .. })
    ));
}

#[tokio::test]
async fn an_index_that_contains_itself_ends() {
    // No index can hold its own digest; two that are reached again and again come close.
    let fixture = fixture();
    let inner = fixture.add_blob(
        IMAGE_INDEX,
        &json!({"manifests": [fixture.image, fixture.image]}),
    );
    let outer = fixture.add_blob(IMAGE_INDEX, &json!({"manifests": vec![&inner; 2000]}));
    fixture.write_index(&json!({"schemaVersion": 2, "manifests": vec![&outer; 2000]}));
    let by_digest = Selector::Digest(fixture.image.digest.clone());
    assert_eq!(
        fixture.layout.resolve(&by_digest).await.unwrap(),
        fixture.image
    );
}

#[tokio::test]
async fn a_layout_of_endless_manifests_is_refused() {
    let fixture = fixture();
    let half = |start: usize| {
        let entries: Vec<_> = (start..start + MAX_SCANNED_MANIFESTS / 2)
            .map(|number| json!({"mediaType": "a", "digest": format!("sha256:{number:064}"), "size": 0}))
            .collect();
        fixture.add_blob(IMAGE_INDEX, &json!({"manifests": entries}))
    };
    fixture.write_index(&json!({"manifests": [half(0), half(MAX_SCANNED_MANIFESTS)]}));
    let error = fixture
        .layout
        .signatures(&fixture.image, 1)
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            RegistryError::Malformed {
                reason: Malformed::TooManyManifests,
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_tag_for_two_manifests_is_ambiguous() {
    let fixture = fixture();
    let other = fixture.add_blob(IMAGE_MANIFEST, &json!({"schemaVersion": 2, "layers": []}));
    let mut index = fixture.index();
    let mut entry = serde_json::to_value(&other).unwrap();
    entry["annotations"] = index["manifests"][0]["annotations"].clone();
    index["manifests"].as_array_mut().unwrap().push(entry);
    fixture.write_index(&index);
    assert!(matches!(
        fixture.layout.resolve(&tag("v1")).await,
        Err(RegistryError::AmbiguousTag { .. })
    ));
}

#[tokio::test]
async fn a_tampered_manifest_is_refused_wherever_it_is_read() {
    let fixture = fixture();
    let signature_manifest = fixture.push(b"envelope").await;
    flip_one_byte(&fixture.blob(&signature_manifest.digest));
    assert!(matches!(
        fixture.layout.signatures(&fixture.image, 9).await,
        Err(RegistryError::ContentMismatch { .. })
    ));
    let fetched = fixture.layout.fetch_signature(&signature_manifest).await;
    assert!(matches!(
        fetched,
        Err(RegistryError::ContentMismatch { .. })
    ));

    flip_one_byte(&fixture.blob(&fixture.image.digest));
    assert!(matches!(
        fixture.layout.resolve(&tag("v1")).await,
        Err(RegistryError::ContentMismatch { .. })
    ));
    let pushed = fixture
        .layout
        .push_signature(&fixture.image, &signature(b"x"))
        .await;
    assert!(matches!(pushed, Err(RegistryError::ContentMismatch { .. })));
}

#[tokio::test]
async fn a_tampered_or_missing_envelope_is_refused() {
    let fixture = fixture();
    let manifest = fixture.push(b"envelope").await;
    let envelope = fixture.blob(&Digest::of(DigestAlgorithm::Sha256, b"envelope"));
    flip_one_byte(&envelope);
    assert!(matches!(
        fixture.layout.fetch_signature(&manifest).await,
        Err(RegistryError::ContentMismatch { .. })
    ));
    std::fs::remove_file(envelope).unwrap();
    assert!(matches!(
        fixture.layout.fetch_signature(&manifest).await,
        Err(RegistryError::NotFound { .. })
    ));
}

#[tokio::test]
async fn a_damaged_blob_is_repaired_by_pushing_it_again() {
    let fixture = fixture();
    let one = signature(b"envelope");
    let manifest = fixture
        .layout
        .push_signature(&fixture.image, &one)
        .await
        .unwrap()
        .manifest;
    flip_one_byte(&fixture.blob(&Digest::of(DigestAlgorithm::Sha256, b"envelope")));
    fixture
        .layout
        .push_signature(&fixture.image, &one)
        .await
        .unwrap();
    assert_eq!(
        fixture
            .layout
            .fetch_signature(&manifest)
            .await
            .unwrap()
            .envelope,
        b"envelope"
    );
}

#[tokio::test]
async fn content_over_its_limit_is_refused() {
    let fixture = fixture();
    let envelope = vec![0; usize::try_from(MAX_ENVELOPE_LEN).unwrap() + 1];
    let pushed = fixture
        .layout
        .push_signature(&fixture.image, &signature(&envelope))
        .await;
    assert!(matches!(
        pushed,
        Err(RegistryError::TooLarge {
            limit: MAX_ENVELOPE_LEN,
            ..
        })
    ));

    // A manifest that announces a large envelope, and one that is large itself.
    let manifest = fixture.push(b"envelope").await;
    let mut large: Value =
        serde_json::from_slice(&std::fs::read(fixture.blob(&manifest.digest)).unwrap()).unwrap();
    large["layers"][0]["size"] = json!(MAX_ENVELOPE_LEN + 1);
    let announced = fixture.add_blob(IMAGE_MANIFEST, &large);
    let fetched = fixture.layout.fetch_signature(&announced).await;
    assert!(matches!(
        fetched,
        Err(RegistryError::TooLarge {
            limit: MAX_ENVELOPE_LEN,
            ..
        })
    ));
    large["annotations"]["filler"] = json!("x".repeat(usize::try_from(MAX_MANIFEST_LEN).unwrap()));
    let grown = fixture.add_blob(IMAGE_MANIFEST, &large);
    let fetched = fixture.layout.fetch_signature(&grown).await;
    assert!(matches!(
        fetched,
        Err(RegistryError::TooLarge {
            limit: MAX_MANIFEST_LEN,
            ..
        })
    ));

    // A file that is larger than its descriptor admits is not read to its end.
    std::fs::write(
        fixture.blob(&fixture.image.digest),
        vec![b' '; usize::try_from(MAX_MANIFEST_LEN).unwrap() + 1],
    )
    .unwrap();
    assert!(matches!(
        fixture.layout.resolve(&tag("v1")).await,
        Err(RegistryError::TooLarge { .. })
    ));

    fixture.write_index(
        &json!({"manifests": [], "filler": "x".repeat(usize::try_from(MAX_MANIFEST_LEN).unwrap())}),
    );
    assert!(matches!(
        fixture.layout.resolve(&tag("v1")).await,
        Err(RegistryError::TooLarge { .. })
    ));
}

#[tokio::test]
async fn an_index_is_never_written_beyond_what_is_read() {
    let fixture = fixture();
    let mut index = fixture.index();
    index["filler"] = json!("x".repeat(usize::try_from(MAX_MANIFEST_LEN).unwrap() - 700));
    fixture.write_index(&index);
    let pushed = fixture
        .layout
        .push_signature(&fixture.image, &signature(b"envelope"))
        .await;
    assert!(
        matches!(pushed, Err(RegistryError::TooLarge { .. })),
        "{pushed:?}"
    );
    assert_eq!(fixture.index(), index);
}

#[tokio::test]
async fn what_is_no_layout_is_said_to_be_none() {
    let fixture = fixture();
    let root = fixture.directory.path();
    let refused =
        |path: &Path| matches!(OciLayout::open(path), Err(RegistryError::NotALayout { .. }));
    assert!(refused(root));
    assert!(refused(&root.join("missing")));
    assert!(refused(&fixture.layout.path().join("index.json")));
    for version in [r#"{"imageLayoutVersion":"2.0.0"}"#, "{}", "garbage"] {
        std::fs::write(fixture.layout.path().join("oci-layout"), version).unwrap();
        assert!(refused(fixture.layout.path()), "{version}");
    }
    let v1: Tag = "v1".parse().unwrap();
    assert!(
        OciLayout::create(fixture.layout.path(), &v1, b"layer").is_err(),
        "an existing layout is not overwritten"
    );
}

#[tokio::test]
async fn a_missing_name_is_not_found() {
    let fixture = fixture();
    let unknown = Digest::of(DigestAlgorithm::Sha256, b"unknown");
    for selector in [tag("v2"), Selector::Digest(unknown)] {
        let error = fixture.layout.resolve(&selector).await.unwrap_err();
        assert!(matches!(&error, RegistryError::NotFound { .. }), "{error}");
        assert!(error.to_string().contains(&selector.to_string()), "{error}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_pipe_in_place_of_a_blob_does_not_block() {
    let fixture = fixture();
    let blob = fixture.blob(&fixture.image.digest);
    std::fs::remove_file(&blob).unwrap();
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&blob)
            .status()
            .unwrap()
            .success()
    );
    assert!(matches!(
        fixture.layout.resolve(&tag("v1")).await,
        Err(RegistryError::Io { .. })
    ));
}

fn flip_one_byte(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[0] ^= 1;
    std::fs::write(path, bytes).unwrap();
}
