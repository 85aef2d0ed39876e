//! The part of CBOR (RFC 8949) that COSE needs, read strictly and written deterministically.
//!
//! Read: definite lengths only, map keys that are texts or integers and occur once, a bound on depth
//! and number of values, no byte after the end. Lengths are compared with what is left before
//! anything is allocated.

use std::collections::BTreeSet;

use crate::limits::{MAX_NESTING, MAX_VALUES};
use crate::value::{AttributeName, AttributeValue};

const MAJOR_UNSIGNED: u8 = 0;
const MAJOR_NEGATIVE: u8 = 1;
const MAJOR_BYTES: u8 = 2;
const MAJOR_TEXT: u8 = 3;
const MAJOR_ARRAY: u8 = 4;
const MAJOR_MAP: u8 = 5;
const MAJOR_TAG: u8 = 6;
const MAJOR_SIMPLE: u8 = 7;

/// Reads the one value that `bytes` are; the error says what is wrong with them.
pub(crate) fn read(bytes: &[u8]) -> Result<AttributeValue, String> {
    let mut reader = Reader {
        rest: bytes,
        values_left: MAX_VALUES,
    };
    let value = reader.value(MAX_NESTING)?;
    if reader.rest.is_empty() {
        Ok(value)
    } else {
        Err(format!("{} bytes follow after its end", reader.rest.len()))
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    values_left: usize,
}

impl<'a> Reader<'a> {
    /// One value, at most `depth` levels deep, so that the recursion is bounded.
    fn value(&mut self, depth: usize) -> Result<AttributeValue, String> {
        let depth = depth
            .checked_sub(1)
            .ok_or_else(|| format!("it nests deeper than {MAX_NESTING} levels"))?;
        self.values_left = self
            .values_left
            .checked_sub(1)
            .ok_or_else(|| format!("it has more than {MAX_VALUES} values"))?;
        let initial = self.byte()?;
        let (major, info) = (initial >> 5, initial & 0x1f);
        if major == MAJOR_SIMPLE {
            return self.simple(info);
        }
        let argument = self.argument(info)?;
        Ok(match major {
            MAJOR_UNSIGNED => AttributeValue::Integer(argument.into()),
            MAJOR_NEGATIVE => AttributeValue::Integer(-1 - i128::from(argument)),
            MAJOR_BYTES => AttributeValue::Bytes(self.take(argument)?.to_vec()),
            MAJOR_TEXT => AttributeValue::Text(self.text(argument)?),
            MAJOR_ARRAY => AttributeValue::Array(self.array(argument, depth)?),
            MAJOR_MAP => AttributeValue::Map(self.map(argument, depth)?),
            _ => AttributeValue::Tagged(argument, Box::new(self.value(depth)?)),
        })
    }

    fn array(&mut self, length: u64, depth: usize) -> Result<Vec<AttributeValue>, String> {
        let mut elements = Vec::new();
        for _ in 0..length {
            elements.push(self.value(depth)?);
        }
        Ok(elements)
    }

    fn map(
        &mut self,
        length: u64,
        depth: usize,
    ) -> Result<Vec<(AttributeName, AttributeValue)>, String> {
        let mut names = BTreeSet::new();
        let mut members = Vec::new();
        for _ in 0..length {
            let name = match self.value(depth)? {
                AttributeValue::Integer(label) => AttributeName::Integer(label),
                AttributeValue::Text(text) => AttributeName::Text(text),
                other => {
                    return Err(format!(
                        "a map key is {} where a text or an integer is expected",
                        other.kind()
                    ));
                }
            };
            if !names.insert(name.clone()) {
                return Err(format!("map key \"{name}\" occurs twice"));
            }
            members.push((name, self.value(depth)?));
        }
        Ok(members)
    }

    fn simple(&mut self, info: u8) -> Result<AttributeValue, String> {
        Ok(match info {
            20 => AttributeValue::Bool(false),
            21 => AttributeValue::Bool(true),
            22 => AttributeValue::Null,
            25 => AttributeValue::Float(half(u16::from_be_bytes(self.fixed()?))),
            26 => AttributeValue::Float(f32::from_be_bytes(self.fixed()?).into()),
            27 => AttributeValue::Float(f64::from_be_bytes(self.fixed()?)),
            _ => {
                return Err(format!(
                    "it has the simple value {info}, which has no meaning here"
                ));
            }
        })
    }

    fn argument(&mut self, info: u8) -> Result<u64, String> {
        Ok(match info {
            0..=23 => info.into(),
            24 => self.byte()?.into(),
            25 => u16::from_be_bytes(self.fixed()?).into(),
            26 => u32::from_be_bytes(self.fixed()?).into(),
            27 => u64::from_be_bytes(self.fixed()?),
            31 => return Err("it has an indefinite length".to_owned()),
            _ => return Err(format!("it has the reserved length {info}")),
        })
    }

    fn text(&mut self, length: u64) -> Result<String, String> {
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes)
            .map(str::to_owned)
            .map_err(|_| "a text is not UTF-8".to_owned())
    }

    fn byte(&mut self) -> Result<u8, String> {
        let [byte] = self.fixed()?;
        Ok(byte)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or_else(truncated)?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], String> {
        let (bytes, rest) = usize::try_from(length)
            .ok()
            .and_then(|length| self.rest.split_at_checked(length))
            .ok_or_else(truncated)?;
        self.rest = rest;
        Ok(bytes)
    }
}

fn truncated() -> String {
    "it ends in the middle of a value".to_owned()
}

/// IEEE 754 binary16 (RFC 8949 appendix D).
fn half(bits: u16) -> f64 {
    let exponent = i32::from((bits >> 10) & 0x1f);
    let mantissa = f64::from(bits & 0x3ff);
    let magnitude = match exponent {
        0 => mantissa * 2f64.powi(-24),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (mantissa + 1024.0) * 2f64.powi(exponent - 25),
    };
    if bits & 0x8000 == 0 {
        magnitude
    } else {
        -magnitude
    }
}

/// Writes a value with the shortest lengths and maps sorted by the bytes of their keys (RFC 8949
/// §4.2.1). `None` if an integer exceeds 64 bits, or for a floating-point number: there is none in
/// what we write.
pub(crate) fn write(value: &AttributeValue) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    write_value(&mut out, value)?;
    Some(out)
}

fn write_value(out: &mut Vec<u8>, value: &AttributeValue) -> Option<()> {
    match value {
        AttributeValue::Null => out.push(MAJOR_SIMPLE << 5 | 22),
        AttributeValue::Bool(value) => out.push(MAJOR_SIMPLE << 5 | (20 + u8::from(*value))),
        AttributeValue::Integer(value) => write_integer(out, *value)?,
        AttributeValue::Float(_) => return None,
        AttributeValue::Text(text) => write_text(out, text),
        AttributeValue::Bytes(bytes) => write_bytes(out, bytes),
        AttributeValue::Array(elements) => {
            write_head(out, MAJOR_ARRAY, elements.len() as u64);
            for element in elements {
                write_value(out, element)?;
            }
        }
        AttributeValue::Map(members) => write_map(out, members)?,
        AttributeValue::Tagged(tag, value) => {
            write_head(out, MAJOR_TAG, *tag);
            write_value(out, value)?;
        }
    }
    Some(())
}

fn write_map(out: &mut Vec<u8>, members: &[(AttributeName, AttributeValue)]) -> Option<()> {
    let mut encoded = Vec::new();
    for (name, value) in members {
        let mut key = Vec::new();
        match name {
            AttributeName::Integer(label) => write_integer(&mut key, *label)?,
            AttributeName::Text(text) => write_text(&mut key, text),
        }
        encoded.push((key, write(value)?));
    }
    encoded.sort();
    write_head(out, MAJOR_MAP, encoded.len() as u64);
    for (key, value) in encoded {
        out.extend(key);
        out.extend(value);
    }
    Some(())
}

fn write_integer(out: &mut Vec<u8>, value: i128) -> Option<()> {
    if value >= 0 {
        write_head(out, MAJOR_UNSIGNED, u64::try_from(value).ok()?);
    } else {
        write_head(out, MAJOR_NEGATIVE, u64::try_from(-1 - value).ok()?);
    }
    Some(())
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    write_head(out, MAJOR_TEXT, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

pub(crate) fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_head(out, MAJOR_BYTES, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn write_head(out: &mut Vec<u8>, major: u8, argument: u64) {
    let bytes = argument.to_be_bytes();
    // How many of the eight bytes are not needed; up to 23 the value fits beside the major type.
    let (info, skip) = match argument {
        0..=23 => (bytes[7], 8),
        24..=0xff => (24, 7),
        0x100..=0xffff => (25, 6),
        0x1_0000..=0xffff_ffff => (26, 4),
        _ => (27, 0),
    };
    out.push(major << 5 | info);
    out.extend(bytes.iter().skip(skip));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refusal(bytes: &[u8]) -> String {
        read(bytes).unwrap_err()
    }

    #[test]
    fn what_rfc_8949_appendix_a_shows_is_read_and_written() {
        for (hex, value) in [
            ("00", AttributeValue::Integer(0)),
            ("1818", AttributeValue::Integer(24)),
            ("1903e8", AttributeValue::Integer(1000)),
            (
                "1bffffffffffffffff",
                AttributeValue::Integer(u64::MAX.into()),
            ),
            (
                "3bffffffffffffffff",
                AttributeValue::Integer(-18_446_744_073_709_551_616),
            ),
            ("3863", AttributeValue::Integer(-100)),
            ("f4", AttributeValue::Bool(false)),
            ("f5", AttributeValue::Bool(true)),
            ("f6", AttributeValue::Null),
            ("4401020304", AttributeValue::Bytes(vec![1, 2, 3, 4])),
            ("6449455446", "IETF".into()),
            (
                "c11a514b67b0",
                AttributeValue::Tagged(1, Box::new(AttributeValue::Integer(1_363_896_240))),
            ),
        ] {
            let bytes = hex::decode(hex).unwrap();
            assert_eq!(read(&bytes).unwrap(), value, "{hex}");
            assert_eq!(write(&value).unwrap(), bytes, "{hex}");
        }
    }

    #[test]
    fn floating_point_numbers_of_every_width_are_read() {
        for (hex, value) in [
            ("f93c00", 1.0),
            ("f97bff", 65504.0),
            ("f90001", 5.960_464_477_539_063e-8),
            ("f9c400", -4.0),
            ("fa47c35000", 100_000.0),
            ("fb3ff199999999999a", 1.1),
            ("f97c00", f64::INFINITY),
        ] {
            assert_eq!(
                read(&hex::decode(hex).unwrap()).unwrap(),
                AttributeValue::Float(value),
                "{hex}"
            );
        }
    }

    #[test]
    fn indefinite_lengths_are_refused() {
        for bytes in [
            &b"\x5f\x41\x01\xff"[..],
            b"\x7f\x61a\xff",
            b"\x9f\x01\xff",
            b"\xbf\x01\x01\xff",
        ] {
            assert!(refusal(bytes).contains("indefinite"), "{bytes:x?}");
        }
    }

    #[test]
    fn a_map_key_that_occurs_twice_is_refused_however_it_is_spelt() {
        assert!(refusal(b"\xa2\x01\x01\x01\x02").contains("occurs twice"));
        assert!(refusal(b"\xa2\x01\x01\x18\x01\x02").contains("occurs twice"));
        assert!(refusal(b"\x81\xa2\x61a\x01\x61a\x02").contains("occurs twice"));
    }

    #[test]
    fn map_keys_other_than_texts_and_integers_are_refused() {
        assert!(refusal(b"\xa1\x41a\x01").contains("byte string"));
        assert!(refusal(b"\xa1\xf5\x01").contains("boolean"));
    }

    #[test]
    fn nesting_beyond_the_limit_is_refused() {
        let nested = |levels: usize| [vec![0x81; levels - 1], vec![0x00]].concat();
        assert!(read(&nested(MAX_NESTING)).is_ok());
        assert!(refusal(&nested(MAX_NESTING + 1)).contains("deeper"));
        assert!(refusal(&[0xc1].repeat(1_000_000)).contains("deeper"));
    }

    #[test]
    fn more_values_than_the_limit_are_refused() {
        let array = |length: usize| {
            let mut bytes = Vec::new();
            write_head(&mut bytes, MAJOR_ARRAY, length as u64);
            bytes.resize(bytes.len() + length, 0);
            bytes
        };
        assert!(read(&array(MAX_VALUES - 1)).is_ok());
        assert!(refusal(&array(MAX_VALUES)).contains("more than"));
    }

    #[test]
    fn lengths_beyond_the_end_are_refused_before_anything_is_allocated() {
        for bytes in [
            &b"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff"[..],
            b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff",
            b"",
            b"\x19\x01",
        ] {
            assert!(refusal(bytes).contains("ends in the middle"), "{bytes:x?}");
        }
    }

    #[test]
    fn bytes_after_the_value_undefined_values_and_bad_utf_8_are_refused() {
        assert!(refusal(b"\x00\x00").contains("follow"));
        assert!(refusal(b"\xf7").contains("simple value"));
        assert!(refusal(b"\xff").contains("simple value"));
        assert!(refusal(b"\x1c").contains("reserved"));
        assert!(refusal(b"\x61\xff").contains("UTF-8"));
    }

    fn values() -> impl Strategy<Value = AttributeValue> {
        let name = prop_oneof![
            any::<i64>().prop_map(|label| AttributeName::Integer(label.into())),
            "[a-z]{0,30}".prop_map(AttributeName::Text),
        ];
        let leaf = prop_oneof![
            Just(AttributeValue::Null),
            any::<bool>().prop_map(AttributeValue::Bool),
            any::<i64>().prop_map(|value| AttributeValue::Integer(value.into())),
            ".{0,30}".prop_map(AttributeValue::Text),
            proptest::collection::vec(any::<u8>(), 0..300).prop_map(AttributeValue::Bytes),
        ];
        leaf.prop_recursive(4, 32, 5, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(AttributeValue::Array),
                proptest::collection::btree_map(name.clone(), inner.clone(), 0..5)
                    .prop_map(|map| AttributeValue::Map(map.into_iter().collect())),
                (any::<u64>(), inner)
                    .prop_map(|(tag, value)| AttributeValue::Tagged(tag, Box::new(value))),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_and_written_the_same(value in values()) {
            let bytes = write(&value).unwrap();
            let read_back = read(&bytes).unwrap();
            prop_assert_eq!(write(&read_back).unwrap(), bytes);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }
    }
}
