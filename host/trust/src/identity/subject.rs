//! Holding a certificate's subject against the identities of a policy.
//!
//! Attributes of all relative names count, those joined in one relative name as well. Values are
//! compared as text, exactly. What happens when a subject has an attribute several times is decided
//! so that nobody is trusted by a value that another verifier would not have looked at: for an
//! organisational unit (`OU`), of which certificates often have several, one of them has to match;
//! for every other attribute the subject does not match unless all its values are the same.

use notary_x509::Name;
use thiserror::Error;

use super::{AttributeType, TrustedIdentity, X509SubjectIdentity};

/// Why a subject is not the one that an identity names.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SubjectMismatch {
    /// The subject lacks an attribute.
    #[error("the subject has no {attribute_type}{}", hint(.attribute_type))]
    Missing {
        /// The attribute.
        attribute_type: AttributeType,
    },
    /// The subject has another value.
    #[error("the subject's {attribute_type} is `{found}`, not `{expected}`")]
    Different {
        /// The attribute.
        attribute_type: AttributeType,
        /// The value in the policy.
        expected: String,
        /// The value, or values, of the subject.
        found: String,
    },
    /// The subject has the attribute several times with different values.
    #[error(
        "the subject has several values for {attribute_type} (`{found}`), so none of them counts"
    )]
    Ambiguous {
        /// The attribute.
        attribute_type: AttributeType,
        /// The values.
        found: String,
    },
}

fn hint(attribute_type: &AttributeType) -> String {
    match attribute_type.spelled_otherwise() {
        Some(keyword) => format!(" (attribute types are written as `{keyword}`)"),
        None => String::new(),
    }
}

impl X509SubjectIdentity {
    /// Whether a certificate with this subject is meant.
    ///
    /// # Errors
    /// The first attribute that does not match.
    pub fn matches(&self, subject: &Name) -> Result<(), SubjectMismatch> {
        self.attributes()
            .iter()
            .try_for_each(|(attribute_type, expected)| one(attribute_type, expected, subject))
    }
}

fn one(
    attribute_type: &AttributeType,
    expected: &str,
    subject: &Name,
) -> Result<(), SubjectMismatch> {
    let attribute_type = attribute_type.clone();
    let values = subject_values(subject, &attribute_type);
    let Some(first) = values.first() else {
        return Err(SubjectMismatch::Missing { attribute_type });
    };
    let is_unit = matches!(&attribute_type, AttributeType::Identifier(identifier) if identifier == AttributeType::ORGANIZATIONAL_UNIT);
    let found = || {
        values
            .iter()
            .map(|value| value.unwrap_or("(not text)"))
            .collect::<Vec<_>>()
            .join("`, `")
    };
    if !is_unit && values.iter().any(|value| value != first) {
        return Err(SubjectMismatch::Ambiguous {
            attribute_type,
            found: found(),
        });
    }
    if values.contains(&Some(expected)) {
        return Ok(());
    }
    Err(SubjectMismatch::Different {
        attribute_type,
        expected: expected.to_owned(),
        found: found(),
    })
}

/// The values of an attribute, in the order of the certificate; `None` for one that is not text.
fn subject_values<'a>(subject: &'a Name, attribute_type: &AttributeType) -> Vec<Option<&'a str>> {
    let AttributeType::Identifier(identifier) = attribute_type else {
        return Vec::new();
    };
    subject
        .attributes()
        .filter(|attribute| attribute.oid().to_string() == *identifier)
        .map(notary_x509::Attribute::text)
        .collect()
}

/// The identity that names this subject, or what each one that names a subject found different.
///
/// # Errors
/// One line for each `x509.subject` identity; empty if there is none.
pub fn find_identity<'a>(
    identities: &'a [TrustedIdentity],
    subject: &Name,
) -> Result<&'a TrustedIdentity, Vec<(&'a X509SubjectIdentity, SubjectMismatch)>> {
    let mut mismatches = Vec::new();
    for identity in identities {
        match identity {
            TrustedIdentity::Any => return Ok(identity),
            TrustedIdentity::ForPlugin(_) => {}
            TrustedIdentity::X509Subject(named) => match named.matches(subject) {
                Ok(()) => return Ok(identity),
                Err(mismatch) => mismatches.push((named, mismatch)),
            },
        }
    }
    Err(mismatches)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(name: &str) -> X509SubjectIdentity {
        match TrustedIdentity::parse(&format!("x509.subject:{name}")) {
            Ok(TrustedIdentity::X509Subject(identity)) => identity,
            other => panic!("{other:?}"),
        }
    }

    fn name(text: &str) -> Name {
        Name::from_rfc4514(text).unwrap()
    }

    const BASE: &str = "C=US,ST=WA,O=acme";

    #[test]
    fn an_identity_matches_a_subject_that_says_the_same_or_more() {
        let subject = name("CN=build,OU=tools,O=acme,L=Seattle,ST=WA,C=US");
        for identity_text in [
            BASE,
            "O=acme,C=US,S=WA,CN=build",
            "C=US,ST=WA,O=acme,OU=tools,2.5.4.7=Seattle",
        ] {
            assert_eq!(
                identity(identity_text).matches(&subject),
                Ok(()),
                "{identity_text}"
            );
        }
    }

    #[test]
    fn values_are_compared_exactly() {
        for subject in [
            "C=US,ST=WA,O=Acme",
            "C=US,ST=WA,O=acme ltd",
            "C=US,ST=WA,O=acm",
            "C=us,ST=WA,O=acme",
        ] {
            assert!(
                matches!(
                    identity(BASE).matches(&name(subject)),
                    Err(SubjectMismatch::Different { .. })
                ),
                "{subject}"
            );
        }
    }

    #[test]
    fn a_comma_in_a_value_is_not_a_separator() {
        let subject = name("C=US,ST=WA,O=acme\\, inc,CN=a\\,O=acme");
        assert!(identity(BASE).matches(&subject).is_err());
        assert!(
            identity("C=US,ST=WA,O=acme\\, inc")
                .matches(&subject)
                .is_ok()
        );
    }

    #[test]
    fn one_of_several_organisational_units_has_to_match() {
        let subject = name("C=US,ST=WA,O=acme,OU=a,OU=b");
        for unit in ["a", "b"] {
            assert_eq!(
                identity(&format!("{BASE},OU={unit}")).matches(&subject),
                Ok(())
            );
        }
        assert!(identity(&format!("{BASE},OU=c")).matches(&subject).is_err());
        let joined = name("C=US,ST=WA,O=acme,OU=a+CN=x");
        assert_eq!(
            identity(&format!("{BASE},OU=a,CN=x")).matches(&joined),
            Ok(())
        );
    }

    #[test]
    fn an_attribute_with_two_different_values_matches_neither() {
        for subject in ["C=US,ST=WA,O=acme,CN=a,CN=b", "C=US,ST=WA,O=acme,CN=b+CN=a"] {
            for value in ["a", "b"] {
                assert!(matches!(
                    identity(&format!("{BASE},CN={value}")).matches(&name(subject)),
                    Err(SubjectMismatch::Ambiguous { .. })
                ));
            }
        }
        assert_eq!(
            identity(&format!("{BASE},CN=a")).matches(&name("C=US,ST=WA,O=acme,CN=a,CN=a")),
            Ok(())
        );
    }

    #[test]
    fn a_missing_attribute_does_not_match_and_a_keyword_in_the_wrong_case_is_explained() {
        let mismatch = identity(&format!("{BASE},cn=a")).matches(&name("C=US,ST=WA,O=acme,CN=a"));
        let text = mismatch.unwrap_err().to_string();
        assert_eq!(
            text,
            "the subject has no cn (attribute types are written as `CN`)"
        );
    }

    #[test]
    fn other_attributes_of_the_certificate_do_not_matter() {
        let subject = name("C=US,ST=WA,O=acme,emailAddress=a@example.com,1.2.3.4=#0c0161");
        assert_eq!(identity(BASE).matches(&subject), Ok(()));
        assert_eq!(
            identity(&format!("{BASE},E=a@example.com")).matches(&subject),
            Ok(())
        );
    }

    #[test]
    fn an_identity_for_plugins_trusts_nobody_by_itself() {
        let identities = [TrustedIdentity::ForPlugin("profile:a".into())];
        assert_eq!(
            find_identity(&identities, &name("C=US,ST=WA,O=acme")),
            Err(vec![])
        );
    }
}
