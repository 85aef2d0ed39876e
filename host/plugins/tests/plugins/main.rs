//! The crate against real executables: shell scripts that behave, and that do not.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod discovery;
mod installation;
mod running;
mod sessions;
mod support;
