//! From a request for a signature to an envelope, around a key that is somewhere else.

use std::time::Duration;

use notary_plugin_protocol::{KeySpec, SigningScheme};
use notary_x509::CertificateChain;
use time::OffsetDateTime;

use crate::attributes::{
    ExtendedAttribute, RESERVED_PREFIX, SignedAttributes, UnsignedAttributes, VerificationPlugin,
};
use crate::timestamp::VerifiedTimestamp;
use crate::value::AttributeName;
use crate::{Envelope, EnvelopeFormat, Error, Payload, VerifiedEnvelope, cose, jws};

/// What is to be signed, and how.
///
/// [`SigningRequest::new`] sets what is always needed; the rest are public fields.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SigningRequest {
    /// What is to be signed.
    pub payload: Payload,
    /// The spec of the key that will sign: it decides the algorithm.
    pub key_spec: KeySpec,
    /// The signing scheme; `notary.x509` unless the signer is a signing authority.
    pub scheme: SigningScheme,
    /// The time of signing. Fractions of a second are dropped.
    pub signing_time: OffsetDateTime,
    /// How long after the time of signing the artifact expires: whole seconds, at least one.
    pub expiry: Option<Duration>,
    /// The program that makes the signature, such as `apostille/1.0.0`. Not signed.
    pub signing_agent: Option<String>,
    /// The plugin that verifiers shall use.
    pub verification_plugin: Option<VerificationPlugin>,
    /// Further attributes to sign.
    pub extended_attributes: Vec<ExtendedAttribute>,
}

/// What came back from the signer and from the timestamping authority.
#[derive(Clone, Debug)]
pub struct SignatureParts {
    /// The raw signature: RSASSA-PSS bytes or ECDSA `r‖s`.
    pub signature: Vec<u8>,
    /// The certificate chain of the signing key.
    pub certificate_chain: CertificateChain,
    /// A timestamp on the signature; only under the signing scheme `notary.x509`.
    pub timestamp: Option<VerifiedTimestamp>,
}

/// An envelope that only lacks its signature.
#[derive(Clone, Debug)]
pub struct UnsignedEnvelope {
    format: EnvelopeFormat,
    key_spec: KeySpec,
    attributes: SignedAttributes,
    signing_agent: Option<String>,
    protected: Vec<u8>,
    payload: Vec<u8>,
    bytes_to_sign: Vec<u8>,
}

/// A signature envelope that was made here, and verified before it was handed out.
#[derive(Clone, Debug)]
pub struct SignedEnvelope {
    format: EnvelopeFormat,
    bytes: Vec<u8>,
    envelope: VerifiedEnvelope,
}

impl SigningRequest {
    /// A request under the signing scheme `notary.x509`, without expiry or further attributes.
    #[must_use]
    pub fn new(payload: Payload, key_spec: KeySpec, signing_time: OffsetDateTime) -> Self {
        Self {
            payload,
            key_spec,
            scheme: SigningScheme::NotaryX509,
            signing_time,
            expiry: None,
            signing_agent: None,
            verification_plugin: None,
            extended_attributes: Vec::new(),
        }
    }

    /// Encodes everything that is to be signed.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] if a time is not from 1970 to 9999, the expiry is not a whole number
    /// of seconds, or an extended attribute has a name that is taken or reserved, or a value that the
    /// format cannot express.
    pub fn prepare(self, format: EnvelopeFormat) -> Result<UnsignedEnvelope, Error> {
        check_plugin(self.verification_plugin.as_ref())?;
        check_names(&self.extended_attributes)?;
        let signing_time = self
            .signing_time
            .replace_nanosecond(0)
            .unwrap_or(self.signing_time);
        let attributes = SignedAttributes {
            scheme: self.scheme,
            signing_time,
            expiry: self
                .expiry
                .map(|after| expiry(signing_time, after))
                .transpose()?,
            verification_plugin: self.verification_plugin,
            extended: self.extended_attributes,
        };
        let algorithm = self.key_spec.signing_algorithm();
        let protected = match format {
            EnvelopeFormat::Jws => jws::protected_header(algorithm, &attributes)?,
            EnvelopeFormat::Cose => cose::protected_header(algorithm, &attributes)?,
        };
        let payload = self.payload.to_json();
        let bytes_to_sign = match format {
            EnvelopeFormat::Jws => jws::bytes_to_sign(&protected, &payload),
            EnvelopeFormat::Cose => cose::bytes_to_sign(&protected, &payload),
        };
        Ok(UnsignedEnvelope {
            format,
            key_spec: self.key_spec,
            attributes,
            signing_agent: self.signing_agent,
            protected,
            payload,
            bytes_to_sign,
        })
    }
}

impl UnsignedEnvelope {
    /// What the key has to sign: the whole message, not a digest of it.
    #[must_use]
    pub fn bytes_to_sign(&self) -> &[u8] {
        &self.bytes_to_sign
    }

    /// The format.
    #[must_use]
    pub fn format(&self) -> EnvelopeFormat {
        self.format
    }

    /// The spec of the key that has to sign.
    #[must_use]
    pub fn key_spec(&self) -> KeySpec {
        self.key_spec
    }

    /// Checks what a signer gave back, of which nothing is believed: that the certificate's key is of
    /// the agreed spec, that it made `signature` over exactly [`UnsignedEnvelope::bytes_to_sign`], and
    /// that the chain meets the rules for code signing and is valid at the time of signing.
    ///
    /// [`UnsignedEnvelope::assemble`] does this too; call it alone before a timestamp is requested for
    /// a signature that would then be thrown away.
    ///
    /// # Errors
    /// [`Error::AlgorithmMismatch`], [`Error::SignatureInvalid`], [`Error::Certificate`].
    pub fn check(
        &self,
        signature: &[u8],
        certificate_chain: &CertificateChain,
    ) -> Result<(), Error> {
        let leaf = certificate_chain.leaf();
        let expected = leaf.public_key().key_spec()?.signing_algorithm();
        let found = self.key_spec.signing_algorithm();
        if expected != found {
            return Err(Error::AlgorithmMismatch { found, expected });
        }
        certificate_chain
            .check_code_signing(Some(self.attributes.signing_time))
            .map_err(notary_x509::Error::from)?;
        leaf.public_key()
            .verify(found, &self.bytes_to_sign, signature)
            .map_err(|_| Error::SignatureInvalid {
                subject: leaf.subject().to_string(),
            })
    }

    /// Puts signature, certificates and timestamp into the envelope, after all the checks of
    /// [`UnsignedEnvelope::check`], and reads the result as a verifier would.
    ///
    /// # Errors
    /// As [`UnsignedEnvelope::check`], and [`Error::InvalidRequest`] if the timestamp is on another
    /// signature or the signing scheme does not allow one.
    pub fn assemble(self, parts: SignatureParts) -> Result<SignedEnvelope, Error> {
        self.check(&parts.signature, &parts.certificate_chain)?;
        let timestamp = self.accept_timestamp(parts.timestamp, &parts.signature)?;
        let unsigned = UnsignedAttributes {
            timestamp,
            signing_agent: self.signing_agent,
        };
        let certificates = parts.certificate_chain.certificates();
        let bytes = match self.format {
            EnvelopeFormat::Jws => jws::envelope(
                &self.protected,
                &self.payload,
                &parts.signature,
                certificates,
                &unsigned,
            )?,
            EnvelopeFormat::Cose => cose::envelope(
                &self.protected,
                &self.payload,
                &parts.signature,
                certificates,
                &unsigned,
            )?,
        };
        let envelope = Envelope::parse(self.format, &bytes)?.verify_integrity()?;
        Ok(SignedEnvelope {
            format: self.format,
            bytes,
            envelope,
        })
    }

    fn accept_timestamp(
        &self,
        timestamp: Option<VerifiedTimestamp>,
        signature: &[u8],
    ) -> Result<Option<Vec<u8>>, Error> {
        let Some(timestamp) = timestamp else {
            return Ok(None);
        };
        if self.attributes.scheme != SigningScheme::NotaryX509 {
            return Err(Error::request(
                "only signatures under the signing scheme notary.x509 carry a timestamp",
            ));
        }
        if !timestamp.is_on(signature) {
            return Err(Error::request("the timestamp is on another signature"));
        }
        Ok(Some(timestamp.token().as_der().to_vec()))
    }
}

impl SignedEnvelope {
    /// An envelope that was read from exactly these bytes.
    pub(crate) fn new(format: EnvelopeFormat, bytes: Vec<u8>, envelope: VerifiedEnvelope) -> Self {
        Self {
            format,
            bytes,
            envelope,
        }
    }

    /// The format.
    #[must_use]
    pub fn format(&self) -> EnvelopeFormat {
        self.format
    }

    /// The encoded envelope.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The encoded envelope.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The envelope as a verifier reads it.
    #[must_use]
    pub fn envelope(&self) -> &VerifiedEnvelope {
        &self.envelope
    }
}

fn expiry(signing_time: OffsetDateTime, after: Duration) -> Result<OffsetDateTime, Error> {
    if after.subsec_nanos() != 0 || after.is_zero() {
        return Err(Error::request(format!(
            "the expiry of {after:?} is not a whole, positive number of seconds"
        )));
    }
    i64::try_from(after.as_secs())
        .ok()
        .and_then(|seconds| signing_time.checked_add(time::Duration::seconds(seconds)))
        .ok_or_else(|| Error::request(format!("the expiry of {after:?} is too far in the future")))
}

fn check_plugin(plugin: Option<&VerificationPlugin>) -> Result<(), Error> {
    let Some(plugin) = plugin else { return Ok(()) };
    if plugin.name.is_empty() || plugin.min_version.as_ref().is_some_and(String::is_empty) {
        return Err(Error::request(
            "the name or minimum version of the verification plugin is empty",
        ));
    }
    Ok(())
}

fn check_names(attributes: &[ExtendedAttribute]) -> Result<(), Error> {
    for (index, attribute) in attributes.iter().enumerate() {
        let name = &attribute.name;
        let reserved = match name {
            AttributeName::Text(text) => text.is_empty() || text.starts_with(RESERVED_PREFIX),
            AttributeName::Integer(_) => false,
        };
        if reserved {
            return Err(Error::request(format!(
                "the attribute name \"{name}\" is empty or begins with the reserved prefix {RESERVED_PREFIX}"
            )));
        }
        if attributes
            .iter()
            .take(index)
            .any(|earlier| earlier.name == *name)
        {
            return Err(Error::request(format!(
                "the attribute \"{name}\" is given twice"
            )));
        }
    }
    Ok(())
}
