//! Certificates in a PKCS#7 / CMS `SignedData` (RFC 5652 §5.1), as `.p7b` and `.p7c` files are.

use der::Tag;

use crate::asn1::{self, Fields};
use crate::{Certificate, Error, oid};

const WHAT: &str = "PKCS#7";

/// The certificates in the DER `ContentInfo` `der`. No signature of the message is looked at: what
/// the certificates are worth, their own signatures say.
///
/// # Errors
/// [`Error::Malformed`], also for another content type than signed data.
pub(super) fn certificates(der: &[u8]) -> Result<Vec<Certificate>, Error> {
    encoded_certificates(der)
        .map_err(Error::malformed(WHAT))?
        .into_iter()
        .map(Certificate::from_der)
        .collect()
}

fn encoded_certificates(der: &[u8]) -> Result<Vec<&[u8]>, der::Error> {
    let mut content_info = Fields::single(der, Tag::Sequence)?.fields()?;
    let content_type = content_info.expect(Tag::ObjectIdentifier)?;
    if content_type.oid()? != oid::CMS_SIGNED_DATA {
        return Err(Tag::ObjectIdentifier.value_error().into());
    }
    let content = content_info.expect(asn1::constructed(0))?;
    content_info.finish()?;

    let mut signed_data = content.inner(Tag::Sequence)?.fields()?;
    signed_data.expect(Tag::Integer)?;
    signed_data.expect(Tag::Set)?;
    signed_data.expect(Tag::Sequence)?;
    let mut encoded = Vec::new();
    if let Some(certificates) = signed_data.optional(asn1::constructed(0))? {
        let mut choices = certificates.fields()?;
        while !choices.is_empty() {
            let choice = choices.next_field()?;
            // Other kinds than X.509 (attribute certificates and older ones) have context tags.
            if choice.tag == Tag::Sequence {
                encoded.push(choice.raw);
            }
        }
    }
    Ok(encoded)
}
