//! DER read field by field, keeping the bytes that a signature covers.
//!
//! A signature is over the bytes as they were received, so a parser that decodes and encodes again
//! is of no use here. [`Fields`] walks the fields of one constructed value and hands out each as a
//! [`Tlv`] that borrows both its content and its whole encoding. Nothing recurses: a caller goes
//! down one level by making the next [`Fields`].
//!
//! ```
//! use notary_x509::asn1::Fields;
//! use der::Tag;
//!
//! // SEQUENCE { INTEGER 5, BOOLEAN TRUE }
//! let der = [0x30, 0x06, 0x02, 0x01, 0x05, 0x01, 0x01, 0xff];
//! let sequence = Fields::single(&der, Tag::Sequence)?;
//! let mut fields = Fields::of(sequence.value)?;
//! assert_eq!(fields.expect(Tag::Integer)?.value, [5]);
//! assert!(fields.optional(Tag::Null)?.is_none());
//! assert_eq!(fields.expect(Tag::Boolean)?.raw, [0x01, 0x01, 0xff]);
//! fields.finish()?;
//! # Ok::<(), der::Error>(())
//! ```

pub mod write;

use der::asn1::ObjectIdentifier;
use der::{Decode, Header, Reader, SliceReader, Tag, TagNumber};
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};

/// One DER value: its tag, its content octets and its whole encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// The tag, with class and number.
    pub tag: Tag,
    /// The content octets.
    pub value: &'a [u8],
    /// Tag, length and content octets as received.
    pub raw: &'a [u8],
}

/// The tag `[number]`, constructed: an explicit tag, or an implicit one around a constructed type.
#[must_use]
pub const fn constructed(number: u32) -> Tag {
    Tag::ContextSpecific {
        constructed: true,
        number: TagNumber(number),
    }
}

/// The tag `[number]`, primitive: an implicit tag around a primitive type.
#[must_use]
pub const fn primitive(number: u32) -> Tag {
    Tag::ContextSpecific {
        constructed: false,
        number: TagNumber(number),
    }
}

/// The fields of one constructed value, in order.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    reader: SliceReader<'a>,
}

impl<'a> Fields<'a> {
    /// The fields in `value`, the content octets of a constructed value.
    ///
    /// # Errors
    /// If `value` is longer than DER lengths that this implementation supports.
    pub fn of(value: &'a [u8]) -> Result<Self, der::Error> {
        Ok(Self {
            reader: SliceReader::new(value)?,
        })
    }

    /// The one value with tag `tag` that `der` is, with nothing after it.
    ///
    /// # Errors
    /// If `der` is not DER, has another tag, or has bytes after the value.
    pub fn single(der: &'a [u8], tag: Tag) -> Result<Tlv<'a>, der::Error> {
        let mut fields = Self::of(der)?;
        let only = fields.expect(tag)?;
        fields.finish()?;
        Ok(only)
    }

    /// Whether there is no field left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.reader.is_finished()
    }

    /// The next field, whatever its tag.
    ///
    /// # Errors
    /// If there is none, or it is not DER.
    pub fn next_field(&mut self) -> Result<Tlv<'a>, der::Error> {
        let raw = self.reader.tlv_bytes()?;
        let mut inner = SliceReader::new(raw)?;
        let header = Header::decode(&mut inner)?;
        let value = inner.read_slice(header.length())?;
        Ok(Tlv {
            tag: header.tag(),
            value,
            raw,
        })
    }

    /// The next field, which must have the tag `tag`.
    ///
    /// # Errors
    /// If there is none, it is not DER, or it has another tag.
    pub fn expect(&mut self, tag: Tag) -> Result<Tlv<'a>, der::Error> {
        let field = self.next_field()?;
        field.tag.assert_eq(tag)?;
        Ok(field)
    }

    /// The next field if it has the tag `tag`; otherwise nothing is consumed.
    ///
    /// # Errors
    /// If what follows is not DER.
    pub fn optional(&mut self, tag: Tag) -> Result<Option<Tlv<'a>>, der::Error> {
        if self.is_empty() || Tag::peek(&self.reader)? != tag {
            return Ok(None);
        }
        self.next_field().map(Some)
    }

    /// The end: nothing may be left.
    ///
    /// # Errors
    /// If a field is left.
    pub fn finish(self) -> Result<(), der::Error> {
        self.reader.finish()
    }
}

impl<'a> Tlv<'a> {
    /// The fields of this constructed value.
    ///
    /// # Errors
    /// As [`Fields::of`].
    pub fn fields(&self) -> Result<Fields<'a>, der::Error> {
        Fields::of(self.value)
    }

    /// The single value with tag `tag` inside this explicit tag.
    ///
    /// # Errors
    /// If something else is inside.
    pub fn inner(&self, tag: Tag) -> Result<Tlv<'a>, der::Error> {
        Fields::single(self.value, tag)
    }

    /// The OBJECT IDENTIFIER that this is.
    ///
    /// # Errors
    /// If it is something else.
    pub fn oid(&self) -> Result<ObjectIdentifier, der::Error> {
        ObjectIdentifier::from_der(self.raw)
    }

    /// The BOOLEAN that this is; DER allows `00` and `ff` only.
    ///
    /// # Errors
    /// If it is something else.
    pub fn boolean(&self) -> Result<bool, der::Error> {
        bool::from_der(self.raw)
    }

    /// The small, non-negative INTEGER (or ENUMERATED) that this is.
    ///
    /// # Errors
    /// If it is negative, not minimally encoded or above `u32::MAX`.
    pub fn small_integer(&self) -> Result<u32, der::Error> {
        small_integer(self.value).ok_or_else(|| self.tag.value_error().into())
    }

    /// The octets of a BIT STRING whose length is a whole number of octets.
    ///
    /// # Errors
    /// If it is not a BIT STRING or has unused bits.
    pub fn bit_string_octets(&self) -> Result<&'a [u8], der::Error> {
        self.tag.assert_eq(Tag::BitString)?;
        match self.value.split_first() {
            Some((0, octets)) => Ok(octets),
            _ => Err(self.tag.value_error().into()),
        }
    }

    /// The UTCTime or GeneralizedTime that this is, in the form of RFC 5280 §4.1.2.5: UTC (`Z`),
    /// with seconds, without fractions.
    ///
    /// # Errors
    /// If it is something else or not a date.
    pub fn time(&self) -> Result<OffsetDateTime, der::Error> {
        let parsed = match self.tag {
            Tag::UtcTime => utc_time(self.value),
            Tag::GeneralizedTime => generalized_time(self.value),
            _ => None,
        };
        parsed.ok_or_else(|| self.tag.value_error().into())
    }
}

fn small_integer(content: &[u8]) -> Option<u32> {
    let (&first, rest) = content.split_first()?;
    let negative = first & 0x80 != 0;
    let padded = first == 0 && rest.first().is_some_and(|next| next & 0x80 == 0);
    if negative || padded || content.len() > 5 || (content.len() == 5 && first != 0) {
        return None;
    }
    Some(
        content
            .iter()
            .fold(0u32, |sum, byte| (sum << 8) | u32::from(*byte)),
    )
}

fn utc_time(content: &[u8]) -> Option<OffsetDateTime> {
    let (year, rest) = content.split_at_checked(2)?;
    let two_digits = i32::try_from(digits(year)?).ok()?;
    // RFC 5280 §4.1.2.5.1: 50 to 99 are 1950 to 1999.
    let century = if two_digits >= 50 { 1900 } else { 2000 };
    month_to_second(century + two_digits, rest)
}

fn generalized_time(content: &[u8]) -> Option<OffsetDateTime> {
    let (year, rest) = content.split_at_checked(4)?;
    month_to_second(i32::try_from(digits(year)?).ok()?, rest)
}

fn month_to_second(year: i32, rest: &[u8]) -> Option<OffsetDateTime> {
    let &[m1, m2, d1, d2, h1, h2, i1, i2, s1, s2, b'Z'] = rest else {
        return None;
    };
    let pair = |tens: u8, ones: u8| digits(&[tens, ones]).and_then(|n| u8::try_from(n).ok());
    let month = Month::try_from(pair(m1, m2)?).ok()?;
    let date = Date::from_calendar_date(year, month, pair(d1, d2)?).ok()?;
    let time = Time::from_hms(pair(h1, h2)?, pair(i1, i2)?, pair(s1, s2)?).ok()?;
    Some(PrimitiveDateTime::new(date, time).assume_utc())
}

fn digits(text: &[u8]) -> Option<u32> {
    text.iter().try_fold(0u32, |sum, byte| {
        byte.is_ascii_digit()
            .then(|| sum * 10 + u32::from(byte - b'0'))
    })
}
