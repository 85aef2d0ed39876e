//! What a checker asks of the network, and what it lets itself be asked.

mod address;
mod budget;
mod http;
mod resolve;

use std::time::Duration;

use futures::future::BoxFuture;
use thiserror::Error;

pub use address::{check_url, is_public_address};
pub use budget::{Budget, MAX_REQUESTS};
pub use http::{HttpFetcher, HttpProxy, MAX_REDIRECTS};

/// One HTTP request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchRequest {
    /// An `http` URL that [`check_url`] accepts.
    pub url: String,
    /// The body and its content type, for POST; `None` for GET.
    pub post: Option<(&'static str, Vec<u8>)>,
    /// The largest body that is of use, in bytes: more need not be read.
    pub max_len: usize,
    /// The time for the whole request, redirects and body included.
    pub timeout: Duration,
    /// Whether addresses that are not public may be connected to. If not, the addresses that the
    /// host name resolves to must pass [`is_public_address`], at every redirect, and it is those
    /// addresses that must be connected to, not what the name resolves to the next time.
    pub allow_private_addresses: bool,
}

/// The answer to a [`FetchRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchResponse {
    /// The HTTP status; only 200 counts.
    pub status: u16,
    /// The body, or as much of it as shows that it is longer than `max_len`.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchError {
    /// Only plain HTTP is asked for OCSP and CRLs (RFC 5280 §4.2.1.13 warns of a cycle otherwise).
    #[error("{url} is not an http URL with a host")]
    Url {
        /// The URL.
        url: String,
    },
    /// An address that a certificate must not make us connect to.
    #[error(
        "{host} is not a public address, and a certificate must not lead to others unless that is allowed"
    )]
    PrivateAddress {
        /// The host or address.
        host: String,
    },
    /// Another status than 200.
    #[error("the server answered with HTTP status {status}, not 200")]
    Status {
        /// The status.
        status: u16,
    },
    /// Sent from one place to the next.
    #[error("the server redirected more than {limit} times")]
    Redirects {
        /// The limit.
        limit: usize,
    },
    /// A body above the limit.
    #[error("the answer is longer than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// No answer in time.
    #[error("there was no answer within {} ms", after.as_millis())]
    Timeout {
        /// The time that was allowed.
        after: Duration,
    },
    /// The time or the requests for the whole verification are used up.
    #[error("the verification's budget for revocation requests is used up ({what})")]
    Budget {
        /// `time` or `requests`.
        what: &'static str,
    },
    /// There is no network.
    #[error("the network is not asked (offline)")]
    Offline,
    /// Anything else on the way: name resolution, connection, HTTP.
    #[error("{reason}")]
    Transport {
        /// What went wrong.
        reason: String,
    },
}

/// Somebody who makes HTTP requests.
pub trait RevocationFetcher: Send + Sync {
    /// Makes the request.
    fn fetch(&self, request: FetchRequest) -> BoxFuture<'_, Result<FetchResponse, FetchError>>;
}
