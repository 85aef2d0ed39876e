//! A new layout with one small image in it, to try things out on.

use std::path::Path;

use apostille_artifact::{Descriptor, Digest, Tag};
use serde_json::json;

use super::{ALGORITHM, OciLayout, index};
use crate::error::RegistryError;
use crate::files;
use crate::media_type::{IMAGE_CONFIG, IMAGE_LAYER, IMAGE_MANIFEST, REF_NAME_ANNOTATION};

/// An image of one layer, as the three blobs that it consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SingleLayerImage {
    /// The layer.
    pub layer: Vec<u8>,
    /// The image's configuration, JSON.
    pub config: Vec<u8>,
    /// The image's manifest, JSON; its media type is that of an OCI image manifest.
    pub manifest: Vec<u8>,
}

impl SingleLayerImage {
    /// Makes the configuration and manifest for `layer`, a tar archive (any bytes do where nobody runs
    /// the image). The same layer always gives the same image.
    pub fn new(layer: &[u8]) -> Self {
        let config = json!({
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [Digest::of(ALGORITHM, layer)]},
        });
        let config = config.to_string().into_bytes();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": IMAGE_MANIFEST,
            "config": Descriptor::of(IMAGE_CONFIG, ALGORITHM, &config),
            "layers": [Descriptor::of(IMAGE_LAYER, ALGORITHM, layer)],
        });
        Self {
            layer: layer.to_vec(),
            config,
            manifest: manifest.to_string().into_bytes(),
        }
    }

    /// Describes the manifest.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor::of(IMAGE_MANIFEST, ALGORITHM, &self.manifest)
    }
}

impl OciLayout {
    /// Makes a new layout at `root`, a directory that does not exist yet or is empty, with one image of
    /// one layer under `tag`. Returns the layout and the descriptor of the image's manifest.
    ///
    /// # Errors
    /// [`RegistryError::NotALayout`] if there is something at `root` already, [`RegistryError::Io`] if
    /// it cannot be written.
    pub fn create(
        root: &Path,
        tag: &Tag,
        layer: &[u8],
    ) -> Result<(Self, Descriptor), RegistryError> {
        if root
            .read_dir()
            .is_ok_and(|mut entries| entries.next().is_some())
            || root.is_file()
        {
            return Err(RegistryError::NotALayout {
                path: root.to_owned(),
                reason: "a new layout was to be made there, and there is something already"
                    .to_owned(),
            });
        }
        let layout = Self {
            root: root.to_owned(),
        };
        let image = SingleLayerImage::new(layer);
        for (media_type, bytes) in [
            (IMAGE_LAYER, &image.layer),
            (IMAGE_CONFIG, &image.config),
            (IMAGE_MANIFEST, &image.manifest),
        ] {
            layout.write_blob(&Descriptor::of(media_type, ALGORITHM, bytes), bytes)?;
        }
        let mut entry = image.descriptor();
        entry
            .annotations
            .insert(REF_NAME_ANNOTATION.to_owned(), tag.to_string());
        index::create(&layout, &entry)?;
        files::write_version(root)?;
        let descriptor = image.descriptor();
        Ok((layout, descriptor))
    }
}
