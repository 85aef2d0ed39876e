//! What the plugin does with a real server: OpenBao, or HashiCorp Vault where `VAULT_BIN` names it. Where
//! there is neither, each test says that it was skipped.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub
)]

mod certificates;
mod conformance;
mod hosts;
mod imports;
mod logins;
mod plugin;
mod policies;
mod refusals;
mod sessions;
mod signing;
mod vault;
mod versions;
