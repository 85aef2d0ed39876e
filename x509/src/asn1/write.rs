//! DER written value by value: the few types that certificates, requests and OCSP requests are made of.
//!
//! ```
//! use notary_x509::asn1::write;
//!
//! let der = write::sequence(&[&write::integer(&[5]), &write::null()]);
//! assert_eq!(der, [0x30, 0x05, 0x02, 0x01, 0x05, 0x05, 0x00]);
//! ```

use der::asn1::ObjectIdentifier;
use time::OffsetDateTime;

const BIT_STRING: u8 = 0x03;
const INTEGER: u8 = 0x02;
const NULL: u8 = 0x05;
const OBJECT_IDENTIFIER: u8 = 0x06;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const UTF8_STRING: u8 = 0x0c;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const CONTEXT_PRIMITIVE: u8 = 0x80;
const CONTEXT_CONSTRUCTED: u8 = 0xa0;

/// One value from its identifier octet and its content.
#[must_use]
pub fn tlv(identifier: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut out = vec![identifier];
    match significant.as_slice() {
        [] => out.push(0),
        [short] if *short < 0x80 => out.push(*short),
        // A usize has at most eight octets, so the count always fits.
        long => {
            out.push(0x80 | long.len() as u8);
            out.extend_from_slice(long);
        }
    }
    out.extend_from_slice(content);
    out
}

/// A SEQUENCE of `parts`, each a whole value.
#[must_use]
pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(SEQUENCE, &parts.concat())
}

/// A SET OF: the encodings in ascending order, as DER demands.
#[must_use]
pub fn set(parts: &[&[u8]]) -> Vec<u8> {
    let mut sorted = parts.to_vec();
    sorted.sort_unstable();
    tlv(SET, &sorted.concat())
}

/// A non-negative INTEGER from big-endian octets of any padding.
#[must_use]
pub fn integer(magnitude: &[u8]) -> Vec<u8> {
    let mut content: Vec<u8> = magnitude
        .iter()
        .copied()
        .skip_while(|byte| *byte == 0)
        .collect();
    if content.first().is_none_or(|first| first & 0x80 != 0) {
        content.insert(0, 0);
    }
    tlv(INTEGER, &content)
}

/// NULL.
#[must_use]
pub fn null() -> Vec<u8> {
    tlv(NULL, &[])
}

/// An OBJECT IDENTIFIER.
#[must_use]
pub fn object_identifier(oid: ObjectIdentifier) -> Vec<u8> {
    tlv(OBJECT_IDENTIFIER, oid.as_bytes())
}

/// An OCTET STRING.
#[must_use]
pub fn octet_string(octets: &[u8]) -> Vec<u8> {
    tlv(OCTET_STRING, octets)
}

/// A BIT STRING whose last octet has `unused_bits` (0 to 7) unused bits.
#[must_use]
pub fn bit_string(unused_bits: u8, octets: &[u8]) -> Vec<u8> {
    tlv(BIT_STRING, &[&[unused_bits], octets].concat())
}

/// A UTF8String.
#[must_use]
pub fn utf8_string(text: &str) -> Vec<u8> {
    tlv(UTF8_STRING, text.as_bytes())
}

/// `[number]` around a whole value. Numbers below 31 only.
#[must_use]
pub fn explicit(number: u8, value: &[u8]) -> Vec<u8> {
    tlv(CONTEXT_CONSTRUCTED | (number & 0x1f), value)
}

/// `[number]` in place of a primitive type's tag. Numbers below 31 only.
#[must_use]
pub fn implicit(number: u8, content: &[u8]) -> Vec<u8> {
    tlv(CONTEXT_PRIMITIVE | (number & 0x1f), content)
}

/// A time as RFC 5280 §4.1.2.5 demands: UTCTime through 2049, GeneralizedTime from 2050 and, since
/// UTCTime cannot say them, before 1950. Whole seconds; `None` outside the years 0 to 9999.
#[must_use]
pub fn time(at: OffsetDateTime) -> Option<Vec<u8>> {
    let at = at.to_offset(time::UtcOffset::UTC);
    if !(0..=9999).contains(&at.year()) {
        return None;
    }
    let rest = format!(
        "{:02}{:02}{:02}{:02}{:02}Z",
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    );
    Some(if (1950..2050).contains(&at.year()) {
        tlv(UTC_TIME, format!("{:02}{rest}", at.year() % 100).as_bytes())
    } else {
        tlv(
            GENERALIZED_TIME,
            format!("{:04}{rest}", at.year()).as_bytes(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_the_shortest_form() {
        assert_eq!(tlv(OCTET_STRING, &[0; 127])[..2], [0x04, 0x7f]);
        assert_eq!(tlv(OCTET_STRING, &[0; 128])[..3], [0x04, 0x81, 0x80]);
        assert_eq!(tlv(OCTET_STRING, &[0; 256])[..4], [0x04, 0x82, 0x01, 0x00]);
    }

    #[test]
    fn integers_are_minimal_and_never_negative() {
        assert_eq!(integer(&[]), [0x02, 0x01, 0x00]);
        assert_eq!(integer(&[0, 0, 0x7f]), [0x02, 0x01, 0x7f]);
        assert_eq!(integer(&[0x80]), [0x02, 0x02, 0x00, 0x80]);
    }

    #[test]
    fn a_set_is_sorted() {
        assert_eq!(
            set(&[&[0x02, 0x01, 0x02], &[0x02, 0x01, 0x01]]),
            [0x31, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x02]
        );
    }

    #[test]
    fn times_from_2050_on_are_generalized() {
        let last_utc = time::macros::datetime!(2049-12-31 23:59:59 UTC);
        let first_generalized = time::macros::datetime!(2050-01-01 0:00 UTC);
        assert_eq!(time(last_utc).unwrap(), tlv(UTC_TIME, b"491231235959Z"));
        assert_eq!(
            time(first_generalized).unwrap(),
            tlv(GENERALIZED_TIME, b"20500101000000Z")
        );
    }
}
