//! The program as users run it: against layouts, registries, plugins and tokens, also such as misbehave.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod bad_artifacts;
mod bad_plugins;
mod bad_policies;
mod bad_registries;
mod bad_tokens;
mod blobs;
mod doctor;
mod envelope_plugins;
mod hostile_answers;
mod hostile_authorities;
mod hostile_pushes;
mod interruption;
mod levels;
mod login_command;
mod logins;
mod many;
mod plugin_installation;
mod support;
mod verifier_plugins;
