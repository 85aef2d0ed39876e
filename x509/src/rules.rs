//! The certificate rules of the signature specification ("Certificate Requirements").

mod violation;

use time::OffsetDateTime;

pub use violation::{ExtensionName, Rule, RuleViolation};

use crate::{Certificate, CertificateChain, Error, KeyKind, KeyUsageBit, oid};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    CodeSigning,
    Timestamping,
}

/// What a leaf's key may not be used for besides signing.
const FORBIDDEN_LEAF_USAGES: [KeyUsageBit; 7] = [
    KeyUsageBit::KeyEncipherment,
    KeyUsageBit::DataEncipherment,
    KeyUsageBit::KeyAgreement,
    KeyUsageBit::KeyCertSign,
    KeyUsageBit::CrlSign,
    KeyUsageBit::EncipherOnly,
    KeyUsageBit::DecipherOnly,
];

/// The purposes that a code-signing certificate must not be for. The specification does not name
/// OCSPSigning, but the reference implementation refuses it, and whoever could sign with such a
/// certificate could also answer for its revocation.
const FORBIDDEN_LEAF_PURPOSES: [(der::asn1::ObjectIdentifier, &str); 6] = [
    (oid::ANY_EXTENDED_KEY_USAGE, "anyExtendedKeyUsage"),
    (oid::SERVER_AUTH, "serverAuth"),
    (oid::CLIENT_AUTH, "clientAuth"),
    (oid::EMAIL_PROTECTION, "emailProtection"),
    (oid::TIME_STAMPING, "timeStamping"),
    (oid::OCSP_SIGNING, "OCSPSigning"),
];

/// Signatures last, since they are what costs time: a chain that cannot pass anyway, perhaps made to
/// be slow, is refused before.
pub(crate) fn check(
    chain: &CertificateChain,
    purpose: Purpose,
    at: Option<OffsetDateTime>,
) -> Result<(), RuleViolation> {
    let certificates = chain.certificates();
    for (index, certificate) in certificates.iter().enumerate() {
        check_signature_algorithm(certificate)
            .and_then(|()| match index {
                0 => check_leaf(certificate, purpose),
                _ => check_ca(certificate, index, purpose),
            })
            .map_err(|rule| violation(chain, index, rule))?;
    }
    if let Some(at) = at {
        check_validity(chain, at)?;
    }
    check_issuance(chain)
}

pub(crate) fn check_validity(
    chain: &CertificateChain,
    at: OffsetDateTime,
) -> Result<(), RuleViolation> {
    for (index, certificate) in chain.certificates().iter().enumerate() {
        let rule = if at < certificate.not_before() {
            Rule::NotYetValid {
                not_before: certificate.not_before(),
                at,
            }
        } else if at > certificate.not_after() {
            Rule::Expired {
                not_after: certificate.not_after(),
                at,
            }
        } else {
            continue;
        };
        return Err(violation(chain, index, rule));
    }
    Ok(())
}

fn violation(chain: &CertificateChain, index: usize, rule: Rule) -> RuleViolation {
    let certificates = chain.certificates();
    RuleViolation {
        position: index,
        chain_len: certificates.len(),
        subject: certificates
            .get(index)
            .unwrap_or(chain.leaf())
            .subject()
            .to_string(),
        rule,
    }
}

fn check_signature_algorithm(certificate: &Certificate) -> Result<(), Rule> {
    match certificate.signature_algorithm() {
        Ok(_) => Ok(()),
        Err(Error::Sha1Signature { algorithm }) => Err(Rule::Sha1Signature { algorithm }),
        Err(error) => Err(Rule::SignatureAlgorithm {
            reason: error.to_string(),
        }),
    }
}

fn check_leaf(leaf: &Certificate, purpose: Purpose) -> Result<(), Rule> {
    if leaf.is_ca() {
        return Err(Rule::LeafIsCa);
    }
    let usage = leaf.key_usage().ok_or(Rule::Missing {
        extension: ExtensionName::KeyUsage,
    })?;
    if purpose == Purpose::CodeSigning && !usage.critical {
        return Err(Rule::NotCritical {
            extension: ExtensionName::KeyUsage,
        });
    }
    if !usage.has(KeyUsageBit::DigitalSignature) {
        return Err(Rule::KeyUsageLacks {
            bit: KeyUsageBit::DigitalSignature,
        });
    }
    if let Some(bit) = FORBIDDEN_LEAF_USAGES
        .into_iter()
        .find(|bit| usage.has(*bit))
    {
        return Err(Rule::KeyUsageForbidden { bit });
    }
    match purpose {
        Purpose::CodeSigning => check_code_signing_purposes(leaf)?,
        Purpose::Timestamping => check_timestamping_purposes(leaf)?,
    }
    leaf.public_key()
        .key_spec()
        .map(|_| ())
        .map_err(|_| Rule::LeafKey {
            key: leaf.public_key().kind().clone(),
        })
}

fn check_code_signing_purposes(leaf: &Certificate) -> Result<(), Rule> {
    let Some(usage) = leaf.extended_key_usage() else {
        return Ok(());
    };
    match FORBIDDEN_LEAF_PURPOSES
        .into_iter()
        .find(|(purpose, _)| usage.has(*purpose))
    {
        Some((_, purpose)) => Err(Rule::PurposeForbidden { purpose }),
        None => Ok(()),
    }
}

/// RFC 3161 §2.3: critical, and timeStamping alone.
fn check_timestamping_purposes(leaf: &Certificate) -> Result<(), Rule> {
    let extension = ExtensionName::ExtKeyUsage;
    let usage = leaf
        .extended_key_usage()
        .ok_or(Rule::Missing { extension })?;
    if !usage.critical {
        return Err(Rule::NotCritical { extension });
    }
    if usage.purposes.as_slice() != [oid::TIME_STAMPING] {
        return Err(Rule::NotOnlyTimestamping);
    }
    Ok(())
}

/// `index` certificates are below this one, one of them the leaf.
fn check_ca(certificate: &Certificate, index: usize, purpose: Purpose) -> Result<(), Rule> {
    let constraints = certificate.basic_constraints().ok_or(Rule::Missing {
        extension: ExtensionName::BasicConstraints,
    })?;
    if !constraints.ca {
        return Err(Rule::NotCa);
    }
    if !constraints.critical {
        return Err(Rule::NotCritical {
            extension: ExtensionName::BasicConstraints,
        });
    }
    let intermediates_below = index.saturating_sub(1);
    if let Some(limit) = constraints.path_len
        && usize::try_from(limit).is_ok_and(|limit| limit < intermediates_below)
    {
        return Err(Rule::PathTooLong {
            limit,
            below: intermediates_below,
        });
    }
    let usage = certificate.key_usage().ok_or(Rule::Missing {
        extension: ExtensionName::KeyUsage,
    })?;
    if purpose == Purpose::CodeSigning && !usage.critical {
        return Err(Rule::NotCritical {
            extension: ExtensionName::KeyUsage,
        });
    }
    if !usage.has(KeyUsageBit::KeyCertSign) {
        return Err(Rule::KeyUsageLacks {
            bit: KeyUsageBit::KeyCertSign,
        });
    }
    check_ca_key(certificate.public_key().kind())
}

fn check_ca_key(key: &KeyKind) -> Result<(), Rule> {
    match key {
        KeyKind::Rsa { bits } if (crate::MIN_RSA_BITS..=crate::MAX_RSA_BITS).contains(bits) => {
            Ok(())
        }
        KeyKind::P256 | KeyKind::P384 | KeyKind::P521 | KeyKind::Ed25519 => Ok(()),
        KeyKind::Rsa { .. } | KeyKind::Other(_) => Err(Rule::CaKey { key: key.clone() }),
    }
}

fn check_issuance(chain: &CertificateChain) -> Result<(), RuleViolation> {
    let certificates = chain.certificates();
    for (index, pair) in certificates.windows(2).enumerate() {
        let [certificate, issuer] = pair else {
            continue;
        };
        if certificate.is_self_signed() {
            return Err(violation(chain, index, Rule::SelfSignedBelowRoot));
        }
        certificate.check_issued_by(issuer).map_err(|error| {
            violation(
                chain,
                index,
                Rule::NotIssuedByNext {
                    reason: match error {
                        Error::NotIssuedBy { reason, .. } => reason,
                        other => other.to_string(),
                    },
                    next: issuer.subject().to_string(),
                },
            )
        })?;
    }
    if !chain.root().is_self_signed() {
        let issuer = chain.root().issuer().to_string();
        return Err(violation(
            chain,
            certificates.len() - 1,
            Rule::Incomplete { issuer },
        ));
    }
    Ok(())
}
