//! `cargo xtask servers …`: installs the real servers that tests use, and starts one to play with.

use crate::install::{self, Consent};
use crate::process::TaskError;
use apostille_testing::aws::{AwsServer, REGION};
use apostille_testing::registry::{DockerRegistry, FerroRegistry};
use apostille_testing::{SoftHsm, VaultServer};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use std::any::Any;

/// Options of `cargo xtask servers`.
#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Install every server, token and tool that the tests use.
    Install(Consent),
    /// Start one on loopback, say how it is reached, and stop it at Ctrl-C; nothing of it is kept.
    Start {
        /// What to start.
        server: Server,
    },
}

/// A server or token of the tests.
#[derive(Clone, Copy, ValueEnum)]
enum Server {
    /// An OCI registry with the referrers API.
    Registry,
    /// An OCI registry without it, where the referrers tag is kept.
    RegistryWithoutReferrers,
    /// A SoftHSM2 token without keys.
    Softhsm,
    /// An OpenBao server with nothing mounted.
    Vault,
    /// An emulator of AWS with one signing key, `alias/release`.
    Aws,
}

/// Carries the subcommand out.
///
/// # Errors
/// What could not be installed or started, with the command that would.
pub(crate) fn run(options: &Options) -> Result<(), TaskError> {
    match options.action {
        Action::Install(consent) => {
            install::test_tools(consent)?;
            println!("every test server and tool is here");
            Ok(())
        }
        Action::Start { server } => {
            let _running = start(server)?;
            println!("\nCtrl-C stops it and removes what it kept.");
            until_interrupted()
        }
    }
}

/// Starts a server and prints how it is reached; it stops when what is returned is dropped.
fn start(server: Server) -> Result<Box<dyn Any>, TaskError> {
    match server {
        Server::Registry => {
            let registry = FerroRegistry::start().map_err(failed)?;
            println!("registry at {}", registry.host());
            Ok(Box::new(registry))
        }
        Server::RegistryWithoutReferrers => {
            let registry = DockerRegistry::start().map_err(failed)?;
            println!("registry at {}", registry.host());
            Ok(Box::new(registry))
        }
        Server::Softhsm => {
            let token = SoftHsm::start().map_err(failed)?;
            println!("token {}; in a shell of yours:", token.label());
            for (name, value) in token.env() {
                println!(
                    "  export {}={}",
                    name.to_string_lossy(),
                    value.to_string_lossy()
                );
            }
            println!(
                "  export NOTATION_PKCS11_MODULE={}",
                token.module().display()
            );
            println!(
                "  export NOTATION_PKCS11_PIN_FILE={}",
                token.pin_file().display()
            );
            Ok(Box::new(token))
        }
        Server::Vault => {
            let vault = VaultServer::start().map_err(failed)?;
            println!("in a shell of yours:");
            println!("  export VAULT_ADDR={}", vault.address());
            println!("  export VAULT_TOKEN={}", vault.root_token());
            Ok(Box::new(vault))
        }
        Server::Aws => {
            let aws = AwsServer::start().map_err(failed)?;
            let key = json!({ "KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY" });
            let key = aws.kms("CreateKey", &key).map_err(failed)?;
            let id = &key["KeyMetadata"]["KeyId"];
            let alias = json!({ "AliasName": "alias/release", "TargetKeyId": id });
            aws.kms("CreateAlias", &alias).map_err(failed)?;
            println!("key alias/release; in a shell of yours:");
            println!("  export AWS_ENDPOINT_URL={}", aws.address());
            println!("  export AWS_REGION={REGION}");
            println!("  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test");
            Ok(Box::new(aws))
        }
    }
}

/// Waits for Ctrl-C, so that the server is stopped in order instead of being left behind.
fn until_interrupted() -> Result<(), TaskError> {
    let failed = |source| TaskError::Start {
        command: "waiting for Ctrl-C".to_owned(),
        source,
    };
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?
        .block_on(tokio::signal::ctrl_c())
        .map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> TaskError {
    TaskError::Check(error.to_string())
}
