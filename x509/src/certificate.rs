//! One X.509 certificate.

mod extensions;

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use aws_lc_rs::digest;
use der::Tag;
use der::asn1::ObjectIdentifier;
use time::OffsetDateTime;

pub use extensions::{
    BasicConstraints, DistributionPoint, ExtendedKeyUsage, Extension, KeyUsage, KeyUsageBit,
};

use crate::algorithm::SignatureAlgorithm;
use crate::asn1::{self, Fields, Tlv};
use crate::{Error, Name, PublicKey, oid};
use extensions::Extensions;

/// The largest certificate that is read, in bytes. Certificates have one to four KiB; the limit
/// leaves room for long lists of names and keeps what an untrusted envelope can make us hold small.
pub const MAX_CERTIFICATE_LEN: usize = 64 * 1024;

const WHAT: &str = "certificate";

/// An X.509 certificate (RFC 5280 §4.1): parsed once, cheap to clone, equal when its DER is.
///
/// Parsing proves that the structure and the extensions that anything here relies on decode, that no
/// extension occurs twice, and that the two places that name the signature algorithm agree. It proves
/// nothing about the signature.
#[derive(Clone)]
pub struct Certificate {
    inner: Arc<Inner>,
}

struct Inner {
    der: Vec<u8>,
    to_be_signed: Range<usize>,
    signature_algorithm: Vec<u8>,
    signature: Vec<u8>,
    serial: Vec<u8>,
    issuer: Name,
    subject: Name,
    not_before: OffsetDateTime,
    not_after: OffsetDateTime,
    public_key: PublicKey,
    extensions: Extensions,
    self_signed: OnceLock<bool>,
}

impl Certificate {
    /// The certificate that the DER `der` is, with nothing after it.
    ///
    /// # Errors
    /// [`Error::TooLarge`] above [`MAX_CERTIFICATE_LEN`], [`Error::Malformed`].
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        Error::check_size(WHAT, der.len(), MAX_CERTIFICATE_LEN)?;
        let malformed = Error::malformed(WHAT);
        let mut outer = Fields::single(der, Tag::Sequence)
            .and_then(|sequence| sequence.fields())
            .map_err(&malformed)?;
        let tbs = outer.expect(Tag::Sequence).map_err(&malformed)?;
        let signature_algorithm = outer.expect(Tag::Sequence).map_err(&malformed)?;
        let signature = outer
            .expect(Tag::BitString)
            .and_then(|bits| bits.bit_string_octets())
            .map_err(&malformed)?;
        outer.finish().map_err(&malformed)?;

        let body = Body::read(tbs).map_err(&malformed)?;
        if body.signature_algorithm != signature_algorithm.raw {
            return Err(Error::malformed_because(
                WHAT,
                "its two signature algorithm identifiers differ",
            ));
        }
        let start = der.len()
            - Fields::single(der, Tag::Sequence)
                .map_err(&malformed)?
                .value
                .len();
        Ok(Self {
            inner: Arc::new(Inner {
                der: der.to_vec(),
                to_be_signed: start..start + tbs.raw.len(),
                signature_algorithm: signature_algorithm.raw.to_vec(),
                signature: signature.to_vec(),
                serial: body.serial.to_vec(),
                issuer: Name::from_der(body.issuer)?,
                subject: Name::from_der(body.subject)?,
                not_before: body.not_before,
                not_after: body.not_after,
                public_key: PublicKey::from_spki_der(body.public_key)?,
                extensions: Extensions::read(body.extensions)?,
                self_signed: OnceLock::new(),
            }),
        })
    }

    /// The DER encoding, as received.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.inner.der
    }

    /// PEM (RFC 7468), with a line feed at the end.
    #[must_use]
    pub fn to_pem(&self) -> String {
        crate::container::pem::encode("CERTIFICATE", self.as_der())
    }

    /// The subject.
    #[must_use]
    pub fn subject(&self) -> &Name {
        &self.inner.subject
    }

    /// The issuer.
    #[must_use]
    pub fn issuer(&self) -> &Name {
        &self.inner.issuer
    }

    /// The serial number: the content octets of the INTEGER, big-endian two's complement. They are
    /// what a CRL and an OCSP request name the certificate by.
    #[must_use]
    pub fn serial(&self) -> &[u8] {
        &self.inner.serial
    }

    /// The first second of the validity period.
    #[must_use]
    pub fn not_before(&self) -> OffsetDateTime {
        self.inner.not_before
    }

    /// The last second of the validity period.
    #[must_use]
    pub fn not_after(&self) -> OffsetDateTime {
        self.inner.not_after
    }

    /// Whether the certificate is valid at `at`; both ends of the period are inside.
    #[must_use]
    pub fn is_valid_at(&self, at: OffsetDateTime) -> bool {
        self.inner.not_before <= at && at <= self.inner.not_after
    }

    /// The subject's public key.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.inner.public_key
    }

    /// SHA-256 of the DER encoding: the thumbprint of the signature manifest's annotation.
    #[must_use]
    pub fn sha256_fingerprint(&self) -> [u8; 32] {
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(digest::digest(&digest::SHA256, self.as_der()).as_ref());
        fingerprint
    }

    /// The algorithm that the certificate is signed with.
    ///
    /// # Errors
    /// [`Error::Sha1Signature`], [`Error::UnsupportedSignatureAlgorithm`].
    pub fn signature_algorithm(&self) -> Result<SignatureAlgorithm, Error> {
        SignatureAlgorithm::from_algorithm_identifier(&self.inner.signature_algorithm)
    }

    /// The DER `TBSCertificate`: the bytes that the issuer signed.
    #[must_use]
    pub fn to_be_signed(&self) -> &[u8] {
        self.inner
            .der
            .get(self.inner.to_be_signed.clone())
            .unwrap_or_default()
    }

    /// The issuer's signature over [`to_be_signed`](Self::to_be_signed), in the form of X.509: ECDSA as
    /// ASN.1.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.inner.signature
    }

    /// Whether basicConstraints say that this is a CA.
    #[must_use]
    pub fn is_ca(&self) -> bool {
        self.basic_constraints()
            .is_some_and(|constraints| constraints.ca)
    }

    /// Whether issuer and subject are the same name. Says nothing about the key: a CA that renews
    /// its key issues itself a certificate, too.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.inner.issuer == self.inner.subject
    }

    /// Whether issuer and subject are the same name and the certificate's own key signed it.
    #[must_use]
    pub fn is_self_signed(&self) -> bool {
        *self.inner.self_signed.get_or_init(|| {
            self.is_self_issued() && self.check_signed_by(self.public_key()).is_ok()
        })
    }

    /// Checks that `issuer` issued this certificate: its subject is this one's issuer, byte for
    /// byte, and its key made the signature. Says nothing about `issuer` being allowed to.
    ///
    /// # Errors
    /// [`Error::NotIssuedBy`] with the reason.
    pub fn check_issued_by(&self, issuer: &Self) -> Result<(), Error> {
        let refuse = |reason: String| Error::NotIssuedBy {
            subject: self.subject().to_string(),
            issuer: issuer.subject().to_string(),
            reason,
        };
        if self.issuer() != issuer.subject() {
            return Err(refuse(format!(
                "it names \"{}\" as its issuer",
                self.issuer()
            )));
        }
        // The same two certificates are compared again and again on the way through a verification.
        if self == issuer && self.is_self_signed() {
            return Ok(());
        }
        self.check_signed_by(issuer.public_key())
            .map_err(|error| refuse(error.to_string()))
    }

    fn check_signed_by(&self, key: &PublicKey) -> Result<(), Error> {
        key.verify_x509(
            self.signature_algorithm()?,
            self.to_be_signed(),
            &self.inner.signature,
        )
    }

    /// basicConstraints, if present.
    #[must_use]
    pub fn basic_constraints(&self) -> Option<BasicConstraints> {
        self.inner.extensions.basic_constraints
    }

    /// keyUsage, if present.
    #[must_use]
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.inner.extensions.key_usage
    }

    /// extKeyUsage, if present.
    #[must_use]
    pub fn extended_key_usage(&self) -> Option<&ExtendedKeyUsage> {
        self.inner.extensions.extended_key_usage.as_ref()
    }

    /// The subject key identifier, if present.
    #[must_use]
    pub fn subject_key_id(&self) -> Option<&[u8]> {
        self.inner.extensions.subject_key_id.as_deref()
    }

    /// The key identifier of the issuer's key, if present.
    #[must_use]
    pub fn authority_key_id(&self) -> Option<&[u8]> {
        self.inner.extensions.authority_key_id.as_deref()
    }

    /// The URLs of OCSP responders, in the order of the certificate.
    #[must_use]
    pub fn ocsp_urls(&self) -> &[String] {
        &self.inner.extensions.ocsp_urls
    }

    /// The CRL distribution points, in the order of the certificate.
    #[must_use]
    pub fn crl_distribution_points(&self) -> &[DistributionPoint] {
        &self.inner.extensions.crl_distribution_points
    }

    /// The extension `id`, undecoded.
    #[must_use]
    pub fn extension(&self, id: ObjectIdentifier) -> Option<&Extension> {
        self.extensions()
            .iter()
            .find(|extension| extension.id == id)
    }

    /// All extensions, undecoded, in the order of the certificate.
    #[must_use]
    pub fn extensions(&self) -> &[Extension] {
        &self.inner.extensions.all
    }

    /// Whether the certificate of an OCSP responder asks not to be checked for revocation itself
    /// (`id-pkix-ocsp-nocheck`, RFC 6960 §4.2.2.2.1).
    #[must_use]
    pub fn has_ocsp_no_check(&self) -> bool {
        self.extension(oid::OCSP_NO_CHECK).is_some()
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner) || self.as_der() == other.as_der()
    }
}

impl Eq for Certificate {}

impl std::hash::Hash for Certificate {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_der().hash(state);
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("subject", &self.subject().to_string())
            .field("issuer", &self.issuer().to_string())
            .field("serial", &hex::encode(self.serial()))
            .finish_non_exhaustive()
    }
}

/// The fields of a `TBSCertificate`, borrowed.
struct Body<'a> {
    serial: &'a [u8],
    signature_algorithm: &'a [u8],
    issuer: &'a [u8],
    subject: &'a [u8],
    not_before: OffsetDateTime,
    not_after: OffsetDateTime,
    public_key: &'a [u8],
    extensions: Option<Tlv<'a>>,
}

impl<'a> Body<'a> {
    fn read(tbs: Tlv<'a>) -> Result<Self, der::Error> {
        let mut fields = tbs.fields()?;
        let version = match fields.optional(asn1::constructed(0))? {
            Some(explicit) => explicit.inner(Tag::Integer)?.small_integer()?,
            None => 0,
        };
        let serial = fields.expect(Tag::Integer)?.value;
        let signature_algorithm = fields.expect(Tag::Sequence)?.raw;
        let issuer = fields.expect(Tag::Sequence)?.raw;
        let mut validity = fields.expect(Tag::Sequence)?.fields()?;
        let not_before = validity.next_field()?.time()?;
        let not_after = validity.next_field()?.time()?;
        validity.finish()?;
        let subject = fields.expect(Tag::Sequence)?.raw;
        let public_key = fields.expect(Tag::Sequence)?.raw;
        // issuerUniqueID and subjectUniqueID.
        fields.optional(asn1::primitive(1))?;
        fields.optional(asn1::primitive(2))?;
        let extensions = fields.optional(asn1::constructed(3))?;
        fields.finish()?;
        // Version 3 is written as 2, and only it has extensions.
        if version > 2 || (extensions.is_some() && version != 2) || serial.is_empty() {
            return Err(Tag::Integer.value_error().into());
        }
        Ok(Self {
            serial,
            signature_algorithm,
            issuer,
            subject,
            not_before,
            not_after,
            public_key,
            extensions,
        })
    }
}
