//! Values of attributes, whichever encoding they came in.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The name of an attribute: a text, or in COSE also an integer label.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttributeName {
    /// An integer label; CBOR integers reach from -2⁶⁴ to 2⁶⁴-1.
    Integer(i128),
    /// A text.
    Text(String),
}

impl AttributeName {
    /// The text, unless it is an integer.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Integer(_) => None,
        }
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.as_text() == Some(name)
    }
}

impl From<&str> for AttributeName {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl fmt::Display for AttributeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(label) => write!(f, "{label}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// The value of an attribute: what JSON and CBOR can say between them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum AttributeValue {
    /// Null.
    Null,
    /// True or false.
    Bool(bool),
    /// An integer.
    Integer(i128),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(String),
    /// Bytes; CBOR only.
    Bytes(Vec<u8>),
    /// An array.
    Array(Vec<Self>),
    /// An object or map in its order. No name occurs twice.
    Map(Vec<(AttributeName, Self)>),
    /// A tagged value; CBOR only.
    Tagged(u64, Box<Self>),
}

impl AttributeValue {
    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value as JSON, for people and for plugins: bytes become standard base64, tagged values
    /// what the tag is on, integers beyond 64 bits text. Not a way back.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Integer(value) => match (i64::try_from(*value), u64::try_from(*value)) {
                (Ok(signed), _) => signed.into(),
                (_, Ok(unsigned)) => unsigned.into(),
                _ => value.to_string().into(),
            },
            Self::Float(value) => (*value).into(),
            Self::Text(text) => text.as_str().into(),
            Self::Bytes(bytes) => STANDARD.encode(bytes).into(),
            Self::Array(elements) => elements.iter().map(Self::to_json).collect(),
            Self::Map(members) => members
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_json()))
                .collect(),
            Self::Tagged(_, value) => value.to_json(),
        }
    }

    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a floating-point number",
            Self::Text(_) => "a text",
            Self::Bytes(_) => "a byte string",
            Self::Array(_) => "an array",
            Self::Map(_) => "a map",
            Self::Tagged(..) => "a tagged value",
        }
    }
}

impl From<&str> for AttributeValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
