//! Reading a message: JSON into a tree that forgets nothing, and the tree into typed values that
//! know where they stood.
//!
//! A tree of our own, because the usual ones keep the last of two attributes with the same name.
//! Depth is bounded by the JSON parser (128 levels), length by [`MAX_MESSAGE_LEN`].

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::limits::MAX_MESSAGE_LEN;
use crate::message_error::{MessageError, Rule};

/// A JSON value with the attributes of objects in their order, duplicates included.
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl Json<'_> {
    const fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

/// A rule broken at a place, before the message has its name.
#[derive(Debug)]
pub(crate) struct Violation {
    path: String,
    rule: Rule,
}

pub(crate) type Read<T> = Result<T, Violation>;

/// Reads one message: exactly one JSON value, then whatever `read` asks of it.
pub(crate) fn read_message<T>(
    message: &'static str,
    bytes: &[u8],
    read: impl FnOnce(Node<'_>) -> Read<T>,
) -> Result<T, MessageError> {
    let whole = |rule| MessageError {
        message,
        path: "$".to_owned(),
        rule,
    };
    if bytes.len() > MAX_MESSAGE_LEN {
        return Err(whole(Rule::TooLong { found: bytes.len() }));
    }
    if bytes.trim_ascii().is_empty() {
        return Err(whole(Rule::NoJson));
    }
    let json: Json<'_> =
        serde_json::from_slice(bytes).map_err(|error| whole(Rule::NotJson(error.to_string())))?;
    let root = Node {
        json: &json,
        place: Place::Root,
    };
    read(root).map_err(|Violation { path, rule }| MessageError {
        message,
        path,
        rule,
    })
}

/// Where a value stands. Becomes text only when something is wrong.
#[derive(Clone, Copy)]
enum Place<'n> {
    Root,
    Attribute(&'n Place<'n>, &'n str),
    Element(&'n Place<'n>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("$"),
            Self::Element(parent, index) => write!(f, "{parent}[{index}]"),
            Self::Attribute(parent, name) if is_plain(name) => write!(f, "{parent}.{name}"),
            Self::Attribute(parent, name) => {
                let name: String = name.chars().take(crate::limits::MAX_QUOTED_CHARS).collect();
                write!(f, "{parent}['{}']", name.escape_debug())
            }
        }
    }
}

fn is_plain(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.len() <= crate::limits::MAX_QUOTED_CHARS
}

/// A value and its place.
#[derive(Clone, Copy)]
pub(crate) struct Node<'n> {
    json: &'n Json<'n>,
    place: Place<'n>,
}

/// An object without duplicate attributes, and its place.
pub(crate) struct Object<'n> {
    attributes: &'n [(Cow<'n, str>, Json<'n>)],
    place: Place<'n>,
}

impl<'n> Node<'n> {
    pub(crate) fn violates(&self, rule: impl Into<Rule>) -> Violation {
        Violation {
            path: self.place.to_string(),
            rule: rule.into(),
        }
    }

    fn expected<T>(&self, expected: &'static str) -> Read<T> {
        Err(self.violates(Rule::WrongType {
            expected,
            found: self.json.type_name(),
        }))
    }

    /// An object of a request: attributes that are not known are ignored.
    pub(crate) fn object(&self) -> Read<Object<'n>> {
        let Json::Object(attributes) = self.json else {
            return self.expected("an object");
        };
        let object = Object {
            attributes,
            place: self.place,
        };
        let mut seen = BTreeSet::new();
        for (name, _) in attributes {
            if !seen.insert(name.as_ref()) {
                return Err(object.violation_at(name, Rule::Duplicate));
            }
        }
        Ok(object)
    }

    /// An object of a response: as in a request, and no attribute is spelled like a known one but
    /// for the case of letters.
    pub(crate) fn answer_object(&self, known: &[&'static str]) -> Read<Object<'n>> {
        let object = self.object()?;
        for (name, _) in object.attributes {
            let variant_of = known
                .iter()
                .find(|known| **known != name.as_ref() && folded(name) == folded(known));
            if let Some(expected) = variant_of {
                return Err(object.violation_at(name, Rule::CaseVariant { expected }));
            }
        }
        Ok(object)
    }

    pub(crate) fn text(&self) -> Read<&'n str> {
        match self.json {
            Json::Text(text) => Ok(text),
            _ => self.expected("a string"),
        }
    }

    pub(crate) fn non_empty_text(&self) -> Read<&'n str> {
        let text = self.text()?;
        if text.is_empty() {
            return Err(self.violates(Rule::Empty));
        }
        Ok(text)
    }

    /// A string that `T` can be made from. The empty string is named as that.
    pub(crate) fn word<T>(&self) -> Read<T>
    where
        T: std::str::FromStr,
        T::Err: Into<Rule>,
    {
        self.non_empty_text()?
            .parse()
            .map_err(|error: T::Err| self.violates(error))
    }

    pub(crate) fn boolean(&self) -> Read<bool> {
        match self.json {
            Json::Bool(value) => Ok(*value),
            _ => self.expected("a boolean"),
        }
    }

    /// A whole number by value, so that `60.0` is one, up to the largest that every JSON
    /// implementation keeps exactly.
    pub(crate) fn whole_number(&self) -> Read<u64> {
        let Json::Number(number) = self.json else {
            return self.expected("a number");
        };
        let exact = number.as_u64().or_else(|| {
            let float = number.as_f64()?;
            let whole = (0.0..=MAX_EXACT_NUMBER as f64).contains(&float) && float.fract() == 0.0;
            whole.then_some(float as u64)
        });
        match exact {
            Some(value) if value <= MAX_EXACT_NUMBER => Ok(value),
            _ => Err(self.violates(Rule::NotWholeNumber)),
        }
    }

    /// Base64 of at least one byte. Line breaks inside are ignored, as the reference
    /// implementation does.
    pub(crate) fn base64(&self) -> Read<Vec<u8>> {
        let text = self.text()?;
        let one_line: Cow<'_, [u8]> = if text.bytes().any(is_line_break) {
            text.bytes().filter(|&byte| !is_line_break(byte)).collect()
        } else {
            text.as_bytes().into()
        };
        if one_line.is_empty() {
            return Err(self.violates(Rule::Empty));
        }
        STANDARD
            .decode(one_line)
            .map_err(|_| self.violates(Rule::NotBase64))
    }

    /// An array, each element read by `read`.
    pub(crate) fn array<T>(&self, read: impl Fn(Node<'_>) -> Read<T>) -> Read<Vec<T>> {
        let Json::Array(elements) = self.json else {
            return self.expected("an array");
        };
        elements
            .iter()
            .enumerate()
            .map(|(index, json)| {
                read(Node {
                    json,
                    place: Place::Element(&self.place, index),
                })
            })
            .collect()
    }

    pub(crate) fn non_empty_array<T>(&self, read: impl Fn(Node<'_>) -> Read<T>) -> Read<Vec<T>> {
        let elements = self.array(read)?;
        if elements.is_empty() {
            return Err(self.violates(Rule::Empty));
        }
        Ok(elements)
    }

    /// An object of any attributes, each value read by `read`.
    pub(crate) fn map<T>(&self, read: impl Fn(Node<'_>) -> Read<T>) -> Read<BTreeMap<String, T>> {
        let object = self.object()?;
        object
            .attributes
            .iter()
            .map(|(name, json)| {
                let value = read(Node {
                    json,
                    place: Place::Attribute(&object.place, name),
                })?;
                Ok((name.clone().into_owned(), value))
            })
            .collect()
    }

    pub(crate) fn text_map(&self) -> Read<BTreeMap<String, String>> {
        self.map(|value| value.text().map(str::to_owned))
    }

    pub(crate) const fn json(&self) -> &'n Json<'n> {
        self.json
    }

    pub(crate) fn expected_primitive<T>(&self) -> Read<T> {
        self.expected("a string, a number, a boolean or null")
    }
}

impl<'n> Object<'n> {
    fn violation_at(&self, name: &str, rule: impl Into<Rule>) -> Violation {
        Violation {
            path: Place::Attribute(&self.place, name).to_string(),
            rule: rule.into(),
        }
    }

    /// The attribute, unless it is absent or null.
    pub(crate) fn optional<'s>(&'s self, name: &'s str) -> Option<Node<'s>> {
        let (_, json) = self.attributes.iter().find(|(found, _)| found == name)?;
        if matches!(json, Json::Null) {
            return None;
        }
        Some(Node {
            json,
            place: Place::Attribute(&self.place, name),
        })
    }

    pub(crate) fn required<'s>(&'s self, name: &'s str) -> Read<Node<'s>> {
        self.optional(name)
            .ok_or_else(|| self.violation_at(name, Rule::Missing))
    }
}

/// 2⁵³−1: beyond it, implementations that hold numbers as IEEE 754 doubles lose digits.
pub(crate) const MAX_EXACT_NUMBER: u64 = (1 << 53) - 1;

const fn is_line_break(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// Letters without their case. The two letters outside of ASCII that fold into ASCII (`ſ`, `K`)
/// count too, since implementations exist that match them.
fn folded(name: &str) -> String {
    name.chars()
        .map(|character| match character {
            'ſ' => 's',
            '\u{212A}' => 'k',
            other => other.to_ascii_lowercase(),
        })
        .collect()
}

impl<'de> Deserialize<'de> for Json<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Self::Value, E> {
        serde_json::Number::from_f64(value)
            .map(Json::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Json::Text(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Json::Text(value.to_owned().into()))
    }

    fn visit_string<E>(self, value: String) -> Result<Self::Value, E> {
        Ok(Json::Text(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut array = Vec::new();
        while let Some(element) = elements.next_element()? {
            array.push(element);
        }
        Ok(Json::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut attributes: A) -> Result<Self::Value, A::Error> {
        let mut object = Vec::new();
        while let Some(Name(name)) = attributes.next_key()? {
            object.push((name, attributes.next_value()?));
        }
        Ok(Json::Object(object))
    }
}

/// An attribute's name, borrowed from the message unless it has escapes.
struct Name<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;

        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an attribute name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Name(name.into()))
            }

            fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Name(name.to_owned().into()))
            }
        }

        deserializer.deserialize_str(NameVisitor)
    }
}
