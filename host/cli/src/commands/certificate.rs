//! `certificate add | list | show | delete | generate-test | cleanup-test`

mod add;
mod cleanup_test;
mod delete;
mod generate_test;
mod list;
mod show;

use apostille_trust::store::{StoreName, StoreType};
use clap::{Args, Subcommand};
use std::path::PathBuf;

use crate::application::Application;
use crate::directories::Directories;
use crate::failure::Failure;
use crate::usage;

/// Manage the certificates of the trust store
#[derive(Debug, Subcommand)]
pub enum CertificateCommand {
    Add(add::Add),
    #[command(visible_alias = "ls")]
    List(list::List),
    Show(show::Show),
    Delete(delete::Delete),
    GenerateTest(generate_test::GenerateTest),
    CleanupTest(cleanup_test::CleanupTest),
}

impl CertificateCommand {
    pub(super) fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        match self {
            Self::Add(command) => command.run(application),
            Self::List(command) => command.run(application),
            Self::Show(command) => command.run(application),
            Self::Delete(command) => command.run(application),
            Self::GenerateTest(command) => command.run(application),
            Self::CleanupTest(command) => command.run(application),
        }
    }
}

/// `--type` and `--store`, which name a store together.
#[derive(Args, Debug)]
pub(super) struct StoreFlags {
    /// Type of the trust store: ca, signingAuthority or tsa
    #[arg(
        short = 't',
        long = "type",
        value_name = "string",
        allow_hyphen_values = true
    )]
    store_type: Option<String>,
    /// Name of the trust store
    #[arg(short, long, value_name = "string", allow_hyphen_values = true)]
    store: Option<String>,
}

/// A named store.
#[derive(Debug)]
pub(super) struct Store {
    store_type: StoreType,
    name: StoreName,
}

impl StoreFlags {
    fn check(&self) -> Result<(), Failure> {
        usage::require(&[
            ("type", self.store_type.is_some()),
            ("store", self.store.is_some()),
        ])
    }

    fn store(&self) -> Result<Store, Failure> {
        let store_type = self.store_type.as_deref().unwrap_or_default();
        let name = self.store.as_deref().unwrap_or_default();
        Ok(Store {
            store_type: store_type
                .parse()
                .map_err(|_| Failure::usage(format!("unsupported store type: {store_type}")))?,
            name: store_name(name)?,
        })
    }
}

fn store_name(name: &str) -> Result<StoreName, Failure> {
    name.parse()
        .map_err(|_| Failure::usage("named store name needs to follow [a-zA-Z0-9_.-]+ format"))
}

impl Store {
    fn directory(&self, directories: &Directories) -> PathBuf {
        type_directory(directories, self.store_type).join(self.name.as_str())
    }
}

fn type_directory(directories: &Directories, store_type: StoreType) -> PathBuf {
    directories
        .trust_store()
        .join("x509")
        .join(store_type.as_str())
}

/// A file of a store, by a name that cannot lead out of it.
fn file_name(name: &str) -> Result<&str, Failure> {
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\\', '\0']) {
        return Err(Failure::usage(format!(
            "{name:?} is not the name of a certificate file in the trust store"
        )));
    }
    Ok(name)
}

/// The names of the entries of a directory, sorted; none if it does not exist.
fn entries(directory: &std::path::Path) -> std::io::Result<Vec<String>> {
    let reader = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut names = Vec::new();
    for entry in reader {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort_unstable();
    Ok(names)
}
