//! `index.json`: the entry points of a layout.

use apostille_artifact::{Descriptor, Tag};
use serde_json::{Value, json};

use super::OciLayout;
use crate::error::{Malformed, RegistryError};
use crate::files;
use crate::limits::MAX_MANIFEST_LEN;
use crate::manifest::entries_of;
use crate::media_type::REF_NAME_ANNOTATION;

const INDEX_FILE: &str = "index.json";

/// The entries of the index that are descriptors.
pub(super) fn entries(layout: &OciLayout) -> Result<Vec<Descriptor>, RegistryError> {
    let bytes = read(layout)?;
    entries_of(&bytes).map_err(|error| malformed(layout, Malformed::Json(error)))
}

/// The entry that a tag names.
pub(super) fn tagged(layout: &OciLayout, tag: &Tag) -> Result<Option<Descriptor>, RegistryError> {
    let mut tagged = entries(layout)?.into_iter().filter(|entry| {
        entry
            .annotations
            .get(REF_NAME_ANNOTATION)
            .is_some_and(|name| name == tag.as_str())
    });
    let first = tagged.next();
    match &first {
        Some(first) if tagged.any(|other| other.digest != first.digest) => {
            Err(RegistryError::AmbiguousTag {
                tag: tag.clone(),
                place: layout.place(),
            })
        }
        _ => Ok(first),
    }
}

/// Adds an entry, unless it is there, and leaves everything else in the index as it was.
pub(super) fn add(layout: &OciLayout, entry: &Descriptor) -> Result<(), RegistryError> {
    let _lock = files::lock(&layout.root)?;
    let mut index: Value = serde_json::from_slice(&read(layout)?)
        .map_err(|error| malformed(layout, Malformed::Json(error)))?;
    let manifests = index
        .as_object_mut()
        .map(|index| index.entry("manifests").or_insert_with(|| json!([])))
        .ok_or_else(|| malformed(layout, Malformed::NotAnIndex))?;
    if manifests.is_null() {
        *manifests = json!([]);
    }
    let manifests = manifests
        .as_array_mut()
        .ok_or_else(|| malformed(layout, Malformed::NotAnIndex))?;
    let digest = entry.digest.to_string();
    if manifests
        .iter()
        .any(|known| known.get("digest").and_then(Value::as_str) == Some(digest.as_str()))
    {
        return Ok(());
    }
    manifests.push(
        serde_json::to_value(entry).map_err(|error| malformed(layout, Malformed::Json(error)))?,
    );
    write(layout, &index)
}

/// Writes the index of a new layout.
pub(super) fn create(layout: &OciLayout, entry: &Descriptor) -> Result<(), RegistryError> {
    write(
        layout,
        &json!({"schemaVersion": 2, "mediaType": crate::media_type::IMAGE_INDEX, "manifests": [entry]}),
    )
}

fn read(layout: &OciLayout) -> Result<Vec<u8>, RegistryError> {
    files::read_optional(&layout.root.join(INDEX_FILE), MAX_MANIFEST_LEN)?.ok_or_else(|| {
        RegistryError::NotALayout {
            path: layout.root.clone(),
            reason: "it has no index.json".to_owned(),
        }
    })
}

// An index that could not be read again must not be written either.
fn write(layout: &OciLayout, index: &Value) -> Result<(), RegistryError> {
    let bytes = index.to_string().into_bytes();
    if bytes.len() as u64 > MAX_MANIFEST_LEN {
        return Err(RegistryError::TooLarge {
            what: INDEX_FILE.to_owned(),
            place: layout.place(),
            limit: MAX_MANIFEST_LEN,
        });
    }
    files::replace(&layout.root.join(INDEX_FILE), &bytes)
}

fn malformed(layout: &OciLayout, reason: Malformed) -> RegistryError {
    RegistryError::malformed(INDEX_FILE, layout.place(), reason)
}
