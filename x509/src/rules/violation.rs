//! What a certificate did wrong.

use std::fmt;

use thiserror::Error;
use time::OffsetDateTime;

use crate::{KeyKind, KeyUsageBit, describe_time};

/// A rule of the specification that a certificate of a chain breaks.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("certificate {} of {chain_len}, \"{subject}\": {rule}", position + 1)]
pub struct RuleViolation {
    /// The place of the certificate in the chain; 0 is the signing certificate.
    pub position: usize,
    /// How many certificates the chain has.
    pub chain_len: usize,
    /// The certificate's subject.
    pub subject: String,
    /// The rule.
    pub rule: Rule,
}

/// An extension that a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtensionName {
    /// basicConstraints.
    BasicConstraints,
    /// keyUsage.
    KeyUsage,
    /// extKeyUsage.
    ExtKeyUsage,
}

impl fmt::Display for ExtensionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BasicConstraints => "basicConstraints",
            Self::KeyUsage => "keyUsage",
            Self::ExtKeyUsage => "extKeyUsage",
        })
    }
}

/// The rules, each with the offending part.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// An extension that must be present is not.
    #[error("the extension {extension} is missing")]
    Missing {
        /// The extension.
        extension: ExtensionName,
    },
    /// An extension that must be critical is not.
    #[error("the extension {extension} is not marked critical")]
    NotCritical {
        /// The extension.
        extension: ExtensionName,
    },
    /// The signing certificate is a CA.
    #[error("basicConstraints say cA=TRUE, but a signing certificate must not be a CA")]
    LeafIsCa,
    /// A certificate above the leaf is no CA.
    #[error(
        "basicConstraints say cA=FALSE, but it is above the signing certificate and so must be a CA"
    )]
    NotCa,
    /// More intermediate certificates than pathLenConstraint allows.
    #[error(
        "basicConstraints allow {limit} intermediate certificates below it (pathLenConstraint), there are {below}"
    )]
    PathTooLong {
        /// The constraint.
        limit: u32,
        /// How many there are.
        below: usize,
    },
    /// A bit of keyUsage that must be set is not.
    #[error("keyUsage lacks {bit}")]
    KeyUsageLacks {
        /// The bit.
        bit: KeyUsageBit,
    },
    /// A bit of keyUsage is set that a signing certificate must not have.
    #[error("keyUsage has {bit}, which a signing certificate must not have")]
    KeyUsageForbidden {
        /// The bit.
        bit: KeyUsageBit,
    },
    /// A purpose that a code-signing certificate must not be for.
    #[error("extKeyUsage has {purpose}, which a code-signing certificate must not have")]
    PurposeForbidden {
        /// The purpose.
        purpose: &'static str,
    },
    /// A timestamping certificate is not for timestamping, or not for that alone.
    #[error("extKeyUsage must be timeStamping and nothing else")]
    NotOnlyTimestamping,
    /// The key of the signing certificate has no key spec.
    #[error(
        "its {key} key is not allowed: it must be RSA 2048, 3072 or 4096, or EC P-256, P-384 or P-521"
    )]
    LeafKey {
        /// The key.
        key: KeyKind,
    },
    /// The key of a CA is too small, or none that signatures can be verified with.
    #[error(
        "its {key} key is not allowed: a CA's must be RSA of 2048 to 8192 bits, EC P-256, P-384 or P-521, or Ed25519"
    )]
    CaKey {
        /// The key.
        key: KeyKind,
    },
    /// A signature with SHA-1.
    #[error("it is signed with SHA-1 ({algorithm}), which is forbidden")]
    Sha1Signature {
        /// The signature algorithm.
        algorithm: &'static str,
    },
    /// A signature algorithm that is not supported.
    #[error("{reason}")]
    SignatureAlgorithm {
        /// Which and why.
        reason: String,
    },
    /// A self-signed certificate that is not the last: nothing after it can belong to the chain.
    #[error("it is self-signed, but not the last certificate of the chain")]
    SelfSignedBelowRoot,
    /// Not issued by the next certificate.
    #[error("it was not issued by the next certificate of the chain, \"{next}\": {reason}")]
    NotIssuedByNext {
        /// The next certificate's subject.
        next: String,
        /// What does not fit.
        reason: String,
    },
    /// The last certificate is not self-signed.
    #[error(
        "the chain ends here without a self-signed root: the certificate of its issuer \"{issuer}\" is missing"
    )]
    Incomplete {
        /// The missing issuer.
        issuer: String,
    },
    /// Not valid yet.
    #[error("it is not valid before {}, but the time that counts is {}", describe_time(*.not_before), describe_time(*.at))]
    NotYetValid {
        /// The first second of its validity.
        not_before: OffsetDateTime,
        /// The time that counts.
        at: OffsetDateTime,
    },
    /// No longer valid.
    #[error("it expired after {}, and the time that counts is {}", describe_time(*.not_after), describe_time(*.at))]
    Expired {
        /// The last second of its validity.
        not_after: OffsetDateTime,
        /// The time that counts.
        at: OffsetDateTime,
    },
}
