//! JWS envelopes: JSON Web Signature (RFC 7515) in its flattened JSON serialization.

mod read;
mod write;

pub(crate) use read::parse;
pub(crate) use write::{bytes_to_sign, envelope, protected_header};

use notary_plugin_protocol::SigningAlgorithm;

/// The names of RFC 7515 §4.1 and RFC 7797. Critical lists must not hold them.
const REGISTERED_NAMES: [&str; 12] = [
    "alg", "jku", "jwk", "kid", "x5u", "x5c", "x5t", "x5t#S256", "typ", "cty", "crit", "b64",
];

/// RFC 7518 §3.1: PS256 and so on are the names of the algorithms.
const ALGORITHMS: [(&str, SigningAlgorithm); 6] = [
    ("PS256", SigningAlgorithm::RsassaPssSha256),
    ("PS384", SigningAlgorithm::RsassaPssSha384),
    ("PS512", SigningAlgorithm::RsassaPssSha512),
    ("ES256", SigningAlgorithm::EcdsaSha256),
    ("ES384", SigningAlgorithm::EcdsaSha384),
    ("ES512", SigningAlgorithm::EcdsaSha512),
];
