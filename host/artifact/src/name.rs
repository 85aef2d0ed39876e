//! The three names that a reference is made of, each with its own grammar.

use std::fmt;
use std::str::FromStr;

use crate::ReferenceError;

/// The longest registry host or repository path in bytes. The distribution specification sets none;
/// clients commonly stop at 255 for both together, and nothing real is near this bound, which keeps
/// request lines and error messages small.
pub const MAX_NAME_LEN: usize = 512;

/// The longest tag in bytes (OCI distribution specification, "Pulling manifests").
pub const MAX_TAG_LEN: usize = 128;

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:?})", stringify!($name), self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

name_type! {
    /// The host of a registry, with its port where one is given: `registry.example.com`,
    /// `localhost:5000`, `[::1]:5000`.
    ///
    /// A host is made of letters, digits, `.`, `-` and `_`, or is an IPv6 address in brackets. Nothing
    /// else, so that what was typed and what a URL parser makes of it are the same host: no user name,
    /// no path, no percent sign.
    Registry
}

name_type! {
    /// A repository in a registry: `library/alpine`. Lower-case letters and digits, separated by one
    /// `.`, one or two `_`, or any number of `-`, in components separated by `/`.
    Repository
}

name_type! {
    /// A tag: a letter, digit or `_`, then up to 127 of these or `.` or `-`.
    Tag
}

impl Registry {
    /// The host without the port; an IPv6 address keeps its brackets.
    pub fn host(&self) -> &str {
        split_port(&self.0).0
    }

    /// The port, where one is given.
    pub fn port(&self) -> Option<u16> {
        split_port(&self.0).1.and_then(|port| port.parse().ok())
    }
}

impl FromStr for Registry {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let (host, port) = split_port(text);
        if text.len() <= MAX_NAME_LEN && is_host(host) && port.is_none_or(is_port) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ReferenceError::Registry {
                given: crate::reference::excerpt(text),
            })
        }
    }
}

impl FromStr for Repository {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.len() <= MAX_NAME_LEN && text.split('/').all(is_repository_component) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ReferenceError::Repository {
                given: crate::reference::excerpt(text),
            })
        }
    }
}

impl FromStr for Tag {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let first = text.bytes().next().is_some_and(is_word);
        let rest = text
            .bytes()
            .all(|byte| is_word(byte) || matches!(byte, b'.' | b'-'));
        if first && rest && text.len() <= MAX_TAG_LEN {
            Ok(Self(text.to_owned()))
        } else {
            Err(ReferenceError::Tag {
                given: crate::reference::excerpt(text),
            })
        }
    }
}

// The colons inside the brackets of an IPv6 address are no port separators.
fn split_port(text: &str) -> (&str, Option<&str>) {
    let search_from = text.rfind(']').unwrap_or(0);
    match text.get(search_from..).and_then(|tail| tail.find(':')) {
        Some(at) => {
            let (host, port) = text.split_at(search_from + at);
            (host, port.get(1..))
        }
        None => (text, None),
    }
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
        && text.parse::<u16>().is_ok_and(|port| port != 0)
}

fn is_host(text: &str) -> bool {
    if let Some(address) = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let is_label = |label: &str| {
        let ends_well = |byte: Option<u8>| {
            byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        ends_well(label.bytes().next())
            && ends_well(label.bytes().next_back())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    text.split('.').all(is_label)
}

// alphanumeric runs, between any two of them exactly one separator: ".", "_", "__" or "-"…
fn is_repository_component(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let starts_and_ends_well = text.bytes().next().is_some_and(is_letter)
        && text.bytes().next_back().is_some_and(is_letter);
    starts_and_ends_well
        && text
            .split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            .all(|separator| {
                matches!(separator, "" | "." | "_" | "__")
                    || separator.bytes().all(|byte| byte == b'-')
            })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_with_and_without_port_are_taken() {
        for (text, host, port) in [
            ("registry.example.com", "registry.example.com", None),
            ("localhost:5000", "localhost", Some(5000)),
            ("127.0.0.1:443", "127.0.0.1", Some(443)),
            ("[::1]:5000", "[::1]", Some(5000)),
            ("[::1]", "[::1]", None),
            ("my_registry:80", "my_registry", Some(80)),
        ] {
            let registry: Registry = text.parse().unwrap();
            assert_eq!((registry.host(), registry.port()), (host, port), "{text}");
        }
    }

    #[test]
    fn what_a_url_parser_could_read_as_another_host_is_no_registry() {
        for text in [
            "",
            ":5000",
            "host:",
            "host:0",
            "host:65536",
            "host:+80",
            "host:80:80",
            "user@host",
            "user:pass@host:80",
            "host?x",
            "host#x",
            "ho st",
            "host\n",
            "%61.com",
            "[::1",
            "::1",
            "[host]",
            "-host",
            "host-",
            "a..b",
            ".a",
            "höst",
            "host\\x",
        ] {
            assert!(text.parse::<Registry>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn repositories_follow_the_distribution_grammar() {
        for text in ["a", "library/alpine", "a.b/c_d/e__f/g-h/i---j", "0/1"] {
            assert_eq!(text.parse::<Repository>().unwrap().as_str(), text);
        }
        for text in [
            "", "/", "a/", "/a", "a//b", "A", "a..b", "a___b", "a._b", "-a", "a-", "a/../b", "..",
            "a b", "a%2fb", "é",
        ] {
            assert!(text.parse::<Repository>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn names_over_their_limit_are_refused() {
        assert!("a".repeat(MAX_NAME_LEN).parse::<Repository>().is_ok());
        assert!("a".repeat(MAX_NAME_LEN + 1).parse::<Repository>().is_err());
        assert!("a".repeat(MAX_NAME_LEN + 1).parse::<Registry>().is_err());
        assert!("a".repeat(MAX_TAG_LEN).parse::<Tag>().is_ok());
        assert!("a".repeat(MAX_TAG_LEN + 1).parse::<Tag>().is_err());
    }

    #[test]
    fn tags_follow_the_distribution_grammar() {
        for text in ["latest", "v1.0-rc.1", "_x", "0", "A_b"] {
            assert!(text.parse::<Tag>().is_ok(), "{text:?}");
        }
        for text in ["", ".a", "-a", "a/b", "a:b", "a+b", "a b", "é"] {
            assert!(text.parse::<Tag>().is_err(), "{text:?}");
        }
    }
}
