//! OCI registries: real ones, and one that misbehaves on request.
//!
//! | | referrers API | password | TLS | deletes |
//! |---|---|---|---|---|
//! | [`FerroRegistry`] | yes | no | no | yes |
//! | [`DockerRegistry`] | no: clients keep the referrers tag | yes | yes | yes |
//! | [`MisbehavingProxy`] | what stands behind it, changed as the test says | | | |
//!
//! [`TunnelProxy`] leads to any of them through `HTTPS_PROXY`.
//!
//! Registries are addressed as `127.0.0.1:port` ([`FerroRegistry::host`]); there is nothing in them.

mod docker;
mod ferro;
mod misbehaving;
mod tunnel;

pub use docker::{DockerRegistry, DockerRegistryOptions, PASSWORD, TLS_NAME, USER};
pub use ferro::FerroRegistry;
pub use misbehaving::{Answer, MisbehavingProxy, ProxiedRequest};
pub use tunnel::TunnelProxy;

use crate::server_process::StartError;
use crate::tools::ToolMissing;

/// Why a registry could not be started.
#[derive(Debug, thiserror::Error)]
pub enum RegistryServerError {
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
    /// The certificate for the server could not be made.
    #[error("no certificate for the test server")]
    Certificate(#[from] rcgen::Error),
    /// The server ended, or did not answer in time.
    #[error("the registry did not answer; it wrote: {log}")]
    NotReady {
        /// What the server wrote.
        log: String,
    },
}

impl RegistryServerError {
    fn io(action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { action, source }
    }
}

impl From<StartError> for RegistryServerError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Io(action, source) => Self::Io { action, source },
            StartError::NotReady(log) => Self::NotReady { log },
        }
    }
}
