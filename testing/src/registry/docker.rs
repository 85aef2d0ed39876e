//! Docker's registry, version 2: no referrers API, but passwords and TLS.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

use super::RegistryServerError;
use crate::server_process::{ServerProcess, StartError};
use crate::tools::find_tool;

/// The user that a registry with a password knows.
pub const USER: &str = "alice";
/// The password of [`USER`].
pub const PASSWORD: &str = "correct horse";
/// A name that the certificate of a registry with TLS is for, beside `localhost` and `127.0.0.1`. Nothing resolves it:
/// a proxy has to ([`TunnelProxy`](super::TunnelProxy)).
pub const TLS_NAME: &str = "registry.test";
// bcrypt with the lowest cost, of PASSWORD.
const PASSWORD_HASH: &str = "$2b$04$KS49ce3EJf32MMWMQ18Ys.xDgAJu/6tJr7iXpSWmvveifxuc/0vt.";

/// What a [`DockerRegistry`] asks of its clients.
#[derive(Clone, Copy, Debug, Default)]
pub struct DockerRegistryOptions {
    /// Whether one has to log in as [`USER`] with [`PASSWORD`].
    pub password: bool,
    /// Whether it speaks TLS, with a certificate of its own authority ([`DockerRegistry::ca_file`]).
    pub tls: bool,
}

/// A registry without the referrers API; manifests can be deleted.
#[derive(Debug)]
pub struct DockerRegistry {
    server: ServerProcess,
    directory: TempDir,
}

impl DockerRegistry {
    /// Starts an empty registry over plain HTTP and open to all on loopback.
    ///
    /// # Errors
    /// [`RegistryServerError`] says what is missing or what the server wrote.
    pub fn start() -> Result<Self, RegistryServerError> {
        Self::start_with(DockerRegistryOptions::default())
    }

    /// Starts an empty registry.
    ///
    /// # Errors
    /// [`RegistryServerError`] says what is missing or what the server wrote.
    pub fn start_with(options: DockerRegistryOptions) -> Result<Self, RegistryServerError> {
        let program = find_tool("docker-registry")?;
        let directory = TempDir::new().map_err(RegistryServerError::io("make a directory"))?;
        if options.tls {
            write_certificates(directory.path())?;
        }
        let server = ServerProcess::start(directory.path(), |port| {
            let configuration = directory.path().join("config.yml");
            fs::write(&configuration, configure(directory.path(), port, options))
                .and_then(|()| {
                    fs::write(
                        directory.path().join("htpasswd"),
                        format!("{USER}:{PASSWORD_HASH}\n"),
                    )
                })
                .map_err(StartError::io("write the registry's configuration"))?;
            let mut command = Command::new(&program);
            command.arg("serve").arg(configuration);
            Ok(command)
        })?;
        Ok(Self { server, directory })
    }

    /// The registry's host and port, as references name it.
    #[must_use]
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.server.port)
    }

    /// The certificate (PEM) of the authority that issued the server's certificate, with TLS.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }
}

fn configure(directory: &Path, port: u16, options: DockerRegistryOptions) -> String {
    let directory = directory.display();
    let mut text = format!(
        "version: 0.1\nlog:\n  level: error\n  accesslog:\n    disabled: true\nstorage:\n  filesystem:\n    \
         rootdirectory: {directory}/storage\n  delete:\n    enabled: true\nhttp:\n  addr: 127.0.0.1:{port}\n  \
         secret: not-shared-with-anybody\n"
    );
    if options.tls {
        let _ = write!(
            text,
            "  tls:\n    certificate: {directory}/server.pem\n    key: {directory}/server.key\n"
        );
    }
    if options.password {
        let _ = write!(
            text,
            "auth:\n  htpasswd:\n    realm: test\n    path: {directory}/htpasswd\n"
        );
    }
    text
}

fn write_certificates(directory: &Path) -> Result<(), RegistryServerError> {
    let authority_key = KeyPair::generate()?;
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_certificate = authority.self_signed(&authority_key)?;
    let issuer = Issuer::new(authority, authority_key);

    let key = KeyPair::generate()?;
    let server = CertificateParams::new(["localhost", "127.0.0.1", TLS_NAME].map(str::to_owned))?;
    let certificate = server.signed_by(&key, &issuer)?;
    let write = |name: &str, text: String| {
        fs::write(directory.join(name), text)
            .map_err(RegistryServerError::io("write a certificate"))
    };
    write("ca.pem", authority_certificate.pem())?;
    write("server.pem", certificate.pem())?;
    write("server.key", key.serialize_pem())
}
