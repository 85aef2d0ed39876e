//! Signature algorithms as X.509 names them: in certificates, requests, CRLs and OCSP answers.

use std::fmt;

use der::Tag;
use der::asn1::ObjectIdentifier;
use notary_plugin_protocol::{HashAlgorithm, SigningAlgorithm};

use crate::Error;
use crate::asn1::{self, Fields, Tlv, write};
use crate::oid;

const WHAT: &str = "signature algorithm";

/// A signature algorithm that may appear in a certificate, a request, a CRL or an OCSP answer.
///
/// There are more of these than of [`SigningAlgorithm`]s: a CA may sign with RSASSA-PKCS1-v1_5, and
/// may pair a curve with any hash, while an envelope's signature is fixed by the key spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5, `sha256WithRSAEncryption` and its sisters.
    RsaPkcs1(HashAlgorithm),
    /// RSASSA-PSS with MGF1 of the same hash and a salt as long as the hash.
    RsaPss(HashAlgorithm),
    /// ECDSA; the signature is a DER `ECDSA-Sig-Value`.
    Ecdsa(HashAlgorithm),
    /// Ed25519 (RFC 8410), for the keys of CAs only.
    Ed25519,
}

impl SignatureAlgorithm {
    /// The algorithm that the DER `AlgorithmIdentifier` in `der` names.
    ///
    /// RSASSA-PSS needs explicit parameters in the form that every verifier agrees on: SHA-2, MGF1
    /// with the same hash, a salt as long as the hash, the default trailer (RFC 4055 §3.1).
    ///
    /// # Errors
    /// [`Error::Sha1Signature`] for SHA-1, [`Error::UnsupportedSignatureAlgorithm`] for every other
    /// algorithm or parameters, [`Error::Malformed`].
    pub fn from_algorithm_identifier(der: &[u8]) -> Result<Self, Error> {
        let (algorithm, parameters) = split(der).map_err(Error::malformed(WHAT))?;
        match algorithm {
            oid::SHA256_WITH_RSA => {
                without_parameters(Self::RsaPkcs1(HashAlgorithm::Sha256), parameters)
            }
            oid::SHA384_WITH_RSA => {
                without_parameters(Self::RsaPkcs1(HashAlgorithm::Sha384), parameters)
            }
            oid::SHA512_WITH_RSA => {
                without_parameters(Self::RsaPkcs1(HashAlgorithm::Sha512), parameters)
            }
            oid::ECDSA_WITH_SHA256 => {
                without_parameters(Self::Ecdsa(HashAlgorithm::Sha256), parameters)
            }
            oid::ECDSA_WITH_SHA384 => {
                without_parameters(Self::Ecdsa(HashAlgorithm::Sha384), parameters)
            }
            oid::ECDSA_WITH_SHA512 => {
                without_parameters(Self::Ecdsa(HashAlgorithm::Sha512), parameters)
            }
            oid::ED25519 => without_parameters(Self::Ed25519, parameters),
            oid::RSASSA_PSS => pss(parameters),
            oid::SHA1_WITH_RSA | oid::SHA1_WITH_RSA_OIW => Err(Error::Sha1Signature {
                algorithm: "sha1WithRSAEncryption",
            }),
            oid::ECDSA_WITH_SHA1 => Err(Error::Sha1Signature {
                algorithm: "ecdsa-with-SHA1",
            }),
            other => Err(unsupported(
                other.to_string(),
                "it is unknown or no longer safe",
            )),
        }
    }

    /// The algorithm with which a key that makes `signing` signatures signs a certificate or a
    /// request: RSASSA-PSS or ECDSA with the same hash.
    #[must_use]
    pub fn for_signing(signing: SigningAlgorithm) -> Self {
        let hash = signing.hash_algorithm();
        if is_rsa(signing) {
            Self::RsaPss(hash)
        } else {
            Self::Ecdsa(hash)
        }
    }

    /// The DER `AlgorithmIdentifier`; RSASSA-PSS with all parameters that differ from the default.
    #[must_use]
    pub fn to_algorithm_identifier(self) -> Vec<u8> {
        match self {
            Self::RsaPkcs1(hash) => {
                let name = match hash {
                    HashAlgorithm::Sha256 => oid::SHA256_WITH_RSA,
                    HashAlgorithm::Sha384 => oid::SHA384_WITH_RSA,
                    HashAlgorithm::Sha512 => oid::SHA512_WITH_RSA,
                };
                identifier(name, &write::null())
            }
            Self::RsaPss(hash) => identifier(oid::RSASSA_PSS, &pss_parameters(hash)),
            Self::Ecdsa(hash) => {
                let name = match hash {
                    HashAlgorithm::Sha256 => oid::ECDSA_WITH_SHA256,
                    HashAlgorithm::Sha384 => oid::ECDSA_WITH_SHA384,
                    HashAlgorithm::Sha512 => oid::ECDSA_WITH_SHA512,
                };
                identifier(name, &[])
            }
            Self::Ed25519 => identifier(oid::ED25519, &[]),
        }
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RsaPkcs1(hash) => write!(f, "RSASSA-PKCS1-v1_5 with {}", hash_name(*hash)),
            Self::RsaPss(hash) => write!(f, "RSASSA-PSS with {}", hash_name(*hash)),
            Self::Ecdsa(hash) => write!(f, "ECDSA with {}", hash_name(*hash)),
            Self::Ed25519 => f.write_str("Ed25519"),
        }
    }
}

pub(crate) fn is_rsa(signing: SigningAlgorithm) -> bool {
    matches!(
        signing,
        SigningAlgorithm::RsassaPssSha256
            | SigningAlgorithm::RsassaPssSha384
            | SigningAlgorithm::RsassaPssSha512
    )
}

/// An `AlgorithmIdentifier` taken apart.
pub(crate) fn split(der: &[u8]) -> Result<(ObjectIdentifier, Option<Tlv<'_>>), der::Error> {
    let mut fields = Fields::single(der, Tag::Sequence)?.fields()?;
    let algorithm = fields.expect(Tag::ObjectIdentifier)?.oid()?;
    let parameters = if fields.is_empty() {
        None
    } else {
        Some(fields.next_field()?)
    };
    fields.finish()?;
    Ok((algorithm, parameters))
}

/// RFC 4055 §5 wants NULL with the RSA algorithms, RFC 5758 §3.2 nothing with ECDSA; both are met
/// in certificates of either kind and say nothing, so both are accepted.
fn without_parameters(
    algorithm: SignatureAlgorithm,
    parameters: Option<Tlv<'_>>,
) -> Result<SignatureAlgorithm, Error> {
    match parameters {
        None => Ok(algorithm),
        Some(tlv) if tlv.raw == write::null() => Ok(algorithm),
        Some(_) => Err(unsupported(
            algorithm.to_string(),
            "it takes no parameters but has some",
        )),
    }
}

fn pss(parameters: Option<Tlv<'_>>) -> Result<SignatureAlgorithm, Error> {
    // Absent parameters and absent fields mean SHA-1.
    let Some(parameters) = parameters else {
        return Err(Error::Sha1Signature {
            algorithm: "RSASSA-PSS with default parameters",
        });
    };
    let malformed = Error::malformed("RSASSA-PSS parameters");
    let mut fields = Fields::single(parameters.raw, Tag::Sequence)
        .and_then(|sequence| sequence.fields())
        .map_err(&malformed)?;
    let hash = fields.optional(asn1::constructed(0)).map_err(&malformed)?;
    let mask = fields.optional(asn1::constructed(1)).map_err(&malformed)?;
    let salt = fields.optional(asn1::constructed(2)).map_err(&malformed)?;
    let trailer = fields.optional(asn1::constructed(3)).map_err(&malformed)?;
    fields.finish().map_err(&malformed)?;

    let (Some(hash), Some(mask)) = (hash, mask) else {
        return Err(Error::Sha1Signature {
            algorithm: "RSASSA-PSS with default parameters",
        });
    };
    let hash = hash_algorithm(hash.value)?;
    let (mask_name, mask_hash) = split(mask.value).map_err(&malformed)?;
    let mask_hash = mask_hash.map(|tlv| hash_algorithm(tlv.raw)).transpose()?;
    // RFC 4055 §3.1: the default salt length is 20, the default and only trailer field 1.
    let salt = salt.map_or(Ok(20), |tlv| tlv.inner(Tag::Integer)?.small_integer());
    let trailer = trailer.map_or(Ok(1), |tlv| tlv.inner(Tag::Integer)?.small_integer());

    let refuse = |reason: &str| Err(unsupported("RSASSA-PSS".to_owned(), reason));
    if mask_name != oid::MGF1 || mask_hash != Some(hash) {
        return refuse("the mask generation function must be MGF1 with the same hash");
    }
    if usize::try_from(salt.map_err(&malformed)?) != Ok(hash.output_len()) {
        return refuse("the salt must be as long as the hash");
    }
    if trailer.map_err(&malformed)? != 1 {
        return refuse("the trailer field must be 1");
    }
    Ok(SignatureAlgorithm::RsaPss(hash))
}

fn hash_algorithm(der: &[u8]) -> Result<HashAlgorithm, Error> {
    let (name, parameters) = split(der).map_err(Error::malformed("hash algorithm"))?;
    let hash = match name {
        oid::SHA256 => HashAlgorithm::Sha256,
        oid::SHA384 => HashAlgorithm::Sha384,
        oid::SHA512 => HashAlgorithm::Sha512,
        oid::SHA1 => {
            return Err(Error::Sha1Signature {
                algorithm: "RSASSA-PSS with SHA-1",
            });
        }
        other => {
            return Err(unsupported(
                "RSASSA-PSS".to_owned(),
                &format!("hash {other} is unknown"),
            ));
        }
    };
    match parameters {
        Some(tlv) if tlv.raw != write::null() => Err(unsupported(
            "RSASSA-PSS".to_owned(),
            "the hash has parameters",
        )),
        _ => Ok(hash),
    }
}

fn pss_parameters(hash: HashAlgorithm) -> Vec<u8> {
    let hash_oid = match hash {
        HashAlgorithm::Sha256 => oid::SHA256,
        HashAlgorithm::Sha384 => oid::SHA384,
        HashAlgorithm::Sha512 => oid::SHA512,
    };
    let hash_identifier = identifier(hash_oid, &write::null());
    // At most 64, one octet.
    let salt = write::integer(&hash.output_len().to_be_bytes());
    write::sequence(&[
        &write::explicit(0, &hash_identifier),
        &write::explicit(1, &identifier(oid::MGF1, &hash_identifier)),
        &write::explicit(2, &salt),
    ])
}

fn identifier(name: ObjectIdentifier, parameters: &[u8]) -> Vec<u8> {
    write::sequence(&[&write::object_identifier(name), parameters])
}

fn unsupported(algorithm: String, reason: &str) -> Error {
    Error::UnsupportedSignatureAlgorithm {
        algorithm,
        reason: reason.to_owned(),
    }
}

fn hash_name(hash: HashAlgorithm) -> &'static str {
    match hash {
        HashAlgorithm::Sha256 => "SHA-256",
        HashAlgorithm::Sha384 => "SHA-384",
        HashAlgorithm::Sha512 => "SHA-512",
    }
}
