//! Real servers and tokens for tests: each is started on loopback with a free port and a temporary
//! directory, waited for until it answers, and stopped when its handle is dropped, so that two runs
//! never meet and nothing of the user's own configuration is touched.

pub mod aws;
pub mod registry;
mod server_process;
pub mod soft_hsm;
pub mod tools;
pub mod vault;
pub mod workspace;

pub use soft_hsm::{SoftHsm, SoftHsmError, TokenKey};
pub use vault::{VaultServer, VaultServerError, VaultServerOptions};
