//! An agent: the server's own program as a proxy that logs in by itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{VaultServer, VaultServerError, find_program};
use crate::server_process::{ServerProcess, StartError};

/// A running proxy (`bao proxy`) on loopback and on a unix socket. It logs in with AppRole and adds its own
/// token to the requests of its clients.
#[derive(Debug)]
pub struct VaultProxy {
    process: ServerProcess,
    directory: TempDir,
}

impl VaultProxy {
    /// Starts a proxy that logs in to `server` with a role id and a secret id.
    ///
    /// # Errors
    /// [`VaultServerError`] says what is missing or what the proxy wrote.
    pub fn start(
        server: &VaultServer,
        role_id: &str,
        secret_id: &str,
    ) -> Result<Self, VaultServerError> {
        let program = find_program()?;
        let directory = TempDir::new().map_err(VaultServerError::io("make a directory"))?;
        let write = |name: &str, text: &str| {
            fs::write(directory.path().join(name), text)
                .map_err(VaultServerError::io("write the proxy's configuration"))
        };
        write("role-id", role_id)?;
        write("secret-id", secret_id)?;
        let configuration = directory.path().join("proxy.hcl");
        let sign = directory.path().join("proxy.sock");
        let process = ServerProcess::start_with_sign(directory.path(), &sign, |port| {
            fs::write(
                &configuration,
                configure(directory.path(), &server.address(), port),
            )
            .map_err(StartError::io("write the proxy's configuration"))?;
            let mut command = Command::new(&program);
            command.arg("proxy").arg("-config").arg(&configuration);
            command.env_clear().env("HOME", directory.path());
            Ok(command)
        })?;
        Ok(Self { process, directory })
    }

    /// `http://127.0.0.1:port`
    #[must_use]
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.process.port)
    }

    /// The unix socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("proxy.sock")
    }
}

fn configure(directory: &Path, server: &str, port: u16) -> String {
    let directory = directory.display();
    format!(
        "vault {{\n  address = \"{server}\"\n}}\n\
         auto_auth {{\n  method \"approle\" {{\n    config = {{\n      role_id_file_path = \"{directory}/role-id\"\n      \
         secret_id_file_path = \"{directory}/secret-id\"\n    }}\n  }}\n}}\n\
         api_proxy {{\n  use_auto_auth_token = true\n}}\n\
         listener \"tcp\" {{\n  address = \"127.0.0.1:{port}\"\n  tls_disable = true\n  require_request_header = true\n}}\n\
         listener \"unix\" {{\n  address = \"{directory}/proxy.sock\"\n  tls_disable = true\n  require_request_header = true\n}}\n"
    )
}
