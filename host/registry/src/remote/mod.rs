//! Registries: the OCI distribution protocol, version 1.1.

mod auth;
mod challenge;
mod client;
mod exchange;
mod failure;
mod fallback_tag;
mod options;
mod push;
mod referrers;
mod repository;
mod retry;

pub use client::{RegistryClient, server_name};
pub use options::{PlainHttp, Proxies, RegistryOptions};
pub use repository::RemoteRepository;
