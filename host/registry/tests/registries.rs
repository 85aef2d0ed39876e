//! Real registries: one with the referrers API, one without.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::BTreeMap;
use std::sync::Arc;

use apostille_artifact::{Descriptor, Digest, DigestAlgorithm, Selector, Tag};
use apostille_registry::{
    ArtifactStore, Credential, NewSignature, PlainHttp, RegistryClient, RegistryError,
    RegistryOptions, RemoteRepository, SingleLayerImage,
};
use apostille_testing::registry::{
    DockerRegistry, DockerRegistryOptions, FerroRegistry, PASSWORD, USER,
};
use time::OffsetDateTime;

fn signature(envelope: &[u8]) -> NewSignature {
    NewSignature::new(
        "application/cose",
        envelope.to_vec(),
        &[[7; 32]],
        OffsetDateTime::now_utc(),
        BTreeMap::new(),
    )
}

fn repository(host: &str, options: RegistryOptions) -> RemoteRepository {
    let client = RegistryClient::new(options).unwrap();
    client
        .repository(&host.parse().unwrap(), &"team/app".parse().unwrap())
        .unwrap()
}

fn logged_in(username: &str, password: &str) -> RegistryOptions {
    let mut options = RegistryOptions::default();
    options.credentials = Arc::new(Credential::from_login(username, password));
    options
}

async fn push_image(repository: &RemoteRepository) -> Descriptor {
    let v1: Tag = "v1".parse().unwrap();
    repository
        .push_image(&SingleLayerImage::new(b"layer"), &v1)
        .await
        .unwrap()
}

fn tag(name: &str) -> Selector {
    Selector::Tag(name.parse().unwrap())
}

async fn listed(repository: &RemoteRepository, image: &Descriptor) -> Vec<Digest> {
    let list = repository.signatures(image, 1000).await.unwrap();
    list.manifests
        .into_iter()
        .map(|manifest| manifest.digest)
        .collect()
}

async fn a_signature_goes_in_and_comes_out(repository: &RemoteRepository) {
    let image = push_image(repository).await;
    assert_eq!(repository.resolve(&tag("v1")).await.unwrap(), image);
    assert_eq!(
        repository
            .resolve(&Selector::Digest(image.digest.clone()))
            .await
            .unwrap(),
        image
    );
    assert!(listed(repository, &image).await.is_empty());

    let mut pushed = Vec::new();
    for envelope in [b"first", b"other"] {
        let result = repository
            .push_signature(&image, &signature(envelope))
            .await
            .unwrap();
        assert!(result.warnings.is_empty(), "{:?}", result.warnings);
        pushed.push(result.manifest);
    }
    let mut found = listed(repository, &image).await;
    found.sort();
    let mut expected: Vec<_> = pushed
        .iter()
        .map(|manifest| manifest.digest.clone())
        .collect();
    expected.sort();
    assert_eq!(found, expected);

    let stored = repository.fetch_signature(&pushed[1]).await.unwrap();
    assert_eq!(stored.envelope, b"other");
    assert_eq!(stored.subject, Some(image.clone()));

    let list = repository.signatures(&image, 1).await.unwrap();
    assert_eq!((list.manifests.len(), list.truncated), (1, true));
}

#[tokio::test]
async fn a_registry_with_the_referrers_api_lists_what_is_pushed() {
    let registry = FerroRegistry::start().unwrap();
    a_signature_goes_in_and_comes_out(&repository(&registry.host(), RegistryOptions::default()))
        .await;
}

#[tokio::test]
async fn for_a_registry_without_it_the_referrers_tag_is_kept() {
    let registry = DockerRegistry::start().unwrap();
    let repository = repository(&registry.host(), RegistryOptions::default());
    a_signature_goes_in_and_comes_out(&repository).await;

    // The tag is what the distribution specification says, so that other clients find it.
    let image = repository.resolve(&tag("v1")).await.unwrap();
    let index = repository
        .resolve(&tag(&format!("sha256-{}", image.digest.hex())))
        .await
        .unwrap();
    assert_eq!(index.media_type, "application/vnd.oci.image.index.v1+json");
    let document: serde_json::Value =
        serde_json::from_slice(&repository.fetch_manifest(&index).await.unwrap()).unwrap();
    assert_eq!(document["manifests"].as_array().unwrap().len(), 2);
    assert_eq!(
        document["manifests"][0]["artifactType"],
        "application/vnd.cncf.notary.signature"
    );
}

#[tokio::test]
async fn the_referrers_tag_is_kept_beside_the_api_when_asked() {
    let registry = FerroRegistry::start().unwrap();
    let mut options = RegistryOptions::default();
    options.force_referrers_tag = true;
    let repository = repository(&registry.host(), options);
    let image = push_image(&repository).await;
    repository
        .push_signature(&image, &signature(b"envelope"))
        .await
        .unwrap();
    assert!(
        repository
            .resolve(&tag(&format!("sha256-{}", image.digest.hex())))
            .await
            .is_ok()
    );
    assert_eq!(listed(&repository, &image).await.len(), 1);
}

#[tokio::test]
async fn a_password_over_tls_is_asked_for_and_sent() {
    let options = DockerRegistryOptions {
        password: true,
        tls: true,
    };
    let registry = DockerRegistry::start_with(options).unwrap();
    let host = registry.host();
    let tls = |mut options: RegistryOptions| {
        options.plain_http = PlainHttp::Never;
        options.ca_bundles = vec![std::fs::read(registry.ca_file()).unwrap()];
        options
    };
    a_signature_goes_in_and_comes_out(&repository(&host, tls(logged_in(USER, PASSWORD)))).await;

    let client = RegistryClient::new(tls(logged_in(USER, PASSWORD))).unwrap();
    client.check_login(&host.parse().unwrap()).await.unwrap();

    for (username, password) in [(USER, "wrong"), ("", ""), ("", "token")] {
        let options = tls(logged_in(username, password));
        let error = repository(&host, options.clone())
            .resolve(&tag("v1"))
            .await
            .unwrap_err();
        assert!(
            matches!(error, RegistryError::Unauthorized { .. }),
            "{error}"
        );
        let error = RegistryClient::new(options)
            .unwrap()
            .check_login(&host.parse().unwrap())
            .await
            .unwrap_err();
        assert!(
            matches!(error, RegistryError::Unauthorized { .. }),
            "{error}"
        );
        assert!(!error.to_string().contains("wrong"), "{error}");
    }

    let mut untrusting = logged_in(USER, PASSWORD);
    untrusting.plain_http = PlainHttp::Never;
    let error = repository(&host, untrusting)
        .resolve(&tag("v1"))
        .await
        .unwrap_err();
    assert!(matches!(error, RegistryError::Tls { .. }), "{error:?}");
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let ferro = FerroRegistry::start().unwrap();
    let docker = DockerRegistry::start().unwrap();
    for host in [ferro.host(), docker.host()] {
        let repository = repository(&host, RegistryOptions::default());
        let unknown = Digest::of(DigestAlgorithm::Sha256, b"unknown");
        for selector in [tag("v2"), Selector::Digest(unknown.clone())] {
            let error = repository.resolve(&selector).await.unwrap_err();
            assert!(
                matches!(&error, RegistryError::NotFound { .. }),
                "{error:?}"
            );
            assert!(
                error.to_string().contains(&format!("{host}/team/app")),
                "{error}"
            );
        }
        let image = push_image(&repository).await;
        let mut missing = image.clone();
        missing.digest = unknown;
        assert!(matches!(
            repository.fetch_signature(&missing).await,
            Err(RegistryError::NotFound { .. })
        ));
        assert!(matches!(
            repository.fetch_signature(&image).await,
            Err(RegistryError::NotASignature { .. })
        ));
    }
}

#[tokio::test]
async fn a_registry_that_is_down_is_said_to_be_down_at_once() {
    let host = {
        let registry = FerroRegistry::start().unwrap();
        registry.host()
    };
    let began = std::time::Instant::now();
    let error = repository(&host, RegistryOptions::default())
        .resolve(&tag("v1"))
        .await
        .unwrap_err();
    assert!(
        matches!(error, RegistryError::Unreachable { .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains(&host), "{error}");
    assert!(
        began.elapsed() < std::time::Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_signers_at_once_lose_nothing_on_the_referrers_tag() {
    let registry = DockerRegistry::start().unwrap();
    let image = push_image(&repository(&registry.host(), RegistryOptions::default())).await;
    let signers: Vec<_> = (0..8_u8)
        .map(|signer| {
            // A client of its own for each: they share nothing, as processes do.
            let repository = repository(&registry.host(), RegistryOptions::default());
            let image = image.clone();
            tokio::spawn(async move {
                for number in 0..2 {
                    repository
                        .push_signature(&image, &signature(&[signer, number]))
                        .await
                        .unwrap();
                }
            })
        })
        .collect();
    for signer in signers {
        signer.await.unwrap();
    }
    let repository = repository(&registry.host(), RegistryOptions::default());
    assert_eq!(listed(&repository, &image).await.len(), 16);
}
