//! References into an OCI image layout on disk.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::reference::parse_digest;
use crate::{Digest, ReferenceError, Selector};

/// An artifact in an OCI image layout: `path:tag` or `path@digest`.
///
/// The last `@` separates path and digest; without one, the last `:` separates path and tag, unless it
/// is the colon of a Windows drive. The path itself may therefore hold both characters as long as a tag
/// or digest follows.
///
/// ```
/// use apostille_artifact::LayoutReference;
///
/// let reference: LayoutReference = "./images/app:v1".parse()?;
/// assert_eq!(reference.path(), std::path::Path::new("./images/app"));
/// assert_eq!(reference.selector().to_string(), "v1");
/// # Ok::<(), apostille_artifact::ReferenceError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LayoutReference {
    path: PathBuf,
    selector: Selector,
}

impl LayoutReference {
    /// Puts a reference together from its parts.
    pub fn new(path: impl Into<PathBuf>, selector: Selector) -> Self {
        Self {
            path: path.into(),
            selector,
        }
    }

    /// Where the layout is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The tag or digest.
    pub fn selector(&self) -> &Selector {
        &self.selector
    }

    /// The same layout, by digest: what a resolved tag becomes.
    #[must_use]
    pub fn with_digest(&self, digest: Digest) -> Self {
        Self::new(self.path.clone(), Selector::Digest(digest))
    }
}

impl fmt::Display for LayoutReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = match self.selector {
            Selector::Tag(_) => ':',
            Selector::Digest(_) => '@',
        };
        write!(f, "{}{separator}{}", self.path.display(), self.selector)
    }
}

impl FromStr for LayoutReference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let (path, selector) = if let Some((path, digest)) = text.rsplit_once('@') {
            (path, Selector::Digest(parse_digest(digest)?))
        } else {
            let (path, tag) = text
                .rsplit_once(':')
                .ok_or(ReferenceError::MissingSelector)?;
            // A separator after the colon: the colon belongs to a drive or a directory's name.
            if tag.contains(['/', '\\']) {
                return Err(ReferenceError::MissingSelector);
            }
            (path, Selector::Tag(tag.parse()?))
        };
        if path.is_empty() {
            return Err(ReferenceError::MissingPath);
        }
        Ok(Self::new(path, selector))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn the_last_separator_counts() {
        for (text, path, selector) in [
            ("layout:v1".to_owned(), "layout", "v1"),
            ("/a:b/layout:v1".to_owned(), "/a:b/layout", "v1"),
            (format!("layout@{DIGEST}"), "layout", DIGEST),
            (format!("a@b@{DIGEST}"), "a@b", DIGEST),
            (r"C:\layout:v1".to_owned(), r"C:\layout", "v1"),
        ] {
            let reference: LayoutReference = text.parse().unwrap();
            assert_eq!(reference.path(), Path::new(path));
            assert_eq!(reference.selector().to_string(), selector);
            assert_eq!(reference.to_string(), text);
        }
    }

    #[test]
    fn a_path_alone_is_no_reference() {
        for text in ["layout", r"C:\layout", "/a:b/layout", "C:/layout"] {
            assert_eq!(
                text.parse::<LayoutReference>(),
                Err(ReferenceError::MissingSelector),
                "{text}"
            );
        }
        assert_eq!(
            ":v1".parse::<LayoutReference>(),
            Err(ReferenceError::MissingPath)
        );
        assert_eq!(
            format!("@{DIGEST}").parse::<LayoutReference>(),
            Err(ReferenceError::MissingPath)
        );
        assert!(matches!(
            "layout@v1".parse::<LayoutReference>(),
            Err(ReferenceError::Digest { .. })
        ));
        assert!(matches!(
            "layout:".parse::<LayoutReference>(),
            Err(ReferenceError::Tag { .. })
        ));
    }

    proptest! {
        #[test]
        fn any_text_is_a_layout_reference_or_an_error(text in ".{0,200}") {
            if let Ok(reference) = text.parse::<LayoutReference>() {
                prop_assert_eq!(reference.to_string(), text);
            }
        }
    }
}
