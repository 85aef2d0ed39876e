//! Somebody whom the policy trusts made the signature.

use apostille_signature::VerifiedEnvelope;
use notary_plugin_protocol::SigningScheme;

use super::failure::Failure;
use crate::identity::find_identity;
use crate::policy::TrustStatement;
use crate::store::{StoreReference, StoreType, TrustStore, TrustStores};

/// The stores of a statement that signatures under this scheme are held against.
fn store_type(scheme: SigningScheme) -> StoreType {
    match scheme {
        SigningScheme::NotaryX509 => StoreType::Ca,
        SigningScheme::NotaryX509SigningAuthority => StoreType::SigningAuthority,
    }
}

/// The references of a statement to stores of a type, in their order.
pub(super) fn stores_of(
    statement: &TrustStatement,
    store_type: StoreType,
) -> impl Iterator<Item = &StoreReference> {
    statement
        .trust_stores()
        .iter()
        .filter(move |store| store.store_type == store_type)
}

/// What the search in the trust stores found, and what there is to say about the stores.
pub(super) struct TrustStoreMatch {
    pub(super) because: String,
    pub(super) warnings: Vec<String>,
}

/// Finds a certificate of the chain in the statement's trust stores. The chain is known to be
/// complete and properly issued, so an anchor anywhere in it vouches for the leaf.
///
/// All stores are read, also behind a match: whether a statement works must not depend on who signed.
pub(super) fn trust_store(
    envelope: &VerifiedEnvelope,
    statement: &TrustStatement,
    stores: &dyn TrustStores,
) -> Result<TrustStoreMatch, Failure> {
    let scheme = envelope.signing_scheme();
    let needed = store_type(scheme);
    let loaded = stores_of(statement, needed)
        .map(|reference| stores.store(reference))
        .collect::<Result<Vec<_>, _>>()?;
    if loaded.is_empty() {
        return Err(Failure::NoTrustStoreOfType {
            needed,
            scheme: scheme.to_string(),
        });
    }
    match find_anchor(envelope, &loaded) {
        Some(because) => {
            let warnings = loaded
                .iter()
                .flat_map(|store| store.warnings().iter().cloned());
            Ok(TrustStoreMatch {
                because,
                warnings: warnings.collect(),
            })
        }
        None => {
            let root = envelope.certificate_chain().root();
            Err(Failure::ChainNotTrusted {
                stores: loaded
                    .iter()
                    .map(|store| store.reference().to_string())
                    .collect(),
                root: root.subject().to_string(),
                root_fingerprint: hex::encode(root.sha256_fingerprint()),
            })
        }
    }
}

fn find_anchor(envelope: &VerifiedEnvelope, stores: &[TrustStore]) -> Option<String> {
    let chain = envelope.certificate_chain().certificates();
    chain
        .iter()
        .enumerate()
        .find_map(|(position, certificate)| {
            stores.iter().find_map(|store| {
                let anchor = store
                    .anchors()
                    .iter()
                    .find(|anchor| anchor.certificate == *certificate)?;
                Some(format!(
                    "certificate {} of {}, \"{}\", is in the trust store {} ({})",
                    position + 1,
                    chain.len(),
                    certificate.subject(),
                    store.reference(),
                    anchor.origin
                ))
            })
        })
}

/// Whether the signer is one of the statement's trusted identities.
pub(super) fn trusted_identity(
    envelope: &VerifiedEnvelope,
    statement: &TrustStatement,
) -> Result<String, Failure> {
    let subject = envelope.certificate_chain().leaf().subject();
    match find_identity(statement.trusted_identities(), subject) {
        Ok(identity) => Ok(format!(
            "\"{subject}\" is the trusted identity `{identity}`"
        )),
        Err(mismatches) if mismatches.is_empty() => Err(Failure::NoSubjectIdentity {
            subject: subject.to_string(),
        }),
        Err(mismatches) => Err(Failure::SignerNotTrusted {
            subject: subject.to_string(),
            mismatches: mismatches
                .iter()
                .map(|(identity, mismatch)| format!("{}: {mismatch}", identity.as_written()))
                .collect(),
        }),
    }
}
