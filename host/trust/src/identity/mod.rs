//! Trusted identities: which of a trust store's certificate holders may sign.
//!
//! An entry is `*` (any certificate that chains to the trust stores), `x509.subject:` followed by a
//! distinguished name that the signing certificate's subject has to contain, or another
//! `prefix:value` pair, which only a verification plugin can understand.

mod attribute_type;
mod distinguished_name;
mod subject;

use std::collections::BTreeMap;
use std::fmt;

use thiserror::Error;

pub use attribute_type::AttributeType;
pub use distinguished_name::{
    Attribute, AttributeValue, DistinguishedName, MAX_ATTRIBUTES, MAX_NAME_LENGTH, NameError,
    RelativeName,
};
pub use subject::{SubjectMismatch, find_identity};

/// The prefix of identities that name a certificate's subject.
const X509_SUBJECT: &str = "x509.subject";

/// One entry of `trustedIdentities`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrustedIdentity {
    /// `*`: whoever holds a certificate that chains to the trust stores.
    Any,
    /// `x509.subject:…`: the holder of a certificate with this subject.
    X509Subject(X509SubjectIdentity),
    /// Anything else; it trusts nobody unless a verification plugin knows the prefix.
    ForPlugin(String),
}

/// The subject that a signing certificate must have: each attribute here must be there, with this
/// value; attributes that are not named here do not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct X509SubjectIdentity {
    written: String,
    attributes: BTreeMap<AttributeType, String>,
}

/// Why an entry of `trustedIdentities` is not valid
/// (trust store and trust policy specification, "Trusted identities constraints").
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum IdentityError {
    /// The entry is the empty string.
    #[error("the identity is empty; write `*` to trust every certificate of the trust stores")]
    Empty,
    /// There is no `:`.
    #[error("`{written}` has no prefix; write `x509.subject: C=…, ST=…, O=…`")]
    MissingPrefix {
        /// The entry.
        written: String,
    },
    /// Nothing stands behind `x509.subject:`.
    #[error("nothing follows `x509.subject:`")]
    MissingSubject,
    /// What stands behind `x509.subject:` is not a distinguished name.
    #[error("the subject is not a distinguished name: {0}")]
    Name(#[from] NameError),
    /// Attributes are joined by `+`.
    #[error(
        "the subject joins attributes by `+`; separate them by commas (a plus sign inside a value is written `\\+`)"
    )]
    MultiValued,
    /// A value is written in hexadecimal.
    #[error(
        "the value of {attribute_type} is in the `#` form, which identities do not support; write it as text (text that begins with that sign as `\\#`)"
    )]
    Encoded {
        /// The attribute.
        attribute_type: AttributeType,
    },
    /// The same attribute occurs twice.
    #[error("{attribute_type} occurs more than once")]
    Repeated {
        /// The attribute.
        attribute_type: AttributeType,
    },
    /// An attribute has no value.
    #[error("{attribute_type} has no value")]
    EmptyValue {
        /// The attribute.
        attribute_type: AttributeType,
    },
    /// Country, state or organisation is missing.
    #[error(
        "{attribute_type} is missing: a subject must contain C (country), ST or S (state or province) and O (organization), written in upper case"
    )]
    MissingAttribute {
        /// The attribute.
        attribute_type: AttributeType,
    },
}

impl TrustedIdentity {
    /// Reads one entry of `trustedIdentities`.
    ///
    /// # Errors
    /// [`IdentityError`] says which constraint of the specification the entry breaks.
    pub fn parse(written: &str) -> Result<Self, IdentityError> {
        if written == "*" {
            return Ok(Self::Any);
        }
        if written.is_empty() {
            return Err(IdentityError::Empty);
        }
        match written.split_once(':') {
            None => Err(IdentityError::MissingPrefix {
                written: written.to_owned(),
            }),
            Some((X509_SUBJECT, "")) => Err(IdentityError::MissingSubject),
            Some((X509_SUBJECT, name)) => {
                X509SubjectIdentity::parse(written, name).map(Self::X509Subject)
            }
            Some(_) => Ok(Self::ForPlugin(written.to_owned())),
        }
    }

    /// The entry as the policy has it.
    #[must_use]
    pub fn as_written(&self) -> &str {
        match self {
            Self::Any => "*",
            Self::X509Subject(identity) => &identity.written,
            Self::ForPlugin(written) => written,
        }
    }
}

impl fmt::Display for TrustedIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_written())
    }
}

impl X509SubjectIdentity {
    fn parse(written: &str, name: &str) -> Result<Self, IdentityError> {
        let mut attributes = BTreeMap::new();
        for relative in DistinguishedName::parse(name)?.relative_names() {
            let [
                Attribute {
                    attribute_type,
                    value,
                },
            ] = relative.as_slice()
            else {
                return Err(IdentityError::MultiValued);
            };
            let attribute_type = attribute_type.clone();
            match value {
                AttributeValue::Encoded(_) => {
                    return Err(IdentityError::Encoded { attribute_type });
                }
                AttributeValue::Text(value) if value.is_empty() => {
                    return Err(IdentityError::EmptyValue { attribute_type });
                }
                AttributeValue::Text(value) => {
                    if attributes
                        .insert(attribute_type.clone(), value.clone())
                        .is_some()
                    {
                        return Err(IdentityError::Repeated { attribute_type });
                    }
                }
            }
        }
        for required in [
            AttributeType::COUNTRY,
            AttributeType::STATE,
            AttributeType::ORGANIZATION,
        ] {
            let attribute_type = AttributeType::Identifier(required.to_owned());
            if !attributes.contains_key(&attribute_type) {
                return Err(IdentityError::MissingAttribute { attribute_type });
            }
        }
        Ok(Self {
            written: written.to_owned(),
            attributes,
        })
    }

    /// The entry as the policy has it.
    #[must_use]
    pub fn as_written(&self) -> &str {
        &self.written
    }

    /// The attributes that a subject must have, each with its value.
    #[must_use]
    pub fn attributes(&self) -> &BTreeMap<AttributeType, String> {
        &self.attributes
    }

    /// Whether one of the two says all that the other says, so that the other adds nothing:
    /// the specification calls such entries of one statement overlapping and refuses them.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let (small, large) = if self.attributes.len() <= other.attributes.len() {
            (self, other)
        } else {
            (other, self)
        };
        small
            .attributes
            .iter()
            .all(|(kind, value)| large.attributes.get(kind) == Some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(name: &str) -> X509SubjectIdentity {
        match TrustedIdentity::parse(&format!("x509.subject:{name}")) {
            Ok(TrustedIdentity::X509Subject(identity)) => identity,
            other => panic!("{other:?}"),
        }
    }

    fn refused(name: &str) -> IdentityError {
        TrustedIdentity::parse(&format!("x509.subject:{name}")).unwrap_err()
    }

    #[test]
    fn country_state_and_organisation_are_required() {
        for name in ["ST=WA,O=a", "C=US,O=a", "C=US,ST=WA", "c=US,ST=WA,O=a", " "] {
            assert!(
                matches!(refused(name), IdentityError::MissingAttribute { .. }),
                "{name}"
            );
        }
        assert_eq!(
            subject(" C=US, ST=WA, O=a").attributes(),
            subject("O=a,S=WA,C=US").attributes()
        );
    }

    #[test]
    fn multi_valued_repeated_empty_and_hexadecimal_parts_are_refused() {
        let base = "C=US,ST=WA,O=a";
        assert_eq!(
            refused(&format!("{base},OU=b+CN=c")),
            IdentityError::MultiValued
        );
        for (rest, shown) in [
            ("OU=a,OU=b", "OU"),
            ("S=WA", "ST"),
            ("CN=a,2.5.4.3=b", "CN"),
        ] {
            let error = refused(&format!("{base},{rest}"));
            assert!(matches!(&error, IdentityError::Repeated { .. }), "{error}");
            assert!(error.to_string().starts_with(shown));
        }
        assert!(matches!(
            refused(&format!("{base},CN=")),
            IdentityError::EmptyValue { .. }
        ));
        assert!(matches!(
            refused(&format!("{base},CN=#0401")),
            IdentityError::Encoded { .. }
        ));
    }

    #[test]
    fn an_identity_that_says_less_overlaps_with_one_that_says_more() {
        let base = subject("C=US,ST=WA,O=a");
        assert!(base.overlaps(&base));
        assert!(base.overlaps(&subject("C=US,S=WA,O=a,CN=b")));
        assert!(subject("C=US,S=WA,O=a,CN=b").overlaps(&base));
        assert!(!subject("C=US,ST=WA,O=a,CN=b").overlaps(&subject("C=US,ST=WA,O=a,OU=b")));
        assert!(!base.overlaps(&subject("C=US,ST=WA,O=b,CN=b")));
    }

    #[test]
    fn an_entry_needs_a_prefix_and_other_prefixes_are_left_to_plugins() {
        assert_eq!(TrustedIdentity::parse(""), Err(IdentityError::Empty));
        assert!(matches!(
            TrustedIdentity::parse("a"),
            Err(IdentityError::MissingPrefix { .. })
        ));
        assert_eq!(
            TrustedIdentity::parse("x509.subject:"),
            Err(IdentityError::MissingSubject)
        );
        for entry in ["profile:arn", "x509.subject :zz", "X509.subject:zz", ":b"] {
            assert_eq!(
                TrustedIdentity::parse(entry),
                Ok(TrustedIdentity::ForPlugin(entry.into()))
            );
        }
    }
}
