//! Alternative names of a subject.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::Error;
use crate::asn1::write;

/// A subject alternative name (RFC 5280 §4.2.1.6), in text as OpenSSL writes it: `DNS:example.com`,
/// `email:a@example.com`, `URI:https://example.com/` or `IP:192.0.2.1`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubjectAltName {
    /// A host name.
    Dns(String),
    /// A mail address.
    Email(String),
    /// A URI.
    Uri(String),
    /// An IP address.
    Ip(IpAddr),
}

/// dNSName of RFC 5280 is an IA5String of at most this many characters (RFC 1035 §2.3.4).
const MAX_DNS_LEN: usize = 253;
/// No limit in RFC 5280; the usual one for URIs, and far above any mail address.
const MAX_TEXT_LEN: usize = 2048;

impl SubjectAltName {
    pub(super) fn to_der(&self) -> Vec<u8> {
        match self {
            Self::Email(text) => write::implicit(1, text.as_bytes()),
            Self::Dns(text) => write::implicit(2, text.as_bytes()),
            Self::Uri(text) => write::implicit(6, text.as_bytes()),
            Self::Ip(IpAddr::V4(address)) => write::implicit(7, &address.octets()),
            Self::Ip(IpAddr::V6(address)) => write::implicit(7, &address.octets()),
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let good = match self {
            Self::Dns(name) => is_dns_name(name),
            Self::Email(address) => address.split_once('@').is_some_and(|(local, domain)| {
                !local.is_empty() && is_text(address) && is_dns_name(domain)
            }),
            Self::Uri(uri) => uri.split_once(':').is_some_and(|(scheme, rest)| {
                scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                    && !rest.is_empty()
                    && is_text(uri)
            }),
            Self::Ip(_) => true,
        };
        if good {
            return Ok(());
        }
        Err(Error::Template {
            what: "a subject alternative name",
            reason: format!("\"{self}\" is not a name of its kind in ASCII"),
        })
    }
}

fn is_text(text: &str) -> bool {
    text.len() <= MAX_TEXT_LEN && text.chars().all(|c| c.is_ascii_graphic())
}

fn is_dns_name(name: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    name.len() <= MAX_DNS_LEN
        && name
            .strip_prefix("*.")
            .unwrap_or(name)
            .split('.')
            .all(is_label)
}

impl fmt::Display for SubjectAltName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(text) => write!(f, "DNS:{text}"),
            Self::Email(text) => write!(f, "email:{text}"),
            Self::Uri(text) => write!(f, "URI:{text}"),
            Self::Ip(address) => write!(f, "IP:{address}"),
        }
    }
}

impl FromStr for SubjectAltName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = |reason: &str| Error::Template {
            what: "a subject alternative name",
            reason: format!("\"{text}\" {reason}"),
        };
        let (kind, value) = text
            .split_once(':')
            .ok_or_else(|| refuse("has no kind; write DNS:, email:, URI: or IP: before it"))?;
        let name = match kind.to_ascii_lowercase().as_str() {
            "dns" => Self::Dns(value.to_owned()),
            "email" => Self::Email(value.to_owned()),
            "uri" => Self::Uri(value.to_owned()),
            "ip" => Self::Ip(value.parse().map_err(|_| refuse("is not an IP address"))?),
            _ => {
                return Err(refuse(
                    "is of an unknown kind; DNS, email, URI and IP are known",
                ));
            }
        };
        name.check()?;
        Ok(name)
    }
}
