//! `certificate list`

use apostille_trust::store::StoreType;
use clap::Args;
use notary_x509::{MAX_CERTIFICATE_FILE_LEN, parse_certificates};
use serde::Serialize;

use super::{StoreFlags, entries, store_name, type_directory};
use crate::application::Application;
use crate::durable_file;
use crate::failure::{Failure, FailureKind, chain_of};
use crate::flags::{LoggingFlags, OutputFlag};
use crate::table::Table;

/// List the certificate files of the trust store
#[derive(Args, Debug)]
pub struct List {
    #[command(flatten)]
    logging: LoggingFlags,
    #[command(flatten)]
    store: StoreFlags,
    #[command(flatten)]
    output: OutputFlag,
    #[arg(hide = true)]
    arguments: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FileDocument {
    store_type: &'static str,
    store_name: String,
    certificate: String,
}

impl List {
    pub(super) fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        let json = self.output.is_json()?;
        application.console.show_debug(self.logging.debug);
        let files = self.files(application)?;
        if json {
            return application
                .console
                .json(&serde_json::json!({ "certificates": files }));
        }
        // As notation does, so that "no output" means "no certificates".
        if files.is_empty() {
            return Ok(());
        }
        let mut table = Table::new(&["STORE TYPE", "STORE NAME", "CERTIFICATE"]);
        for file in files {
            table.row(vec![
                file.store_type.to_owned(),
                file.store_name,
                file.certificate,
            ]);
        }
        application.console.raw(table.render().as_bytes())
    }

    fn files(&self, application: &mut Application<'_>) -> Result<Vec<FileDocument>, Failure> {
        let wanted_type: Option<StoreType> = match &self.store.store_type {
            None => None,
            Some(text) => match text.parse() {
                Ok(store_type) => Some(store_type),
                Err(_) => return Ok(Vec::new()),
            },
        };
        let mut files = Vec::new();
        for store_type in StoreType::ALL {
            if wanted_type.is_some_and(|wanted| wanted != store_type) {
                continue;
            }
            let directory = type_directory(&application.directories, store_type);
            let stores = match &self.store.store {
                Some(name) => vec![store_name(name)?.as_str().to_owned()],
                None => entries(&directory).map_err(|error| unreadable(&directory, &error))?,
            };
            for store_name in stores {
                let directory = directory.join(&store_name);
                if directory.is_file() {
                    ignore(
                        application,
                        &directory,
                        "is not a trust store, which is a directory",
                    );
                    continue;
                }
                for certificate in
                    entries(&directory).map_err(|error| unreadable(&directory, &error))?
                {
                    let path = directory.join(&certificate);
                    if path.symlink_metadata().is_ok_and(|entry| entry.is_dir()) {
                        ignore(application, &path, "is a directory inside a trust store");
                        continue;
                    }
                    check_file(&path)?;
                    files.push(FileDocument {
                        store_type: store_type.as_str(),
                        store_name: store_name.clone(),
                        certificate,
                    });
                }
            }
        }
        Ok(files)
    }
}

/// Verification ignores it too.
fn ignore(application: &mut Application<'_>, path: &std::path::Path, reason: &str) {
    let text = format!("{} {reason}, and is ignored", path.display());
    application.console.warn(text);
}

fn unreadable(path: &std::path::Path, error: &std::io::Error) -> Failure {
    let doing = format!(
        "failed to list certificates stored in the trust store {}",
        path.display()
    );
    Failure::because(FailureKind::Policy, doing, error)
}

fn check_file(path: &std::path::Path) -> Result<(), Failure> {
    let limit = u64::try_from(MAX_CERTIFICATE_FILE_LEN).unwrap_or(u64::MAX);
    let refuse = |reason: String| {
        let text = format!(
            "{} in the trust store is not a certificate file: {reason}",
            path.display()
        );
        Failure::new(FailureKind::Policy, text)
            .hint("Move it out of the trust store: verification refuses the whole store")
    };
    let contents =
        durable_file::read_regular(path, limit).map_err(|error| refuse(error.to_string()))?;
    parse_certificates(&contents.unwrap_or_default())
        .map(drop)
        .map_err(|error| refuse(chain_of(&error)))
}
