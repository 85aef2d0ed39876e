//! The text form of names, RFC 4514: parsed without recursion, in one pass over the text.

use std::fmt::{self, Write as _};
use std::iter::Peekable;
use std::str::Chars;

use der::asn1::ObjectIdentifier;

use super::{Attribute, text_of};
use crate::asn1::{Fields, write};

/// How much of a refused name an error shows.
pub(super) const MAX_SHOWN: usize = 128;
/// A name as long as this, in bytes, is no name: the X.520 upper bounds add up to far less.
pub(crate) const MAX_TEXT_LEN: usize = 8 * 1024;

const COUNTRY: &str = "2.5.4.6";
const SERIAL_NUMBER: &str = "2.5.4.5";
const DOMAIN_COMPONENT: &str = "0.9.2342.19200300.100.1.25";
const EMAIL_ADDRESS: &str = "1.2.840.113549.1.9.1";

/// Attribute types with a name in text: the table of RFC 4514 §3 and three that certificates have.
const SHORT_NAMES: [(&str, &str); 13] = [
    ("CN", "2.5.4.3"),
    ("SERIALNUMBER", SERIAL_NUMBER),
    ("C", COUNTRY),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("STREET", "2.5.4.9"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("POSTALCODE", "2.5.4.17"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    ("DC", DOMAIN_COMPONENT),
    ("emailAddress", EMAIL_ADDRESS),
    // The second name that the trust policy specification allows for stateOrProvinceName; only read.
    ("S", "2.5.4.8"),
];

pub(super) fn short_name(oid: ObjectIdentifier) -> Option<&'static str> {
    SHORT_NAMES
        .iter()
        .find(|(_, dotted)| ObjectIdentifier::new(dotted) == Ok(oid))
        .map(|(name, _)| *name)
}

pub(super) fn write(attribute: &Attribute, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match (short_name(attribute.oid), &attribute.text) {
        (Some(name), Some(text)) => {
            write!(f, "{name}=")?;
            write_escaped(text, f)
        }
        (Some(name), None) => write!(f, "{name}=#{}", hex::encode(&attribute.value)),
        (None, _) => write!(f, "{}=#{}", attribute.oid, hex::encode(&attribute.value)),
    }
}

fn write_escaped(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let last = text.chars().count().saturating_sub(1);
    for (index, character) in text.chars().enumerate() {
        match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => write!(f, "\\{character}")?,
            ' ' if index == 0 || index == last => f.write_str("\\ ")?,
            '#' if index == 0 => f.write_str("\\#")?,
            // NUL must be escaped; the other control characters are, since names end up on terminals.
            control if control.is_control() => {
                let mut buffer = [0; 4];
                for byte in control.encode_utf8(&mut buffer).bytes() {
                    write!(f, "\\{byte:02x}")?;
                }
            }
            other => f.write_char(other)?,
        }
    }
    Ok(())
}

/// The relative names in the order of the encoding, that is, the reverse of the text.
pub(super) fn parse(text: &str) -> Result<Vec<Vec<Attribute>>, String> {
    if text.len() > MAX_TEXT_LEN {
        return Err(format!("it is longer than {MAX_TEXT_LEN} bytes"));
    }
    let mut characters = text.chars().peekable();
    skip_white_space(&mut characters);
    if characters.peek().is_none() {
        return Err("it is empty".to_owned());
    }
    let mut rdns = Vec::new();
    let mut rdn = Vec::new();
    loop {
        rdn.push(attribute(&mut characters)?);
        match characters.next() {
            Some('+') => {}
            Some(',') => rdns.push(std::mem::take(&mut rdn)),
            None => break,
            Some(other) => return Err(format!("{other:?} must be escaped with a backslash")),
        }
    }
    rdns.push(rdn);
    rdns.reverse();
    Ok(rdns)
}

fn attribute(characters: &mut Peekable<Chars<'_>>) -> Result<Attribute, String> {
    skip_white_space(characters);
    let mut name = String::new();
    while let Some(character) =
        characters.next_if(|c| c.is_ascii_alphanumeric() || *c == '.' || *c == '-')
    {
        name.push(character);
    }
    skip_white_space(characters);
    if name.is_empty() {
        return Err("an attribute such as CN=name is expected".to_owned());
    }
    if characters.next() != Some('=') {
        return Err(format!("= is expected after {name}"));
    }
    let oid = attribute_type(&name)?;
    skip_white_space(characters);
    let value = if characters.peek() == Some(&'#') {
        hexadecimal_value(characters)?
    } else {
        encode(oid, &string_value(characters)?)
    };
    let tlv = Fields::of(&value)
        .and_then(|mut fields| {
            let tlv = fields.next_field()?;
            fields.finish().map(|()| tlv)
        })
        .map_err(|_| format!("the value of {name} is not the hexadecimal form of a DER value"))?;
    Ok(Attribute {
        oid,
        text: text_of(tlv),
        value,
    })
}

fn attribute_type(name: &str) -> Result<ObjectIdentifier, String> {
    let dotted = SHORT_NAMES
        .iter()
        .find(|(short, _)| short.eq_ignore_ascii_case(name))
        .map_or(name, |(_, dotted)| dotted);
    ObjectIdentifier::new(dotted).map_err(|_| {
        format!("attribute type {name:?} is unknown; write CN, O, OU, C, ST, L, STREET, DC, UID, … or a dotted object identifier")
    })
}

/// A value up to an unescaped separator, with escapes undone and trailing white space dropped.
fn string_value(characters: &mut Peekable<Chars<'_>>) -> Result<String, String> {
    let mut bytes = Vec::new();
    // The length up to the last character that white space trimming must keep.
    let mut kept = 0;
    while let Some(character) =
        characters.next_if(|c| !matches!(c, ',' | '+' | ';' | '"' | '<' | '>'))
    {
        let escaped = character == '\\';
        if escaped {
            bytes.push_escape(characters)?;
        } else if character == '\0' {
            return Err("a NUL must be escaped".to_owned());
        } else {
            bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        if escaped || character != ' ' {
            kept = bytes.len();
        }
    }
    bytes.truncate(kept);
    String::from_utf8(bytes).map_err(|_| "the escaped bytes are not UTF-8".to_owned())
}

trait PushEscape {
    /// What follows a backslash: a special character, or two hexadecimal digits.
    fn push_escape(&mut self, characters: &mut Peekable<Chars<'_>>) -> Result<(), String>;
}

impl PushEscape for Vec<u8> {
    fn push_escape(&mut self, characters: &mut Peekable<Chars<'_>>) -> Result<(), String> {
        let bad = || {
            "a backslash must be followed by a special character or two hexadecimal digits"
                .to_owned()
        };
        let first = characters.next().ok_or_else(bad)?;
        if matches!(
            first,
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' | ' ' | '#' | '='
        ) {
            self.extend_from_slice(first.encode_utf8(&mut [0; 4]).as_bytes());
            return Ok(());
        }
        let second = characters.next().ok_or_else(bad)?;
        match (first.to_digit(16), second.to_digit(16)) {
            // Two hexadecimal digits fit in a byte.
            (Some(high), Some(low)) => self.push((high * 16 + low) as u8),
            _ => return Err(bad()),
        }
        Ok(())
    }
}

fn hexadecimal_value(characters: &mut Peekable<Chars<'_>>) -> Result<Vec<u8>, String> {
    characters.next();
    let mut digits = String::new();
    while let Some(digit) = characters.next_if(char::is_ascii_hexdigit) {
        digits.push(digit);
    }
    skip_white_space(characters);
    hex::decode(&digits)
        .map_err(|_| "# must be followed by an even number of hexadecimal digits".to_owned())
}

fn encode(oid: ObjectIdentifier, text: &str) -> Vec<u8> {
    const PRINTABLE_STRING: u8 = 0x13;
    const IA5_STRING: u8 = 0x16;

    let is = |dotted: &str| ObjectIdentifier::new(dotted) == Ok(oid);
    if (is(COUNTRY) || is(SERIAL_NUMBER)) && text.chars().all(is_printable) {
        write::tlv(PRINTABLE_STRING, text.as_bytes())
    } else if (is(DOMAIN_COMPONENT) || is(EMAIL_ADDRESS)) && text.is_ascii() {
        write::tlv(IA5_STRING, text.as_bytes())
    } else {
        write::utf8_string(text)
    }
}

fn is_printable(character: char) -> bool {
    character.is_ascii_alphanumeric() || " '()+,-./:=?".contains(character)
}

fn skip_white_space(characters: &mut Peekable<Chars<'_>>) {
    while characters.next_if(|c| *c == ' ').is_some() {}
}

#[cfg(test)]
mod tests {
    use crate::Name;

    #[test]
    fn what_is_written_is_read_back_to_the_same_encoding() {
        for text in [
            "CN=a,OU=b,O=c,C=GB",
            "CN=a+UID=b,DC=example,DC=com",
            "CN=\\ leading and trailing\\ ,O=x",
            "CN=\\#1\\, \\\"two\\\" \\+ 3\\; \\<4\\> \\\\",
            "1.2.3.4=#0403010203,CN=\u{e9}\u{1f512}",
            "emailAddress=a@example.com,SERIALNUMBER=12,POSTALCODE=SW1",
            "CN=\\00\\1b",
        ] {
            let name = Name::from_rfc4514(text).unwrap();
            assert_eq!(name.to_string(), text);
            assert_eq!(Name::from_der(name.as_der()).unwrap(), name);
        }
    }

    #[test]
    fn spaces_around_attributes_and_letter_case_of_types_do_not_matter() {
        let plain = Name::from_rfc4514("CN=a b,O=c,ST=d,C=GB").unwrap();
        assert_eq!(
            Name::from_rfc4514(" cn = a b , o=c, S=d,c = GB ").unwrap(),
            plain
        );
    }

    #[test]
    fn text_that_is_not_a_name_is_refused_with_its_reason() {
        for (text, reason) in [
            ("", "empty"),
            ("CN", "= is expected after CN"),
            ("=x", "an attribute such as"),
            ("CN=a,", "an attribute such as"),
            ("CN=a;O=b", "';' must be escaped"),
            ("CN=\"a\"", "'\"' must be escaped"),
            ("CN=a\\", "backslash must be followed"),
            ("CN=a\\zz", "backslash must be followed"),
            ("CN=\\ff", "not UTF-8"),
            ("CN=#04", "not the hexadecimal form"),
            ("CN=#040", "even number"),
            ("CN=#0403010203zz", "must be escaped"),
            ("FOO=a", "attribute type \"FOO\" is unknown"),
        ] {
            let error = Name::from_rfc4514(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn a_name_longer_than_any_real_one_is_refused() {
        let fitting = format!("CN={}", "a".repeat(super::MAX_TEXT_LEN - 3));
        assert!(Name::from_rfc4514(&fitting).is_ok());
        assert!(Name::from_rfc4514(&format!("{fitting}a")).is_err());
    }
}
