//! Finding what a layout holds: everything that its index reaches, directly or through other indexes.
//!
//! A layout has no referrers list. A signature is found by looking at each manifest for its subject;
//! one that was copied from a registry without the referrers API is reached through the index under the
//! tag `sha256-<hex>`, which is an index like any other here.

use std::collections::{HashSet, VecDeque};

use apostille_artifact::{Descriptor, Digest};

use super::{OciLayout, index};
use crate::error::{Malformed, RegistryError};
use crate::limits::{MAX_MANIFEST_LEN, MAX_SCANNED_MANIFESTS};
use crate::manifest::{SignatureManifest, entries_of, subject_of};
use crate::media_type::{ARTIFACT_MANIFEST, IMAGE_MANIFEST, SIGNATURE, is_index};
use crate::store::SignatureList;

/// Every manifest and index that is reached, each once, breadth first.
pub(super) fn manifests(layout: &OciLayout) -> Result<Vec<Descriptor>, RegistryError> {
    let mut waiting: VecDeque<Descriptor> = index::entries(layout)?.into();
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    while let Some(entry) = waiting.pop_front() {
        if !seen.insert(entry.digest.clone()) {
            continue;
        }
        if found.len() == MAX_SCANNED_MANIFESTS {
            return Err(RegistryError::malformed(
                "index.json",
                layout.place(),
                Malformed::TooManyManifests,
            ));
        }
        if is_index(&entry.media_type) {
            waiting.extend(children(layout, &entry)?);
        }
        found.push(entry);
    }
    Ok(found)
}

fn children(layout: &OciLayout, index: &Descriptor) -> Result<Vec<Descriptor>, RegistryError> {
    match layout.read_blob(index, MAX_MANIFEST_LEN) {
        Ok(bytes) => entries_of(&bytes).map_err(|error| {
            RegistryError::malformed(&index.digest, layout.place(), Malformed::Json(error))
        }),
        // A layout may hold only a part of what it names, for example one platform.
        Err(RegistryError::NotFound { .. }) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// The signature manifests whose subject has this digest.
pub(super) fn signatures(
    layout: &OciLayout,
    subject: &Digest,
    limit: usize,
) -> Result<SignatureList, RegistryError> {
    let mut list = SignatureList {
        manifests: Vec::new(),
        truncated: false,
    };
    for manifest in manifests(layout)? {
        if !refers_to(layout, &manifest, subject)? {
            continue;
        }
        if list.manifests.len() == limit {
            list.truncated = true;
            break;
        }
        list.manifests.push(manifest);
    }
    Ok(list)
}

fn refers_to(
    layout: &OciLayout,
    manifest: &Descriptor,
    subject: &Digest,
) -> Result<bool, RegistryError> {
    let announced = manifest.artifact_type.as_deref();
    let may_be_a_signature = matches!(
        manifest.media_type.as_str(),
        IMAGE_MANIFEST | ARTIFACT_MANIFEST
    ) && announced.is_none_or(|artifact_type| artifact_type == SIGNATURE);
    if !may_be_a_signature {
        return Ok(false);
    }
    let bytes = match layout.read_blob(manifest, MAX_MANIFEST_LEN) {
        Ok(bytes) => bytes,
        // An image that is damaged or not there concerns whoever runs it; a signature concerns us.
        Err(_) if announced.is_none() => return Ok(false),
        Err(error) => return Err(error),
    };
    let refers = subject_of(&bytes).is_some_and(|found| found.digest == *subject);
    Ok(refers && SignatureManifest::parse(&manifest.media_type, &bytes).is_ok())
}
