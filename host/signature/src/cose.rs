//! COSE envelopes: COSE_Sign1_Tagged (RFC 9052 §4.2).

pub(crate) mod cbor;
mod read;
mod write;

pub(crate) use read::parse;
pub(crate) use write::{bytes_to_sign, envelope, protected_header};

use notary_plugin_protocol::SigningAlgorithm;

/// CBOR tag of COSE_Sign1.
const TAG_SIGN1: u64 = 18;
/// CBOR tag of a time in seconds since the epoch (RFC 8949 §3.4.2).
const TAG_EPOCH: u64 = 1;

/// Labels of header parameters (RFC 9052 §3.1, RFC 9360 §2).
const LABEL_ALG: i128 = 1;
const LABEL_CRIT: i128 = 2;
const LABEL_CONTENT_TYPE: i128 = 3;
const LABEL_X5CHAIN: i128 = 33;
/// The labels that the list of critical parameters must not hold.
const REGISTERED_LABELS: std::ops::RangeInclusive<i128> = 0..=8;

/// RFC 9053 §2.1 and RFC 8230 §2.
const ALGORITHMS: [(i128, SigningAlgorithm); 6] = [
    (-37, SigningAlgorithm::RsassaPssSha256),
    (-38, SigningAlgorithm::RsassaPssSha384),
    (-39, SigningAlgorithm::RsassaPssSha512),
    (-7, SigningAlgorithm::EcdsaSha256),
    (-35, SigningAlgorithm::EcdsaSha384),
    (-36, SigningAlgorithm::EcdsaSha512),
];
