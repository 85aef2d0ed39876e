//! `plugin install`

use std::path::{Path, PathBuf};

use apostille_core::download_plugin;
use apostille_plugins::{InstallationError, Installed};
use clap::Args;

use crate::application::Application;
use crate::failure::{Failure, FailureKind};
use crate::flags::{LoggingFlags, OutputFlag};
use crate::{plugin_access, revocation_access, runtime, usage};

/// Install a plugin: an executable "notation-{name}", or a .zip or .tar.gz with one in it
#[derive(Args, Debug)]
pub struct Install {
    #[command(flatten)]
    logging: LoggingFlags,
    /// The source is a file
    #[arg(long)]
    file: bool,
    /// The source is an HTTPS URL; with --sha256sum
    #[arg(long)]
    url: bool,
    /// SHA-256 that the source must have, in hex; needed with --url
    #[arg(long, value_name = "string", allow_hyphen_values = true)]
    sha256sum: Option<String>,
    /// Install even if the same or a newer version is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    output: OutputFlag,
    #[arg(value_name = "plugin_source")]
    arguments: Vec<String>,
}

impl Install {
    pub(super) fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        application.console.show_debug(self.logging.debug);
        let source = self.source()?;
        let json = self.output.is_json()?;
        let plugins = plugin_access::directory(application)?;
        let proxies = application.environment.proxies.clone();
        if self.url && !json && source.starts_with("https://") {
            let text = format!("Downloading plugin from {source}");
            application.console.line(text)?;
        }
        let installed = runtime::block_on(async {
            // Removed, with what is in it, when the command ends or is interrupted.
            let downloads = tempfile::Builder::new()
                .prefix("apostille-download-")
                .tempdir()
                .map_err(|error| {
                    let doing = "no temporary directory can be made";
                    Failure::because(FailureKind::General, doing, &error)
                })?;
            let package = if self.url {
                let agent = revocation_access::USER_AGENT;
                let downloaded = download_plugin(source, downloads.path(), agent, &proxies).await;
                downloaded.map_err(|error| {
                    let doing = "failed to download plugin from URL";
                    Failure::because(FailureKind::General, doing, &error)
                })?
            } else {
                PathBuf::from(source)
            };
            plugins
                .install(Path::new(&package), self.checksum(), self.force)
                .await
                .map_err(|error| failed(&error))
        })?;
        if json {
            return application.console.json(&document(&installed));
        }
        application.console.line(sentence(&installed))
    }

    /// The rules between flags and arguments, in the order of `notation`.
    fn source(&self) -> Result<&str, Failure> {
        let source = match self.arguments.as_slice() {
            [] => {
                return Err(Failure::usage(match (self.file, self.url) {
                    (true, _) => "missing plugin file path",
                    (_, true) => "missing plugin URL",
                    _ => "missing plugin source location",
                }));
            }
            [source] => source,
            several => {
                return Err(Failure::usage(format!(
                    "can only install one plugin at a time, but got [{}]",
                    several.join(" ")
                )));
            }
        };
        let group = [("file", self.file), ("url", self.url)];
        usage::at_most_one(&group)?;
        usage::at_least_one(&group)?;
        if self.url && self.checksum().is_none() {
            return Err(Failure::usage(
                "installing from URL requires non-empty SHA256 checksum of the plugin source",
            )
            .hint("Give what its publisher states, with --sha256sum."));
        }
        Ok(source)
    }

    fn checksum(&self) -> Option<&str> {
        self.sha256sum.as_deref().filter(|sum| !sum.is_empty())
    }
}

fn failed(error: &InstallationError) -> Failure {
    let kind = match error {
        InstallationError::NewPlugin(_) => FailureKind::Signer,
        _ => FailureKind::General,
    };
    Failure::because(kind, "plugin installation failed", error)
}

fn sentence(installed: &Installed) -> String {
    let metadata = &installed.metadata;
    match &installed.replaced {
        Some(old) => format!(
            "Successfully updated plugin {} from version {old} to {}",
            metadata.name, metadata.version
        ),
        None => format!(
            "Successfully installed plugin {}, version {}",
            metadata.name, metadata.version
        ),
    }
}

fn document(installed: &Installed) -> serde_json::Value {
    let mut document = serde_json::json!({
        "name": installed.metadata.name.to_string(),
        "version": installed.metadata.version,
    });
    if let (Some(old), Some(members)) = (&installed.replaced, document.as_object_mut()) {
        members.insert("replacedVersion".to_owned(), old.clone().into());
    }
    document
}
