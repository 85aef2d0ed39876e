//! The image that the demo signs: in an OCI layout that it makes, or pushed to a real registry.

use super::stage::Stage;
use crate::process::TaskError;
use apostille_artifact::{Descriptor, Digest, Registry, Repository, Tag};
use apostille_registry::{
    OciLayout, RegistryClient, RegistryOptions, RemoteRepository, SingleLayerImage,
    StoredCredentials,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The scope under which the demo's trust policy knows the layout.
const LAYOUT_SCOPE: &str = "local/demo";

const TAG: &str = "v1";
const LAYOUT: &str = "image";
const LAYER: &[u8] = b"an image worth signing";
/// [`LAYER`] with one byte changed.
const CHANGED_LAYER: &[u8] = b"an image worth Signing";

/// An image and where it is.
pub(super) enum DemoImage {
    /// In a directory of the demo's home.
    Layout {
        /// Its manifest.
        manifest: Descriptor,
    },
    /// In a repository of a registry.
    Registry {
        /// `host/repository`.
        name: String,
        repository: RemoteRepository,
    },
}

impl DemoImage {
    /// Makes an OCI image layout with one image in the demo's home.
    pub(super) fn in_layout(stage: &Stage) -> Result<Self, TaskError> {
        let (_, manifest) =
            OciLayout::create(&stage.home().join(LAYOUT), &tag()?, LAYER).map_err(check)?;
        stage.say("An OCI image layout was made in ./image, with one image tagged v1.");
        Ok(Self::Layout { manifest })
    }

    /// Pushes an image to a repository of a registry.
    pub(super) fn in_registry(stage: &Stage, name: &str) -> Result<Self, TaskError> {
        let repository = repository(name)?;
        let image = push(&repository, LAYER)?;
        stage.say(&format!(
            "An image was pushed to {name}:{TAG}, as {}.",
            image.digest
        ));
        Ok(Self::Registry {
            name: name.to_owned(),
            repository,
        })
    }

    /// The scope of the trust policy statement for this image.
    pub(super) fn scope(&self) -> String {
        match self {
            Self::Layout { .. } => LAYOUT_SCOPE.to_owned(),
            Self::Registry { name, .. } => name.clone(),
        }
    }

    /// `verb… --oci-layout image@sha256:…`, or `verb… host/repository:v1`.
    pub(super) fn command(&self, verb: &[&str]) -> Vec<String> {
        let mut words: Vec<String> = verb.iter().map(|word| (*word).to_owned()).collect();
        match self {
            Self::Layout { manifest } => {
                words.push("--oci-layout".to_owned());
                words.push(format!("{LAYOUT}@{}", manifest.digest));
            }
            Self::Registry { name, .. } => words.push(format!("{name}:{TAG}")),
        }
        words
    }

    pub(super) fn verify_command(&self) -> Vec<String> {
        match self {
            Self::Layout { .. } => self.command(&["verify", "--scope", LAYOUT_SCOPE]),
            Self::Registry { .. } => self.command(&["verify"]),
        }
    }

    /// Changes the image as far as somebody with access to its store can: on disk the bytes themselves,
    /// in a registry what the tag means.
    pub(super) fn change_one_byte(&self, stage: &Stage) -> Result<(), TaskError> {
        match self {
            Self::Layout { manifest } => flip_one_byte(stage, &manifest.digest),
            Self::Registry { name, repository } => {
                let image = push(repository, CHANGED_LAYER)?;
                stage.say(&format!(
                    "Another image was pushed to {name}:{TAG}, as {}.",
                    image.digest
                ));
                Ok(())
            }
        }
    }
}

fn tag() -> Result<Tag, TaskError> {
    TAG.parse().map_err(check)
}

fn check(error: impl std::fmt::Display) -> TaskError {
    TaskError::Check(error.to_string())
}

/// A repository, with the credentials that `docker login` or `notation login` left for its registry.
fn repository(name: &str) -> Result<RemoteRepository, TaskError> {
    let (registry, path) = name.split_once('/').ok_or_else(|| {
        TaskError::Check(format!(
            "--registry {name}: a registry and a repository are needed, such as localhost:5000/demo"
        ))
    })?;
    let registry: Registry = registry.parse().map_err(check)?;
    let path: Repository = path.parse().map_err(check)?;
    let mut options = RegistryOptions::default();
    options.credentials = Arc::new(StoredCredentials::new(
        configuration("NOTATION_CONFIG", ".config/notation").join("config.json"),
        Some(configuration("DOCKER_CONFIG", ".docker").join("config.json")),
        std::env::var_os("PATH").unwrap_or_default(),
    ));
    let client = RegistryClient::new(options).map_err(check)?;
    client.repository(&registry, &path).map_err(check)
}

fn configuration(variable: &str, in_home: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(in_home),
        PathBuf::from,
    )
}

fn push(repository: &RemoteRepository, layer: &[u8]) -> Result<Descriptor, TaskError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(check)?;
    let image = SingleLayerImage::new(layer);
    runtime
        .block_on(repository.push_image(&image, &tag()?))
        .map_err(check)
}

/// Changes one byte of the image's manifest on disk.
fn flip_one_byte(stage: &Stage, manifest: &Digest) -> Result<(), TaskError> {
    let blob = Path::new(LAYOUT)
        .join("blobs")
        .join(manifest.algorithm().as_str())
        .join(manifest.hex());
    let path = stage.home().join(&blob);
    let mut bytes = std::fs::read(&path).map_err(TaskError::file(&path))?;
    let middle = bytes.len() / 2;
    match bytes.get_mut(middle) {
        Some(byte) => *byte ^= 1,
        None => return Err(TaskError::Check("the manifest is empty".to_owned())),
    }
    std::fs::write(&path, bytes).map_err(TaskError::file(&path))?;
    stage.say(&format!("Byte {middle} of {} was flipped.", blob.display()));
    Ok(())
}
