//! References: what a person types to name an artifact in a registry.

use std::fmt;
use std::str::FromStr;

use crate::{Digest, DigestError, Registry, Repository, Tag};

/// Which artifact of a repository or layout is meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Selector {
    /// Whatever the tag points to now.
    Tag(Tag),
    /// Exactly these bytes.
    Digest(Digest),
}

impl fmt::Display for Selector {
    /// Writes the tag or the digest, without the `:` or `@` that precedes it in a reference.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => tag.fmt(f),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

impl FromStr for Selector {
    type Err = ReferenceError;

    /// A text with a colon is a digest, any other a tag.
    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.contains(':') {
            parse_digest(text).map(Self::Digest)
        } else {
            text.parse().map(Self::Tag)
        }
    }
}

/// An artifact in a registry: `registry/repository:tag` or `registry/repository@digest`.
///
/// The registry is always written out; there is no default one. In `registry/repository:tag@digest`
/// the digest decides and the tag is only remembered ([`Reference::ignored_tag`]).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    registry: Registry,
    repository: Repository,
    selector: Selector,
    ignored_tag: Option<Tag>,
}

impl Reference {
    /// Puts a reference together from its parts.
    pub fn new(registry: Registry, repository: Repository, selector: Selector) -> Self {
        Self {
            registry,
            repository,
            selector,
            ignored_tag: None,
        }
    }

    /// The registry's host and port.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The repository in the registry.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// The tag or digest.
    pub fn selector(&self) -> &Selector {
        &self.selector
    }

    /// The tag, if the artifact is named by one.
    pub fn tag(&self) -> Option<&Tag> {
        match &self.selector {
            Selector::Tag(tag) => Some(tag),
            Selector::Digest(_) => None,
        }
    }

    /// The digest, if the artifact is named by one.
    pub fn digest(&self) -> Option<&Digest> {
        match &self.selector {
            Selector::Tag(_) => None,
            Selector::Digest(digest) => Some(digest),
        }
    }

    /// The tag that stood before a digest and means nothing.
    pub fn ignored_tag(&self) -> Option<&Tag> {
        self.ignored_tag.as_ref()
    }

    /// `registry/repository`, the form in which trust policies name their scopes.
    pub fn scope(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// The same repository, by digest: what a resolved tag becomes.
    #[must_use]
    pub fn with_digest(&self, digest: Digest) -> Self {
        Self::new(
            self.registry.clone(),
            self.repository.clone(),
            Selector::Digest(digest),
        )
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = match self.selector {
            Selector::Tag(_) => ':',
            Selector::Digest(_) => '@',
        };
        write!(
            f,
            "{}/{}{separator}{}",
            self.registry, self.repository, self.selector
        )
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let (registry, path) = text
            .split_once('/')
            .ok_or(ReferenceError::MissingRepository)?;
        let registry = registry.parse()?;
        if let Some((name, digest)) = path.split_once('@') {
            let (repository, ignored_tag) = match name.split_once(':') {
                Some((repository, tag)) => (repository.parse()?, Some(tag.parse()?)),
                None => (name.parse()?, None),
            };
            let selector = Selector::Digest(parse_digest(digest)?);
            return Ok(Self {
                registry,
                repository,
                selector,
                ignored_tag,
            });
        }
        if let Some((repository, tag)) = path.split_once(':') {
            return Ok(Self::new(
                registry,
                repository.parse()?,
                Selector::Tag(tag.parse()?),
            ));
        }
        let _: Repository = path.parse()?;
        Err(ReferenceError::MissingSelector)
    }
}

/// Why a text is no reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceError {
    /// There is no `/` after the registry.
    #[error(
        "the repository is missing; a reference has the form registry/repository:tag or registry/repository@digest"
    )]
    MissingRepository,
    /// Neither `:tag` nor `@digest` follows the repository or the layout's path.
    #[error("the tag or digest is missing; add :tag or, better, @digest")]
    MissingSelector,
    /// The path of a layout is empty.
    #[error(
        "the path of the OCI layout is missing; a layout reference has the form path:tag or path@digest"
    )]
    MissingPath,
    /// The registry is not a host with an optional port.
    #[error(
        "{given:?} is not a registry; give a host name or address with an optional port, for example registry.example.com:5000"
    )]
    Registry {
        /// What stood there, shortened.
        given: String,
    },
    /// The repository does not follow the distribution specification's grammar.
    #[error(
        "{given:?} is not a repository; use lower-case letters, digits and single separators, for example team/app"
    )]
    Repository {
        /// What stood there, shortened.
        given: String,
    },
    /// The tag does not follow the distribution specification's grammar.
    #[error(
        "{given:?} is not a tag; use up to 128 letters, digits, '_', '.' and '-', beginning with none of the last two"
    )]
    Tag {
        /// What stood there, shortened.
        given: String,
    },
    /// The digest is malformed.
    #[error("{given:?} is not a digest: {source}")]
    Digest {
        /// What stood there, shortened.
        given: String,
        /// What is wrong with it.
        source: DigestError,
    },
}

pub(crate) fn parse_digest(text: &str) -> Result<Digest, ReferenceError> {
    text.parse().map_err(|source| ReferenceError::Digest {
        given: excerpt(text),
        source,
    })
}

// A reference may come from a file of a million bytes without line breaks; the message stays readable.
pub(crate) fn excerpt(text: &str) -> String {
    const SHOWN: usize = 80;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_tag_names_the_artifact_when_there_is_no_digest() {
        let reference: Reference = "localhost:5000/net-monitor:v1".parse().unwrap();
        assert_eq!(reference.tag().unwrap().as_str(), "v1");
        assert_eq!(reference.scope(), "localhost:5000/net-monitor");
        assert_eq!(reference.to_string(), "localhost:5000/net-monitor:v1");
    }

    #[test]
    fn a_digest_wins_over_a_tag_beside_it() {
        let reference: Reference = format!("localhost:5000/net-monitor:v1@{DIGEST}")
            .parse()
            .unwrap();
        assert_eq!(reference.digest().unwrap().to_string(), DIGEST);
        assert_eq!(reference.tag(), None);
        assert_eq!(reference.ignored_tag().unwrap().as_str(), "v1");
        assert_eq!(
            reference.to_string(),
            format!("localhost:5000/net-monitor@{DIGEST}")
        );
    }

    #[test]
    fn what_is_missing_is_said() {
        assert_eq!(
            "alpine".parse::<Reference>(),
            Err(ReferenceError::MissingRepository)
        );
        assert_eq!(
            "host/alpine".parse::<Reference>(),
            Err(ReferenceError::MissingSelector)
        );
        assert!(matches!(
            "host/alpine:".parse::<Reference>(),
            Err(ReferenceError::Tag { .. })
        ));
        assert!(matches!(
            "host/alpine@".parse::<Reference>(),
            Err(ReferenceError::Digest { .. })
        ));
        assert!(matches!(
            "host/@sha256:00".parse::<Reference>(),
            Err(ReferenceError::Repository { .. })
        ));
        assert!(matches!(
            "/a:b".parse::<Reference>(),
            Err(ReferenceError::Registry { .. })
        ));
        assert!(matches!(
            "https://host/a:b".parse::<Reference>(),
            Err(ReferenceError::Registry { .. })
        ));
    }

    #[test]
    fn a_long_reference_makes_a_short_message() {
        let error = format!("host/{}:v1", "A".repeat(1_000_000))
            .parse::<Reference>()
            .unwrap_err();
        assert!(error.to_string().len() < 300, "{}", error.to_string().len());
    }

    #[test]
    fn a_selector_with_a_colon_is_a_digest() {
        assert!(matches!(DIGEST.parse(), Ok(Selector::Digest(_))));
        assert!(matches!("v1".parse(), Ok(Selector::Tag(_))));
        assert!("sha256:".parse::<Selector>().is_err());
    }

    proptest! {
        #[test]
        fn every_reference_of_the_grammar_reads_back_as_itself(
            host in "[a-z]{1,8}(\\.[a-z]{2,3})?(:[1-9][0-9]{0,3})?",
            repository in "[a-z0-9]{1,5}((\\.|_|__|-{1,3})[a-z0-9]{1,5}){0,2}(/[a-z0-9]{1,4}){0,2}",
            selector in prop_oneof!["[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}".prop_map(|tag| format!(":{tag}")), Just(format!("@{DIGEST}"))],
        ) {
            let text = format!("{host}/{repository}{selector}");
            prop_assert_eq!(text.parse::<Reference>().unwrap().to_string(), text);
        }

        #[test]
        fn any_text_is_a_reference_or_an_error(text in ".{0,200}") {
            if let Ok(reference) = text.parse::<Reference>() {
                prop_assert_eq!(reference.to_string().parse::<Reference>().unwrap().scope(), reference.scope());
            }
        }
    }
}
