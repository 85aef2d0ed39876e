//! The CMS SignedData that a token is (RFC 5652 §5).

use der::Tag;
use der::asn1::ObjectIdentifier;
use notary_x509::Certificate;
use notary_x509::asn1::{Fields, Tlv, constructed, primitive};

use super::TimestampError;
use crate::limits::MAX_CERTIFICATES;

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
pub(super) const TST_INFO: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");

const WHAT: &str = "SignedData";

/// A SignedData with one signer, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SignedData {
    /// The octets that are signed.
    pub(super) content: Vec<u8>,
    pub(super) certificates: Vec<Certificate>,
    pub(super) signer: SignerInfo,
}

/// How the signer names its certificate in the SignerInfo itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SignerId {
    IssuerAndSerial { issuer: Vec<u8>, serial: Vec<u8> },
    SubjectKeyId(Vec<u8>),
}

/// A SignerInfo (RFC 5652 §5.3), each part in DER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SignerInfo {
    pub(super) id: SignerId,
    pub(super) digest_algorithm: Vec<u8>,
    /// The content of the SET OF signed attributes, in the order received.
    pub(super) signed_attributes: Vec<u8>,
    pub(super) signature_algorithm: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

impl SignedData {
    /// Reads the DER `ContentInfo`.
    pub(super) fn read(der: &[u8]) -> Result<Self, TimestampError> {
        let parts = Parts::read(der).map_err(TimestampError::malformed(WHAT))?;
        let refuse = |reason: &str| {
            Err(TimestampError::Malformed {
                what: WHAT,
                reason: reason.to_owned(),
            })
        };
        if parts.content_type != SIGNED_DATA {
            return refuse("the token is something else");
        }
        // RFC 5652 §5.1: 3 for content other than data, unless there are other certificate formats.
        if parts.version != 3 {
            return refuse("its version is not 3");
        }
        if parts.inner_type != TST_INFO {
            return refuse("its content is not TSTInfo");
        }
        // RFC 3161 §2.4.2: only the authority signs.
        let [signer] = parts.signers.as_slice() else {
            return refuse("it does not have exactly one signer");
        };
        if parts.certificates.len() > MAX_CERTIFICATES {
            return refuse("it has more certificates than are accepted");
        }
        Ok(Self {
            content: parts.content.to_vec(),
            certificates: parts
                .certificates
                .iter()
                .map(|der| Certificate::from_der(der))
                .collect::<Result<_, _>>()
                .map_err(TimestampError::Certificate)?,
            signer: SignerInfo::read(signer).map_err(TimestampError::malformed("SignerInfo"))?,
        })
    }
}

struct Parts<'a> {
    content_type: ObjectIdentifier,
    version: u32,
    inner_type: ObjectIdentifier,
    content: &'a [u8],
    certificates: Vec<&'a [u8]>,
    signers: Vec<Tlv<'a>>,
}

impl<'a> Parts<'a> {
    fn read(der: &'a [u8]) -> Result<Self, der::Error> {
        let mut outer = Fields::single(der, Tag::Sequence)?.fields()?;
        let content_type = outer.expect(Tag::ObjectIdentifier)?.oid()?;
        let mut fields = outer
            .expect(constructed(0))?
            .inner(Tag::Sequence)?
            .fields()?;
        outer.finish()?;

        let version = fields.expect(Tag::Integer)?.small_integer()?;
        fields.expect(Tag::Set)?;
        let mut inner = fields.expect(Tag::Sequence)?.fields()?;
        let inner_type = inner.expect(Tag::ObjectIdentifier)?.oid()?;
        let content = inner.expect(constructed(0))?.inner(Tag::OctetString)?.value;
        inner.finish()?;

        let certificates = match fields.optional(constructed(0))? {
            Some(set) => each(&set, Tag::Sequence)?
                .iter()
                .map(|certificate| certificate.raw)
                .collect(),
            None => Vec::new(),
        };
        // Revocation lists in a token are not used.
        fields.optional(constructed(1))?;
        let signers = each(&fields.expect(Tag::Set)?, Tag::Sequence)?;
        fields.finish()?;
        Ok(Self {
            content_type,
            version,
            inner_type,
            content,
            certificates,
            signers,
        })
    }
}

/// The values of a SET OF or SEQUENCE OF, all with the tag `tag`.
pub(super) fn each<'a>(collection: &Tlv<'a>, tag: Tag) -> Result<Vec<Tlv<'a>>, der::Error> {
    let mut fields = collection.fields()?;
    let mut values = Vec::new();
    while !fields.is_empty() {
        values.push(fields.expect(tag)?);
    }
    Ok(values)
}

impl SignerInfo {
    fn read(info: &Tlv<'_>) -> Result<Self, der::Error> {
        let mut fields = info.fields()?;
        let version = fields.expect(Tag::Integer)?.small_integer()?;
        // RFC 5652 §5.3: the version says how the certificate is named.
        let id = match version {
            1 => {
                let mut id = fields.expect(Tag::Sequence)?.fields()?;
                let issuer = id.expect(Tag::Sequence)?.raw.to_vec();
                let serial = id.expect(Tag::Integer)?.value.to_vec();
                id.finish()?;
                SignerId::IssuerAndSerial { issuer, serial }
            }
            3 => SignerId::SubjectKeyId(fields.expect(primitive(0))?.value.to_vec()),
            _ => return Err(Tag::Integer.value_error().into()),
        };
        let digest_algorithm = fields.expect(Tag::Sequence)?.raw.to_vec();
        let signed_attributes = fields.expect(constructed(0))?.value.to_vec();
        let signature_algorithm = fields.expect(Tag::Sequence)?.raw.to_vec();
        let signature = fields.expect(Tag::OctetString)?.value.to_vec();
        fields.optional(constructed(1))?;
        fields.finish()?;
        Ok(Self {
            id,
            digest_algorithm,
            signed_attributes,
            signature_algorithm,
            signature,
        })
    }
}
