//! Strict JSON (RFC 8259): no member twice, no name that differs from a known one only in case.
//!
//! Parsers disagree about repeated members (first, last, both) and some match names in any case, so
//! that two verifiers could see two different signatures in the same bytes.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::Error;
use crate::limits::MAX_VALUES;
use crate::value::{AttributeName, AttributeValue};

/// The members of the one JSON object that `bytes` are. `what` names them in errors.
pub(crate) fn read_object(what: &'static str, bytes: &[u8]) -> Result<Members, Error> {
    let malformed = |reason: String| Error::Malformed { what, reason };
    let budget = Cell::new(MAX_VALUES);
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Seed(&budget)
        .deserialize(&mut deserializer)
        .map_err(|error| malformed(error.to_string()))?;
    deserializer
        .end()
        .map_err(|error| malformed(error.to_string()))?;
    match value {
        AttributeValue::Map(members) => Ok(Members { what, members }),
        other => Err(malformed(format!(
            "it is {} where an object is expected",
            other.kind()
        ))),
    }
}

/// The members of an object, taken out one by one.
#[derive(Debug)]
pub(crate) struct Members {
    what: &'static str,
    members: Vec<(AttributeName, AttributeValue)>,
}

impl Members {
    /// The members of `value`, if it is an object.
    pub(crate) fn of(what: &'static str, value: AttributeValue) -> Result<Self, Error> {
        match value {
            AttributeValue::Map(members) => Ok(Self { what, members }),
            other => Err(Error::Malformed {
                what,
                reason: format!("it is {} where an object is expected", other.kind()),
            }),
        }
    }

    /// Takes the member `name` out.
    pub(crate) fn take(&mut self, name: &str) -> Option<AttributeValue> {
        let at = self.members.iter().position(|(found, _)| found.is(name))?;
        Some(self.members.swap_remove(at).1)
    }

    /// Takes out the member `name`, which must be there and a text.
    pub(crate) fn take_text(&mut self, name: &str) -> Result<String, Error> {
        let reason = match self.take(name) {
            Some(AttributeValue::Text(text)) => return Ok(text),
            Some(other) => format!(
                "member \"{name}\" is {} where a text is expected",
                other.kind()
            ),
            None => format!("member \"{name}\" is missing"),
        };
        Err(self.malformed(reason))
    }

    /// Refuses names that a reader who ignores case would take for one of `known`.
    pub(crate) fn refuse_case_variants(&self, known: &[&str]) -> Result<(), Error> {
        for (name, _) in &self.members {
            let Some(text) = name.as_text() else { continue };
            if let Some(exact) = known
                .iter()
                .find(|&&known| known != text && same_folded(known, text))
            {
                return Err(self.malformed(format!(
                    "member \"{text}\" differs from \"{exact}\" only in case"
                )));
            }
        }
        Ok(())
    }

    /// Refuses whatever has not been taken out.
    pub(crate) fn refuse_rest(&self) -> Result<(), Error> {
        match self.members.first() {
            Some((name, _)) => Err(self.malformed(format!("unknown member \"{name}\""))),
            None => Ok(()),
        }
    }

    /// Whatever has not been taken out.
    pub(crate) fn into_rest(self) -> Vec<(AttributeName, AttributeValue)> {
        self.members
    }

    pub(crate) fn contains(&self, name: &AttributeName) -> bool {
        self.members.iter().any(|(found, _)| found == name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &AttributeName> {
        self.members.iter().map(|(name, _)| name)
    }

    pub(crate) fn malformed(&self, reason: String) -> Error {
        Error::Malformed {
            what: self.what,
            reason,
        }
    }
}

/// Equal under simple case folding, which takes the Kelvin sign for `k` and the long s for `s`.
fn same_folded(one: &str, other: &str) -> bool {
    if one.is_ascii() && other.is_ascii() {
        return one.eq_ignore_ascii_case(other);
    }
    let folded = |text: &'_ str| -> Vec<char> {
        text.chars()
            .flat_map(char::to_uppercase)
            .flat_map(char::to_lowercase)
            .collect()
    };
    folded(one) == folded(other)
}

/// Reads any value; the cell counts down the values that the document may still have.
struct Seed<'b>(&'b Cell<usize>);

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = AttributeValue;

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<AttributeValue, D::Error> {
        let left = self
            .0
            .get()
            .checked_sub(1)
            .ok_or_else(|| D::Error::custom(format!("it has more than {MAX_VALUES} values")))?;
        self.0.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = AttributeValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<AttributeValue, E> {
        Ok(AttributeValue::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<AttributeValue, E> {
        Ok(AttributeValue::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<AttributeValue, E> {
        Ok(AttributeValue::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<AttributeValue, E> {
        Ok(AttributeValue::Integer(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<AttributeValue, E> {
        Ok(AttributeValue::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<AttributeValue, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<AttributeValue, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = array.next_element_seed(Seed(self.0))? {
            elements.push(element);
        }
        Ok(AttributeValue::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<AttributeValue, A::Error> {
        let mut names = BTreeSet::new();
        let mut members = Vec::new();
        while let Some(name) = object.next_key::<String>()? {
            if !names.insert(name.clone()) {
                return Err(A::Error::custom(format!("member \"{name}\" occurs twice")));
            }
            members.push((
                AttributeName::Text(name),
                object.next_value_seed(Seed(self.0))?,
            ));
        }
        Ok(AttributeValue::Map(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(json: &str) -> String {
        read_object("the test", json.as_bytes())
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_member_that_occurs_twice_is_refused_at_any_depth() {
        assert!(refusal(r#"{"a":1,"a":1}"#).contains("member \"a\" occurs twice"));
        assert!(refusal(r#"{"x":[{"a":1,"\u0061":2}]}"#).contains("member \"a\" occurs twice"));
    }

    #[test]
    fn a_name_in_another_case_than_the_known_one_is_refused() {
        for name in ["ALG", "Crit", "\u{212a}ey", "\u{17f}cheme"] {
            let object = read_object("the test", format!(r#"{{"{name}":1}}"#).as_bytes()).unwrap();
            assert!(
                object
                    .refuse_case_variants(&["alg", "crit", "key", "scheme"])
                    .is_err(),
                "{name}"
            );
        }
        let object = read_object("the test", br#"{"alg":1,"algo":2}"#).unwrap();
        assert!(object.refuse_case_variants(&["alg"]).is_ok());
    }

    #[test]
    fn more_values_than_the_limit_are_refused() {
        let fits = format!("{{\"a\":[{}0]}}", "0,".repeat(MAX_VALUES - 3));
        assert!(read_object("the test", fits.as_bytes()).is_ok());
        let crosses = format!("{{\"a\":[{}0]}}", "0,".repeat(MAX_VALUES - 2));
        assert!(refusal(&crosses).contains("more than 65536 values"));
    }

    #[test]
    fn nesting_beyond_the_parsers_limit_is_refused() {
        assert!(refusal(&format!("{{\"a\":{}", "[".repeat(200_000))).contains("recursion limit"));
    }

    #[test]
    fn what_is_no_single_object_is_refused() {
        for json in [
            "",
            "[]",
            "{}{}",
            "{} x",
            "\u{feff}{}",
            "{\"a\":1,}",
            "{'a':1}",
        ] {
            assert!(read_object("the test", json.as_bytes()).is_err(), "{json}");
        }
        assert!(read_object("the test", b"{\"a\":\"\xff\"}").is_err());
    }
}
