//! What can go wrong with certificates and keys.

use notary_plugin_protocol::SignatureError;
use thiserror::Error;

use crate::RuleViolation;

/// An input that is not what it must be, or a signature that does not hold.
///
/// Every message says what failed and on what; nothing of a private key is ever part of one.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// More bytes than the limit for this kind of input.
    #[error("{what} has {actual} bytes; at most {limit} are accepted")]
    TooLarge {
        /// What was read.
        what: &'static str,
        /// The limit in bytes.
        limit: usize,
        /// The size in bytes.
        actual: usize,
    },
    /// More certificates than the limit.
    #[error("{actual} certificates are given; at most {limit} are accepted")]
    TooManyCertificates {
        /// The limit.
        limit: usize,
        /// How many there are.
        actual: usize,
    },
    /// Bytes that do not decode.
    #[error("{what} cannot be decoded: {reason}")]
    Malformed {
        /// What was read, and which part of it.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// An input without a certificate.
    #[error("no certificate found: expected X.509 certificates as PEM or DER, PKCS#7, or PKCS#12")]
    NoCertificate,
    /// A PKCS#12 file whose certificates are encrypted in a way that cannot be undone.
    #[error(
        "the certificates in the PKCS#12 file are encrypted {reason}; export them without a password, or as PEM"
    )]
    EncryptedPkcs12 {
        /// How, such as `under a password that is not empty`.
        reason: String,
    },
    /// A key that no Notary Project signature can be made or checked with.
    #[error("{key} keys are not supported: {supported}")]
    UnsupportedKey {
        /// The key, such as `RSA 1024` or `1.3.132.0.10`.
        key: String,
        /// What is supported in this place.
        supported: &'static str,
    },
    /// An encrypted private key.
    #[error(
        "the private key is encrypted; decrypt it first (`openssl pkey -in KEY -out PLAIN`) or keep it in a plugin"
    )]
    EncryptedPrivateKey,
    /// A signature made with SHA-1, which the specification forbids everywhere.
    #[error("it is signed with SHA-1 ({algorithm}), which is forbidden")]
    Sha1Signature {
        /// The signature algorithm's name.
        algorithm: &'static str,
    },
    /// A signature algorithm, or parameters of one, that is not accepted.
    #[error("signature algorithm {algorithm} is not supported: {reason}")]
    UnsupportedSignatureAlgorithm {
        /// The algorithm's name or dotted object identifier.
        algorithm: String,
        /// Why.
        reason: String,
    },
    /// A signature algorithm that does not belong to the key.
    #[error("signature algorithm {algorithm} does not belong to a key of type {key}")]
    AlgorithmKeyMismatch {
        /// The algorithm.
        algorithm: String,
        /// The key.
        key: String,
    },
    /// A signature that the key did not make over these bytes.
    #[error("the signature does not verify with the {key} public key")]
    SignatureInvalid {
        /// The key.
        key: String,
    },
    /// Bytes that cannot be a raw signature of the key: another length, or ASN.1 DER.
    #[error(transparent)]
    SignatureForm(#[from] SignatureError),
    /// A certificate that another one did not issue.
    #[error("certificate \"{subject}\" was not issued by \"{issuer}\": {reason}")]
    NotIssuedBy {
        /// The certificate's subject.
        subject: String,
        /// The alleged issuer's subject.
        issuer: String,
        /// What does not fit.
        reason: String,
    },
    /// None of the certificates holds the signing key.
    #[error(
        "none of the {count} certificates holds the signing key's public key ({key}); the first is \"{first}\""
    )]
    NoCertificateForKey {
        /// How many certificates there are.
        count: usize,
        /// The signing key.
        key: String,
        /// The subject of the first certificate.
        first: String,
    },
    /// No path to a self-signed root.
    #[error(
        "the certificate chain is incomplete: the issuer of \"{subject}\" is missing, which is \"{issuer}\"{key_id}"
    )]
    MissingIssuer {
        /// The last certificate that was found.
        subject: String,
        /// Who issued it.
        issuer: String,
        /// The issuer's key identifier, ` with key identifier …`, or nothing.
        key_id: String,
    },
    /// An empty certificate chain.
    #[error("the certificate chain is empty")]
    EmptyChain,
    /// A distinguished name that is not RFC 4514.
    #[error("\"{name}\" is not a distinguished name as in RFC 4514: {reason}")]
    DistinguishedName {
        /// The name, or its first characters.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Parameters from which no certificate or request can be made.
    #[error("{what} cannot be made: {reason}")]
    Template {
        /// What was to be made.
        what: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The cryptographic library refused a key or failed to sign.
    #[error("{operation} failed: {reason}")]
    Crypto {
        /// What was tried.
        operation: &'static str,
        /// What the library said.
        reason: String,
    },
    /// A certificate breaks a rule of the specification.
    #[error(transparent)]
    Rule(#[from] RuleViolation),
}

impl Error {
    /// For `map_err`: `what` is malformed for the reason that the source gives.
    pub(crate) fn malformed<E: std::fmt::Display>(what: &'static str) -> impl Fn(E) -> Self {
        move |source| Self::Malformed {
            what,
            reason: source.to_string(),
        }
    }

    /// `what` is malformed in a way that a sentence says.
    pub(crate) fn malformed_because(what: &'static str, reason: &str) -> Self {
        Self::Malformed {
            what,
            reason: reason.to_owned(),
        }
    }

    /// An error if `actual` bytes are more than `limit`.
    pub(crate) fn check_size(what: &'static str, actual: usize, limit: usize) -> Result<(), Self> {
        if actual > limit {
            return Err(Self::TooLarge {
                what,
                limit,
                actual,
            });
        }
        Ok(())
    }
}
