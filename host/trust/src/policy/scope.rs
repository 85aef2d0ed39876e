//! Registry scopes: the repositories that a statement is for.

use std::collections::BTreeSet;

/// The scope that is for every repository.
pub(super) const GLOBAL_SCOPE: &str = "*";

/// Whether the text is a fully qualified repository, `registry/repository`, without scheme, tag,
/// digest or wildcard.
///
/// The registry is a host name or IPv4 address with an optional port; the repository is made of
/// lower-case path components (the distribution specification's grammar). An OCI layout is given a
/// scope of the same form, such as `local/my-layout`.
#[must_use]
pub fn is_repository(text: &str) -> bool {
    text.split_once('/')
        .is_some_and(|(registry, path)| is_registry(registry) && path.split('/').all(is_component))
}

fn is_registry(text: &str) -> bool {
    let (host, port_is_right) = match text.split_once(':') {
        None => (text, true),
        Some((host, port)) => (
            host,
            !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit()),
        ),
    };
    port_is_right
        && host.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
}

/// Lower-case letters and digits, in runs that are joined by one of `.`, `_`, `__` or any number of
/// hyphens.
fn is_component(text: &str) -> bool {
    let joins = |run: &str| matches!(run, "." | "_" | "__") || run.bytes().all(|byte| byte == b'-');
    let alphanumeric = |byte: char| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.starts_with(alphanumeric)
        && text.ends_with(alphanumeric)
        && text
            .split(alphanumeric)
            .filter(|run| !run.is_empty())
            .all(joins)
}

/// What a statement is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistryScopes {
    /// `*`: every artifact that no other statement names.
    Global,
    /// These repositories, compared as text.
    Repositories(BTreeSet<String>),
}

impl RegistryScopes {
    /// Whether this repository is named; the global scope names none.
    #[must_use]
    pub fn names(&self, repository: &str) -> bool {
        match self {
            Self::Global => false,
            Self::Repositories(repositories) => repositories.contains(repository),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_scope_is_a_registry_and_lower_case_path_components() {
        for scope in [
            "a/b",
            "registry.example/net/monitor",
            "localhost:5000/a",
            "127.0.0.1:5000/x",
            "A.b/c",
            "a/b_c",
            "a/b__c",
            "a/b--c",
            "a/b---c.d",
        ] {
            assert!(is_repository(scope), "{scope}");
        }
        for scope in [
            "",
            "a",
            "a/",
            "/a",
            "a//b",
            "a/B",
            "a/b:t",
            "a/b@sha256:00",
            "https://a/b",
            "a/*",
            "*/a",
            "localhost:/a",
            "a:1:2/b",
            "[::1]/a",
            "a_b/c",
            "a/b___c",
            "a/b.-c",
            "a/b..c",
            "-a/b",
            "a-/b",
            "a./b",
            "ä/b",
            " a/b",
            "a/b ",
            "a/-b",
            "a/b-",
        ] {
            assert!(!is_repository(scope), "{scope}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_judged_without_panic(text in "\\PC{0,60}") {
            let _ = is_repository(&text);
        }
    }
}
