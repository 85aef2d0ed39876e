//! OCSP answers: nothing in one is believed before its signer is known to speak for the CA.

use aws_lc_rs::digest;
use der::Tag;
use der::asn1::ObjectIdentifier;
use notary_x509::asn1::{Fields, Tlv, constructed, primitive};
use notary_x509::{Certificate, Extension, KeyUsageBit, SignatureAlgorithm, describe_time, oid};
use time::{Duration, OffsetDateTime};

use super::{BASIC, NONCE, Nonce};
use crate::revocation::evidence::{EvidenceError, Revocation, Verdict, check_this_update};

/// The largest answer that is read, in bytes: the limit of the reference implementation. An answer
/// with a responder's certificate has about two KiB.
pub const MAX_RESPONSE_LEN: usize = 20 * 1024;
/// How old an answer may be that does not say until when it holds: "newer information is always
/// available" (RFC 6960 §4.2.2.1), so an old one proves little.
pub const MAX_AGE_WITHOUT_NEXT_UPDATE: Duration = Duration::days(1);
/// The most certificates in an answer that are looked at; there is one, the responder's, or none.
pub const MAX_CERTIFICATES: usize = 8;

const WHAT: &str = "OCSP answer";
const INVALIDITY_DATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.24");

/// What a responder that speaks for the CA says about a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OcspAnswer {
    /// Good or revoked, or `None`: the responder does not know the certificate.
    pub verdict: Option<Verdict>,
    /// When the status was known to be right.
    pub this_update: OffsetDateTime,
    /// Until when the answer holds.
    pub next_update: Option<OffsetDateTime>,
    /// The delegated responder that signed, if it was not the CA itself. If its certificate lacks
    /// `id-pkix-ocsp-nocheck`, it must be checked for revocation by CRL.
    pub delegate: Option<Certificate>,
}

/// The answer in the DER `OCSPResponse` `der` about `certificate`, which `issuer` issued.
///
/// Checked are: the signature, by the issuer itself or by a responder whose certificate the issuer
/// issued for OCSPSigning and that is valid `now`; that the answer is about this certificate; that it
/// is current; that it carries the `nonce`, if it carries one; that no critical extension is unknown.
///
/// # Errors
/// [`EvidenceError`], each of which leaves the status unknown.
pub fn read(
    der: &[u8],
    certificate: &Certificate,
    issuer: &Certificate,
    nonce: Option<Nonce>,
    now: OffsetDateTime,
) -> Result<OcspAnswer, EvidenceError> {
    if der.len() > MAX_RESPONSE_LEN {
        return Err(EvidenceError::TooLarge {
            what: WHAT,
            limit: MAX_RESPONSE_LEN,
            actual: der.len(),
        });
    }
    let basic = Basic::read(der)?;
    let delegate = check_signer(&basic, issuer, now)?;
    check_extensions(&basic.data.extensions, &[NONCE])?;
    check_nonce(&basic.data.extensions, nonce)?;
    let single = find_single(&basic.data.responses, certificate, issuer)?;
    check_times(&single, now)?;
    Ok(OcspAnswer {
        verdict: single.status,
        this_update: single.this_update,
        next_update: single.next_update,
        delegate,
    })
}

fn malformed(error: &der::Error) -> EvidenceError {
    EvidenceError::Malformed {
        what: WHAT,
        reason: error.to_string(),
    }
}

fn untrusted(reason: impl Into<String>) -> EvidenceError {
    EvidenceError::Signature {
        what: WHAT,
        reason: reason.into(),
    }
}

/// A `BasicOCSPResponse`.
struct Basic<'a> {
    signed: &'a [u8],
    data: ResponseData<'a>,
    algorithm: &'a [u8],
    signature: &'a [u8],
    certificates: Vec<&'a [u8]>,
}

struct ResponseData<'a> {
    responder: Responder<'a>,
    responses: Tlv<'a>,
    extensions: Vec<Extension>,
}

enum Responder<'a> {
    Name(&'a [u8]),
    KeyHash(&'a [u8]),
}

impl<'a> Basic<'a> {
    fn read(der: &'a [u8]) -> Result<Self, EvidenceError> {
        let (status, basic) = read_response(der).map_err(|error| malformed(&error))?;
        match (status, basic) {
            (0, Some(basic)) => Self::read_basic(basic),
            (0, None) => Err(EvidenceError::Refused {
                status: "it holds no basic response",
            }),
            (status, _) => Err(EvidenceError::Refused {
                status: match status {
                    1 => "malformedRequest",
                    2 => "internalError",
                    3 => "tryLater",
                    5 => "sigRequired",
                    6 => "unauthorized",
                    _ => "an unknown status",
                },
            }),
        }
    }

    fn read_basic(der: &'a [u8]) -> Result<Self, EvidenceError> {
        let parts = || -> Result<_, der::Error> {
            let mut fields = Fields::single(der, Tag::Sequence)?.fields()?;
            let data = fields.expect(Tag::Sequence)?;
            let algorithm = fields.expect(Tag::Sequence)?.raw;
            let signature = fields.expect(Tag::BitString)?.bit_string_octets()?;
            let mut certificates = Vec::new();
            if let Some(explicit) = fields.optional(constructed(0))? {
                let mut list = explicit.inner(Tag::Sequence)?.fields()?;
                while !list.is_empty() && certificates.len() < MAX_CERTIFICATES {
                    certificates.push(list.next_field()?.raw);
                }
            }
            fields.finish()?;
            Ok((data, algorithm, signature, certificates))
        };
        let (data, algorithm, signature, certificates) =
            parts().map_err(|error| malformed(&error))?;
        Ok(Self {
            signed: data.raw,
            data: ResponseData::read(data)?,
            algorithm,
            signature,
            certificates,
        })
    }
}

fn read_response(der: &[u8]) -> Result<(u32, Option<&[u8]>), der::Error> {
    let mut fields = Fields::single(der, Tag::Sequence)?.fields()?;
    let status = fields.expect(Tag::Enumerated)?.small_integer()?;
    let basic = match fields.optional(constructed(0))? {
        None => None,
        Some(explicit) => {
            let mut bytes = explicit.inner(Tag::Sequence)?.fields()?;
            let kind = bytes.expect(Tag::ObjectIdentifier)?.oid()?;
            let response = bytes.expect(Tag::OctetString)?.value;
            bytes.finish()?;
            (kind == BASIC).then_some(response)
        }
    };
    fields.finish()?;
    Ok((status, basic))
}

impl<'a> ResponseData<'a> {
    fn read(data: Tlv<'a>) -> Result<Self, EvidenceError> {
        let parts = || -> Result<_, der::Error> {
            let mut fields = data.fields()?;
            // version v1 is the default, and there is no other.
            fields.optional(constructed(0))?;
            let responder = fields.next_field()?;
            let responder = match responder.tag {
                tag if tag == constructed(1) => {
                    Responder::Name(responder.inner(Tag::Sequence)?.raw)
                }
                tag if tag == constructed(2) => {
                    Responder::KeyHash(responder.inner(Tag::OctetString)?.value)
                }
                tag => return Err(tag.unexpected_error(None).into()),
            };
            fields.expect(Tag::GeneralizedTime)?.time()?;
            let responses = fields.expect(Tag::Sequence)?;
            let extensions = fields.optional(constructed(1))?;
            fields.finish()?;
            Ok((responder, responses, extensions))
        };
        let (responder, responses, extensions) = parts().map_err(|error| malformed(&error))?;
        Ok(Self {
            responder,
            responses,
            extensions: read_extensions(extensions)?,
        })
    }
}

fn read_extensions(explicit: Option<Tlv<'_>>) -> Result<Vec<Extension>, EvidenceError> {
    let Some(explicit) = explicit else {
        return Ok(Vec::new());
    };
    Extension::read_all(explicit.value).map_err(|error| EvidenceError::Malformed {
        what: WHAT,
        reason: error.to_string(),
    })
}

fn check_extensions(
    extensions: &[Extension],
    known: &[ObjectIdentifier],
) -> Result<(), EvidenceError> {
    match extensions
        .iter()
        .find(|extension| extension.critical && !known.contains(&extension.id))
    {
        Some(unknown) => Err(EvidenceError::CriticalExtension {
            what: WHAT,
            extension: unknown.id.to_string(),
        }),
        None => Ok(()),
    }
}

/// Responders that serve answers made beforehand leave the nonce out (RFC 9654 §2.1), so only a
/// wrong one is refused.
fn check_nonce(extensions: &[Extension], asked: Option<Nonce>) -> Result<(), EvidenceError> {
    let answered = extensions.iter().find(|extension| extension.id == NONCE);
    match (asked, answered) {
        (Some(asked), Some(answered)) => {
            let value = Fields::single(&answered.value, Tag::OctetString)
                .map_err(|error| malformed(&error))?;
            if value.value == asked.0 {
                Ok(())
            } else {
                Err(EvidenceError::Nonce)
            }
        }
        _ => Ok(()),
    }
}

/// Verifies the signature; gives the delegated responder, if the issuer did not sign itself.
fn check_signer(
    basic: &Basic<'_>,
    issuer: &Certificate,
    now: OffsetDateTime,
) -> Result<Option<Certificate>, EvidenceError> {
    let algorithm = SignatureAlgorithm::from_algorithm_identifier(basic.algorithm)
        .map_err(|error| untrusted(error.to_string()))?;
    let verify = |signer: &Certificate| {
        signer
            .public_key()
            .verify_x509(algorithm, basic.signed, basic.signature)
            .map_err(|error| untrusted(error.to_string()))
    };
    if basic.data.responder.is(issuer) {
        return verify(issuer).map(|()| None);
    }
    let delegate = basic
        .certificates
        .iter()
        .filter_map(|der| Certificate::from_der(der).ok())
        .find(|certificate| basic.data.responder.is(certificate))
        .ok_or_else(|| {
            untrusted("neither the CA nor a certificate in the answer is the responder")
        })?;
    check_delegate(&delegate, issuer, now)?;
    verify(&delegate).map(|()| Some(delegate))
}

/// RFC 6960 §4.2.2.2: whoever answers for a CA has a certificate for that from this very CA.
fn check_delegate(
    delegate: &Certificate,
    issuer: &Certificate,
    now: OffsetDateTime,
) -> Result<(), EvidenceError> {
    delegate
        .check_issued_by(issuer)
        .map_err(|error| untrusted(format!("the responder is not the CA's: {error}")))?;
    if !delegate
        .extended_key_usage()
        .is_some_and(|usage| usage.has(oid::OCSP_SIGNING))
    {
        return Err(untrusted(
            "the responder's certificate is not for OCSPSigning (extKeyUsage)",
        ));
    }
    if delegate
        .key_usage()
        .is_some_and(|usage| !usage.has(KeyUsageBit::DigitalSignature))
    {
        return Err(untrusted(
            "the responder's certificate is not for digitalSignature (keyUsage)",
        ));
    }
    if !delegate.is_valid_at(now) {
        return Err(untrusted(format!(
            "the responder's certificate is valid from {} to {} only",
            describe_time(delegate.not_before()),
            describe_time(delegate.not_after())
        )));
    }
    Ok(())
}

impl Responder<'_> {
    fn is(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Name(name) => certificate.subject().as_der() == *name,
            // RFC 6960 §4.2.1: SHA-1, whatever the rest is hashed with.
            Self::KeyHash(hash) => {
                let own = digest::digest(
                    &digest::SHA1_FOR_LEGACY_USE_ONLY,
                    certificate.public_key().key_bytes(),
                );
                own.as_ref() == *hash
            }
        }
    }
}

/// A `SingleResponse`.
struct Single {
    status: Option<Verdict>,
    this_update: OffsetDateTime,
    next_update: Option<OffsetDateTime>,
}

fn find_single(
    responses: &Tlv<'_>,
    certificate: &Certificate,
    issuer: &Certificate,
) -> Result<Single, EvidenceError> {
    let mut list = responses.fields().map_err(|error| malformed(&error))?;
    while !list.is_empty() {
        let single = list
            .expect(Tag::Sequence)
            .map_err(|error| malformed(&error))?;
        let mut fields = single.fields().map_err(|error| malformed(&error))?;
        let id = fields
            .expect(Tag::Sequence)
            .map_err(|error| malformed(&error))?;
        if is_about(id, certificate, issuer).map_err(|error| malformed(&error))? {
            return read_single(fields);
        }
    }
    Err(EvidenceError::OtherCertificate)
}

fn is_about(
    id: Tlv<'_>,
    certificate: &Certificate,
    issuer: &Certificate,
) -> Result<bool, der::Error> {
    let mut fields = id.fields()?;
    let mut identifier = fields.expect(Tag::Sequence)?.fields()?;
    let algorithm = identifier.expect(Tag::ObjectIdentifier)?.oid()?;
    let name_hash = fields.expect(Tag::OctetString)?.value;
    let key_hash = fields.expect(Tag::OctetString)?.value;
    let serial = fields.expect(Tag::Integer)?.value;
    fields.finish()?;
    let hash = match algorithm {
        oid::SHA1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        oid::SHA256 => &digest::SHA256,
        oid::SHA384 => &digest::SHA384,
        oid::SHA512 => &digest::SHA512,
        _ => return Ok(false),
    };
    Ok(serial == certificate.serial()
        && name_hash == digest::digest(hash, issuer.subject().as_der()).as_ref()
        && key_hash == digest::digest(hash, issuer.public_key().key_bytes()).as_ref())
}

fn read_single(mut fields: Fields<'_>) -> Result<Single, EvidenceError> {
    let mut parts = || -> Result<_, der::Error> {
        let status = fields.next_field()?;
        let this_update = fields.expect(Tag::GeneralizedTime)?.time()?;
        let next_update = match fields.optional(constructed(0))? {
            Some(explicit) => Some(explicit.inner(Tag::GeneralizedTime)?.time()?),
            None => None,
        };
        let extensions = fields.optional(constructed(1))?;
        fields.clone().finish()?;
        Ok((status, this_update, next_update, extensions))
    };
    let (status, this_update, next_update, extensions) =
        parts().map_err(|error| malformed(&error))?;
    let extensions = read_extensions(extensions)?;
    check_extensions(&extensions, &[INVALIDITY_DATE])?;
    Ok(Single {
        status: read_status(status, &extensions).map_err(|error| malformed(&error))?,
        this_update,
        next_update,
    })
}

fn read_status(status: Tlv<'_>, extensions: &[Extension]) -> Result<Option<Verdict>, der::Error> {
    match status.tag {
        tag if tag == primitive(0) => Ok(Some(Verdict::Good)),
        tag if tag == primitive(2) => Ok(None),
        tag if tag == constructed(1) => {
            let mut fields = status.fields()?;
            let at = fields.expect(Tag::GeneralizedTime)?.time()?;
            let reason = match fields.optional(constructed(0))? {
                Some(explicit) => explicit.inner(Tag::Enumerated)?.small_integer()?,
                None => 0,
            };
            fields.finish()?;
            let invalid_since = match extensions
                .iter()
                .find(|extension| extension.id == INVALIDITY_DATE)
            {
                Some(extension) => {
                    Some(Fields::single(&extension.value, Tag::GeneralizedTime)?.time()?)
                }
                None => None,
            };
            Ok(Some(Verdict::Revoked(Revocation {
                at,
                reason,
                invalid_since,
            })))
        }
        tag => Err(tag.unexpected_error(None).into()),
    }
}

fn check_times(single: &Single, now: OffsetDateTime) -> Result<(), EvidenceError> {
    check_this_update(WHAT, single.this_update, now)?;
    let next_update = single.next_update.unwrap_or_else(|| {
        single
            .this_update
            .saturating_add(MAX_AGE_WITHOUT_NEXT_UPDATE)
    });
    if now > next_update {
        return Err(EvidenceError::Expired {
            what: WHAT,
            next_update,
        });
    }
    Ok(())
}
