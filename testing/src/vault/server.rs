//! The server itself: configured, initialised and unsealed by us, so that it can be sealed and restarted.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::certificates::{ClientCertificate, client_certificate, write_certificates};
use super::{Admin, VaultServerError, find_program};
use crate::server_process::{ServerProcess, StartError, free_port};

/// How long a server may take to become active once it is unsealed.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);

/// What kind of server is started.
#[derive(Clone, Copy, Debug, Default)]
pub struct VaultServerOptions {
    /// TLS with a certificate of its own authority; clients may show a certificate.
    pub tls: bool,
    /// Keeps its data on disk, so that [`VaultServer::restart`] finds it again.
    pub durable: bool,
}

/// A running server, initialised and unsealed, with an audit log and nothing mounted.
#[derive(Debug)]
pub struct VaultServer {
    process: Mutex<Option<ServerProcess>>,
    directory: TempDir,
    program: PathBuf,
    options: VaultServerOptions,
    port: u16,
    unseal_key: String,
    root_token: String,
}

impl VaultServer {
    /// Starts a server in memory over plain HTTP.
    ///
    /// # Errors
    /// [`VaultServerError`] says what is missing or what the server wrote.
    pub fn start() -> Result<Self, VaultServerError> {
        Self::start_with(VaultServerOptions::default())
    }

    /// Starts a server.
    ///
    /// # Errors
    /// [`VaultServerError`] says what is missing or what the server wrote.
    pub fn start_with(options: VaultServerOptions) -> Result<Self, VaultServerError> {
        let program = find_program()?;
        let directory = TempDir::new().map_err(VaultServerError::io("make a directory"))?;
        if options.tls {
            write_certificates(directory.path())?;
        }
        fs::create_dir(directory.path().join("data"))
            .map_err(VaultServerError::io("make the directory for the data"))?;
        let process = start(&program, directory.path(), options, None)?;
        let mut server = Self {
            port: process.port,
            process: Mutex::new(Some(process)),
            directory,
            program,
            options,
            unseal_key: String::new(),
            root_token: String::new(),
        };
        let answer = server.admin()?.send(
            "PUT",
            "sys/init",
            Some(&json!({ "secret_shares": 1, "secret_threshold": 1 })),
        )?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        server.unseal_key = text(&answer.body["keys"][0]);
        server.root_token = text(&answer.body["root_token"]);
        server.unseal()?;
        Ok(server)
    }

    /// `http://127.0.0.1:port`, or `https://…` with TLS.
    #[must_use]
    pub fn address(&self) -> String {
        let scheme = if self.options.tls { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// Host and port.
    #[must_use]
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The unix socket that the server listens on as well.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("vault.sock")
    }

    /// The token that may do everything.
    #[must_use]
    pub fn root_token(&self) -> &str {
        &self.root_token
    }

    /// The certificate (PEM) of the authority that issued the server's certificate, with TLS.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// A client certificate of the same authority, with TLS.
    #[must_use]
    pub fn client_certificate(&self) -> ClientCertificate {
        client_certificate(self.directory.path())
    }

    /// The server's own directory, for the test's files.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A client with the root token.
    ///
    /// # Errors
    /// [`VaultServerError`] where it cannot be set up.
    pub fn admin(&self) -> Result<Admin, VaultServerError> {
        self.client(&self.root_token)
    }

    /// A client with another token.
    ///
    /// # Errors
    /// As [`admin`](Self::admin).
    pub fn client(&self, token: &str) -> Result<Admin, VaultServerError> {
        let ca = match self.options.tls {
            true => Some(
                fs::read_to_string(self.ca_file())
                    .map_err(VaultServerError::io("read the authority's certificate"))?,
            ),
            false => None,
        };
        Admin::new(&self.address(), ca.as_deref(), token)
    }

    /// Wraps a value for ten minutes and gives the token that unwraps it.
    ///
    /// # Errors
    /// [`VaultServerError::Refused`].
    pub fn wrap(&self, value: &Value) -> Result<String, VaultServerError> {
        let answer = self.admin()?.wrapped("sys/wrapping/wrap", value, "10m")?;
        let token = answer["wrap_info"]["token"].as_str();
        Ok(token.unwrap_or_default().to_owned())
    }

    /// What the audit log holds so far, one JSON object a line.
    #[must_use]
    pub fn audit_log(&self) -> String {
        fs::read_to_string(self.directory.path().join("audit.log")).unwrap_or_default()
    }

    /// Seals the server: it answers, but does nothing until it is unsealed.
    ///
    /// # Errors
    /// [`VaultServerError::Refused`].
    pub fn seal(&self) -> Result<(), VaultServerError> {
        self.admin()?.write("sys/seal", &Value::Null).map(drop)
    }

    /// Unseals the server and waits until it serves requests.
    ///
    /// # Errors
    /// [`VaultServerError::NotReady`] where it does not.
    pub fn unseal(&self) -> Result<(), VaultServerError> {
        let admin = self.admin()?;
        admin.write("sys/unseal", &json!({ "key": self.unseal_key }))?;
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if admin.send("GET", "sys/health", None)?.status == 200 {
                return Ok(());
            }
            std::thread::sleep(POLL);
        }
        Err(VaultServerError::NotReady { log: self.log() })
    }

    /// Stops the server and leaves it stopped.
    pub fn stop(&self) {
        *self.process.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Stops the server, if it runs, and starts it again at the same port, sealed. A server that is not
    /// durable has forgotten everything.
    ///
    /// # Errors
    /// [`VaultServerError`] as from [`start`](Self::start).
    pub fn restart(&self) -> Result<(), VaultServerError> {
        self.stop();
        let process = start(
            &self.program,
            self.directory.path(),
            self.options,
            Some(self.port),
        )?;
        *self.process.lock().unwrap_or_else(PoisonError::into_inner) = Some(process);
        Ok(())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

fn start(
    program: &Path,
    directory: &Path,
    options: VaultServerOptions,
    port: Option<u16>,
) -> Result<ServerProcess, VaultServerError> {
    let command = |port: u16, second: u16| -> Result<Command, StartError> {
        let configuration = directory.join("server.hcl");
        fs::write(&configuration, configure(directory, port, second, options))
            .map_err(StartError::io("write the server's configuration"))?;
        // The socket of a server that was killed is in the way of the next one.
        let _ = fs::remove_file(directory.join("vault.sock"));
        let mut command = Command::new(program);
        command.arg("server").arg("-config").arg(configuration);
        // Nothing of the user's own Vault: no address, no token, no token helper.
        command.env_clear().env("HOME", directory);
        Ok(command)
    };
    let started = match port {
        Some(port) => ServerProcess::start_at(directory, port, |port| command(port, free_port()?)),
        None => ServerProcess::start(directory, |port| command(port, free_port()?)),
    };
    started.map_err(VaultServerError::from)
}

fn configure(directory: &Path, port: u16, second: u16, options: VaultServerOptions) -> String {
    let directory = directory.display();
    let scheme = if options.tls { "https" } else { "http" };
    let storage = match options.durable {
        // The one kind of storage on disk that both projects have.
        true => format!(
            "storage \"raft\" {{\n  path = \"{directory}/data\"\n  node_id = \"test\"\n  performance_multiplier = 1\n}}\n"
        ),
        false => "storage \"inmem\" {}\n".to_owned(),
    };
    let tls = match options.tls {
        true => format!(
            "  tls_cert_file = \"{directory}/server.pem\"\n  tls_key_file = \"{directory}/server.key\"\n  \
             tls_client_ca_file = \"{directory}/ca.pem\"\n"
        ),
        false => "  tls_disable = true\n".to_owned(),
    };
    let mut text = format!(
        "disable_mlock = true\napi_addr = \"{scheme}://127.0.0.1:{port}\"\ncluster_addr = \"https://127.0.0.1:{second}\"\n"
    );
    text.push_str(&storage);
    let _ = write!(
        text,
        "listener \"tcp\" {{\n  address = \"127.0.0.1:{port}\"\n  cluster_address = \"127.0.0.1:{second}\"\n{tls}}}\n\
         listener \"unix\" {{\n  address = \"{directory}/vault.sock\"\n  tls_disable = true\n}}\n\
         audit \"file\" \"file\" {{\n  path = \"file/\"\n  options {{\n    file_path = \"{directory}/audit.log\"\n  }}\n}}\n"
    );
    text
}
