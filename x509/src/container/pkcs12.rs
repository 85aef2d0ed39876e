//! Certificates in a PKCS#12 file (RFC 7292), as key vaults hand them out with an empty password.

use der::Tag;

use super::pbes2;
use crate::asn1::{self, Fields, Tlv};
use crate::{Certificate, Error, oid};

const WHAT: &str = "PKCS#12";

/// The certificates in the DER `PFX` `der`. The file's MAC is not looked at: what the certificates
/// are worth, their own signatures say. Private keys are passed over.
///
/// # Errors
/// [`Error::EncryptedPkcs12`], [`Error::Malformed`].
pub(super) fn certificates(der: &[u8]) -> Result<Vec<Certificate>, Error> {
    let mut certificates = Vec::new();
    for safe in safes(der).map_err(Error::malformed(WHAT))? {
        match safe {
            Safe::Plain(contents) => read_bags(contents, &mut certificates)?,
            Safe::Encrypted { scheme, ciphertext } => {
                let contents = pbes2::decrypt(scheme, ciphertext)
                    .map_err(|reason| Error::EncryptedPkcs12 { reason })?;
                read_bags(&contents, &mut certificates)?;
            }
        }
    }
    Ok(certificates)
}

enum Safe<'a> {
    Plain(&'a [u8]),
    Encrypted {
        scheme: Tlv<'a>,
        ciphertext: &'a [u8],
    },
}

/// The parts of the authenticated safe.
fn safes(der: &[u8]) -> Result<Vec<Safe<'_>>, der::Error> {
    let mut pfx = Fields::single(der, Tag::Sequence)?.fields()?;
    pfx.expect(Tag::Integer)?;
    let authenticated_safe = data(pfx.expect(Tag::Sequence)?)?;
    let mut parts = Fields::single(authenticated_safe, Tag::Sequence)?.fields()?;
    let mut safes = Vec::new();
    while !parts.is_empty() {
        let part = parts.expect(Tag::Sequence)?;
        let content_type = part.fields()?.expect(Tag::ObjectIdentifier)?.oid()?;
        if content_type == oid::CMS_ENCRYPTED_DATA {
            safes.push(encrypted_data(part)?);
        } else {
            safes.push(Safe::Plain(data(part)?));
        }
    }
    Ok(safes)
}

/// The octets of a `ContentInfo` of type data.
fn data(content_info: Tlv<'_>) -> Result<&[u8], der::Error> {
    let mut fields = content_info.fields()?;
    if fields.expect(Tag::ObjectIdentifier)?.oid()? != oid::CMS_DATA {
        return Err(Tag::ObjectIdentifier.value_error().into());
    }
    Ok(fields
        .expect(asn1::constructed(0))?
        .inner(Tag::OctetString)?
        .value)
}

/// The `EncryptedData` in a `ContentInfo` (RFC 5652 §8).
fn encrypted_data(content_info: Tlv<'_>) -> Result<Safe<'_>, der::Error> {
    let mut fields = content_info.fields()?;
    fields.expect(Tag::ObjectIdentifier)?;
    let mut encrypted_data = fields
        .expect(asn1::constructed(0))?
        .inner(Tag::Sequence)?
        .fields()?;
    encrypted_data.expect(Tag::Integer)?;
    let mut content = encrypted_data.expect(Tag::Sequence)?.fields()?;
    content.expect(Tag::ObjectIdentifier)?;
    Ok(Safe::Encrypted {
        scheme: content.expect(Tag::Sequence)?,
        ciphertext: content.expect(asn1::primitive(0))?.value,
    })
}

fn read_bags(safe_contents: &[u8], certificates: &mut Vec<Certificate>) -> Result<(), Error> {
    for encoded in encoded_certificates(safe_contents).map_err(Error::malformed(WHAT))? {
        certificates.push(Certificate::from_der(encoded)?);
    }
    Ok(())
}

fn encoded_certificates(safe_contents: &[u8]) -> Result<Vec<&[u8]>, der::Error> {
    let mut bags = Fields::single(safe_contents, Tag::Sequence)?.fields()?;
    let mut encoded = Vec::new();
    while !bags.is_empty() {
        let mut bag = bags.expect(Tag::Sequence)?.fields()?;
        let kind = bag.expect(Tag::ObjectIdentifier)?.oid()?;
        let value = bag.expect(asn1::constructed(0))?;
        if kind != oid::PKCS12_CERT_BAG {
            continue;
        }
        let mut cert_bag = value.inner(Tag::Sequence)?.fields()?;
        let format = cert_bag.expect(Tag::ObjectIdentifier)?.oid()?;
        let certificate = cert_bag.expect(asn1::constructed(0))?;
        if format == oid::PKCS9_X509_CERTIFICATE {
            encoded.push(certificate.inner(Tag::OctetString)?.value);
        }
    }
    Ok(encoded)
}
