//! From BER with definite lengths to DER, as far as timestamp tokens differ.
//!
//! CMS may be BER (RFC 5652 §1), and some authorities write lengths in more bytes than needed or an
//! OCTET STRING in pieces. Nothing that is signed changes: the signed attributes are signed in DER
//! whatever was sent, and the content is the octets inside.

const MAX_DEPTH: usize = 32;
const CONSTRUCTED: u8 = 0x20;
const OCTET_STRING: u8 = 0x04;
const LONG_TAG: u8 = 0x1f;

/// The DER of the one BER value that `ber` is.
pub(crate) fn to_der(ber: &[u8]) -> Result<Vec<u8>, String> {
    let (element, rest) = Element::split(ber)?;
    if !rest.is_empty() {
        return Err(format!("{} bytes follow after its end", rest.len()));
    }
    element.to_der(MAX_DEPTH)
}

struct Element<'a> {
    identifier: u8,
    content: &'a [u8],
}

impl<'a> Element<'a> {
    fn split(input: &'a [u8]) -> Result<(Self, &'a [u8]), String> {
        let truncated = || "it ends in the middle of a value".to_owned();
        let (&identifier, rest) = input.split_first().ok_or_else(truncated)?;
        if identifier & LONG_TAG == LONG_TAG {
            return Err("it has a tag number above 30".to_owned());
        }
        let (&first, rest) = rest.split_first().ok_or_else(truncated)?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x80 => return Err("it has an indefinite length".to_owned()),
            0x81..=0x84 => {
                let (bytes, rest) = rest
                    .split_at_checked(usize::from(first & 0x7f))
                    .ok_or_else(truncated)?;
                (
                    bytes
                        .iter()
                        .fold(0, |sum, &byte| sum << 8 | usize::from(byte)),
                    rest,
                )
            }
            _ => return Err("it has a length of more than four bytes".to_owned()),
        };
        let (content, rest) = rest.split_at_checked(length).ok_or_else(truncated)?;
        Ok((
            Self {
                identifier,
                content,
            },
            rest,
        ))
    }

    /// At most `depth` levels deep, so that the recursion is bounded.
    fn to_der(&self, depth: usize) -> Result<Vec<u8>, String> {
        let depth = depth.checked_sub(1).ok_or("it nests too deep")?;
        if self.identifier & CONSTRUCTED == 0 {
            return Ok(tlv(self.identifier, self.content));
        }
        let in_pieces = self.identifier == OCTET_STRING | CONSTRUCTED;
        let mut content = Vec::with_capacity(self.content.len());
        let mut rest = self.content;
        while !rest.is_empty() {
            let (child, after) = Element::split(rest)?;
            if in_pieces {
                if child.identifier != OCTET_STRING {
                    return Err(
                        "an OCTET STRING consists of something else than OCTET STRINGs".to_owned(),
                    );
                }
                content.extend_from_slice(child.content);
            } else {
                content.extend(child.to_der(depth)?);
            }
            rest = after;
        }
        let identifier = if in_pieces {
            OCTET_STRING
        } else {
            self.identifier
        };
        Ok(tlv(identifier, &content))
    }
}

/// One DER value.
pub(crate) fn tlv(identifier: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![identifier];
    if length < 0x80 {
        out.extend(length.to_be_bytes().last());
    } else {
        let bytes = length.to_be_bytes();
        let used: Vec<u8> = bytes.into_iter().skip_while(|&byte| byte == 0).collect();
        out.extend((used.len() | 0x80).to_be_bytes().last());
        out.extend(used);
    }
    out.extend_from_slice(content);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_become_minimal_at_every_level() {
        assert_eq!(
            to_der(b"\x30\x81\x06\x02\x83\x00\x00\x01\x07").unwrap(),
            b"\x30\x03\x02\x01\x07"
        );
        let long = tlv(0x04, &[7; 300]);
        assert_eq!(to_der(&long).unwrap(), long);
        assert_eq!(&long[..4], b"\x04\x82\x01\x2c");
    }

    #[test]
    fn an_octet_string_in_pieces_becomes_one() {
        assert_eq!(
            to_der(b"\x24\x06\x04\x01a\x04\x01b").unwrap(),
            b"\x04\x02ab"
        );
        assert!(to_der(b"\x24\x03\x02\x01a").is_err());
    }

    #[test]
    fn indefinite_and_overlong_lengths_long_tags_and_trailing_bytes_are_refused() {
        for ber in [
            &b"\x30\x80\x00\x00"[..],
            b"\x30\x85\x00\x00\x00\x00\x00",
            b"\x1f\x01\x00",
            b"\x05\x00\x00",
            b"\x30",
            b"",
        ] {
            assert!(to_der(ber).is_err(), "{ber:x?}");
        }
    }

    #[test]
    fn nesting_beyond_the_limit_is_refused() {
        let nested = |levels: usize| (1..levels).fold(tlv(0x05, &[]), |inner, _| tlv(0x30, &inner));
        assert!(to_der(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(
            to_der(&nested(MAX_DEPTH + 1)).unwrap_err(),
            "it nests too deep"
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_der_stays_as_it_is(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            if let Ok(der) = to_der(&bytes) {
                prop_assert_eq!(to_der(&der).unwrap(), der);
            }
        }
    }
}
