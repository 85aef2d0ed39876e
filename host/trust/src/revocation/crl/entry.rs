//! One entry of a CRL.

use der::Tag;
use der::asn1::ObjectIdentifier;
use notary_x509::Extension;
use notary_x509::asn1::{Fields, Tlv};
use time::OffsetDateTime;

use super::list::malformed;
use crate::revocation::evidence::{EvidenceError, Revocation};

const REASON_CODE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.21");
const INVALIDITY_DATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.24");

/// The serial number and the revocation.
pub(super) fn read(tlv: Tlv<'_>) -> Result<(&[u8], Revocation), EvidenceError> {
    let (serial, at, extensions) = read_fields(tlv).map_err(|error| malformed(&error))?;
    let mut revocation = Revocation {
        at,
        reason: 0,
        invalid_since: None,
    };
    if let Some(list) = extensions {
        read_extensions(list, &mut revocation)?;
    }
    Ok((serial, revocation))
}

fn read_fields(tlv: Tlv<'_>) -> Result<(&[u8], OffsetDateTime, Option<Tlv<'_>>), der::Error> {
    let mut fields = tlv.fields()?;
    let serial = fields.expect(Tag::Integer)?.value;
    let at = fields.next_field()?.time()?;
    let extensions = fields.optional(Tag::Sequence)?;
    fields.finish()?;
    Ok((serial, at, extensions))
}

fn read_extensions(list: Tlv<'_>, revocation: &mut Revocation) -> Result<(), EvidenceError> {
    let extensions = Extension::read_all(list.raw).map_err(|error| EvidenceError::Malformed {
        what: super::list::WHAT,
        reason: error.to_string(),
    })?;
    for extension in extensions {
        let single = |tag| Fields::single(&extension.value, tag);
        match extension.id {
            REASON_CODE => {
                revocation.reason = single(Tag::Enumerated)
                    .and_then(|code| code.small_integer())
                    .map_err(|error| malformed(&error))?;
            }
            INVALIDITY_DATE => {
                let date = single(Tag::GeneralizedTime).and_then(|date| date.time());
                revocation.invalid_since = Some(date.map_err(|error| malformed(&error))?);
            }
            // Among them certificateIssuer, which is always critical: an indirect CRL.
            other if extension.critical => {
                return Err(EvidenceError::CriticalExtension {
                    what: "CRL entry",
                    extension: other.to_string(),
                });
            }
            _ => {}
        }
    }
    Ok(())
}
