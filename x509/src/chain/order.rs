//! A chain found among certificates in any order.

use std::cmp::Reverse;
use std::collections::VecDeque;

use crate::{Certificate, Error, PublicKey};

use super::MAX_ORDER_INPUT;

pub(super) fn order(
    certificates: &[Certificate],
    leaf_key: &PublicKey,
) -> Result<Vec<Certificate>, Error> {
    if certificates.len() > MAX_ORDER_INPUT {
        return Err(Error::TooManyCertificates {
            limit: MAX_ORDER_INPUT,
            actual: certificates.len(),
        });
    }
    let mut leaves: Vec<&Certificate> = certificates
        .iter()
        .filter(|certificate| certificate.public_key() == leaf_key)
        .collect();
    leaves.sort_by_key(|leaf| (leaf.is_self_issued(), Reverse(leaf.not_after())));

    let mut first_failure = None;
    for leaf in leaves {
        match path_to_root(leaf, certificates) {
            Ok(path) => return Ok(path),
            Err(error) => first_failure = first_failure.or(Some(error)),
        }
    }
    Err(match (first_failure, certificates.first()) {
        (Some(error), _) => error,
        (None, None) => Error::EmptyChain,
        (None, Some(first)) => Error::NoCertificateForKey {
            count: certificates.len(),
            key: leaf_key.kind().to_string(),
            first: first.subject().to_string(),
        },
    })
}

/// The shortest way from `leaf` to a self-signed certificate. Breadth first, each certificate once:
/// however tangled the input, the work is at most one signature check for each pair.
fn path_to_root(
    leaf: &Certificate,
    certificates: &[Certificate],
) -> Result<Vec<Certificate>, Error> {
    let mut steps = vec![Step {
        certificate: leaf,
        below: None,
    }];
    let mut queue = VecDeque::from([0]);
    let mut furthest = leaf;
    while let Some(position) = queue.pop_front() {
        let Some(step) = steps.get(position) else {
            break;
        };
        let current = step.certificate;
        if current.is_self_signed() {
            return Ok(walk_back(&steps, position));
        }
        furthest = current;
        for issuer in issuers_of(current, certificates) {
            if steps.iter().all(|seen| seen.certificate != issuer) {
                queue.push_back(steps.len());
                steps.push(Step {
                    certificate: issuer,
                    below: Some(position),
                });
            }
        }
    }
    Err(missing_issuer(furthest))
}

struct Step<'a> {
    certificate: &'a Certificate,
    /// The position of the certificate that this one issued.
    below: Option<usize>,
}

fn walk_back(steps: &[Step<'_>], root: usize) -> Vec<Certificate> {
    let mut path = Vec::new();
    let mut position = Some(root);
    while let Some(step) = position.and_then(|index| steps.get(index)) {
        path.push(step.certificate.clone());
        position = step.below;
    }
    path.reverse();
    path
}

/// Who issued `certificate`, the likeliest first.
fn issuers_of<'a>(
    certificate: &Certificate,
    candidates: &'a [Certificate],
) -> Vec<&'a Certificate> {
    let mut issuers: Vec<&Certificate> = candidates
        .iter()
        .filter(|candidate| candidate.is_ca() && certificate.check_issued_by(candidate).is_ok())
        .collect();
    issuers.sort_by_key(|issuer| {
        (
            !key_ids_match(certificate, issuer),
            Reverse(issuer.not_after()),
        )
    });
    issuers
}

fn key_ids_match(certificate: &Certificate, issuer: &Certificate) -> bool {
    certificate.authority_key_id().is_some()
        && certificate.authority_key_id() == issuer.subject_key_id()
}

fn missing_issuer(certificate: &Certificate) -> Error {
    Error::MissingIssuer {
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        key_id: certificate
            .authority_key_id()
            .map(|id| format!(" with key identifier {}", hex::encode(id)))
            .unwrap_or_default(),
    }
}
