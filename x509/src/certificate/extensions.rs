//! The extensions that the certificate rules, path building and revocation read.

use std::fmt;

use der::Tag;
use der::asn1::ObjectIdentifier;

use crate::asn1::{self, Fields, Tlv};
use crate::{Error, oid};

/// One extension, undecoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// Which extension.
    pub id: ObjectIdentifier,
    /// Whether it is critical.
    pub critical: bool,
    /// The content of `extnValue`: the DER of the extension's own type.
    pub value: Vec<u8>,
}

/// basicConstraints (RFC 5280 §4.2.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BasicConstraints {
    /// Whether the extension is critical.
    pub critical: bool,
    /// Whether the subject is a CA.
    pub ca: bool,
    /// How many intermediate certificates may follow below it.
    pub path_len: Option<u32>,
}

/// keyUsage (RFC 5280 §4.2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUsage {
    /// Whether the extension is critical.
    pub critical: bool,
    /// Bit `n` of the BIT STRING as bit `n` of the number.
    bits: u16,
}

/// extKeyUsage (RFC 5280 §4.2.1.12).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtendedKeyUsage {
    /// Whether the extension is critical.
    pub critical: bool,
    /// The purposes, in the order of the certificate.
    pub purposes: Vec<ObjectIdentifier>,
}

/// One CRL distribution point (RFC 5280 §4.2.1.13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistributionPoint {
    /// The URLs among the names: all of them lead to the same CRL.
    pub urls: Vec<String>,
    /// Every name of the distribution point, each a DER `GeneralName`: what a partitioned CRL's
    /// issuingDistributionPoint is compared with. Empty if the point is named relative to the issuer.
    pub full_names: Vec<Vec<u8>>,
    /// Whether the point has CRLs for some revocation reasons only.
    pub limited_to_reasons: bool,
    /// Whether another authority than the certificate's issuer signs the CRL (an indirect CRL).
    pub indirect: bool,
}

/// One bit of keyUsage, by the number that it has in the BIT STRING.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum KeyUsageBit {
    /// `digitalSignature` (0).
    DigitalSignature = 0,
    /// `nonRepudiation` (1), today `contentCommitment`.
    NonRepudiation = 1,
    /// `keyEncipherment` (2).
    KeyEncipherment = 2,
    /// `dataEncipherment` (3).
    DataEncipherment = 3,
    /// `keyAgreement` (4).
    KeyAgreement = 4,
    /// `keyCertSign` (5).
    KeyCertSign = 5,
    /// `cRLSign` (6).
    CrlSign = 6,
    /// `encipherOnly` (7).
    EncipherOnly = 7,
    /// `decipherOnly` (8).
    DecipherOnly = 8,
}

impl KeyUsageBit {
    /// The name in RFC 5280.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DigitalSignature => "digitalSignature",
            Self::NonRepudiation => "nonRepudiation",
            Self::KeyEncipherment => "keyEncipherment",
            Self::DataEncipherment => "dataEncipherment",
            Self::KeyAgreement => "keyAgreement",
            Self::KeyCertSign => "keyCertSign",
            Self::CrlSign => "cRLSign",
            Self::EncipherOnly => "encipherOnly",
            Self::DecipherOnly => "decipherOnly",
        }
    }
}

impl fmt::Display for KeyUsageBit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl KeyUsage {
    /// Whether `bit` is set.
    #[must_use]
    pub fn has(self, bit: KeyUsageBit) -> bool {
        self.bits & (1 << (bit as u8)) != 0
    }
}

impl ExtendedKeyUsage {
    /// Whether `purpose` is among the purposes.
    #[must_use]
    pub fn has(&self, purpose: ObjectIdentifier) -> bool {
        self.purposes.contains(&purpose)
    }
}

/// All extensions of a certificate, those that are used decoded.
#[derive(Default)]
pub(super) struct Extensions {
    pub(super) all: Vec<Extension>,
    pub(super) basic_constraints: Option<BasicConstraints>,
    pub(super) key_usage: Option<KeyUsage>,
    pub(super) extended_key_usage: Option<ExtendedKeyUsage>,
    pub(super) subject_key_id: Option<Vec<u8>>,
    pub(super) authority_key_id: Option<Vec<u8>>,
    pub(super) ocsp_urls: Vec<String>,
    pub(super) crl_distribution_points: Vec<DistributionPoint>,
}

impl Extensions {
    /// From the explicit tag `[3]` of a certificate.
    pub(super) fn read(explicit: Option<Tlv<'_>>) -> Result<Self, Error> {
        let Some(explicit) = explicit else {
            return Ok(Self::default());
        };
        let list = explicit
            .inner(Tag::Sequence)
            .map_err(Error::malformed("certificate extensions"))?;
        let mut this = Self {
            all: read_extensions(list)?,
            ..Self::default()
        };
        for extension in std::mem::take(&mut this.all) {
            this.decode(&extension)?;
            this.all.push(extension);
        }
        Ok(this)
    }

    fn decode(&mut self, extension: &Extension) -> Result<(), Error> {
        let (critical, der) = (extension.critical, extension.value.as_slice());
        match extension.id {
            oid::BASIC_CONSTRAINTS => {
                self.basic_constraints = Some(
                    basic_constraints(critical, der)
                        .map_err(Error::malformed("basicConstraints of the certificate"))?,
                );
            }
            oid::KEY_USAGE => {
                self.key_usage = Some(
                    key_usage(critical, der)
                        .map_err(Error::malformed("keyUsage of the certificate"))?,
                );
            }
            oid::EXTENDED_KEY_USAGE => {
                self.extended_key_usage = Some(
                    extended_key_usage(critical, der)
                        .map_err(Error::malformed("extKeyUsage of the certificate"))?,
                );
            }
            oid::SUBJECT_KEY_IDENTIFIER => {
                self.subject_key_id = Some(
                    Fields::single(der, Tag::OctetString)
                        .map_err(Error::malformed("subjectKeyIdentifier of the certificate"))?
                        .value
                        .to_vec(),
                );
            }
            oid::AUTHORITY_KEY_IDENTIFIER => {
                self.authority_key_id = authority_key_id(der).map_err(Error::malformed(
                    "authorityKeyIdentifier of the certificate",
                ))?;
            }
            oid::AUTHORITY_INFO_ACCESS => {
                self.ocsp_urls = ocsp_urls(der)
                    .map_err(Error::malformed("authorityInfoAccess of the certificate"))?;
            }
            oid::CRL_DISTRIBUTION_POINTS => {
                self.crl_distribution_points = DistributionPoint::read_all(der)?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// A DER `Extensions` sequence: of a certificate, a CRL, a CRL entry or an OCSP answer.
///
/// # Errors
/// [`Error::Malformed`], also if an extension occurs twice (RFC 5280 §4.2).
pub(crate) fn read_extensions(list: Tlv<'_>) -> Result<Vec<Extension>, Error> {
    const WHAT: &str = "extensions";
    let malformed = Error::malformed(WHAT);
    let mut fields = list.fields().map_err(&malformed)?;
    let mut all: Vec<Extension> = Vec::new();
    while !fields.is_empty() {
        let extension = fields
            .expect(Tag::Sequence)
            .and_then(read_extension)
            .map_err(&malformed)?;
        if all.iter().any(|other| other.id == extension.id) {
            return Err(Error::Malformed {
                what: WHAT,
                reason: format!("extension {} occurs twice", extension.id),
            });
        }
        all.push(extension);
    }
    Ok(all)
}

impl Extension {
    /// The extensions in the DER `Extensions` sequence `der`, as certificates, CRLs, CRL entries and
    /// OCSP answers have them.
    ///
    /// # Errors
    /// [`Error::Malformed`], also if an extension occurs twice (RFC 5280 §4.2).
    pub fn read_all(der: &[u8]) -> Result<Vec<Self>, Error> {
        let list = Fields::single(der, Tag::Sequence).map_err(Error::malformed("extensions"))?;
        read_extensions(list)
    }
}

fn read_extension(tlv: Tlv<'_>) -> Result<Extension, der::Error> {
    let mut fields = tlv.fields()?;
    let id = fields.expect(Tag::ObjectIdentifier)?.oid()?;
    let critical = match fields.optional(Tag::Boolean)? {
        Some(flag) => flag.boolean()?,
        None => false,
    };
    let value = fields.expect(Tag::OctetString)?.value.to_vec();
    fields.finish()?;
    Ok(Extension {
        id,
        critical,
        value,
    })
}

fn basic_constraints(critical: bool, der: &[u8]) -> Result<BasicConstraints, der::Error> {
    let mut fields = Fields::single(der, Tag::Sequence)?.fields()?;
    let ca = match fields.optional(Tag::Boolean)? {
        Some(flag) => flag.boolean()?,
        None => false,
    };
    let path_len = match fields.optional(Tag::Integer)? {
        Some(number) => Some(number.small_integer()?),
        None => None,
    };
    fields.finish()?;
    Ok(BasicConstraints {
        critical,
        ca,
        path_len,
    })
}

fn key_usage(critical: bool, der: &[u8]) -> Result<KeyUsage, der::Error> {
    let content = Fields::single(der, Tag::BitString)?.value;
    let (unused, octets) = match content.split_first() {
        Some((unused @ 0..=7, octets)) if !octets.is_empty() || *unused == 0 => (*unused, octets),
        _ => return Err(Tag::BitString.value_error().into()),
    };
    let last = octets.len().saturating_sub(1);
    let mut bits = 0;
    // Nine bits are defined: two octets. What lies beyond has no meaning.
    for (index, octet) in octets.iter().take(2).enumerate() {
        let used = if index == last {
            octet >> unused << unused
        } else {
            *octet
        };
        // Bit 0 of a BIT STRING is the most significant bit of its first octet.
        bits |= u16::from(used.reverse_bits()) << (8 * index);
    }
    Ok(KeyUsage { critical, bits })
}

fn extended_key_usage(critical: bool, der: &[u8]) -> Result<ExtendedKeyUsage, der::Error> {
    let mut fields = Fields::single(der, Tag::Sequence)?.fields()?;
    let mut purposes = Vec::new();
    while !fields.is_empty() {
        purposes.push(fields.expect(Tag::ObjectIdentifier)?.oid()?);
    }
    if purposes.is_empty() {
        return Err(Tag::Sequence.length_error().into());
    }
    Ok(ExtendedKeyUsage { critical, purposes })
}

fn authority_key_id(der: &[u8]) -> Result<Option<Vec<u8>>, der::Error> {
    let mut fields = Fields::single(der, Tag::Sequence)?.fields()?;
    let key_id = fields
        .optional(asn1::primitive(0))?
        .map(|tlv| tlv.value.to_vec());
    // authorityCertIssuer and authorityCertSerialNumber are not used here.
    fields.optional(asn1::constructed(1))?;
    fields.optional(asn1::primitive(2))?;
    fields.finish()?;
    Ok(key_id)
}

fn ocsp_urls(der: &[u8]) -> Result<Vec<String>, der::Error> {
    let mut descriptions = Fields::single(der, Tag::Sequence)?.fields()?;
    let mut urls = Vec::new();
    while !descriptions.is_empty() {
        let mut fields = descriptions.expect(Tag::Sequence)?.fields()?;
        let method = fields.expect(Tag::ObjectIdentifier)?.oid()?;
        let location = fields.next_field()?;
        fields.finish()?;
        if method == oid::ACCESS_OCSP {
            urls.extend(url(location)?);
        }
    }
    Ok(urls)
}

/// The URL that a `GeneralName` is, if it is one.
fn url(general_name: Tlv<'_>) -> Result<Option<String>, der::Error> {
    if general_name.tag != asn1::primitive(6) {
        return Ok(None);
    }
    match std::str::from_utf8(general_name.value) {
        Ok(text) if text.is_ascii() => Ok(Some(text.to_owned())),
        _ => Err(Tag::Ia5String.value_error().into()),
    }
}

impl DistributionPoint {
    /// The distribution points in the DER `CRLDistributionPoints` `der`: the value of a
    /// cRLDistributionPoints or freshestCRL extension.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn read_all(der: &[u8]) -> Result<Vec<Self>, Error> {
        read_distribution_points(der).map_err(Error::malformed("CRL distribution points"))
    }
}

fn read_distribution_points(der: &[u8]) -> Result<Vec<DistributionPoint>, der::Error> {
    let mut list = Fields::single(der, Tag::Sequence)?.fields()?;
    let mut points = Vec::new();
    while !list.is_empty() {
        let mut fields = list.expect(Tag::Sequence)?.fields()?;
        let mut point = DistributionPoint {
            urls: Vec::new(),
            full_names: Vec::new(),
            limited_to_reasons: false,
            indirect: false,
        };
        if let Some(name) = fields.optional(asn1::constructed(0))? {
            read_full_names(name, &mut point)?;
        }
        point.limited_to_reasons = fields.optional(asn1::primitive(1))?.is_some();
        point.indirect = fields.optional(asn1::constructed(2))?.is_some();
        fields.finish()?;
        points.push(point);
    }
    Ok(points)
}

fn read_full_names(
    distribution_point_name: Tlv<'_>,
    point: &mut DistributionPoint,
) -> Result<(), der::Error> {
    let mut choice = distribution_point_name.fields()?;
    if let Some(full_name) = choice.optional(asn1::constructed(0))? {
        let mut names = full_name.fields()?;
        while !names.is_empty() {
            let name = names.next_field()?;
            point.urls.extend(url(name)?);
            point.full_names.push(name.raw.to_vec());
        }
    }
    choice.optional(asn1::constructed(1))?;
    choice.finish()
}
