//! Timestamp countersignatures (RFC 3161): requests, responses and tokens, as bytes.
//!
//! A timestamping authority (TSA) signs that it saw the hash of a signature at some time. The hash is
//! that of the *raw* signature, and the token (a CMS SignedData, RFC 5652) becomes an unsigned
//! attribute of the envelope.
//!
//! 1. [`TimestampRequest::for_signature`] with a fresh random nonce; send
//!    [`TimestampRequest::as_der`] by HTTP POST.
//! 2. [`TimestampRequest::accept`] what came back: a [`VerifiedTimestamp`], or an error.
//! 3. When verifying an envelope, [`TimestampToken::parse`] and [`TimestampToken::verify`].
//!
//! Nothing in a token can be read before it is verified: the token says by itself which certificate
//! signed it, when, and over what.

mod ber;
mod error;
mod hash;
mod request;
mod response;
mod signed_data;
mod signer;
mod token;
mod tst_info;

pub use error::TimestampError;
pub use request::{NONCE_LEN, TimestampRequest};
pub use token::{TimestampClaims, TimestampToken, VerifiedTimestamp};

/// The media type of a request over HTTP (RFC 3161 §3.4).
pub const REQUEST_MEDIA_TYPE: &str = "application/timestamp-query";
/// The media type of a response over HTTP (RFC 3161 §3.4).
pub const RESPONSE_MEDIA_TYPE: &str = "application/timestamp-reply";
