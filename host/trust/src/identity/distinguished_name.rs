//! Distinguished names as text: RFC 4514, read within fixed bounds.
//!
//! The reader is one pass over the characters with no recursion, and what a name may cost is
//! bounded before any of it is kept, because a trust policy is data that somebody else may have
//! written. A value in the `#` form (RFC 4514 §2.4) is read as hexadecimal digits only; the BER
//! inside it is never decoded.

use std::fmt;
use std::iter::Peekable;
use std::str::Chars;

use thiserror::Error;

use super::AttributeType;

/// The longest distinguished name that is read, in bytes of UTF-8. Names in certificates are a few
/// hundred bytes; the bound keeps a hostile policy from buying memory with one string.
pub const MAX_NAME_LENGTH: usize = 8 * 1024;

/// The most attributes that one distinguished name may hold.
pub const MAX_ATTRIBUTES: usize = 64;

/// A distinguished name: relative names in the order in which they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistinguishedName {
    relative_names: Vec<RelativeName>,
}

/// One relative distinguished name: usually one attribute, several when they were joined by `+`.
pub type RelativeName = Vec<Attribute>;

/// One attribute of a name, such as `O=Wabbit Networks`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// What the attribute is: `C`, `O`, `CN`, an object identifier and so on.
    pub attribute_type: AttributeType,
    /// What it says.
    pub value: AttributeValue,
}

/// The value of an attribute as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeValue {
    /// Text, with escapes already undone.
    Text(String),
    /// The `#` form: the BER encoding of the value, which is not interpreted.
    Encoded(Vec<u8>),
}

/// Why a text is not a distinguished name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// The text exceeds [`MAX_NAME_LENGTH`].
    #[error("the name is {length} bytes long; at most {MAX_NAME_LENGTH} are read")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// The name exceeds [`MAX_ATTRIBUTES`].
    #[error("the name has more than {MAX_ATTRIBUTES} attributes")]
    TooManyAttributes,
    /// A component lacks `=`.
    #[error(
        "`{component}` is not of the form TYPE=value; write a comma inside a value as `\\,` and a plus sign as `\\+`"
    )]
    MissingEqualsSign {
        /// The component.
        component: String,
    },
    /// A type is neither a keyword nor an object identifier (RFC 4512 §1.4).
    #[error(
        "`{written}` is not an attribute type: use a keyword such as CN or dotted numbers such as 2.5.4.3"
    )]
    BadType {
        /// The type as it was written.
        written: String,
    },
    /// A backslash is followed by neither a special character nor two hexadecimal digits.
    #[error(
        "the escape `\\{after}` is unknown: a backslash escapes one of  \" # + , ; < = > \\ or space, or is followed by two hexadecimal digits"
    )]
    BadEscape {
        /// What follows the backslash, at most two characters.
        after: String,
    },
    /// Escaped bytes do not form UTF-8.
    #[error("the value of {attribute_type} is not UTF-8 once its escapes are undone")]
    NotUtf8 {
        /// The attribute.
        attribute_type: String,
    },
    /// A `#` value is not a whole, non-zero number of hexadecimal bytes.
    #[error(
        "the value of {attribute_type} starts with `#` and is not hexadecimal; to begin text with that sign write `\\#`"
    )]
    BadHexadecimal {
        /// The attribute.
        attribute_type: String,
    },
}

impl DistinguishedName {
    /// Reads a name in the string form of RFC 4514.
    ///
    /// Spaces around components are ignored unless escaped, and `;` separates like `,` (RFC 2253
    /// §4), as other readers of the same policies allow. Text that is only spaces is the empty name.
    ///
    /// # Errors
    /// [`NameError`] names the component that is wrong.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.len() > MAX_NAME_LENGTH {
            return Err(NameError::TooLong { length: text.len() });
        }
        if text.trim_matches(' ').is_empty() {
            return Ok(Self {
                relative_names: Vec::new(),
            });
        }
        let mut reader = Reader {
            rest: text.chars().peekable(),
        };
        let mut relative_names = vec![Vec::new()];
        let mut count = 0;
        loop {
            let (attribute, end) = reader.attribute()?;
            count += 1;
            if count > MAX_ATTRIBUTES {
                return Err(NameError::TooManyAttributes);
            }
            if let Some(current) = relative_names.last_mut() {
                current.push(attribute);
            }
            match end {
                End::Name => return Ok(Self { relative_names }),
                End::RelativeName => relative_names.push(Vec::new()),
                End::Attribute => {}
            }
        }
    }

    /// The relative names in the order in which they were written.
    #[must_use]
    pub fn relative_names(&self) -> &[RelativeName] {
        &self.relative_names
    }
}

impl fmt::Display for AttributeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(&escape(text)),
            Self::Encoded(bytes) => write!(f, "#{}", hex::encode(bytes)),
        }
    }
}

impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, relative) in self.relative_names.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            for (position, attribute) in relative.iter().enumerate() {
                if position > 0 {
                    f.write_str("+")?;
                }
                write!(f, "{}={}", attribute.attribute_type, attribute.value)?;
            }
        }
        Ok(())
    }
}

/// Writes a value so that reading it gives the same value back (RFC 4514 §2.4).
#[must_use]
pub(crate) fn escape(value: &str) -> String {
    let last = value.chars().count().saturating_sub(1);
    let mut text = String::with_capacity(value.len());
    for (index, character) in value.chars().enumerate() {
        let special = matches!(character, '"' | '+' | ',' | ';' | '<' | '>' | '\\')
            || (character == '#' && index == 0)
            || (character == ' ' && (index == 0 || index == last));
        if special {
            text.push('\\');
        }
        if character == '\0' {
            text.push_str("\\00");
        } else {
            text.push(character);
        }
    }
    text
}

/// What stands behind an attribute.
enum End {
    /// `+`: another attribute of the same relative name follows.
    Attribute,
    /// `,` or `;`: another relative name follows.
    RelativeName,
    /// Nothing.
    Name,
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
}

impl Reader<'_> {
    fn attribute(&mut self) -> Result<(Attribute, End), NameError> {
        let written = self.type_text()?;
        let attribute_type =
            AttributeType::parse(&written).ok_or(NameError::BadType { written })?;
        while self.rest.next_if_eq(&' ').is_some() {}
        let (value, end) = if self.rest.next_if_eq(&'#').is_some() {
            self.encoded_value(&attribute_type)?
        } else {
            self.text_value(&attribute_type)?
        };
        Ok((
            Attribute {
                attribute_type,
                value,
            },
            end,
        ))
    }

    /// Everything up to `=`, without the spaces around it.
    fn type_text(&mut self) -> Result<String, NameError> {
        let mut written = String::new();
        loop {
            match self.rest.next() {
                Some('=') => return Ok(written.trim_matches(' ').to_owned()),
                Some(character @ (',' | ';' | '+')) => {
                    written.push(character);
                    return Err(NameError::MissingEqualsSign { component: written });
                }
                Some(character) => written.push(character),
                None => return Err(NameError::MissingEqualsSign { component: written }),
            }
        }
    }

    fn end(&mut self) -> Option<End> {
        match self.rest.peek() {
            None => Some(End::Name),
            Some(',' | ';') => Some(End::RelativeName),
            Some('+') => Some(End::Attribute),
            Some(_) => None,
        }
    }

    fn encoded_value(&mut self, of: &AttributeType) -> Result<(AttributeValue, End), NameError> {
        let mut digits = String::new();
        let end = loop {
            if let Some(end) = self.end() {
                self.rest.next();
                break end;
            }
            digits.extend(self.rest.next());
        };
        match hex::decode(digits.trim_end_matches(' ')) {
            Ok(bytes) if !bytes.is_empty() => Ok((AttributeValue::Encoded(bytes), end)),
            _ => Err(NameError::BadHexadecimal {
                attribute_type: of.to_string(),
            }),
        }
    }

    fn text_value(&mut self, of: &AttributeType) -> Result<(AttributeValue, End), NameError> {
        let mut bytes = Vec::new();
        // Trailing spaces count only if the last of them was escaped.
        let mut kept = 0;
        let end = loop {
            if let Some(end) = self.end() {
                self.rest.next();
                break end;
            }
            match self.rest.next() {
                Some('\\') => {
                    self.escape(&mut bytes)?;
                    kept = bytes.len();
                }
                Some(' ') => bytes.push(b' '),
                Some(character) => {
                    bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                    kept = bytes.len();
                }
                None => {}
            }
        };
        bytes.truncate(kept);
        let text = String::from_utf8(bytes).map_err(|_| NameError::NotUtf8 {
            attribute_type: of.to_string(),
        })?;
        Ok((AttributeValue::Text(text), end))
    }

    fn escape(&mut self, bytes: &mut Vec<u8>) -> Result<(), NameError> {
        let first = self.rest.next();
        if let Some(special @ (' ' | '"' | '#' | '+' | ',' | ';' | '<' | '=' | '>' | '\\')) = first
        {
            bytes.extend_from_slice(special.encode_utf8(&mut [0; 4]).as_bytes());
            return Ok(());
        }
        let second = self.rest.peek().copied();
        let digit = |character: Option<char>| {
            character
                .and_then(|digit| digit.to_digit(16))
                .and_then(|digit| u8::try_from(digit).ok())
        };
        match (digit(first), digit(second)) {
            (Some(high), Some(low)) => {
                self.rest.next();
                bytes.push(high << 4 | low);
                Ok(())
            }
            _ => Err(NameError::BadEscape {
                after: first.into_iter().chain(second).collect(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text_of(name: &str) -> Vec<(String, String)> {
        let name = DistinguishedName::parse(name).unwrap();
        name.relative_names()
            .iter()
            .flatten()
            .map(|attribute| {
                let AttributeValue::Text(value) = &attribute.value else {
                    panic!("not text")
                };
                (attribute.attribute_type.to_string(), value.clone())
            })
            .collect()
    }

    fn one_value(value: &str) -> String {
        text_of(&format!("CN={value}")).remove(0).1
    }

    #[test]
    fn spaces_around_a_component_do_not_count_unless_escaped() {
        assert_eq!(
            text_of("C = US ,  O=  a b  "),
            [("C".into(), "US".into()), ("O".into(), "a b".into())]
        );
        assert_eq!(one_value("\\ a\\ "), " a ");
        assert_eq!(one_value("a\\  "), "a ");
    }

    #[test]
    fn special_characters_and_bytes_may_be_escaped() {
        assert_eq!(
            one_value("a\\,b\\;c\\\\d\\+e\\=f\\\"g\\<h\\>"),
            "a,b;c\\d+e=f\"g<h>"
        );
        assert_eq!(one_value("\\#04"), "#04");
        assert_eq!(one_value("a\\2Cb"), "a,b");
        assert_eq!(one_value("\\c3\\A4"), "ä");
        assert_eq!(one_value("a=b"), "a=b");
    }

    #[test]
    fn an_unknown_or_cut_off_escape_is_refused() {
        for value in ["\\z", "a\\", "\\4", "\\4g", "\\é1"] {
            let parsed = DistinguishedName::parse(&format!("CN={value}"));
            assert!(
                matches!(parsed, Err(NameError::BadEscape { .. })),
                "{value}"
            );
        }
    }

    #[test]
    fn escaped_bytes_that_are_not_utf_8_are_refused() {
        let parsed = DistinguishedName::parse("CN=\\ff");
        assert_eq!(
            parsed,
            Err(NameError::NotUtf8 {
                attribute_type: "CN".into()
            })
        );
    }

    #[test]
    fn a_component_without_an_equals_sign_is_refused() {
        for name in [
            "CN",
            "C=US,",
            ",C=US",
            "C=US,,O=a",
            "C=US,CN=\"a,b\"",
            "C=US+",
            "C=a+b",
        ] {
            let parsed = DistinguishedName::parse(name);
            assert!(
                matches!(parsed, Err(NameError::MissingEqualsSign { .. })),
                "{name}"
            );
        }
    }

    #[test]
    fn a_type_is_a_keyword_or_an_object_identifier() {
        for name in ["=a", "C N=a", "9a=a", "1.=a", "1..2=a", "é=a", "2.05=a"] {
            let parsed = DistinguishedName::parse(name);
            assert!(matches!(parsed, Err(NameError::BadType { .. })), "{name}");
        }
        assert!(DistinguishedName::parse("2.5.4.3=a,OID.2.5.4.3=a,x-y1=b").is_ok());
    }

    #[test]
    fn a_plus_sign_joins_attributes_into_one_relative_name() {
        let name = DistinguishedName::parse("OU=a+CN=b,O=c").unwrap();
        assert_eq!(
            name.relative_names()
                .iter()
                .map(Vec::len)
                .collect::<Vec<_>>(),
            [2, 1]
        );
    }

    #[test]
    fn the_hexadecimal_form_is_kept_as_bytes_and_never_decoded() {
        let name = DistinguishedName::parse("1.2.3=#30840FFFFFFF ,O=a").unwrap();
        let value = &name.relative_names()[0][0].value;
        assert_eq!(
            value,
            &AttributeValue::Encoded(vec![0x30, 0x84, 0x0f, 0xff, 0xff, 0xff])
        );
        for name in ["CN=#", "CN=#0", "CN=#zz", "CN=#04 02"] {
            let parsed = DistinguishedName::parse(name);
            assert!(
                matches!(parsed, Err(NameError::BadHexadecimal { .. })),
                "{name}"
            );
        }
    }

    #[test]
    fn a_name_beyond_the_length_limit_is_refused_unread() {
        let long = format!("CN={}", "a".repeat(MAX_NAME_LENGTH));
        assert_eq!(
            DistinguishedName::parse(&long),
            Err(NameError::TooLong { length: long.len() })
        );
    }

    #[test]
    fn a_name_with_too_many_attributes_is_refused() {
        let fits = vec!["CN=a"; MAX_ATTRIBUTES].join(",");
        assert!(DistinguishedName::parse(&fits).is_ok());
        assert_eq!(
            DistinguishedName::parse(&format!("{fits}+CN=a")),
            Err(NameError::TooManyAttributes)
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_panic(text in "\\PC{0,200}") {
            let _ = DistinguishedName::parse(&text);
        }

        #[test]
        fn text_made_of_the_grammar_s_own_characters_is_read_or_refused(
            text in "[CNO=,;+#\\\\ \"0-9a-f]{0,80}"
        ) {
            if let Ok(name) = DistinguishedName::parse(&text) {
                prop_assert_eq!(DistinguishedName::parse(&name.to_string()).unwrap(), name);
            }
        }

        #[test]
        fn a_written_name_reads_back_as_itself(values in prop::collection::vec("\\PC{1,20}", 1..8)) {
            let attributes = values.iter().map(|value| vec![Attribute {
                attribute_type: AttributeType::parse("OU").unwrap(),
                value: AttributeValue::Text(value.clone()),
            }]);
            let name = DistinguishedName { relative_names: attributes.collect() };
            prop_assert_eq!(DistinguishedName::parse(&name.to_string()).unwrap(), name);
        }
    }
}
