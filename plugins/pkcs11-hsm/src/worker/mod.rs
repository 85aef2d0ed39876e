//! The worker: a second process of the same program, and the only one that loads a PKCS#11 module.
//!
//! A module is foreign native code. It may crash, hang in a driver, print to standard output, or leave
//! threads behind. In a process of its own none of that keeps the plugin from giving its one JSON answer:
//! a crash is seen as the end of the worker, a hang is ended with the worker's process when the deadline
//! passes, and the worker's standard output leads nowhere. It also keeps PINs out of the process that
//! parses requests. The price is one more process start, about a millisecond.
//!
//! [`Client`] is the plugin's end. Requests and answers are lines of JSON ([`message`]) on the worker's
//! standard input and output; the end of its input tells the worker to log out and finish.

mod client;
mod message;
mod server;

pub(crate) use client::Client;
pub(crate) use message::{Answer, FoundKey, Operation};
pub(crate) use server::{ARGUMENT, serve};
