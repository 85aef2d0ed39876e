//! One statement of a trust policy, valid by construction.

use std::fmt;

use super::level::SignatureVerification;
use super::scope::RegistryScopes;
use crate::identity::TrustedIdentity;
use crate::store::StoreReference;

/// What a statement demands of a signature, whatever it is a signature on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustStatement {
    name: String,
    verification: SignatureVerification,
    trust_stores: Vec<StoreReference>,
    trusted_identities: Vec<TrustedIdentity>,
}

impl TrustStatement {
    pub(super) fn new(
        name: String,
        verification: SignatureVerification,
        trust_stores: Vec<StoreReference>,
        trusted_identities: Vec<TrustedIdentity>,
    ) -> Self {
        Self {
            name,
            verification,
            trust_stores,
            trusted_identities,
        }
    }

    /// The name, unique in its document.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The level and what deviates from it.
    #[must_use]
    pub fn verification(&self) -> &SignatureVerification {
        &self.verification
    }

    /// The trust stores, each once, in the order of the document. Empty only for the level `skip`.
    #[must_use]
    pub fn trust_stores(&self) -> &[StoreReference] {
        &self.trust_stores
    }

    /// Who may sign. Empty only for the level `skip`.
    #[must_use]
    pub fn trusted_identities(&self) -> &[TrustedIdentity] {
        &self.trusted_identities
    }
}

/// A statement of a policy for OCI artifacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OciStatement {
    pub(super) scopes: RegistryScopes,
    pub(super) statement: TrustStatement,
}

impl OciStatement {
    /// The repositories that the statement is for.
    #[must_use]
    pub fn scopes(&self) -> &RegistryScopes {
        &self.scopes
    }

    /// What it demands.
    #[must_use]
    pub fn statement(&self) -> &TrustStatement {
        &self.statement
    }
}

/// A statement of a policy for blobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobStatement {
    pub(super) global: bool,
    pub(super) statement: TrustStatement,
}

impl BlobStatement {
    /// Whether the statement applies when none is named.
    #[must_use]
    pub fn is_global(&self) -> bool {
        self.global
    }

    /// What it demands.
    #[must_use]
    pub fn statement(&self) -> &TrustStatement {
        &self.statement
    }
}

/// Why a statement is the one that applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MatchedBy {
    /// One of its scopes is this repository.
    Scope(String),
    /// Its scope is `*`, and no other statement names the artifact's repository.
    GlobalScope,
    /// The verifier named it.
    Name,
    /// It is the global blob statement, and the verifier named none.
    GlobalStatement,
}

impl fmt::Display for MatchedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scope(repository) => write!(f, "its registry scope is {repository}"),
            Self::GlobalScope => {
                f.write_str("its registry scope is `*` and no other statement names the repository")
            }
            Self::Name => f.write_str("it was chosen by name"),
            Self::GlobalStatement => {
                f.write_str("it is the global statement and none was chosen by name")
            }
        }
    }
}

/// The statement that applies, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplicableStatement<'a> {
    /// The file of the policy.
    pub file: &'a str,
    /// What is demanded.
    pub statement: &'a TrustStatement,
    /// Why this one.
    pub matched_by: MatchedBy,
}

/// Something in a policy that is allowed and that its author should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyWarning {
    /// A member that no rule knows; it has no effect.
    UnknownMember {
        /// Its path.
        path: String,
    },
    /// A statement with the scope `*` verifies nothing. The specification forbids it; policies with
    /// it are in use.
    GlobalScopeSkipped {
        /// The statement.
        statement: String,
    },
}

impl fmt::Display for PolicyWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownMember { path } => write!(
                f,
                "{path} is not a member of trust policies and has no effect"
            ),
            Self::GlobalScopeSkipped { statement } => write!(
                f,
                "statement \"{statement}\" has the scope `*` and the level skip, so every artifact that no other statement names is accepted without a signature"
            ),
        }
    }
}
