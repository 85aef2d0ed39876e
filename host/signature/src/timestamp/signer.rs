//! Who signed a token, and that it did: signed attributes (RFC 5652 §5.3, §5.4, §11) and the signing
//! certificate (RFC 5035, RFC 5816).

use der::Tag;
use der::asn1::ObjectIdentifier;
use notary_plugin_protocol::HashAlgorithm;
use notary_x509::asn1::{Fields, Tlv, constructed};
use notary_x509::{Certificate, SignatureAlgorithm};
use time::OffsetDateTime;

use super::ber::tlv;
use super::signed_data::{SignedData, SignerId, SignerInfo, TST_INFO, each};
use super::{TimestampError, hash};

const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_TIME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.5");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// The signer of a SignedData, once it is proven.
pub(super) struct Signer {
    pub(super) certificate: Certificate,
    /// The time in the signed attribute signing-time, if there is one.
    pub(super) signing_time: Option<OffsetDateTime>,
}

/// Proves that the content was signed by the certificate that the signature itself names.
pub(super) fn verify(data: &SignedData) -> Result<Signer, TimestampError> {
    let attributes = Attributes::read(&data.signer.signed_attributes)?;
    let digest_algorithm = digest_algorithm(&data.signer)?;
    attributes.check_content(digest_algorithm, &data.content)?;

    let certificate = attributes.find_certificate(&data.certificates)?;
    check_id(&data.signer.id, certificate)?;
    let algorithm = signature_algorithm(&data.signer.signature_algorithm, digest_algorithm)?;
    check_signature(&data.signer, certificate, algorithm)?;
    Ok(Signer {
        certificate: certificate.clone(),
        signing_time: attributes.signing_time()?,
    })
}

fn digest_algorithm(signer: &SignerInfo) -> Result<HashAlgorithm, TimestampError> {
    let identifier = Fields::single(&signer.digest_algorithm, Tag::Sequence)
        .map_err(TimestampError::malformed("SignerInfo"))?;
    hash::read(&identifier).map_err(TimestampError::signer)
}

/// The signature is over the DER of the attributes as a SET OF, sorted (RFC 5652 §5.4). Some
/// authorities send and sign another order; either way the same attributes are signed.
fn check_signature(
    signer: &SignerInfo,
    certificate: &Certificate,
    algorithm: SignatureAlgorithm,
) -> Result<(), TimestampError> {
    let as_received = tlv(0x31, &signer.signed_attributes);
    let key = certificate.public_key();
    if key
        .verify_x509(algorithm, &as_received, &signer.signature)
        .is_ok()
    {
        return Ok(());
    }
    let set =
        Fields::single(&as_received, Tag::Set).map_err(TimestampError::malformed("SignerInfo"))?;
    let mut attributes: Vec<&[u8]> = each(&set, Tag::Sequence)
        .map_err(TimestampError::malformed("SignerInfo"))?
        .iter()
        .map(|attribute| attribute.raw)
        .collect();
    attributes.sort_unstable();
    key.verify_x509(
        algorithm,
        &tlv(0x31, &attributes.concat()),
        &signer.signature,
    )
    .map_err(TimestampError::SignatureInvalid)
}

/// The signature algorithm; plain rsaEncryption means RSASSA-PKCS1-v1_5 with the digest algorithm
/// (RFC 3370 §3.2).
fn signature_algorithm(
    der: &[u8],
    digest: HashAlgorithm,
) -> Result<SignatureAlgorithm, TimestampError> {
    let name = Fields::single(der, Tag::Sequence)
        .and_then(|identifier| identifier.fields())
        .and_then(|mut fields| fields.expect(Tag::ObjectIdentifier))
        .and_then(|name| name.oid())
        .map_err(TimestampError::malformed("SignerInfo"))?;
    if name == RSA_ENCRYPTION {
        return Ok(SignatureAlgorithm::RsaPkcs1(digest));
    }
    SignatureAlgorithm::from_algorithm_identifier(der).map_err(TimestampError::SignatureInvalid)
}

/// The two ways in which a token names its signer must agree.
fn check_id(id: &SignerId, certificate: &Certificate) -> Result<(), TimestampError> {
    let agrees = match id {
        SignerId::IssuerAndSerial { issuer, serial } => {
            certificate.issuer().as_der() == issuer && certificate.serial() == serial
        }
        SignerId::SubjectKeyId(id) => certificate.subject_key_id() == Some(id),
    };
    if agrees {
        return Ok(());
    }
    Err(TimestampError::signer(format!(
        "it names another certificate than \"{}\", which its signed attributes name",
        certificate.subject()
    )))
}

/// Signed attributes: names and the DER of their single values.
struct Attributes<'a> {
    attributes: Vec<(ObjectIdentifier, Vec<Tlv<'a>>)>,
}

impl<'a> Attributes<'a> {
    fn read(set: &'a [u8]) -> Result<Self, TimestampError> {
        let read = || -> Result<Vec<_>, der::Error> {
            let mut fields = Fields::of(set)?;
            let mut attributes = Vec::new();
            while !fields.is_empty() {
                let mut attribute = fields.expect(Tag::Sequence)?.fields()?;
                let name = attribute.expect(Tag::ObjectIdentifier)?.oid()?;
                let mut values = attribute.expect(Tag::Set)?.fields()?;
                attribute.finish()?;
                let mut list = Vec::new();
                while !values.is_empty() {
                    list.push(values.next_field()?);
                }
                attributes.push((name, list));
            }
            Ok(attributes)
        };
        read()
            .map(|attributes| Self { attributes })
            .map_err(TimestampError::malformed("signed attributes"))
    }

    /// The single value of an attribute; RFC 5652 §11 allows neither a second value nor the
    /// attribute a second time.
    fn optional(
        &self,
        name: ObjectIdentifier,
        what: &str,
    ) -> Result<Option<Tlv<'a>>, TimestampError> {
        let mut found = self.attributes.iter().filter(|(found, _)| *found == name);
        match (found.next(), found.next()) {
            (None, _) => Ok(None),
            (Some((_, values)), None) => match values.as_slice() {
                [value] => Ok(Some(*value)),
                _ => Err(TimestampError::signer(format!(
                    "the signed attribute {what} has not exactly one value"
                ))),
            },
            _ => Err(TimestampError::signer(format!(
                "the signed attribute {what} occurs twice"
            ))),
        }
    }

    fn required(&self, name: ObjectIdentifier, what: &str) -> Result<Tlv<'a>, TimestampError> {
        self.optional(name, what)?.ok_or_else(|| {
            TimestampError::signer(format!("the signed attribute {what} is missing"))
        })
    }

    fn check_content(
        &self,
        algorithm: HashAlgorithm,
        content: &[u8],
    ) -> Result<(), TimestampError> {
        if self.required(CONTENT_TYPE, "content-type")?.oid() != Ok(TST_INFO) {
            return Err(TimestampError::signer(
                "the signed attribute content-type is not TSTInfo",
            ));
        }
        let digest = self.required(MESSAGE_DIGEST, "message-digest")?;
        if digest.tag != Tag::OctetString || digest.value != hash::hash(algorithm, content) {
            return Err(TimestampError::signer(
                "the signed attribute message-digest is not the digest of the content",
            ));
        }
        Ok(())
    }

    fn signing_time(&self) -> Result<Option<OffsetDateTime>, TimestampError> {
        self.optional(SIGNING_TIME, "signing-time")?
            .map(|value| value.time())
            .transpose()
            .map_err(TimestampError::malformed("signing-time"))
    }

    /// The certificate that the attribute signing-certificate-v2 names first, by its hash: its place
    /// among the certificates says nothing.
    fn find_certificate<'c>(
        &self,
        certificates: &'c [Certificate],
    ) -> Result<&'c Certificate, TimestampError> {
        let attribute = self.required(SIGNING_CERTIFICATE_V2, "signing-certificate-v2")?;
        let id = EssCertId::first(&attribute)?;
        let certificate = certificates
            .iter()
            .find(|certificate| hash::hash(id.algorithm, certificate.as_der()) == id.digest)
            .ok_or_else(|| {
                TimestampError::signer(
                    "the certificate that signing-certificate-v2 names is not in the token",
                )
            })?;
        if id.issuer_serial.is_some_and(|id| !id.names(certificate)) {
            return Err(TimestampError::signer(
                "issuer and serial number in signing-certificate-v2 are not those of the certificate",
            ));
        }
        Ok(certificate)
    }
}

/// ESSCertIDv2 (RFC 5035 §4).
struct EssCertId<'a> {
    algorithm: HashAlgorithm,
    digest: &'a [u8],
    issuer_serial: Option<IssuerSerial<'a>>,
}

struct IssuerSerial<'a> {
    /// The GeneralNames.
    issuer: Tlv<'a>,
    serial: &'a [u8],
}

impl<'a> EssCertId<'a> {
    /// The first of the list, which is the one of the signer.
    fn first(attribute: &Tlv<'a>) -> Result<Self, TimestampError> {
        let fields = EssFields::read(attribute)
            .map_err(TimestampError::malformed("signing-certificate-v2"))?;
        let algorithm = match fields.algorithm {
            None => HashAlgorithm::Sha256,
            Some(identifier) => hash::read(&identifier).map_err(TimestampError::signer)?,
        };
        Ok(Self {
            algorithm,
            digest: fields.digest,
            issuer_serial: fields.issuer_serial,
        })
    }
}

/// The fields of an ESSCertIDv2, the hash algorithm not yet read.
struct EssFields<'a> {
    algorithm: Option<Tlv<'a>>,
    digest: &'a [u8],
    issuer_serial: Option<IssuerSerial<'a>>,
}

impl<'a> EssFields<'a> {
    fn read(attribute: &Tlv<'a>) -> Result<Self, der::Error> {
        attribute.tag.assert_eq(Tag::Sequence)?;
        let mut list = attribute.fields()?.expect(Tag::Sequence)?.fields()?;
        let mut id = list.expect(Tag::Sequence)?.fields()?;
        let algorithm = id.optional(Tag::Sequence)?;
        let digest = id.expect(Tag::OctetString)?.value;
        let issuer_serial = id
            .optional(Tag::Sequence)?
            .map(|value| IssuerSerial::read(&value))
            .transpose()?;
        id.finish()?;
        Ok(Self {
            algorithm,
            digest,
            issuer_serial,
        })
    }
}

impl<'a> IssuerSerial<'a> {
    fn read(value: &Tlv<'a>) -> Result<Self, der::Error> {
        let mut fields = value.fields()?;
        let issuer = fields.expect(Tag::Sequence)?;
        let serial = fields.expect(Tag::Integer)?.value;
        fields.finish()?;
        Ok(Self { issuer, serial })
    }

    fn names(&self, certificate: &Certificate) -> bool {
        // RFC 5035 §4: the issuer is a directoryName, [4].
        let directory_name = self
            .issuer
            .fields()
            .and_then(|mut names| names.expect(constructed(4)))
            .map(|name| name.value);
        directory_name == Ok(certificate.issuer().as_der()) && self.serial == certificate.serial()
    }
}
