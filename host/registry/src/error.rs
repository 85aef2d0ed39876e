//! Everything that can go wrong between here and a store.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use apostille_artifact::{ContentMismatch, Digest, Tag};

use crate::credentials::CredentialsError;
use crate::manifest::SignatureManifestError;

/// Why a store could not do what it was asked for.
///
/// `place` is what a user calls the store: `registry/repository`, or the path of a layout.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// There is nothing by that name.
    #[error(
        "{what} was not found in {place}; check the name, the tag or digest, and that you may read it"
    )]
    NotFound {
        /// The tag, digest or blob that was asked for.
        what: String,
        /// The store.
        place: String,
    },
    /// The store has other bytes under a name than the name says. Either it is damaged, or somebody
    /// tampered with it.
    #[error(
        "{place} gave the wrong content for {what}: {source}; the store or somebody on the way changed it, so nothing of it is used"
    )]
    ContentMismatch {
        /// The tag or digest that was asked for.
        what: String,
        /// The store.
        place: String,
        /// How the content differs.
        source: ContentMismatch,
    },
    /// Something is larger than is ever read or written.
    #[error("{what} in {place} is larger than {limit} bytes, the most that is read or written")]
    TooLarge {
        /// What is too large.
        what: String,
        /// The store.
        place: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// A manifest that was to be a signature is none.
    #[error("{manifest} in {place} is not a Notary Project signature: {reason}")]
    NotASignature {
        /// The manifest.
        manifest: Digest,
        /// The store.
        place: String,
        /// What is wrong with it.
        #[source]
        reason: SignatureManifestError,
    },
    /// Something does not have the form that its specification gives it.
    #[error("{what} in {place} is malformed: {reason}")]
    Malformed {
        /// What it is.
        what: String,
        /// The store.
        place: String,
        /// What is wrong with it.
        reason: Malformed,
    },
    /// A file of a layout could not be read, written or locked.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// What was tried: `read`, `write` or `lock`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The path does not lead to an OCI layout.
    #[error("{} is not an OCI image layout: {reason}", .path.display())]
    NotALayout {
        /// The path.
        path: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// A layout's index gives one tag to several manifests.
    #[error(
        "the tag {tag} names several different manifests in {place}; use the digest of the one that you mean"
    )]
    AmbiguousTag {
        /// The tag.
        tag: Tag,
        /// The layout.
        place: String,
    },
    /// Another process holds the lock of a layout.
    #[error("{} is being written by another process, which does not finish; nothing was changed in its index", .path.display())]
    Locked {
        /// The layout.
        path: PathBuf,
    },
    /// The registry does not answer: the host is unknown, the port refuses, the network is down.
    #[error(
        "cannot {attempt}: the registry does not answer ({reason}); check the host and port, that the registry runs, and the network or proxy between"
    )]
    Unreachable {
        /// What was tried.
        attempt: Attempt,
        /// What the system said.
        reason: String,
    },
    /// No secure connection came about.
    #[error(
        "cannot {attempt}: no secure connection to the registry ({reason}); if its certificate is from a private authority, trust that authority, and if it speaks plain HTTP, allow that for this registry"
    )]
    Tls {
        /// What was tried.
        attempt: Attempt,
        /// What is wrong with the certificate or the handshake.
        reason: String,
    },
    /// The registry took too long.
    #[error("cannot {attempt}: no complete answer within {} s; the registry or the network is too slow", .after.as_secs())]
    TimedOut {
        /// What was tried.
        attempt: Attempt,
        /// How long was waited.
        after: Duration,
    },
    /// The connection broke in the middle, also when the request was repeated.
    #[error("cannot {attempt}: the connection broke off ({reason}); try again")]
    Interrupted {
        /// What was tried.
        attempt: Attempt,
        /// What the system said.
        reason: String,
    },
    /// Something answers that does not speak HTTP.
    #[error(
        "cannot {attempt}: what answers there does not speak HTTP as a registry does ({reason}); check the host and port, and whether the registry wants HTTPS"
    )]
    NotHttp {
        /// What was tried.
        attempt: Attempt,
        /// What is wrong with the answer.
        reason: String,
    },
    /// The registry does not know who one is (status 401).
    #[error("cannot {attempt}: {reason}; log in to {}, or check the user name and password", .attempt.registry)]
    Unauthorized {
        /// What was tried.
        attempt: Attempt,
        /// What was refused.
        reason: String,
    },
    /// The registry knows who one is and does not allow it (status 403).
    #[error(
        "cannot {attempt}: the registry forbids it ({message}); ask its administrator for the permission"
    )]
    Forbidden {
        /// What was tried.
        attempt: Attempt,
        /// What the registry said.
        message: String,
    },
    /// The registry gets too many requests (status 429), and goes on saying so.
    #[error("cannot {attempt}: the registry gets too many requests{}; wait, or log in if you are not", asks_for(.retry_after))]
    RateLimited {
        /// What was tried.
        attempt: Attempt,
        /// How long the registry asks one to wait.
        retry_after: Option<Duration>,
    },
    /// The registry has a problem of its own (a status of 500 or more), and goes on having it.
    #[error(
        "cannot {attempt}: the registry answers with status {status} ({message}); try again later"
    )]
    Unavailable {
        /// What was tried.
        attempt: Attempt,
        /// The status.
        status: u16,
        /// What the registry said.
        message: String,
    },
    /// The server from which the registry wants a token has a problem (a status of 500 or more), or gets too many
    /// requests (429), and goes on saying so.
    #[error("cannot {attempt}: the registry's token server answers with status {status}{} ({message}); try again later", asks_for(.retry_after))]
    TokenServer {
        /// What was tried.
        attempt: Attempt,
        /// The status.
        status: u16,
        /// What the token server said.
        message: String,
        /// How long the token server asks one to wait.
        retry_after: Option<Duration>,
    },
    /// The registry refuses for another reason.
    #[error("cannot {attempt}: the registry refuses with status {status} ({message})")]
    Refused {
        /// What was tried.
        attempt: Attempt,
        /// The status.
        status: u16,
        /// What the registry said.
        message: String,
    },
    /// The registry asks for something that must not be done, such as to send a password elsewhere.
    #[error("cannot {attempt}: the registry cannot be trusted with that, since {reason}")]
    Distrusted {
        /// What was tried.
        attempt: Attempt,
        /// What it asks for.
        reason: String,
    },
    /// The list of referrers does not come to an end.
    #[error("{place} lists referrers without end; {pages} pages were read")]
    EndlessReferrers {
        /// The repository.
        place: String,
        /// How many pages were read.
        pages: usize,
    },
    /// Others replaced the referrers index each time.
    #[error(
        "others kept replacing the index {tag} in {place} at the same time; sign again when fewer sign the same artifact"
    )]
    Overtaken {
        /// The repository.
        place: String,
        /// The referrers tag.
        tag: String,
    },
    /// The signature is in the registry, and nobody will find it, since it could not be listed.
    #[error(
        "the signature {manifest} was pushed to {place} and is not listed as one of the artifact, since the list could not be brought up to date: {source}; what was listed before still is; sign again once that is mended"
    )]
    NotListed {
        /// The signature's manifest.
        manifest: Digest,
        /// The repository.
        place: String,
        /// What went wrong with the list.
        source: Box<RegistryError>,
    },
    /// The credential could not be had.
    #[error("cannot {attempt}: {source}")]
    Credentials {
        /// What was tried.
        attempt: Attempt,
        /// Why.
        source: CredentialsError,
    },
    /// The options for registries cannot be used.
    #[error("{0}")]
    Options(String),
}

/// What was being done when a registry failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// What was done.
    pub operation: Operation,
    /// The registry, as the user wrote it.
    pub registry: String,
    /// The repository in it; empty where none is concerned.
    pub repository: String,
}

impl Attempt {
    /// `registry/repository`.
    pub fn place(&self) -> String {
        if self.repository.is_empty() {
            self.registry.clone()
        } else {
            format!("{}/{}", self.registry, self.repository)
        }
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.operation, self.place())
    }
}

/// What is done with a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// Finding out what a tag or digest names.
    Resolve,
    /// Listing signatures.
    List,
    /// Fetching a manifest or envelope.
    Fetch,
    /// Pushing a signature.
    Push,
    /// Deleting an index that was replaced.
    Delete,
    /// Logging in.
    LogIn,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "resolve the reference in",
            Self::List => "list the signatures in",
            Self::Fetch => "fetch from",
            Self::Push => "push to",
            Self::Delete => "delete from",
            Self::LogIn => "log in to",
        })
    }
}

fn asks_for(retry_after: &Option<Duration>) -> String {
    retry_after
        .map(|pause| format!(" and asks for a pause of {} s", pause.as_secs()))
        .unwrap_or_default()
}

/// In which way something does not have the form that its specification gives it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Malformed {
    /// It is not JSON, or not of the expected structure.
    Json(serde_json::Error),
    /// It is neither a manifest nor an index.
    NotAManifest,
    /// It is not an index: an object with a list `manifests`.
    NotAnIndex,
    /// Its header and its content name different media types.
    ContradictoryMediaType,
    /// It reaches more manifests than are ever looked at.
    TooManyManifests,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => error.fmt(f),
            Self::NotAManifest => f.write_str("it is neither a manifest nor an index"),
            Self::NotAnIndex => f.write_str("it is not an image index"),
            Self::ContradictoryMediaType => f.write_str(
                "the registry and the document itself name different media types for it",
            ),
            Self::TooManyManifests => {
                write!(
                    f,
                    "it reaches more than {} manifests",
                    crate::limits::MAX_SCANNED_MANIFESTS
                )
            }
        }
    }
}

impl RegistryError {
    /// The error that made others of this type, which say what it led to.
    pub fn root(&self) -> &Self {
        let mut error = self;
        while let Self::NotListed { source, .. } = error {
            error = source;
        }
        error
    }

    pub(crate) fn malformed(
        what: impl fmt::Display,
        place: impl Into<String>,
        reason: Malformed,
    ) -> Self {
        Self::Malformed {
            what: what.to_string(),
            place: place.into(),
            reason,
        }
    }
}
