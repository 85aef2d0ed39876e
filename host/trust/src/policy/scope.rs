//! Registry scopes: the repositories that a statement is for.

use std::collections::BTreeSet;

use apostille_artifact::{Registry, Repository};

/// The scope that is for every repository.
pub(super) const GLOBAL_SCOPE: &str = "*";

/// Whether the text is a fully qualified repository, `registry/repository`, without scheme, tag,
/// digest or wildcard. An OCI layout is given a scope of the same form, such as `local/my-layout`.
#[must_use]
pub fn is_repository(text: &str) -> bool {
    text.split_once('/').is_some_and(|(registry, repository)| {
        registry.parse::<Registry>().is_ok() && repository.parse::<Repository>().is_ok()
    })
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
}
