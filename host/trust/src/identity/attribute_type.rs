//! The types of a name's attributes: keywords as policies write them, and object identifiers.

use std::fmt;

/// Keywords (RFC 4514 §3, RFC 4519 and what certificate tools print) and their object identifiers.
/// Where several keywords stand for one identifier, the first is the one that is printed.
const KEYWORDS: [(&str, &str); 20] = [
    ("CN", "2.5.4.3"),
    ("SN", "2.5.4.4"),
    ("SERIALNUMBER", "2.5.4.5"),
    ("C", "2.5.4.6"),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("S", "2.5.4.8"),
    ("STREET", "2.5.4.9"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("T", "2.5.4.12"),
    ("TITLE", "2.5.4.12"),
    ("POSTALCODE", "2.5.4.17"),
    ("GN", "2.5.4.42"),
    ("emailAddress", "1.2.840.113549.1.9.1"),
    ("EMAILADDRESS", "1.2.840.113549.1.9.1"),
    ("E", "1.2.840.113549.1.9.1"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    ("ORGANIZATIONIDENTIFIER", "2.5.4.97"),
];

/// The type of an attribute in a distinguished name.
///
/// Keywords are matched in the case in which policies write them (`C`, not `c`): the field's other
/// verifiers do so, and a policy must not mean more here than it means there. A keyword that is not
/// known is kept, so that a document with it still loads, and matches no certificate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttributeType {
    /// An object identifier in dotted form, written so or by a known keyword.
    Identifier(String),
    /// A keyword that stands for no identifier known here.
    Unknown(String),
}

impl AttributeType {
    /// Country, `C`.
    pub const COUNTRY: &str = "2.5.4.6";
    /// State or province, `ST` or `S`.
    pub const STATE: &str = "2.5.4.8";
    /// Organisation, `O`.
    pub const ORGANIZATION: &str = "2.5.4.10";
    /// Organisational unit, `OU`.
    pub const ORGANIZATIONAL_UNIT: &str = "2.5.4.11";

    /// Reads a keyword, or dotted numbers with or without `OID.` before them (RFC 4514 §2.3,
    /// RFC 2253 §4). `None` if the text is neither.
    #[must_use]
    pub fn parse(written: &str) -> Option<Self> {
        if let Some((_, identifier)) = KEYWORDS.iter().find(|(keyword, _)| *keyword == written) {
            return Some(Self::Identifier((*identifier).to_owned()));
        }
        let dotted = written.strip_prefix("OID.").unwrap_or(written);
        if is_dotted_numbers(dotted) {
            return Some(Self::Identifier(dotted.to_owned()));
        }
        let keyword = written.starts_with(|first: char| first.is_ascii_alphabetic())
            && written
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        keyword.then(|| Self::Unknown(written.to_owned()))
    }

    /// The known keyword that differs from this unknown one only in case.
    #[must_use]
    pub fn spelled_otherwise(&self) -> Option<&'static str> {
        match self {
            Self::Identifier(_) => None,
            Self::Unknown(written) => KEYWORDS
                .iter()
                .find(|(keyword, _)| keyword.eq_ignore_ascii_case(written))
                .map(|(keyword, _)| *keyword),
        }
    }
}

/// At least two numbers without leading zeros, joined by dots (RFC 4512 §1.4, `numericoid`).
fn is_dotted_numbers(text: &str) -> bool {
    text.contains('.')
        && text.split('.').all(|number| {
            !number.is_empty()
                && number.bytes().all(|digit| digit.is_ascii_digit())
                && (number == "0" || !number.starts_with('0'))
        })
}

impl fmt::Display for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(keyword) => f.write_str(keyword),
            Self::Identifier(identifier) => {
                let keyword = KEYWORDS.iter().find(|(_, of)| of == identifier);
                f.write_str(keyword.map_or(identifier.as_str(), |(keyword, _)| keyword))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_spellings_of_one_type_are_the_same_type() {
        for (one, other) in [
            ("ST", "S"),
            ("CN", "2.5.4.3"),
            ("E", "OID.1.2.840.113549.1.9.1"),
        ] {
            assert_eq!(AttributeType::parse(one), AttributeType::parse(other));
            assert!(AttributeType::parse(one).is_some());
        }
    }

    #[test]
    fn a_keyword_in_the_wrong_case_is_unknown_and_says_its_spelling() {
        let written = AttributeType::parse("cn").unwrap();
        assert_eq!(written, AttributeType::Unknown("cn".into()));
        assert_eq!(written.spelled_otherwise(), Some("CN"));
    }

    #[test]
    fn a_type_is_printed_by_its_first_keyword_or_as_numbers() {
        for (written, printed) in [("S", "ST"), ("1.2.3", "1.2.3"), ("E", "emailAddress")] {
            assert_eq!(AttributeType::parse(written).unwrap().to_string(), printed);
        }
    }
}
