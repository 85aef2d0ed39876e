//! Private keys in files: for signing with a local key, and for tests.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self as lc, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _, RsaKeyPair,
};
use der::Tag;
use der::asn1::ObjectIdentifier;
use notary_plugin_protocol::{KeySpec, SigningAlgorithm};
use zeroize::Zeroizing;

use crate::asn1::{self, Fields};
use crate::container::pem;
use crate::{Error, PublicKey, algorithm, oid};

/// The largest private key file that is read, in bytes: an RSA 4096 key as PEM has 3.3 KiB, and the
/// file may hold its certificates, too.
pub const MAX_PRIVATE_KEY_LEN: usize = 64 * 1024;

const WHAT: &str = "private key";

/// A private key with a key spec. The cryptographic library holds and wipes it; nothing of it is
/// shown by [`fmt::Debug`] or in errors.
pub struct PrivateKey {
    pair: Pair,
    public: PublicKey,
    key_spec: KeySpec,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
}

impl PrivateKey {
    /// The one private key in the PEM `text`: PKCS#8 (`PRIVATE KEY`), SEC1 (`EC PRIVATE KEY`) or
    /// PKCS#1 (`RSA PRIVATE KEY`). Other blocks, such as certificates, are passed over.
    ///
    /// # Errors
    /// [`Error::EncryptedPrivateKey`], [`Error::UnsupportedKey`], [`Error::Malformed`] also if there
    /// is no key or more than one, [`Error::TooLarge`] above [`MAX_PRIVATE_KEY_LEN`].
    pub fn from_pem(text: &[u8]) -> Result<Self, Error> {
        Error::check_size(WHAT, text.len(), MAX_PRIVATE_KEY_LEN)?;
        let mut keys = pem::blocks(text)?
            .into_iter()
            .filter(|block| block.label.ends_with("PRIVATE KEY"));
        let malformed = |reason| Error::malformed_because(WHAT, reason);
        let block = keys
            .next()
            .ok_or_else(|| malformed("there is no PRIVATE KEY block in the PEM"))?;
        if keys.next().is_some() {
            return Err(malformed(
                "there is more than one PRIVATE KEY block in the PEM",
            ));
        }
        if block.has_headers || block.label == "ENCRYPTED PRIVATE KEY" {
            return Err(Error::EncryptedPrivateKey);
        }
        Self::from_der(&block.contents)
    }

    /// The private key in `der`: PKCS#8 (RFC 5958), SEC1 with its curve named (RFC 5915), or PKCS#1
    /// (RFC 8017 A.1.2).
    ///
    /// # Errors
    /// As [`PrivateKey::from_pem`].
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        Error::check_size(WHAT, der.len(), MAX_PRIVATE_KEY_LEN)?;
        let format = Format::of(der).map_err(Error::malformed(WHAT))?;
        let rejected = |error: aws_lc_rs::error::KeyRejected| Error::Crypto {
            operation: "reading the private key",
            reason: error.to_string(),
        };
        let pair = match format {
            Format::Encrypted => return Err(Error::EncryptedPrivateKey),
            Format::Pkcs1 => Pair::Rsa(RsaKeyPair::from_der(der).map_err(rejected)?),
            Format::Pkcs8Rsa => Pair::Rsa(RsaKeyPair::from_pkcs8(der).map_err(rejected)?),
            Format::Ec(curve) => {
                let method = ec_method(curve)?;
                Pair::Ec(EcdsaKeyPair::from_private_key_der(method, der).map_err(rejected)?)
            }
            Format::Other(name) => return Err(unsupported(name.to_string())),
        };
        Self::from_pair(pair)
    }

    /// A new key, for trying things out: what protects artifacts belongs into a KMS or an HSM.
    ///
    /// # Errors
    /// [`Error::Crypto`].
    pub fn generate(key_spec: KeySpec) -> Result<Self, Error> {
        let failed = |_| Error::Crypto {
            operation: "generating a private key",
            reason: format!("the cryptographic library could not make an {key_spec} key"),
        };
        let rsa = |size| RsaKeyPair::generate(size).map(Pair::Rsa).map_err(failed);
        let ec = |method| EcdsaKeyPair::generate(method).map(Pair::Ec).map_err(failed);
        Self::from_pair(match key_spec {
            KeySpec::Rsa2048 => rsa(KeySize::Rsa2048)?,
            KeySpec::Rsa3072 => rsa(KeySize::Rsa3072)?,
            KeySpec::Rsa4096 => rsa(KeySize::Rsa4096)?,
            KeySpec::Ec256 => ec(&lc::ECDSA_P256_SHA256_FIXED_SIGNING)?,
            KeySpec::Ec384 => ec(&lc::ECDSA_P384_SHA384_FIXED_SIGNING)?,
            KeySpec::Ec521 => ec(&lc::ECDSA_P521_SHA512_FIXED_SIGNING)?,
        })
    }

    fn from_pair(pair: Pair) -> Result<Self, Error> {
        let public: Result<PublicKeyX509Der<'_>, _> = match &pair {
            Pair::Rsa(pair) => pair.public_key().as_der(),
            Pair::Ec(pair) => pair.public_key().as_der(),
        };
        let public = public.map_err(|_| Error::Crypto {
            operation: "reading the private key",
            reason: "its public key could not be derived".to_owned(),
        })?;
        let public = PublicKey::from_spki_der(public.as_ref())?;
        let key_spec = public.key_spec()?;
        Ok(Self {
            pair,
            public,
            key_spec,
        })
    }

    /// The public key.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The key spec.
    #[must_use]
    pub fn key_spec(&self) -> KeySpec {
        self.key_spec
    }

    /// The algorithm of [`PrivateKey::sign`].
    #[must_use]
    pub fn signing_algorithm(&self) -> SigningAlgorithm {
        self.key_spec.signing_algorithm()
    }

    /// Hashes `message` as the key spec says and signs it: RSASSA-PSS with a salt as long as the
    /// hash, or ECDSA as raw r‖s.
    ///
    /// # Errors
    /// [`Error::Crypto`].
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let failed = |_| Error::Crypto {
            operation: "signing",
            reason: format!(
                "the cryptographic library could not sign with the {} key",
                self.key_spec
            ),
        };
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let padding: &'static dyn lc::RsaEncoding = match self.signing_algorithm() {
                    SigningAlgorithm::RsassaPssSha256 => &lc::RSA_PSS_SHA256,
                    SigningAlgorithm::RsassaPssSha384 => &lc::RSA_PSS_SHA384,
                    _ => &lc::RSA_PSS_SHA512,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, message, &mut signature)
                    .map_err(failed)?;
                Ok(signature)
            }
            Pair::Ec(pair) => Ok(pair
                .sign(&random, message)
                .map_err(failed)?
                .as_ref()
                .to_vec()),
        }
    }

    /// The key as unencrypted PKCS#8 PEM, to be written to a file that only its owner can read.
    ///
    /// # Errors
    /// [`Error::Crypto`].
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, Error> {
        let failed = |_| Error::Crypto {
            operation: "encoding the private key",
            reason: "the cryptographic library could not encode it as PKCS#8".to_owned(),
        };
        Ok(Zeroizing::new(match &self.pair {
            Pair::Rsa(pair) => {
                let der: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
                pem::encode("PRIVATE KEY", der.as_ref())
            }
            Pair::Ec(pair) => {
                pem::encode("PRIVATE KEY", pair.to_pkcs8v1().map_err(failed)?.as_ref())
            }
        }))
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.key_spec)
    }
}

/// The form of a private key, told by its first fields.
enum Format {
    Encrypted,
    Pkcs1,
    Pkcs8Rsa,
    /// PKCS#8 or SEC1, with the curve if it is a named one.
    Ec(Option<ObjectIdentifier>),
    Other(ObjectIdentifier),
}

impl Format {
    fn of(der: &[u8]) -> Result<Self, der::Error> {
        let mut fields = Fields::single(der, Tag::Sequence)?.fields()?;
        let first = fields.next_field()?;
        if first.tag == Tag::Sequence {
            return Ok(Self::Encrypted);
        }
        first.tag.assert_eq(Tag::Integer)?;
        let second = fields.next_field()?;
        match second.tag {
            Tag::Integer => Ok(Self::Pkcs1),
            Tag::OctetString => {
                let curve = fields.optional(asn1::constructed(0))?;
                Ok(Self::Ec(curve.and_then(|explicit| {
                    explicit.inner(Tag::ObjectIdentifier).ok()?.oid().ok()
                })))
            }
            _ => match algorithm::split(second.raw)? {
                (oid::RSA_ENCRYPTION, _) => Ok(Self::Pkcs8Rsa),
                (oid::EC_PUBLIC_KEY, parameters) => {
                    Ok(Self::Ec(parameters.and_then(|curve| curve.oid().ok())))
                }
                (other, _) => Ok(Self::Other(other)),
            },
        }
    }
}

fn ec_method(curve: Option<ObjectIdentifier>) -> Result<&'static EcdsaSigningAlgorithm, Error> {
    match curve {
        Some(oid::P256) => Ok(&lc::ECDSA_P256_SHA256_FIXED_SIGNING),
        Some(oid::P384) => Ok(&lc::ECDSA_P384_SHA384_FIXED_SIGNING),
        Some(oid::P521) => Ok(&lc::ECDSA_P521_SHA512_FIXED_SIGNING),
        Some(other) => Err(unsupported(other.to_string())),
        None => Err(unsupported("EC without a named curve".to_owned())),
    }
}

fn unsupported(key: String) -> Error {
    Error::UnsupportedKey {
        key,
        supported: "a signing key is RSA 2048, 3072 or 4096, or EC P-256, P-384 or P-521",
    }
}
