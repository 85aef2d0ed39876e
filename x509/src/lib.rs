//! X.509 for Notary Project signatures.
//!
//! A Notary Project signature carries the certificate chain of the key that made it, and the
//! certificates decide everything: the leaf's public key fixes the signature algorithm, the
//! extensions say whether the key may sign at all, the root is what a verifier trusts. The
//! specification's rules for them ("Certificate Requirements") are stricter than those of TLS, and
//! whoever has once met them by trial and error wants to be told which certificate breaks which
//! rule, by which bit. This crate has them in one place for both sides: plugins, which want to find
//! and check a chain before it is used, and hosts, which must check what they are handed.
//!
//! It is pure: bytes in, values out. No file, no network, no clock but the one passed in. All input
//! is held to be hostile: sizes are limited, nothing recurses, nothing panics.
//!
//! # From bytes to a checked chain
//!
//! [`parse_certificates`] reads what certificates come in: PEM, DER, PKCS#7, PKCS#12.
//! [`CertificateChain::order`] finds the chain of a key among them, whatever the order, by keys and
//! signatures. [`CertificateChain::check_code_signing`] and [`CertificateChain::check_timestamping`]
//! apply the rules; a [`RuleViolation`] names the certificate, the extension and the offending part.
//!
//! ```
//! use notary_plugin_protocol::KeySpec;
//! use notary_x509::{CertificateChain, Name, PrivateKey, SelfSignedCertificate, SelfSignedTemplate};
//! use notary_x509::{SerialNumber, parse_certificates};
//! use time::{Duration, OffsetDateTime};
//!
//! let now = OffsetDateTime::now_utc();
//! let key = PrivateKey::generate(KeySpec::Ec256)?;
//! let template = SelfSignedTemplate {
//!     subject: Name::from_rfc4514("CN=release,O=Example,ST=England,C=GB")?,
//!     subject_alt_names: Vec::new(),
//!     not_before: now,
//!     not_after: now + Duration::days(1),
//!     serial: SerialNumber::random()?,
//! };
//! let unsigned = SelfSignedCertificate::prepare(&template, key.public_key())?;
//! let signature = key.sign(unsigned.to_be_signed())?;
//! let pem = unsigned.assemble(&signature)?.to_pem();
//!
//! let certificates = parse_certificates(pem.as_bytes())?;
//! let chain = CertificateChain::order(&certificates, key.public_key())?;
//! chain.check_code_signing(Some(now))?;
//!
//! // What a signature is checked with: the leaf's key, with the algorithm that its spec demands.
//! let leaf_key = chain.leaf().public_key();
//! let signature = key.sign(b"payload")?;
//! leaf_key.verify(leaf_key.key_spec()?.signing_algorithm(), b"payload", &signature)?;
//! # Ok::<(), notary_x509::Error>(())
//! ```
//!
//! # Two forms of a signature
//!
//! Between crates, and in envelopes, a signature is *raw*: RSASSA-PSS bytes, or ECDSA `r‖s` of fixed
//! width. [`PublicKey::verify`] and [`PrivateKey::sign`] speak this form. Inside X.509, ECDSA signatures are
//! DER and more algorithms exist: [`PublicKey::verify_x509`] checks those.
//!
//! # Keys that live elsewhere
//!
//! [`SelfSignedCertificate`] and [`CertificationRequest`] are made in two steps, so that an HSM or a
//! KMS can sign: prepare the bytes, have them signed, assemble.

#![forbid(unsafe_code)]

mod algorithm;
pub mod asn1;
mod certificate;
mod chain;
mod container;
mod error;
mod issue;
mod moment;
mod name;
pub mod oid;
mod private_key;
mod public_key;
mod rules;

pub use algorithm::SignatureAlgorithm;
pub use certificate::{
    BasicConstraints, Certificate, DistributionPoint, ExtendedKeyUsage, Extension, KeyUsage,
    KeyUsageBit, MAX_CERTIFICATE_LEN,
};
pub use chain::{CertificateChain, MAX_CHAIN_LEN, MAX_ORDER_INPUT};
pub use container::{MAX_CERTIFICATE_FILE_LEN, parse_certificates};
pub use error::Error;
pub use issue::{
    CertificationRequest, RequestTemplate, SelfSignedCertificate, SelfSignedTemplate, SerialNumber,
    SubjectAltName, UnsignedCertificate, UnsignedRequest,
};
pub use moment::describe_time;
pub use name::{Attribute, Name};
pub use private_key::{MAX_PRIVATE_KEY_LEN, PrivateKey};
pub use public_key::{KeyKind, MAX_RSA_BITS, MIN_RSA_BITS, PublicKey};
pub use rules::{ExtensionName, Rule, RuleViolation};
