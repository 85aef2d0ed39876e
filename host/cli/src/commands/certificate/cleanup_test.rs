//! `certificate cleanup-test`

use std::fs;
use std::path::Path;

use apostille_trust::store::StoreType;
use clap::Args;

use super::{Store, store_name};
use crate::application::Application;
use crate::failure::{Failure, FailureKind};
use crate::signing_keys::SigningKeys;

/// Remove a test key and its certificate that generate-test made
#[derive(Args, Debug)]
pub struct CleanupTest {
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    #[arg(value_name = "common_name")]
    arguments: Vec<String>,
}

impl CleanupTest {
    pub(super) fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        let name = self
            .arguments
            .first()
            .ok_or_else(|| Failure::usage("missing certificate common name"))?;
        let store = Store {
            store_type: StoreType::Ca,
            name: store_name(name).map_err(|_| super::generate_test::bad_name())?,
        };
        let key = application.directories.local_key(name);
        let certificate = application.directories.local_certificate(name);
        if !self.yes {
            application.console.line(format!(
                "The test key {name} and its corresponding certificate will be cleaned up with the following changes:\n\
                 - Delete certificate {name}.crt from trust store {name} of type ca\n\
                 - Remove key {name} from the key list\n\
                 - Delete key file: {}\n\
                 - Delete certificate file: {}\n",
                key.display(),
                certificate.display()
            ))?;
            if !application
                .console
                .confirm("Are you sure you want to continue?")?
            {
                return Ok(());
            }
        }
        let trusted = store
            .directory(&application.directories)
            .join(format!("{name}.crt"));
        let line = if fs::symlink_metadata(&trusted).is_ok() {
            super::delete::delete_file(&trusted)?;
            format!("Successfully deleted {name}.crt from trust store {name} of type ca")
        } else {
            format!("Certificate {name}.crt does not exist in trust store {name} of type ca")
        };
        application.console.line(line)?;
        remove_from_list(application, name)?;
        remove(application, &key, "key file", "Key file")?;
        remove(
            application,
            &certificate,
            "certificate file",
            "Certificate file",
        )?;
        application.console.line("Cleanup completed successfully")
    }
}

fn remove_from_list(application: &mut Application<'_>, name: &str) -> Result<(), Failure> {
    let path = application.directories.signing_keys();
    let known = SigningKeys::load(&path)?.find(Some(name)).is_ok();
    let line = if known {
        SigningKeys::change(&path, |list| list.remove(name))?;
        format!("Successfully removed key {name} from the key list")
    } else {
        format!("Key {name} does not exist in the key list")
    };
    application.console.line(line)
}

fn remove(
    application: &mut Application<'_>,
    path: &Path,
    what: &str,
    capital: &str,
) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Ok(()) => application
            .console
            .line(format!("Successfully deleted {what}: {}", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => application
            .console
            .line(format!("{capital} {} does not exist", path.display())),
        Err(error) => {
            let doing = format!("failed to delete {what} {}", path.display());
            Err(Failure::because(FailureKind::General, doing, &error))
        }
    }
}
