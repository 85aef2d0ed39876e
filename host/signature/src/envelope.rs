//! Envelopes that were read, and envelopes whose integrity is proven.

use std::ops::Deref;

use notary_plugin_protocol::{SigningAlgorithm, SigningScheme};
use notary_x509::{Certificate, CertificateChain};
use time::OffsetDateTime;

use crate::attributes::{
    ExtendedAttribute, SignedAttributes, UnsignedAttributes, VerificationPlugin,
};
use crate::limits::{MAX_CERTIFICATES, MAX_ENVELOPE_LEN};
use crate::payload::PAYLOAD_MEDIA_TYPE;
use crate::{EnvelopeFormat, Error, Payload, cose, jws};

/// A signature envelope that is well-formed, of which nothing is proven.
///
/// Everything in it may be a lie: it is for showing to people, and for
/// [`Envelope::verify_integrity`].
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    pub(crate) format: EnvelopeFormat,
    pub(crate) algorithm: SigningAlgorithm,
    pub(crate) content_type: String,
    pub(crate) attributes: SignedAttributes,
    pub(crate) unsigned: UnsignedAttributes,
    pub(crate) certificates: CertificateChain,
    pub(crate) payload: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    pub(crate) signed_bytes: Vec<u8>,
}

impl Envelope {
    /// Reads an envelope and checks all that can be checked without cryptography: the encoding, that
    /// no member occurs twice, and the rules about attributes.
    ///
    /// # Errors
    /// [`Error::TooLarge`] above [`MAX_ENVELOPE_LEN`]; otherwise whichever rule is broken first.
    pub fn parse(format: EnvelopeFormat, bytes: &[u8]) -> Result<Self, Error> {
        Error::check_size("the signature envelope", bytes.len(), MAX_ENVELOPE_LEN)?;
        match format {
            EnvelopeFormat::Jws => jws::parse(bytes),
            EnvelopeFormat::Cose => cose::parse(bytes),
        }
    }

    /// Checks the signature with the key of the first certificate, that the algorithm is the one that
    /// follows from this key, that the chain meets the rules for code signing, and that the payload is
    /// a Notary Project payload.
    ///
    /// This proves that the holder of the certificate signed the payload. It says nothing about who
    /// that is, nor whether the certificates were valid at any time.
    ///
    /// # Errors
    /// [`Error::UnsupportedContentType`], [`Error::Certificate`], [`Error::AlgorithmMismatch`],
    /// [`Error::SignatureInvalid`], [`Error::InvalidPayload`].
    pub fn verify_integrity(self) -> Result<VerifiedEnvelope, Error> {
        if self.content_type != PAYLOAD_MEDIA_TYPE {
            return Err(Error::UnsupportedContentType {
                found: self.content_type,
            });
        }
        let leaf = self.certificates.leaf();
        let expected = leaf.public_key().key_spec()?.signing_algorithm();
        if expected != self.algorithm {
            return Err(Error::AlgorithmMismatch {
                found: self.algorithm,
                expected,
            });
        }
        leaf.public_key()
            .verify(self.algorithm, &self.signed_bytes, &self.signature)
            .map_err(|_| Error::SignatureInvalid {
                subject: leaf.subject().to_string(),
            })?;
        self.certificates
            .check_code_signing(None)
            .map_err(notary_x509::Error::from)?;
        let payload = self.payload()?;
        Ok(VerifiedEnvelope {
            envelope: self,
            payload,
        })
    }

    /// The format that the envelope was read in.
    #[must_use]
    pub fn format(&self) -> EnvelopeFormat {
        self.format
    }

    /// The signature algorithm in the protected header.
    #[must_use]
    pub fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    /// The content type in the protected header.
    #[must_use]
    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    /// All signed attributes.
    #[must_use]
    pub fn attributes(&self) -> &SignedAttributes {
        &self.attributes
    }

    /// The signing scheme.
    #[must_use]
    pub fn signing_scheme(&self) -> SigningScheme {
        self.attributes.scheme
    }

    /// The time of signing: a claim of the signer under `notary.x509`, of the authority under
    /// `notary.x509.signingAuthority`.
    #[must_use]
    pub fn signing_time(&self) -> OffsetDateTime {
        self.attributes.signing_time
    }

    /// The time of signing that a signing authority vouches for.
    #[must_use]
    pub fn authentic_signing_time(&self) -> Option<OffsetDateTime> {
        self.attributes.authentic_signing_time()
    }

    /// From when on the artifact is considered expired.
    #[must_use]
    pub fn expiry(&self) -> Option<OffsetDateTime> {
        self.attributes.expiry
    }

    /// The plugin that the signature asks to be verified with.
    #[must_use]
    pub fn verification_plugin(&self) -> Option<&VerificationPlugin> {
        self.attributes.verification_plugin.as_ref()
    }

    /// Attributes that the specification does not define.
    #[must_use]
    pub fn extended_attributes(&self) -> &[ExtendedAttribute] {
        &self.attributes.extended
    }

    /// The program that says it made the signature. Not signed: never decide anything by it.
    #[must_use]
    pub fn signing_agent(&self) -> Option<&str> {
        self.unsigned.signing_agent.as_deref()
    }

    /// The DER of the timestamp token, unchecked. Under `notary.x509.signingAuthority` it means
    /// nothing.
    #[must_use]
    pub fn timestamp_token(&self) -> Option<&[u8]> {
        self.unsigned.timestamp.as_deref()
    }

    /// The certificates, the signing one first.
    #[must_use]
    pub fn certificate_chain(&self) -> &CertificateChain {
        &self.certificates
    }

    /// The raw signature: RSASSA-PSS bytes or ECDSA `r‖s`. This is what a timestamp is on.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The bytes that the signature is over.
    #[must_use]
    pub fn signed_bytes(&self) -> &[u8] {
        &self.signed_bytes
    }

    /// The payload as it was signed.
    #[must_use]
    pub fn payload_bytes(&self) -> &[u8] {
        &self.payload
    }

    /// What is signed.
    ///
    /// # Errors
    /// [`Error::InvalidPayload`], [`Error::TooLarge`].
    pub fn payload(&self) -> Result<Payload, Error> {
        Payload::from_json(&self.payload)
    }
}

/// An envelope whose integrity is proven: see [`Envelope::verify_integrity`], the only way to one.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifiedEnvelope {
    envelope: Envelope,
    payload: Payload,
}

impl VerifiedEnvelope {
    /// What is signed.
    #[must_use]
    pub fn payload(&self) -> &Payload {
        &self.payload
    }
}

impl Deref for VerifiedEnvelope {
    type Target = Envelope;

    fn deref(&self) -> &Envelope {
        &self.envelope
    }
}

/// The chain of the DER certificates of an envelope.
pub(crate) fn read_certificates(ders: &[Vec<u8>]) -> Result<CertificateChain, Error> {
    if ders.is_empty() {
        return Err(Error::NoCertificates);
    }
    if ders.len() > MAX_CERTIFICATES {
        return Err(Error::TooManyCertificates { actual: ders.len() });
    }
    let certificates = ders
        .iter()
        .map(|der| Certificate::from_der(der))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(CertificateChain::new(certificates)?)
}
