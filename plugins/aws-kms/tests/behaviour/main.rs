//! What the plugin does with a real server: `ministack`, an emulator of AWS with keys and signatures of its own,
//! and with the answers that only the real service gives. Where the emulator is not installed, each test that
//! needs it says that it was skipped.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub
)]

mod answers;
mod certificates;
mod cloud;
mod conformance;
mod credentials;
mod hosts;
mod people;
mod plugin;
mod policies;
mod refusals;
mod sessions;
mod signing;
