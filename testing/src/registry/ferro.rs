//! `ferro-oci-server`: a small registry with the referrers API.

use std::process::Command;

use tempfile::TempDir;

use super::RegistryServerError;
use crate::server_process::ServerProcess;
use crate::tools::find_tool;

/// A registry with the referrers API (it filters by artifact type and answers with `OCI-Subject`),
/// over plain HTTP and open to all on loopback.
#[derive(Debug)]
pub struct FerroRegistry {
    server: ServerProcess,
    _directory: TempDir,
}

impl FerroRegistry {
    /// Starts an empty registry.
    ///
    /// # Errors
    /// [`RegistryServerError`] says what is missing or what the server wrote.
    pub fn start() -> Result<Self, RegistryServerError> {
        let program = find_tool("ferro-oci-server")?;
        let directory = TempDir::new().map_err(RegistryServerError::io("make a directory"))?;
        let server = ServerProcess::start(directory.path(), |port| {
            let mut command = Command::new(&program);
            command
                // Without an address it listens on all interfaces.
                .env("FERRO_OCI_LISTEN", format!("127.0.0.1:{port}"))
                .env("FERRO_OCI_STORAGE_DIR", directory.path().join("storage"));
            Ok(command)
        })?;
        Ok(Self {
            server,
            _directory: directory,
        })
    }

    /// The registry's host and port, as references name it.
    #[must_use]
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.server.port)
    }
}
