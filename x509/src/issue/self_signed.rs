//! Self-signed certificates.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use time::OffsetDateTime;

use super::{SubjectAltName, assemble, concat, extension, key_identifier, usage_extensions};
use crate::algorithm::SignatureAlgorithm;
use crate::asn1::write;
use crate::{Certificate, Error, Name, PublicKey, oid};

const WHAT: &str = "a self-signed certificate";
const SERIAL_LEN: usize = 16;

/// A certificate's serial number: 128 bits from a random source, kept positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SerialNumber([u8; SERIAL_LEN]);

impl SerialNumber {
    /// A serial number from 16 random bytes. The sign bit is cleared and the next one set, so that
    /// it is positive and always of the same length.
    #[must_use]
    pub fn from_random(mut bytes: [u8; SERIAL_LEN]) -> Self {
        if let Some(first) = bytes.first_mut() {
            *first = *first & 0x7f | 0x40;
        }
        Self(bytes)
    }

    /// A serial number from the cryptographic library's random source.
    ///
    /// # Errors
    /// [`Error::Crypto`] if the source fails.
    pub fn random() -> Result<Self, Error> {
        let mut bytes = [0; SERIAL_LEN];
        SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_| Error::Crypto {
                operation: "making a serial number",
                reason: "the random source failed".to_owned(),
            })?;
        Ok(Self::from_random(bytes))
    }
}

/// What a self-signed certificate says.
#[derive(Clone, Debug)]
pub struct SelfSignedTemplate {
    /// The subject, and so the issuer; [`Name::from_rfc4514`] makes one.
    pub subject: Name,
    /// Alternative names.
    pub subject_alt_names: Vec<SubjectAltName>,
    /// The first second of the validity period; fractions of a second are dropped.
    pub not_before: OffsetDateTime,
    /// The last second of the validity period; fractions of a second are dropped.
    pub not_after: OffsetDateTime,
    /// The serial number.
    pub serial: SerialNumber,
}

/// A self-signed certificate for signing: no CA, digitalSignature alone, codeSigning alone.
///
/// ```
/// use notary_plugin_protocol::KeySpec;
/// use notary_x509::{CertificateChain, Name, PrivateKey, SelfSignedCertificate, SelfSignedTemplate, SerialNumber};
/// use time::{Duration, OffsetDateTime};
///
/// let now = OffsetDateTime::now_utc();
/// let template = SelfSignedTemplate {
///     subject: Name::from_rfc4514("CN=release,O=Example,ST=England,C=GB")?,
///     subject_alt_names: vec!["email:release@example.com".parse()?],
///     not_before: now,
///     not_after: now + Duration::days(30),
///     serial: SerialNumber::random()?,
/// };
/// // A key that we hold stands for one in an HSM here: all that is asked of it is a public key and a signature.
/// let key = PrivateKey::generate(KeySpec::Ec384)?;
///
/// let unsigned = SelfSignedCertificate::prepare(&template, key.public_key())?;
/// let signature = key.sign(unsigned.to_be_signed())?;
/// let certificate = unsigned.assemble(&signature)?;
///
/// CertificateChain::new(vec![certificate])?.check_code_signing(Some(now))?;
/// # Ok::<(), notary_x509::Error>(())
/// ```
#[derive(Debug)]
pub struct SelfSignedCertificate;

impl SelfSignedCertificate {
    /// The bytes that the private key of `key` must sign.
    ///
    /// # Errors
    /// [`Error::Template`] if the subject is empty, the validity period is not one or a name is
    /// malformed; [`Error::UnsupportedKey`].
    pub fn prepare(
        template: &SelfSignedTemplate,
        key: &PublicKey,
    ) -> Result<UnsignedCertificate, Error> {
        check(template)?;
        let algorithm = SignatureAlgorithm::for_signing(key.key_spec()?.signing_algorithm());
        let time = |at| {
            write::time(at).ok_or_else(|| Error::Template {
                what: WHAT,
                reason: format!("{at} is outside the years 0 to 9999"),
            })
        };
        let mut extensions = usage_extensions(&template.subject_alt_names);
        extensions.push(extension(
            oid::SUBJECT_KEY_IDENTIFIER,
            false,
            &write::octet_string(&key_identifier(key)),
        ));
        let version_3 = write::integer(&[2]);
        let to_be_signed = write::sequence(&[
            &write::explicit(0, &version_3),
            &write::integer(&template.serial.0),
            &algorithm.to_algorithm_identifier(),
            template.subject.as_der(),
            &write::sequence(&[&time(template.not_before)?, &time(template.not_after)?]),
            template.subject.as_der(),
            key.spki_der(),
            &write::explicit(3, &concat(&extensions)),
        ]);
        Ok(UnsignedCertificate {
            to_be_signed,
            key: key.clone(),
        })
    }
}

fn check(template: &SelfSignedTemplate) -> Result<(), Error> {
    let refuse = |reason: &str| {
        Err(Error::Template {
            what: WHAT,
            reason: reason.to_owned(),
        })
    };
    if template.subject.is_empty() {
        return refuse("the subject is empty");
    }
    if template.not_before >= template.not_after {
        return refuse("it would end before it begins");
    }
    template
        .subject_alt_names
        .iter()
        .try_for_each(SubjectAltName::check)
}

/// A certificate that lacks its signature.
#[derive(Clone, Debug)]
pub struct UnsignedCertificate {
    to_be_signed: Vec<u8>,
    key: PublicKey,
}

impl UnsignedCertificate {
    /// The bytes to sign, unhashed, with the algorithm of the key's spec.
    #[must_use]
    pub fn to_be_signed(&self) -> &[u8] {
        &self.to_be_signed
    }

    /// The certificate with `raw_signature`: RSASSA-PSS, or ECDSA as r‖s.
    ///
    /// # Errors
    /// [`Error::SignatureInvalid`] if the key did not make the signature over these bytes.
    pub fn assemble(self, raw_signature: &[u8]) -> Result<Certificate, Error> {
        Certificate::from_der(&assemble(&self.to_be_signed, &self.key, raw_signature)?)
    }
}
