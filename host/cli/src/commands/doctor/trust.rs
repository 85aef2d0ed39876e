//! The trust stores and the policies that refer to them.

use std::collections::BTreeSet;

use apostille_trust::policy::{BlobTrustPolicy, OciTrustPolicy, PolicyError, TrustStatement};
use apostille_trust::store::{DirectoryTrustStores, StoreReference, StoreType, TrustStores};

use super::Report;
use super::files::writable;
use crate::application::Application;
use crate::failure::chain_of;
use crate::policy_file::PolicyFile;

const STORES: &str = "trust stores";
const POLICIES: &str = "policies";

pub(super) fn examine(application: &Application<'_>, report: &mut Report) {
    let config = application.directories.config();
    let stores = DirectoryTrustStores::new(config);
    let named = policies(application, report);
    let existing = existing_stores(&stores, report);
    for missing in named.difference(&existing) {
        let text = format!("{missing} is named by a policy and does not exist");
        let advice = format!(
            "Make it with `apostille certificate add --type {} --store {} <file>`",
            missing.store_type, missing.name
        );
        report.failure(STORES, text, &advice);
    }
    for store in &existing {
        examine_store(&stores, store, named.contains(store), report);
    }
    let root = application.directories.trust_store();
    if root.is_dir() {
        writable(STORES, "directory of the trust stores", &root, report);
    }
}

fn existing_stores(stores: &DirectoryTrustStores, report: &mut Report) -> BTreeSet<StoreReference> {
    let mut existing = BTreeSet::new();
    for store_type in StoreType::ALL {
        match stores.names(store_type) {
            Ok(names) => existing.extend(
                names
                    .into_iter()
                    .map(|name| StoreReference { store_type, name }),
            ),
            Err(error) => report.failure(STORES, chain_of(&error), ""),
        }
    }
    existing
}

fn examine_store(
    stores: &DirectoryTrustStores,
    reference: &StoreReference,
    is_named: bool,
    report: &mut Report,
) {
    let store = match stores.store(reference) {
        Ok(store) => store,
        Err(error) => {
            let advice = "Verification refuses the whole store as long as this is so";
            return report.failure(STORES, format!("{reference}: {}", chain_of(&error)), advice);
        }
    };
    for warning in store.warnings() {
        report.warning(STORES, warning, "");
    }
    for anchor in store.anchors() {
        report.validity(STORES, &reference.to_string(), &anchor.certificate);
    }
    if !is_named {
        report.warning(STORES, format!("{reference} is named by no policy"), "");
    }
}

/// The stores that the policies name.
fn policies(application: &Application<'_>, report: &mut Report) -> BTreeSet<StoreReference> {
    let mut named = BTreeSet::new();
    for kind in [PolicyFile::Oci, PolicyFile::Blob] {
        let word = kind.word();
        match kind.read(&application.directories) {
            Ok(None) => report.ok(POLICIES, format!("there is no {word} trust policy")),
            Err(error) => report.failure(POLICIES, chain_of(&error), ""),
            Ok(Some((path, contents))) => {
                let name = path.display().to_string();
                match stores_of(kind, &contents, &name) {
                    Ok(stores) => named.extend(stores),
                    Err(_) => {
                        let text = format!("{name} is malformed or breaks a rule");
                        let advice =
                            format!("To see where, use `apostille {} lint`", kind.command());
                        report.failure(POLICIES, text, &advice);
                        continue;
                    }
                }
                for warning in kind.check(&contents, &path).unwrap_or_default() {
                    report.warning(POLICIES, warning, "");
                }
                writable(POLICIES, &format!("{word} trust policy"), &path, report);
            }
        }
    }
    named
}

fn stores_of(
    kind: PolicyFile,
    contents: &[u8],
    name: &str,
) -> Result<Vec<StoreReference>, PolicyError> {
    let of = |statement: &TrustStatement| statement.trust_stores().to_vec();
    Ok(match kind {
        PolicyFile::Oci => OciTrustPolicy::parse(contents, name)?
            .statements()
            .iter()
            .flat_map(|statement| of(statement.statement()))
            .collect(),
        PolicyFile::Blob => BlobTrustPolicy::parse(contents, name)?
            .statements()
            .iter()
            .flat_map(|statement| of(statement.statement()))
            .collect(),
    })
}
