//! Public keys: what kind they are, and signatures checked with them.

use std::fmt;

use aws_lc_rs::signature::{self as lc, UnparsedPublicKey, VerificationAlgorithm};
use der::Tag;
use notary_plugin_protocol::{HashAlgorithm, KeySpec, RawSignature, SigningAlgorithm};

use crate::algorithm::{self, SignatureAlgorithm};
use crate::asn1::Fields;
use crate::{Error, oid};

const WHAT: &str = "public key";

/// Keys of CAs: the smallest RSA modulus in bits that the specification allows, and with the same
/// number the smallest that the cryptographic library verifies with.
pub const MIN_RSA_BITS: u32 = 2048;
/// The largest RSA modulus, in bits, that signatures are verified with: verification time grows
/// with the square of the size, and the key comes from an untrusted envelope.
pub const MAX_RSA_BITS: u32 = 8192;

/// The kind and size of a public key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyKind {
    /// RSA with a modulus of exactly `bits` bits.
    Rsa {
        /// The bit length of the modulus.
        bits: u32,
    },
    /// EC on P-256 (secp256r1).
    P256,
    /// EC on P-384 (secp384r1).
    P384,
    /// EC on P-521 (secp521r1).
    P521,
    /// Ed25519: for CAs only, no key spec exists for it.
    Ed25519,
    /// Another algorithm or curve, by its dotted object identifier.
    Other(String),
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa { bits } => write!(f, "RSA {bits}"),
            Self::P256 => f.write_str("EC P-256"),
            Self::P384 => f.write_str("EC P-384"),
            Self::P521 => f.write_str("EC P-521"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Other(oid) => f.write_str(oid),
        }
    }
}

/// A public key as a `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7) holds it.
///
/// Any algorithm parses, so that a certificate with an unsupported key can be named in an error;
/// [`PublicKey::key_spec`] and the verify functions then refuse it. Equality is that of the DER.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    spki: Vec<u8>,
    /// The content of the `subjectPublicKey` BIT STRING.
    key: Vec<u8>,
    kind: KeyKind,
}

impl PublicKey {
    /// The key in the DER `SubjectPublicKeyInfo` `der`.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn from_spki_der(der: &[u8]) -> Result<Self, Error> {
        let malformed = Error::malformed(WHAT);
        let mut fields = Fields::single(der, Tag::Sequence)
            .and_then(|sequence| sequence.fields())
            .map_err(&malformed)?;
        let identifier = fields.expect(Tag::Sequence).map_err(&malformed)?;
        let key = fields
            .expect(Tag::BitString)
            .and_then(|bits| bits.bit_string_octets())
            .map_err(&malformed)?;
        fields.finish().map_err(&malformed)?;

        let (name, parameters) = algorithm::split(identifier.raw).map_err(&malformed)?;
        let kind = match name {
            oid::RSA_ENCRYPTION => KeyKind::Rsa {
                bits: modulus_bits(key).map_err(Error::malformed("RSA public key"))?,
            },
            oid::EC_PUBLIC_KEY => {
                // Curves by explicit parameters are refused along with unknown ones: RFC 5480 §2.1.1.
                match parameters.and_then(|tlv| tlv.oid().ok()) {
                    Some(oid::P256) => KeyKind::P256,
                    Some(oid::P384) => KeyKind::P384,
                    Some(oid::P521) => KeyKind::P521,
                    Some(curve) => KeyKind::Other(curve.to_string()),
                    None => KeyKind::Other("EC with explicit curve parameters".to_owned()),
                }
            }
            oid::ED25519 => KeyKind::Ed25519,
            other => KeyKind::Other(other.to_string()),
        };
        Ok(Self {
            spki: der.to_vec(),
            key: key.to_vec(),
            kind,
        })
    }

    /// The DER `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// The content of the `subjectPublicKey` BIT STRING: what key identifiers are a hash of
    /// (RFC 5280 §4.2.1.2, RFC 6960 §4.1.1).
    #[must_use]
    pub fn key_bytes(&self) -> &[u8] {
        &self.key
    }

    /// The kind and size.
    #[must_use]
    pub fn kind(&self) -> &KeyKind {
        &self.kind
    }

    /// The key spec, which decides algorithm and hash of an envelope's signature.
    ///
    /// # Errors
    /// [`Error::UnsupportedKey`] if no key spec exists for the key: the RSA sizes are exact.
    pub fn key_spec(&self) -> Result<KeySpec, Error> {
        match &self.kind {
            KeyKind::Rsa { bits: 2048 } => Ok(KeySpec::Rsa2048),
            KeyKind::Rsa { bits: 3072 } => Ok(KeySpec::Rsa3072),
            KeyKind::Rsa { bits: 4096 } => Ok(KeySpec::Rsa4096),
            KeyKind::P256 => Ok(KeySpec::Ec256),
            KeyKind::P384 => Ok(KeySpec::Ec384),
            KeyKind::P521 => Ok(KeySpec::Ec521),
            other => Err(Error::UnsupportedKey {
                key: other.to_string(),
                supported: "a signing key is RSA 2048, 3072 or 4096, or EC P-256, P-384 or P-521",
            }),
        }
    }

    /// Checks an envelope's signature: RSASSA-PSS with a salt exactly as long as the hash, or ECDSA
    /// as r‖s of fixed width (64, 96 or 132 bytes).
    ///
    /// # Errors
    /// [`Error::AlgorithmKeyMismatch`] if the algorithm is not the one that the key's spec demands,
    /// [`Error::UnsupportedKey`], [`Error::SignatureForm`] for another length,
    /// [`Error::SignatureInvalid`].
    pub fn verify(
        &self,
        algorithm: SigningAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Error> {
        let own = self.key_spec()?.signing_algorithm();
        if own != algorithm {
            return Err(Error::AlgorithmKeyMismatch {
                algorithm: algorithm.to_string(),
                key: self.kind.to_string(),
            });
        }
        let (key, method): (&[u8], &'static dyn VerificationAlgorithm) = match algorithm {
            SigningAlgorithm::RsassaPssSha256 => (&self.key, &lc::RSA_PSS_2048_8192_SHA256),
            SigningAlgorithm::RsassaPssSha384 => (&self.key, &lc::RSA_PSS_2048_8192_SHA384),
            SigningAlgorithm::RsassaPssSha512 => (&self.key, &lc::RSA_PSS_2048_8192_SHA512),
            SigningAlgorithm::EcdsaSha256 => (&self.key, &lc::ECDSA_P256_SHA256_FIXED),
            SigningAlgorithm::EcdsaSha384 => (&self.key, &lc::ECDSA_P384_SHA384_FIXED),
            SigningAlgorithm::EcdsaSha512 => (&self.key, &lc::ECDSA_P521_SHA512_FIXED),
        };
        if signature.len() != algorithm.key_spec().signature_len() {
            // Says whether it is DER, the usual mistake.
            RawSignature::new(algorithm, signature.to_vec())?;
        }
        self.check(method, key, message, signature)
    }

    /// Checks a signature in the form of X.509: of a certificate, a request, a CRL, an OCSP answer
    /// or a CMS message. ECDSA signatures are DER here.
    ///
    /// # Errors
    /// [`Error::AlgorithmKeyMismatch`], [`Error::UnsupportedKey`], [`Error::SignatureInvalid`].
    pub fn verify_x509(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Error> {
        self.check(self.x509_method(algorithm)?, &self.key, message, signature)
    }

    fn x509_method(
        &self,
        algorithm: SignatureAlgorithm,
    ) -> Result<&'static dyn VerificationAlgorithm, Error> {
        use HashAlgorithm::{Sha256, Sha384, Sha512};
        use SignatureAlgorithm::{Ecdsa, Ed25519, RsaPkcs1, RsaPss};

        if let KeyKind::Rsa { bits } = self.kind
            && !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits)
        {
            return Err(Error::UnsupportedKey {
                key: self.kind.to_string(),
                supported: "signatures are verified with RSA keys of 2048 to 8192 bits",
            });
        }
        Ok(match (&self.kind, algorithm) {
            (KeyKind::Rsa { .. }, RsaPkcs1(Sha256)) => &lc::RSA_PKCS1_2048_8192_SHA256,
            (KeyKind::Rsa { .. }, RsaPkcs1(Sha384)) => &lc::RSA_PKCS1_2048_8192_SHA384,
            (KeyKind::Rsa { .. }, RsaPkcs1(Sha512)) => &lc::RSA_PKCS1_2048_8192_SHA512,
            (KeyKind::Rsa { .. }, RsaPss(Sha256)) => &lc::RSA_PSS_2048_8192_SHA256,
            (KeyKind::Rsa { .. }, RsaPss(Sha384)) => &lc::RSA_PSS_2048_8192_SHA384,
            (KeyKind::Rsa { .. }, RsaPss(Sha512)) => &lc::RSA_PSS_2048_8192_SHA512,
            (KeyKind::P256, Ecdsa(Sha256)) => &lc::ECDSA_P256_SHA256_ASN1,
            (KeyKind::P256, Ecdsa(Sha384)) => &lc::ECDSA_P256_SHA384_ASN1,
            (KeyKind::P256, Ecdsa(Sha512)) => &lc::ECDSA_P256_SHA512_ASN1,
            (KeyKind::P384, Ecdsa(Sha256)) => &lc::ECDSA_P384_SHA256_ASN1,
            (KeyKind::P384, Ecdsa(Sha384)) => &lc::ECDSA_P384_SHA384_ASN1,
            (KeyKind::P384, Ecdsa(Sha512)) => &lc::ECDSA_P384_SHA512_ASN1,
            (KeyKind::P521, Ecdsa(Sha256)) => &lc::ECDSA_P521_SHA256_ASN1,
            (KeyKind::P521, Ecdsa(Sha384)) => &lc::ECDSA_P521_SHA384_ASN1,
            (KeyKind::P521, Ecdsa(Sha512)) => &lc::ECDSA_P521_SHA512_ASN1,
            (KeyKind::Ed25519, Ed25519) => &lc::ED25519,
            (KeyKind::Other(name), _) => {
                return Err(Error::UnsupportedKey {
                    key: name.clone(),
                    supported: "signatures are verified with RSA, EC P-256, P-384 and P-521, and Ed25519 keys",
                });
            }
            (kind, algorithm) => {
                return Err(Error::AlgorithmKeyMismatch {
                    algorithm: algorithm.to_string(),
                    key: kind.to_string(),
                });
            }
        })
    }

    fn check(
        &self,
        method: &'static dyn VerificationAlgorithm,
        key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Error> {
        UnparsedPublicKey::new(method, key)
            .verify(message, signature)
            .map_err(|_| Error::SignatureInvalid {
                key: self.kind.to_string(),
            })
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.kind)
    }
}

/// The bit length of the modulus in a DER `RSAPublicKey` (RFC 8017 A.1.1).
fn modulus_bits(der: &[u8]) -> Result<u32, der::Error> {
    let mut fields = Fields::single(der, Tag::Sequence)?.fields()?;
    let modulus = fields.expect(Tag::Integer)?;
    fields.expect(Tag::Integer)?;
    fields.finish()?;
    let magnitude = match modulus.value {
        [0, rest @ ..] => rest,
        [first, ..] if first & 0x80 != 0 => return Err(Tag::Integer.value_error().into()),
        all => all,
    };
    let Some(first) = magnitude.first() else {
        return Ok(0);
    };
    let bits = magnitude.len() * 8 - first.leading_zeros() as usize;
    u32::try_from(bits).map_err(|_| Tag::Integer.value_error().into())
}
