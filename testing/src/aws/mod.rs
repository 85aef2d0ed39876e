//! AWS: an emulator of its services with real keys and signatures, and the answers of the real service that an
//! emulator does not give.

mod faults;
mod server;

pub use faults::{FaultProxy, Seen, StubAnswer};
pub use server::{AccessKey, AwsServer, AwsServerError, AwsServerOptions, REGION};
