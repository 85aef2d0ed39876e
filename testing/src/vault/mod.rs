//! Vault: a real server with the API of HashiCorp Vault, OpenBao unless another is named.

mod admin;
mod certificates;
mod proxy;
mod server;

pub use admin::{Admin, AdminAnswer};
pub use certificates::ClientCertificate;
pub use proxy::VaultProxy;
pub use server::{VaultServer, VaultServerOptions};

use crate::server_process::StartError;
use crate::tools::ToolMissing;

/// The variable that names another server program, such as HashiCorp's `vault`.
pub const PROGRAM_VARIABLE: &str = "VAULT_BIN";

/// Why a server could not be started or set up.
#[derive(Debug, thiserror::Error)]
pub enum VaultServerError {
    /// The server's program is not there.
    #[error(transparent)]
    Missing(#[from] ToolMissing),
    /// A file or process of the set-up failed.
    #[error("{action}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A certificate could not be made.
    #[error("no certificate for the test server")]
    Certificate(#[from] rcgen::Error),
    /// The server ended, or did not answer in time.
    #[error("the server did not answer; it wrote: {log}")]
    NotReady {
        /// What the server wrote.
        log: String,
    },
    /// The server could not be asked.
    #[error("{request} got no answer")]
    Http {
        /// Method and path.
        request: String,
        /// What went wrong.
        source: reqwest::Error,
    },
    /// The server refused a step of the set-up.
    #[error("{request} was answered with {status}: {body}")]
    Refused {
        /// Method and path.
        request: String,
        /// The HTTP status.
        status: u16,
        /// What the server said.
        body: String,
    },
}

impl VaultServerError {
    fn io(action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { action, source }
    }
}

/// The server's program: `$VAULT_BIN`, else `bao`, else `vault`.
///
/// # Errors
/// [`ToolMissing`], which says how to install it.
pub fn find_program() -> Result<std::path::PathBuf, ToolMissing> {
    match std::env::var_os(PROGRAM_VARIABLE).filter(|path| !path.is_empty()) {
        Some(path) => Ok(path.into()),
        None => crate::tools::find_tool("bao")
            .or_else(|missing| crate::tools::find_tool("vault").map_err(|_| missing)),
    }
}

impl From<StartError> for VaultServerError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Io(action, source) => Self::Io { action, source },
            StartError::NotReady(log) => Self::NotReady { log },
        }
    }
}
