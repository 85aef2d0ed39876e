//! `certificate delete`

use std::fs;
use std::path::Path;

use clap::Args;

use super::{StoreFlags, file_name};
use crate::application::Application;
use crate::failure::{Failure, FailureKind};

/// Delete certificates from a trust store
#[derive(Args, Debug)]
pub struct Delete {
    #[command(flatten)]
    store: StoreFlags,
    /// Delete the whole named store
    #[arg(short, long)]
    all: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    #[arg(value_name = "cert_file_name")]
    arguments: Vec<String>,
}

impl Delete {
    pub(super) fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        self.store.check()?;
        let (store_type, name) = (&self.store.store_type, &self.store.store);
        let (store_type, name) = (
            store_type.as_deref().unwrap_or_default(),
            name.as_deref().unwrap_or_default(),
        );
        match (self.all, self.arguments.first()) {
            (true, Some(_)) => Err(Failure::usage(
                "cannot delete a single certificate file when --all flag is set. use --help flag for more details",
            )),
            (false, None) => Err(Failure::usage(
                "delete requires either the certificate file name that needs to be deleted or --all flag to delete all \
                 certificates in the given named trust store",
            )),
            (true, None) => {
                let directory = self.store.store()?.directory(&application.directories);
                let question = format!(
                    "Are you sure you want to delete all certificates in \"{name}\" of type \"{store_type}\"?"
                );
                if self.yes || application.console.confirm(&question)? {
                    delete_store(&directory)?;
                    application
                        .console
                        .line(format!("Successfully deleted {}", directory.display()))?;
                }
                Ok(())
            }
            (false, Some(file)) => {
                let directory = self.store.store()?.directory(&application.directories);
                let path = directory.join(file_name(file)?);
                let question = format!(
                    "Are you sure you want to delete \"{file}\" in \"{name}\" of type \"{store_type}\"?"
                );
                if self.yes || application.console.confirm(&question)? {
                    delete_file(&path)?;
                    let text = format!(
                        "Successfully deleted {file} from trust store {name} of type {store_type}"
                    );
                    application.console.line(text)?;
                }
                Ok(())
            }
        }
    }
}

fn delete_store(directory: &Path) -> Result<(), Failure> {
    let result = match fs::symlink_metadata(directory) {
        Ok(metadata) if !metadata.is_dir() => Err(std::io::Error::other("not a directory")),
        Ok(_) => fs::remove_dir_all(directory),
        Err(error) => Err(error),
    };
    result.map_err(|error| {
        let doing = format!(
            "failed to delete the named trust store {}",
            directory.display()
        );
        Failure::because(FailureKind::General, doing, &error)
    })
}

/// Deletes the file, and its store if nothing else is in it.
pub(super) fn delete_file(path: &Path) -> Result<(), Failure> {
    fs::remove_file(path).map_err(|error| {
        let doing = format!("failed to delete the certificate file {}", path.display());
        Failure::because(FailureKind::General, doing, &error)
    })?;
    if let Some(directory) = path.parent() {
        // Fails if other files are there, which is as it should be.
        let _ = fs::remove_dir(directory);
    }
    Ok(())
}
