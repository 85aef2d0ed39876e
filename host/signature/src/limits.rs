//! How much of anything is read. Every number bounds memory or time that hostile bytes could cost.

/// The largest signature envelope, in bytes: what the reference implementation reads.
pub const MAX_ENVELOPE_LEN: usize = 32 * 1024 * 1024;

/// The most certificates in one envelope or timestamp token. Chains have two to four; each one more
/// costs the verifier a signature check.
pub const MAX_CERTIFICATES: usize = 16;

/// The largest timestamp response or token, in bytes. Real ones have five to ten KiB.
pub const MAX_TIMESTAMP_LEN: usize = 1024 * 1024;

/// The most values (numbers, texts, members and elements) in one JSON or CBOR document: a tree takes
/// some fifty times the memory of the bytes `[0,0,0,…]`.
pub const MAX_VALUES: usize = 65_536;

/// How deep arrays, maps and tags may nest in COSE headers. The deepest that the specification
/// defines is two; JSON is bounded by its parser, at 128.
pub const MAX_NESTING: usize = 16;

/// The largest payload, in bytes. A payload is one descriptor with its annotations, and manifests,
/// which hold descriptors, may have 4 MiB.
pub const MAX_PAYLOAD_LEN: usize = 4 * 1024 * 1024;
