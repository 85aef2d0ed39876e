//! PKCS#11 URIs (RFC 7512): the portable way to name an object on a token.
//!
//! The grammar of §2.3 is kept strictly: characters outside it, an attribute that is given twice and
//! an attribute that nobody knows are refused, because a misread URI could name another key. `pin-value`
//! is refused as well: a key id is stored in the host's configuration and shown by its tools.

use std::collections::BTreeSet;
use std::fmt;

/// Most bytes of a URI. The longest that makes sense has every attribute of a token (160 bytes), a
/// label and two paths of 4 KiB; a larger one is a mistake or an attack.
pub(crate) const MAX_URI_LENGTH: usize = 16 * 1024;

/// What a URI says. Every attribute is optional, and an absent one matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pkcs11Uri {
    /// `token`: the label of the token.
    pub(crate) token: Option<String>,
    /// `manufacturer` of the token.
    pub(crate) manufacturer: Option<String>,
    /// `serial` number of the token.
    pub(crate) serial: Option<String>,
    /// `model` of the token.
    pub(crate) model: Option<String>,
    /// `library-manufacturer`: who made the module.
    pub(crate) library_manufacturer: Option<String>,
    /// `library-description` of the module.
    pub(crate) library_description: Option<String>,
    /// `library-version` as major and minor number.
    pub(crate) library_version: Option<(u8, u8)>,
    /// `slot-description`.
    pub(crate) slot_description: Option<String>,
    /// `slot-manufacturer`.
    pub(crate) slot_manufacturer: Option<String>,
    /// `slot-id`.
    pub(crate) slot_id: Option<u64>,
    /// `object`: the label (`CKA_LABEL`).
    pub(crate) object: Option<String>,
    /// `id`: any bytes (`CKA_ID`).
    pub(crate) id: Option<Vec<u8>>,
    /// `type`: the class of object.
    pub(crate) object_type: Option<ObjectType>,
    /// `pin-source`: a path, `file:` URI or `|program`.
    pub(crate) pin_source: Option<String>,
    /// `module-name`: the module without directory, `lib` and extension.
    pub(crate) module_name: Option<String>,
    /// `module-path`: the module, or the directory that it is in.
    pub(crate) module_path: Option<String>,
}

/// The classes of object that `type` can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ObjectType {
    /// `public`
    Public,
    /// `private`
    Private,
    /// `cert`
    Certificate,
    /// `secret-key`
    SecretKey,
    /// `data`
    Data,
}

/// Why a text is no PKCS#11 URI.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UriError {
    /// Another scheme.
    #[error("a PKCS#11 URI begins with `pkcs11:`")]
    Scheme,
    /// Longer than [`MAX_URI_LENGTH`].
    #[error("the URI has {0} bytes and may have {MAX_URI_LENGTH}")]
    TooLong(usize),
    /// Neither `name=value` nor empty.
    #[error("`{0}` in the URI is not of the form name=value")]
    NotAPair(String),
    /// The same attribute twice (RFC 7512 §2.3 forbids it).
    #[error("the URI gives `{0}` twice")]
    Repeated(String),
    /// An attribute that is not in RFC 7512 §2.3, in this part of the URI.
    #[error("the URI has an unknown {part} attribute `{name}`{hint}")]
    Unknown {
        /// `path` or `query`.
        part: &'static str,
        /// The name as it was given.
        name: String,
        /// What may have been meant, or nothing.
        hint: &'static str,
    },
    /// A character that has to be percent-encoded, or a broken percent-encoding.
    #[error("`{name}` in the URI holds {problem}")]
    Value {
        /// The attribute.
        name: String,
        /// What is wrong with its value.
        problem: String,
    },
    /// `pin-value`.
    #[error(
        "the URI holds a PIN (`pin-value`), and key ids are stored and shown: remove it, and name a file with \
         `pin-source` or the configuration key `pin_file`"
    )]
    PinValue,
}

/// Whether a text claims to be a PKCS#11 URI. Schemes are case-insensitive (RFC 3986 §3.1).
pub(crate) fn has_scheme(text: &str) -> bool {
    text.get(..7)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("pkcs11:"))
}

impl Pkcs11Uri {
    /// Reads a URI.
    ///
    /// # Errors
    /// [`UriError`], which never repeats the value of an attribute that may be secret.
    pub(crate) fn parse(text: &str) -> Result<Self, UriError> {
        if text.len() > MAX_URI_LENGTH {
            return Err(UriError::TooLong(text.len()));
        }
        if !has_scheme(text) {
            return Err(UriError::Scheme);
        }
        let rest = text.get(7..).unwrap_or_default();
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        let mut uri = Self::default();
        for (name, value) in pairs(path, ';', Part::Path)? {
            uri.set_path_attribute(name, value)?;
        }
        for (name, value) in pairs(query.unwrap_or_default(), '&', Part::Query)? {
            uri.set_query_attribute(name, value)?;
        }
        Ok(uri)
    }

    fn set_path_attribute(&mut self, name: &str, value: Vec<u8>) -> Result<(), UriError> {
        let field = match name {
            "id" => {
                self.id = Some(value);
                return Ok(());
            }
            "type" => {
                self.object_type = Some(object_type(&value)?);
                return Ok(());
            }
            "slot-id" => {
                self.slot_id = Some(decimal(name, &value)?);
                return Ok(());
            }
            "library-version" => {
                self.library_version = Some(version(&value)?);
                return Ok(());
            }
            "token" => &mut self.token,
            "manufacturer" => &mut self.manufacturer,
            "serial" => &mut self.serial,
            "model" => &mut self.model,
            "library-manufacturer" => &mut self.library_manufacturer,
            "library-description" => &mut self.library_description,
            "slot-description" => &mut self.slot_description,
            "slot-manufacturer" => &mut self.slot_manufacturer,
            "object" => &mut self.object,
            _ => return Err(unknown(Part::Path, name)),
        };
        *field = Some(utf8(name, value)?);
        Ok(())
    }

    fn set_query_attribute(&mut self, name: &str, value: Vec<u8>) -> Result<(), UriError> {
        let field = match name {
            "pin-source" => &mut self.pin_source,
            "module-name" => &mut self.module_name,
            "module-path" => &mut self.module_path,
            _ => return Err(unknown(Part::Query, name)),
        };
        *field = Some(utf8(name, value)?);
        Ok(())
    }
}

/// Writes the canonical form: attributes in the order of the fields, everything percent-encoded that may
/// be, and an `id` always so.
impl fmt::Display for Pkcs11Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("pkcs11:")?;
        let version = self
            .library_version
            .map(|(major, minor)| format!("{major}.{minor}"));
        let slot = self.slot_id.map(|id| id.to_string());
        let id = self.id.as_ref().map(|id| percent_all(id));
        let path = [
            ("token", encoded(&self.token)),
            ("manufacturer", encoded(&self.manufacturer)),
            ("serial", encoded(&self.serial)),
            ("model", encoded(&self.model)),
            ("library-manufacturer", encoded(&self.library_manufacturer)),
            ("library-description", encoded(&self.library_description)),
            ("library-version", version),
            ("slot-description", encoded(&self.slot_description)),
            ("slot-manufacturer", encoded(&self.slot_manufacturer)),
            ("slot-id", slot),
            ("object", encoded(&self.object)),
            ("id", id),
            (
                "type",
                self.object_type.map(|kind| kind.as_str().to_owned()),
            ),
        ];
        write_pairs(f, "", ";", &path)?;
        let query = [
            ("pin-source", encoded(&self.pin_source)),
            ("module-name", encoded(&self.module_name)),
            ("module-path", encoded(&self.module_path)),
        ];
        write_pairs(f, "?", "&", &query)
    }
}

impl ObjectType {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Certificate => "cert",
            Self::SecretKey => "secret-key",
            Self::Data => "data",
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Part {
    Path,
    Query,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
        }
    }

    /// The characters of a value that need no encoding, besides letters and digits (RFC 7512 §2.3).
    fn allows(self, byte: u8) -> bool {
        let anywhere = b"-._~:[]@!$'()*+,=";
        byte.is_ascii_alphanumeric()
            || anywhere.contains(&byte)
            || match self {
                Self::Path => byte == b'&',
                Self::Query => b"/?|".contains(&byte),
            }
    }
}

fn pairs(text: &str, separator: char, part: Part) -> Result<Vec<(&str, Vec<u8>)>, UriError> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for pair in text.split(separator).filter(|_| !text.is_empty()) {
        // The value may be a secret in the wrong place, so only the name is ever repeated.
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| UriError::NotAPair(pair.chars().take(32).collect()))?;
        if name == "pin-value" {
            return Err(UriError::PinValue);
        }
        if !seen.insert(name) {
            return Err(UriError::Repeated(name.to_owned()));
        }
        found.push((name, decode(name, value, part)?));
    }
    Ok(found)
}

fn decode(name: &str, value: &str, part: Part) -> Result<Vec<u8>, UriError> {
    let problem = |problem: String| UriError::Value {
        name: name.to_owned(),
        problem,
    };
    let mut bytes = value.bytes();
    let mut decoded = Vec::with_capacity(value.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = (bytes.next().and_then(nibble), bytes.next().and_then(nibble));
            let (Some(high), Some(low)) = digits else {
                return Err(problem(
                    "a `%` that two hexadecimal digits do not follow".to_owned(),
                ));
            };
            decoded.push(high << 4 | low);
        } else if part.allows(byte) {
            decoded.push(byte);
        } else {
            return Err(problem(format!(
                "a character that has to be written as `%{byte:02X}`"
            )));
        }
    }
    Ok(decoded)
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

fn utf8(name: &str, value: Vec<u8>) -> Result<String, UriError> {
    String::from_utf8(value).map_err(|_| UriError::Value {
        name: name.to_owned(),
        problem: "bytes that are not UTF-8".to_owned(),
    })
}

fn decimal(name: &str, value: &[u8]) -> Result<u64, UriError> {
    std::str::from_utf8(value)
        .ok()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| UriError::Value {
            name: name.to_owned(),
            problem: "something else than a decimal number".to_owned(),
        })
}

fn version(value: &[u8]) -> Result<(u8, u8), UriError> {
    let number = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| text.parse().ok())
            .flatten()
    };
    std::str::from_utf8(value)
        .ok()
        .and_then(|text| {
            let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
            Some((number(major)?, number(minor)?))
        })
        .ok_or_else(|| UriError::Value {
            name: "library-version".to_owned(),
            problem: "something else than a version like `2.40`".to_owned(),
        })
}

fn object_type(value: &[u8]) -> Result<ObjectType, UriError> {
    [
        ObjectType::Public,
        ObjectType::Private,
        ObjectType::Certificate,
        ObjectType::SecretKey,
        ObjectType::Data,
    ]
    .into_iter()
    .find(|kind| kind.as_str().as_bytes() == value)
    .ok_or_else(|| UriError::Value {
        name: "type".to_owned(),
        problem: "none of public, private, cert, secret-key, data".to_owned(),
    })
}

fn unknown(part: Part, name: &str) -> UriError {
    let hint = match (part, name) {
        (Part::Path, "pin-source" | "module-name" | "module-path") => {
            ": it belongs behind a `?`, separated by `&`"
        }
        (Part::Query, "object" | "id" | "token" | "type" | "serial" | "slot-id") => {
            ": it belongs before the `?`, separated by `;`"
        }
        (_, "object-type" | "objecttype") => ": RFC 7512 calls it `type`",
        (_, "label") => ": RFC 7512 calls it `object`",
        _ => "",
    };
    UriError::Unknown {
        part: part.name(),
        name: name.chars().take(32).collect(),
        hint,
    }
}

fn encoded(value: &Option<String>) -> Option<String> {
    value.as_ref().map(|text| percent(text.as_bytes()))
}

fn percent(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
                char::from(*byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

fn percent_all(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("%{byte:02X}")).collect()
}

fn write_pairs(
    f: &mut fmt::Formatter<'_>,
    lead: &str,
    separator: &str,
    pairs: &[(&str, Option<String>)],
) -> fmt::Result {
    let mut before = lead;
    for (name, value) in pairs {
        if let Some(value) = value {
            write!(f, "{before}{name}={value}")?;
            before = separator;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
