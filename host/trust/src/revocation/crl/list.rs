//! One CRL, read without copying its entries.

use der::Tag;
use der::asn1::ObjectIdentifier;
use notary_x509::asn1::{Fields, Tlv, constructed};
use notary_x509::{
    Certificate, DistributionPoint, Extension, KeyUsageBit, SignatureAlgorithm, oid,
};
use time::OffsetDateTime;

use super::entry;
use super::scope::Scope;
use crate::revocation::evidence::{EvidenceError, Revocation, check_this_update};

/// The largest CRL that is read, in bytes: the limit of the reference implementation.
pub const MAX_CRL_LEN: usize = 32 * 1024 * 1024;

pub(super) const WHAT: &str = "CRL";

const CRL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.20");
const DELTA_CRL_INDICATOR: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.27");
const ISSUING_DISTRIBUTION_POINT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.28");

/// A CRL, of which nothing is believed yet.
#[derive(Clone)]
pub struct Crl {
    der: Vec<u8>,
    /// Where in `der` the signed part and the entries are.
    signed: std::ops::Range<usize>,
    entries: std::ops::Range<usize>,
    algorithm: Vec<u8>,
    signature: Vec<u8>,
    issuer: Vec<u8>,
    this_update: OffsetDateTime,
    next_update: Option<OffsetDateTime>,
    extensions: Vec<Extension>,
}

impl Crl {
    /// The CRL that the DER `der` is.
    ///
    /// # Errors
    /// [`EvidenceError::TooLarge`] above [`MAX_CRL_LEN`], [`EvidenceError::Malformed`].
    pub fn from_der(der: Vec<u8>) -> Result<Self, EvidenceError> {
        if der.len() > MAX_CRL_LEN {
            return Err(EvidenceError::TooLarge {
                what: WHAT,
                limit: MAX_CRL_LEN,
                actual: der.len(),
            });
        }
        let parts = Parts::read(&der).map_err(|error| malformed(&error))?;
        let extensions = match parts.extensions {
            Some(explicit) => {
                Extension::read_all(explicit.value).map_err(|error| EvidenceError::Malformed {
                    what: WHAT,
                    reason: error.to_string(),
                })?
            }
            None => Vec::new(),
        };
        let base = der.as_ptr() as usize;
        let range = |part: &[u8]| {
            let start = part.as_ptr() as usize - base;
            start..start + part.len()
        };
        Ok(Self {
            signed: range(parts.signed),
            entries: parts.entries.map_or(0..0, range),
            algorithm: parts.algorithm.to_vec(),
            signature: parts.signature.to_vec(),
            issuer: parts.issuer.to_vec(),
            this_update: parts.this_update,
            next_update: parts.next_update,
            extensions,
            der,
        })
    }

    /// The DER encoding.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// The DER `Name` of who issued the list.
    #[must_use]
    pub fn issuer_der(&self) -> &[u8] {
        &self.issuer
    }

    /// When the list was issued.
    #[must_use]
    pub fn this_update(&self) -> OffsetDateTime {
        self.this_update
    }

    /// When the next list is issued at the latest.
    #[must_use]
    pub fn next_update(&self) -> Option<OffsetDateTime> {
        self.next_update
    }

    /// Whether the list is a delta CRL.
    #[must_use]
    pub fn is_delta(&self) -> bool {
        self.extension(DELTA_CRL_INDICATOR).is_some()
    }

    /// Where delta CRLs to this one are (freshestCRL), in order.
    ///
    /// # Errors
    /// [`EvidenceError::Malformed`].
    pub fn freshest_crl_urls(&self) -> Result<Vec<String>, EvidenceError> {
        let Some(extension) = self.extension(oid::FRESHEST_CRL) else {
            return Ok(Vec::new());
        };
        let points = DistributionPoint::read_all(&extension.value).map_err(|error| {
            EvidenceError::Malformed {
                what: WHAT,
                reason: error.to_string(),
            }
        })?;
        Ok(points.into_iter().flat_map(|point| point.urls).collect())
    }

    fn extension(&self, id: ObjectIdentifier) -> Option<&Extension> {
        self.extensions.iter().find(|extension| extension.id == id)
    }

    pub(super) fn check_signed_by(&self, issuer: &Certificate) -> Result<(), EvidenceError> {
        let untrusted = |reason: String| EvidenceError::Signature { what: WHAT, reason };
        if self.issuer != issuer.subject().as_der() {
            return Err(untrusted(
                "it was issued by another CA than the certificate".to_owned(),
            ));
        }
        if issuer
            .key_usage()
            .is_some_and(|usage| !usage.has(KeyUsageBit::CrlSign))
        {
            return Err(untrusted(format!(
                "\"{}\" may not sign CRLs (keyUsage lacks cRLSign)",
                issuer.subject()
            )));
        }
        let signed = self.der.get(self.signed.clone()).unwrap_or_default();
        SignatureAlgorithm::from_algorithm_identifier(&self.algorithm)
            .and_then(|algorithm| {
                issuer
                    .public_key()
                    .verify_x509(algorithm, signed, &self.signature)
            })
            .map_err(|error| untrusted(error.to_string()))
    }

    /// A complete list, with no critical extension that is not understood here.
    pub(super) fn check_is_base(&self) -> Result<(), EvidenceError> {
        if self.is_delta() {
            return Err(EvidenceError::OutOfScope {
                reason: "it is a delta CRL, without the base CRL that it goes with",
            });
        }
        self.check_critical_extensions()
    }

    fn check_critical_extensions(&self) -> Result<(), EvidenceError> {
        const KNOWN: [ObjectIdentifier; 5] = [
            CRL_NUMBER,
            DELTA_CRL_INDICATOR,
            ISSUING_DISTRIBUTION_POINT,
            oid::AUTHORITY_KEY_IDENTIFIER,
            oid::FRESHEST_CRL,
        ];
        let unknown = |extension: &&Extension| extension.critical && !KNOWN.contains(&extension.id);
        match self.extensions.iter().find(unknown) {
            Some(extension) => Err(EvidenceError::CriticalExtension {
                what: WHAT,
                extension: extension.id.to_string(),
            }),
            None => Ok(()),
        }
    }

    /// RFC 5280 §5.2.4: same scope, based on this base or an earlier one, and newer than it.
    pub(super) fn check_is_delta_of(&self, base: &Self) -> Result<(), EvidenceError> {
        self.check_critical_extensions()?;
        let refuse = |reason| Err(EvidenceError::Delta { reason });
        let Some(based_on) = self.number(DELTA_CRL_INDICATOR)? else {
            return refuse("it is not a delta CRL (no deltaCRLIndicator)");
        };
        let (Some(number), Some(base_number)) =
            (self.number(CRL_NUMBER)?, base.number(CRL_NUMBER)?)
        else {
            return refuse("one of them has no cRLNumber");
        };
        if is_less(&base_number, &based_on) {
            return refuse("it is based on a newer base CRL");
        }
        if is_less(&number, &base_number) {
            return refuse("it is older than the base CRL");
        }
        let scope = |crl: &Self| {
            crl.extension(ISSUING_DISTRIBUTION_POINT)
                .map(|extension| extension.value.clone())
        };
        if scope(self) != scope(base) {
            return refuse("it has another scope (issuingDistributionPoint)");
        }
        Ok(())
    }

    /// The octets of a number, without leading zeros: up to 20 of them (RFC 5280 §5.2.3).
    fn number(&self, id: ObjectIdentifier) -> Result<Option<Vec<u8>>, EvidenceError> {
        let Some(extension) = self.extension(id) else {
            return Ok(None);
        };
        let integer =
            Fields::single(&extension.value, Tag::Integer).map_err(|error| malformed(&error))?;
        if integer.value.first().is_none_or(|first| first & 0x80 != 0) {
            return Err(malformed(&Tag::Integer.value_error().into()));
        }
        Ok(Some(
            integer
                .value
                .iter()
                .copied()
                .skip_while(|octet| *octet == 0)
                .collect(),
        ))
    }

    pub(super) fn check_covers(&self, certificate: &Certificate) -> Result<Scope, EvidenceError> {
        let scope = match self.extension(ISSUING_DISTRIBUTION_POINT) {
            Some(extension) => Scope::read(&extension.value).map_err(|error| malformed(&error))?,
            None => Scope::default(),
        };
        scope.check_covers(certificate)?;
        Ok(scope)
    }

    pub(super) fn check_begun(&self, now: OffsetDateTime) -> Result<(), EvidenceError> {
        check_this_update(WHAT, self.this_update, now)
    }

    pub(super) fn check_not_expired(&self, now: OffsetDateTime) -> Result<(), EvidenceError> {
        match self.next_update {
            None => Err(EvidenceError::NoNextUpdate),
            Some(next_update) if now > next_update => Err(EvidenceError::Expired {
                what: WHAT,
                next_update,
            }),
            Some(_) => Ok(()),
        }
    }

    /// The entry for the serial number `serial`. Every entry is looked at, since a critical extension
    /// in any of them that is not understood makes the list useless (RFC 5280 §5.3).
    ///
    /// Leading zeros do not count: a list that writes a number otherwise than the certificate still means it.
    pub(super) fn find(&self, serial: &[u8]) -> Result<Option<Revocation>, EvidenceError> {
        let serial = without_leading_zeros(serial);
        let entries = self.der.get(self.entries.clone()).unwrap_or_default();
        let mut list = Fields::of(entries).map_err(|error| malformed(&error))?;
        let mut found = None;
        while !list.is_empty() {
            let tlv = list
                .expect(Tag::Sequence)
                .map_err(|error| malformed(&error))?;
            let (entry_serial, revocation) = entry::read(tlv)?;
            if without_leading_zeros(entry_serial) == serial {
                found = Some(revocation);
            }
        }
        Ok(found)
    }
}

impl std::fmt::Debug for Crl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Crl")
            .field("this_update", &self.this_update)
            .field("next_update", &self.next_update)
            .field("len", &self.der.len())
            .finish_non_exhaustive()
    }
}

pub(super) fn malformed(error: &der::Error) -> EvidenceError {
    EvidenceError::Malformed {
        what: WHAT,
        reason: error.to_string(),
    }
}

fn without_leading_zeros(octets: &[u8]) -> &[u8] {
    let zeros = octets.iter().take_while(|octet| **octet == 0).count();
    octets.get(zeros..).unwrap_or_default()
}

fn is_less(left: &[u8], right: &[u8]) -> bool {
    (left.len(), left) < (right.len(), right)
}

struct Parts<'a> {
    signed: &'a [u8],
    entries: Option<&'a [u8]>,
    algorithm: &'a [u8],
    signature: &'a [u8],
    issuer: &'a [u8],
    this_update: OffsetDateTime,
    next_update: Option<OffsetDateTime>,
    extensions: Option<Tlv<'a>>,
}

impl<'a> Parts<'a> {
    fn read(der: &'a [u8]) -> Result<Self, der::Error> {
        let mut outer = Fields::single(der, Tag::Sequence)?.fields()?;
        let list = outer.expect(Tag::Sequence)?;
        let algorithm = outer.expect(Tag::Sequence)?.raw;
        let signature = outer.expect(Tag::BitString)?.bit_string_octets()?;
        outer.finish()?;

        let mut fields = list.fields()?;
        fields.optional(Tag::Integer)?;
        if fields.expect(Tag::Sequence)?.raw != algorithm {
            return Err(Tag::Sequence.value_error().into());
        }
        let issuer = fields.expect(Tag::Sequence)?.raw;
        let this_update = fields.next_field()?.time()?;
        let next_update = match fields.optional(Tag::UtcTime)? {
            Some(time) => Some(time.time()?),
            None => fields
                .optional(Tag::GeneralizedTime)?
                .map(|time| time.time())
                .transpose()?,
        };
        let entries = fields.optional(Tag::Sequence)?.map(|tlv| tlv.value);
        let extensions = fields.optional(constructed(0))?;
        fields.finish()?;
        Ok(Self {
            signed: list.raw,
            entries,
            algorithm,
            signature,
            issuer,
            this_update,
            next_update,
            extensions,
        })
    }
}
