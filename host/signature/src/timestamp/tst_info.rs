//! What an authority signs (RFC 3161 §2.4.2, TSTInfo).

use der::Tag;
use der::asn1::ObjectIdentifier;
use notary_plugin_protocol::HashAlgorithm;
use notary_x509::asn1::{Fields, Tlv, constructed, primitive};
use time::{Date, Duration, Month, OffsetDateTime, PrimitiveDateTime, Time};

use super::hash;

/// ETSI EN 319 421: the baseline policy, which promises an accuracy of one second.
const ETSI_BASELINE: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.4.0.2023.1.1");

/// A hash and how it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Imprint {
    pub(super) algorithm: HashAlgorithm,
    pub(super) digest: Vec<u8>,
}

impl Imprint {
    pub(super) fn is_of(&self, bytes: &[u8]) -> bool {
        self.digest == hash::hash(self.algorithm, bytes)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TstInfo {
    pub(super) policy: ObjectIdentifier,
    pub(super) imprint: Imprint,
    /// Big-endian, as in the INTEGER.
    pub(super) serial: Vec<u8>,
    pub(super) time: OffsetDateTime,
    pub(super) accuracy: Duration,
    /// The content of the INTEGER.
    pub(super) nonce: Option<Vec<u8>>,
}

impl TstInfo {
    /// Reads the DER `TSTInfo`.
    pub(super) fn read(der: &[u8]) -> Result<Self, String> {
        let mut fields = Fields::single(der, Tag::Sequence)
            .and_then(|info| info.fields())
            .map_err(text)?;
        let mut next = |tag| fields.expect(tag).map_err(text);
        if next(Tag::Integer)?.small_integer() != Ok(1) {
            return Err("its version is not 1".to_owned());
        }
        let policy = next(Tag::ObjectIdentifier)?.oid().map_err(text)?;
        let imprint = read_imprint(&next(Tag::Sequence)?)?;
        let serial = next(Tag::Integer)?.value.to_vec();
        let time = generalized_time(next(Tag::GeneralizedTime)?.value)
            .ok_or("genTime is no GeneralizedTime in UTC with seconds")?;

        let mut optional = |tag| fields.optional(tag).map_err(text);
        let accuracy = optional(Tag::Sequence)?
            .map(|accuracy| read_accuracy(&accuracy))
            .transpose()?;
        optional(Tag::Boolean)?;
        let nonce = optional(Tag::Integer)?.map(|nonce| nonce.value.to_vec());
        optional(constructed(0))?;
        if let Some(extensions) = optional(constructed(1))? {
            refuse_critical(&extensions)?;
        }
        fields.finish().map_err(text)?;
        let accuracy = accuracy.unwrap_or(Duration::ZERO);
        Ok(Self {
            accuracy: if accuracy.is_zero() && policy == ETSI_BASELINE {
                Duration::SECOND
            } else {
                accuracy
            },
            policy,
            imprint,
            serial,
            time,
            nonce,
        })
    }
}

fn text(error: der::Error) -> String {
    error.to_string()
}

fn read_imprint(imprint: &Tlv<'_>) -> Result<Imprint, String> {
    let mut fields = imprint.fields().map_err(text)?;
    let algorithm = hash::read(&fields.expect(Tag::Sequence).map_err(text)?)?;
    let digest = fields
        .expect(Tag::OctetString)
        .map_err(text)?
        .value
        .to_vec();
    fields.finish().map_err(text)?;
    if digest.len() != algorithm.output_len() {
        return Err(format!(
            "the message imprint has {} bytes, which {algorithm} does not give",
            digest.len()
        ));
    }
    Ok(Imprint { algorithm, digest })
}

/// Seconds, and milliseconds and microseconds from 1 to 999.
fn read_accuracy(accuracy: &Tlv<'_>) -> Result<Duration, String> {
    let mut fields = accuracy.fields().map_err(text)?;
    let seconds = match fields.optional(Tag::Integer).map_err(text)? {
        Some(seconds) => seconds.small_integer().map_err(text)?,
        None => 0,
    };
    let mut fraction = |number| -> Result<u32, String> {
        match fields.optional(primitive(number)).map_err(text)? {
            None => Ok(0),
            Some(value) => match value.small_integer() {
                Ok(value @ 0..=999) => Ok(value),
                _ => Err("a part of the accuracy is not from 1 to 999".to_owned()),
            },
        }
    };
    let (milliseconds, microseconds) = (fraction(0)?, fraction(1)?);
    fields.finish().map_err(text)?;
    Ok(Duration::seconds(seconds.into())
        + Duration::milliseconds(milliseconds.into())
        + Duration::microseconds(microseconds.into()))
}

/// RFC 5280 §4.2: who does not know a critical extension rejects what has it. None is known.
fn refuse_critical(extensions: &Tlv<'_>) -> Result<(), String> {
    let mut extensions = extensions.fields().map_err(text)?;
    while !extensions.is_empty() {
        let mut extension = extensions
            .expect(Tag::Sequence)
            .and_then(|one| one.fields())
            .map_err(text)?;
        let name = extension
            .expect(Tag::ObjectIdentifier)
            .and_then(|name| name.oid())
            .map_err(text)?;
        let critical = extension.optional(Tag::Boolean).map_err(text)?;
        if critical.is_some_and(|critical| critical.value != [0]) {
            return Err(format!(
                "it has the critical extension {name}, which is not known"
            ));
        }
    }
    Ok(())
}

/// `YYYYMMDDhhmmss[.f…]Z` (RFC 3161 §2.4.2).
fn generalized_time(content: &[u8]) -> Option<OffsetDateTime> {
    let text = std::str::from_utf8(content).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if whole.len() != 14 || !(1..=9).contains(&fraction.len()) {
        return None;
    }
    if !whole
        .bytes()
        .chain(fraction.bytes())
        .all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    let number = |range: std::ops::Range<usize>| whole.get(range)?.parse::<u8>().ok();
    let year = whole.get(..4)?.parse().ok()?;
    let date =
        Date::from_calendar_date(year, Month::try_from(number(4..6)?).ok()?, number(6..8)?).ok()?;
    let nanoseconds = format!("{fraction:0<9}").parse().ok()?;
    let time = Time::from_hms_nano(
        number(8..10)?,
        number(10..12)?,
        number(12..14)?,
        nanoseconds,
    )
    .ok()?;
    Some(PrimitiveDateTime::new(date, time).assume_utc())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_time_may_have_a_fraction_but_no_offset() {
        assert_eq!(
            generalized_time(b"20260131013000Z"),
            Some(datetime!(2026-01-31 01:30:00 UTC))
        );
        assert_eq!(
            generalized_time(b"20260131013000.25Z"),
            Some(datetime!(2026-01-31 01:30:00.25 UTC))
        );
        for text in [
            "20260131013000",
            "202601310130Z",
            "20260131013000+0100",
            "20260131013060Z",
            "20260131013000.Z",
            "2026013101300\u{660}Z",
        ] {
            assert_eq!(generalized_time(text.as_bytes()), None, "{text}");
        }
    }
}
