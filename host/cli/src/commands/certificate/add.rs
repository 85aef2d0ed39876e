//! `certificate add`

use std::path::Path;

use clap::Args;
use notary_x509::{MAX_CERTIFICATE_FILE_LEN, parse_certificates};

use super::{Store, StoreFlags};
use crate::application::Application;
use crate::durable_file;
use crate::failure::{Failure, chain_of};

/// Add certificates to a trust store
#[derive(Args, Debug)]
pub struct Add {
    #[command(flatten)]
    store: StoreFlags,
    #[arg(value_name = "cert_path")]
    arguments: Vec<String>,
}

impl Add {
    pub(super) fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        if self.arguments.is_empty() {
            return Err(Failure::usage("missing certificate path"));
        }
        self.store.check()?;
        let store = self.store.store()?;
        let (mut added, mut failed) = (Vec::new(), Vec::new());
        for path in &self.arguments {
            match add_file(application, &store, Path::new(path)) {
                Ok(_) => added.push(path.clone()),
                Err(reason) => failed.push(format!("{path}, with error {reason:?}")),
            }
        }
        let place = format!(
            "named store {} of type {}",
            store.name.as_str(),
            store.store_type.as_str()
        );
        if !added.is_empty() {
            let console = &mut application.console;
            console.line(format!(
                "Successfully added following certificates to {place}:"
            ))?;
            added.iter().try_for_each(|path| console.line(path))?;
        }
        if failed.is_empty() {
            return Ok(());
        }
        let list = failed.join("\n");
        Err(Failure::general(format!(
            "Failed to add following certificates to {place}:\n{list}\n"
        )))
    }
}

/// Copies a certificate file into a store, under its own name. Gives the name.
pub(super) fn add_file(
    application: &mut Application<'_>,
    store: &Store,
    path: &Path,
) -> Result<String, String> {
    let limit = u64::try_from(MAX_CERTIFICATE_FILE_LEN).unwrap_or(u64::MAX);
    let contents = durable_file::read_limited(path, limit)
        .map_err(|error| format!("open {}: {error}", path.display()))?;
    let certificates = parse_certificates(&contents).map_err(|error| chain_of(&error))?;
    for certificate in certificates
        .iter()
        .filter(|one| !one.is_ca() && !one.is_self_signed())
    {
        application.console.warn(format!(
            "{} has the certificate of {}, which is neither a CA nor self-signed: verification will refuse the whole store",
            path.display(),
            certificate.subject()
        ));
    }
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let target = store.directory(&application.directories).join(&name);
    // Verification reads every file of a store: an unfinished one must not lie there.
    let workplace = application.directories.trust_store();
    durable_file::remove_abandoned(&workplace);
    let added = durable_file::create_new_beside(&workplace, &target, &contents, 0o600);
    added.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            "certificate already exists in the Trust Store".to_owned()
        }
        _ => error.to_string(),
    })?;
    Ok(name)
}
