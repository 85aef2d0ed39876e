//! Notary Project signature envelopes, payloads and timestamps.
//!
//! A Notary Project signature is an *envelope* around four things: a *payload* (the descriptor of what
//! is signed: media type, digest, size), *signed attributes* (when and under which scheme, until when),
//! *unsigned attributes* (the certificates, a timestamp), and the raw signature over the first two. The
//! same model has two encodings, [`EnvelopeFormat::Jws`] and [`EnvelopeFormat::Cose`].
//!
//! The crate is pure: bytes in, typed values out. No file, no network, no clock but the one passed in,
//! no randomness of its own. It does not decide whom to trust; it proves who signed what, for another
//! crate to decide.
//!
//! # Signing
//!
//! The key is somewhere else, so that signing takes two steps with the signer between them.
//! [`SigningRequest::prepare`] says which bytes to sign; [`UnsignedEnvelope::assemble`] believes
//! nothing of what comes back, and hands out an envelope only if a verifier would accept it.
//!
//! ```
//! use apostille_artifact::{Descriptor, DigestAlgorithm};
//! use apostille_signature::{Envelope, EnvelopeFormat, Payload, SignatureParts, SigningRequest};
//! # use notary_plugin_protocol::KeySpec;
//! # use notary_x509::{CertificateChain, Name, PrivateKey, SelfSignedCertificate, SelfSignedTemplate, SerialNumber};
//! # use time::{Duration, OffsetDateTime};
//! # let now = OffsetDateTime::now_utc();
//! # let key = PrivateKey::generate(KeySpec::Ec256)?;
//! # let template = SelfSignedTemplate {
//! #     subject: Name::from_rfc4514("CN=release,O=Example,ST=England,C=GB")?,
//! #     subject_alt_names: Vec::new(),
//! #     not_before: now - Duration::MINUTE,
//! #     not_after: now + Duration::DAY,
//! #     serial: SerialNumber::random()?,
//! # };
//! # let unsigned = SelfSignedCertificate::prepare(&template, key.public_key())?;
//! # let self_signature = key.sign(unsigned.to_be_signed())?;
//! # let chain = CertificateChain::new(vec![unsigned.assemble(&self_signature)?])?;
//!
//! let artifact = Descriptor::of("text/plain", DigestAlgorithm::Sha256, b"hello");
//! let payload = Payload::new(&artifact, Default::default())?;
//! let unsigned = SigningRequest::new(payload, key.key_spec(), now).prepare(EnvelopeFormat::Jws)?;
//!
//! let signature = key.sign(unsigned.bytes_to_sign())?;
//! let parts = SignatureParts { signature, certificate_chain: chain, timestamp: None };
//! let envelope = unsigned.assemble(parts)?;
//!
//! // A verifier starts from bytes, and gets at proven facts only through the proof.
//! let read = Envelope::parse(EnvelopeFormat::Jws, envelope.as_bytes())?;
//! let verified = read.verify_integrity()?;
//! assert!(verified.payload().target_artifact().check(b"hello").is_ok());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Reading
//!
//! [`Envelope::parse`] reads strictly, because what two readers understand differently is how
//! signatures are bypassed: no member twice, no names in another case, no stray base64 bits, no
//! indefinite CBOR lengths, no attribute in the list of critical ones that does not belong there.
//! An [`Envelope`] is good for showing; a [`VerifiedEnvelope`] is the only thing a decision may rest
//! on, and [`Envelope::verify_integrity`] the only way to one.
//!
//! # Timestamps
//!
//! See [`timestamp`].

#![forbid(unsafe_code)]

mod attributes;
mod cose;
mod envelope;
mod error;
mod foreign;
mod format;
mod json;
mod jws;
pub mod limits;
mod payload;
mod request;
mod rfc3339;
pub mod timestamp;
mod value;

pub use attributes::{
    ExtendedAttribute, RESERVED_PREFIX, SignedAttributes, SigningScheme, VerificationPlugin,
};
pub use envelope::{Envelope, VerifiedEnvelope};
pub use error::Error;
pub use foreign::ExpectedEnvelope;
pub use format::EnvelopeFormat;
pub use payload::{PAYLOAD_MEDIA_TYPE, Payload};
pub use request::{SignatureParts, SignedEnvelope, SigningRequest, UnsignedEnvelope};
pub use value::{AttributeName, AttributeValue};
