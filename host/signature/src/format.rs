//! The two encodings of a signature envelope.

use std::fmt;
use std::str::FromStr;

use crate::Error;

/// How an envelope is encoded.
///
/// ```
/// use apostille_signature::EnvelopeFormat;
///
/// let format: EnvelopeFormat = "cose".parse()?;
/// assert_eq!(format.media_type(), "application/cose");
/// assert_eq!(EnvelopeFormat::from_file_name("app.tar.cose.sig"), Some(format));
/// # Ok::<(), apostille_signature::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EnvelopeFormat {
    /// JWS, flattened JSON serialization (RFC 7515 §7.2.2).
    Jws,
    /// COSE_Sign1_Tagged (RFC 9052 §4.2).
    Cose,
}

impl EnvelopeFormat {
    /// Both formats, the default one first.
    pub const ALL: [Self; 2] = [Self::Jws, Self::Cose];

    /// The name on the command line: `jws` or `cose`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jws => "jws",
            Self::Cose => "cose",
        }
    }

    /// The media type of the layer that holds the envelope.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jws => "application/jose+json",
            Self::Cose => "application/cose",
        }
    }

    /// What is appended to the name of a blob to name its signature: `.jws.sig` or `.cose.sig`.
    #[must_use]
    pub const fn file_extension(self) -> &'static str {
        match self {
            Self::Jws => ".jws.sig",
            Self::Cose => ".cose.sig",
        }
    }

    /// The format with this media type, compared exactly.
    ///
    /// # Errors
    /// [`Error::UnknownFormat`].
    pub fn from_media_type(media_type: &str) -> Result<Self, Error> {
        Self::find(media_type, Self::media_type)
    }

    /// The format that the last two extensions of a file name say, if they say one.
    #[must_use]
    pub fn from_file_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|format| name.ends_with(format.file_extension()))
    }

    fn find(name: &str, name_of: fn(Self) -> &'static str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|&format| name_of(format) == name)
            .ok_or_else(|| Error::UnknownFormat {
                found: name.chars().take(100).collect(),
                expected: Self::ALL.map(name_of).join(" or "),
            })
    }
}

impl fmt::Display for EnvelopeFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for EnvelopeFormat {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::find(name, Self::as_str)
    }
}

impl From<notary_plugin_protocol::SignatureEnvelopeType> for EnvelopeFormat {
    fn from(media_type: notary_plugin_protocol::SignatureEnvelopeType) -> Self {
        match media_type {
            notary_plugin_protocol::SignatureEnvelopeType::Jws => Self::Jws,
            notary_plugin_protocol::SignatureEnvelopeType::Cose => Self::Cose,
        }
    }
}

impl From<EnvelopeFormat> for notary_plugin_protocol::SignatureEnvelopeType {
    fn from(format: EnvelopeFormat) -> Self {
        match format {
            EnvelopeFormat::Jws => Self::Jws,
            EnvelopeFormat::Cose => Self::Cose,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_a_format_is_read_back_by_its_exact_spelling() {
        for format in EnvelopeFormat::ALL {
            assert_eq!(format.as_str().parse::<EnvelopeFormat>().unwrap(), format);
            assert_eq!(
                EnvelopeFormat::from_media_type(format.media_type()).unwrap(),
                format
            );
            let file = format!("app{}", format.file_extension());
            assert_eq!(EnvelopeFormat::from_file_name(&file), Some(format));
            assert!(EnvelopeFormat::from_media_type(&format.media_type().to_uppercase()).is_err());
        }
        assert_eq!(EnvelopeFormat::from_file_name("app.sig"), None);
        assert_eq!(
            "pgp".parse::<EnvelopeFormat>().unwrap_err().to_string(),
            "\"pgp\" is no signature envelope format: expected jws or cose"
        );
    }
}
