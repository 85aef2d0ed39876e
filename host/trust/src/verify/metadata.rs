//! The user's metadata is signed.

use std::collections::BTreeMap;

use apostille_signature::VerifiedEnvelope;

use super::failure::Failure;

/// Whether each key is among the signed annotations, with this value.
pub(super) fn check(
    envelope: &VerifiedEnvelope,
    wanted: &BTreeMap<String, String>,
) -> Result<String, Failure> {
    let signed = &envelope.payload().target_artifact().annotations;
    for (key, value) in wanted {
        let found = signed.get(key);
        if found != Some(value) {
            return Err(Failure::MetadataMissing {
                key: key.clone(),
                value: value.clone(),
                found: found.cloned(),
            });
        }
    }
    Ok("all of it is signed".to_owned())
}
