//! A PKCS#11 token: load its module, find it, log in, find a key, sign, read certificates.
//!
//! Everything here runs in the worker process, because it calls into foreign native code.

mod connection;
mod error;
mod generate;
mod info;
mod lanes;
mod library;
mod objects;
mod pss;
mod public_key;
mod raw;
mod sign;
mod slots;
mod summary;

pub(crate) use connection::{Connection, Login, TokenAddress};
pub(crate) use error::TokenError;
pub(crate) use generate::{generate_key, store_certificate};
pub(crate) use lanes::Job;
pub(crate) use objects::{KeySummary, TokenKey, certificates, find_key, list_keys};
pub(crate) use sign::sign;
pub(crate) use summary::{TokenSummary, summarise};
