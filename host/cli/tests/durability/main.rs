//! Nothing is lost: not to processes that write at the same time, and not to one that is killed while it writes.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod at_once;
mod killed;
#[path = "../command/support/mod.rs"]
mod support;
