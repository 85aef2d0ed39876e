//! What plugins built with the SDK do, seen from outside: every test starts a real executable.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod chains;
mod deadline;
mod discipline;
mod envelope;
#[cfg(unix)]
mod native_output;
mod people;
mod plugin;
mod python;
mod sessions;
mod signing;
mod template;
mod verifier;
