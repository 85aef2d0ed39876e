//! Where the certificates of a key are kept: a file, a secret in KV, or the key itself.

mod kv;
mod place;

pub(crate) use place::Place;
