//! The image that the demo signs: in an OCI layout that it makes, or pushed to a real registry.

use super::stage::Stage;
use crate::process::TaskError;
use apostille_artifact::{Descriptor, Digest, Tag};
use apostille_registry::OciLayout;
use std::path::{Path, PathBuf};

/// The scope under which the demo's trust policy knows the layout.
pub(super) const LAYOUT_SCOPE: &str = "local/demo";

const TAG: &str = "v1";
const LAYOUT: &str = "image";
const LAYER: &[u8] = b"an image worth signing";

/// An image and where it is.
pub(super) struct DemoImage {
    manifest: Descriptor,
}

impl DemoImage {
    /// Makes an OCI image layout with one image in the demo's home.
    pub(super) fn in_layout(stage: &Stage) -> Result<Self, TaskError> {
        let tag: Tag = TAG
            .parse()
            .map_err(|error| TaskError::Check(format!("tag {TAG}: {error}")))?;
        let (_, manifest) = OciLayout::create(&stage.home().join(LAYOUT), &tag, LAYER)
            .map_err(|error| TaskError::Check(error.to_string()))?;
        stage.say("An OCI image layout was made in ./image, with one image tagged v1.");
        Ok(Self { manifest })
    }

    fn reference(&self) -> String {
        format!("{LAYOUT}@{}", self.manifest.digest)
    }

    /// `verb… --oci-layout image@sha256:…`
    pub(super) fn command(&self, verb: &[&str]) -> Vec<String> {
        verb.iter()
            .map(|word| (*word).to_owned())
            .chain(["--oci-layout".to_owned(), self.reference()])
            .collect()
    }

    pub(super) fn verify_command(&self) -> Vec<String> {
        self.command(&["verify", "--scope", LAYOUT_SCOPE])
    }

    /// Changes one byte of the image's manifest on disk.
    pub(super) fn flip_one_byte(&self, stage: &Stage) -> Result<(), TaskError> {
        let blob = blob_path(&self.manifest.digest);
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
}

fn blob_path(digest: &Digest) -> PathBuf {
    Path::new(LAYOUT)
        .join("blobs")
        .join(digest.algorithm().as_str())
        .join(digest.hex())
}
