//! The list of signing keys: files that fit together, and plugins that are there.

use std::path::Path;

use apostille_core::LocalSigner;
use notary_x509::parse_certificates;

use super::Report;
use super::files::others;
use apostille_plugins::PluginDirectory;

use crate::application::Application;
use crate::failure::chain_of;
use crate::signers::{find_plugin, read_key_file};
use crate::signing_keys::{KeySource, SigningKey, SigningKeys};

const AREA: &str = "keys";

pub(super) fn examine(application: &Application<'_>, report: &mut Report) {
    let path = application.directories.signing_keys();
    let keys = match SigningKeys::load(&path) {
        Ok(keys) => keys,
        Err(error) => {
            let advice = "Correct the file, or move it away and add the keys again";
            return report.failure(AREA, chain_of(&error), advice);
        }
    };
    if keys.keys.is_empty() {
        return report.ok(AREA, "no signing key is configured");
    }
    for key in &keys.keys {
        examine_key(application, key, report);
    }
    if keys.default.is_none() {
        let advice = "To make one the default, use `apostille key update --default <key_name>`";
        report.warning(AREA, "no key is the default", advice);
    }
}

fn examine_key(application: &Application<'_>, key: &SigningKey, report: &mut Report) {
    let name = &key.name;
    match key.source() {
        None => report.failure(
            AREA,
            format!("{name} has neither a key pair nor a plugin"),
            "Delete it and add it again",
        ),
        Some(KeySource::Plugin { plugin_name, .. }) => {
            match find_plugin(
                &PluginDirectory::new(application.directories.plugins()),
                &plugin_name,
            ) {
                Ok(_) => report.ok(AREA, format!("{name} is in the plugin {plugin_name}")),
                Err(failure) => report.failure(
                    AREA,
                    format!("{name}: {}", failure.message()),
                    "Install the plugin",
                ),
            }
        }
        Some(KeySource::Local {
            key_path,
            cert_path,
        }) => examine_files(name, &key_path, &cert_path, report),
    }
}

fn examine_files(name: &str, key_path: &Path, cert_path: &Path, report: &mut Report) {
    let files = read_key_file(key_path).and_then(|key| Ok((key, read_key_file(cert_path)?)));
    let (key, certificates) = match files {
        Ok(files) => files,
        Err(failure) => {
            return report.failure(AREA, format!("{name}: {}", failure.message()), "");
        }
    };
    if let Err(error) = LocalSigner::from_files(&key, &certificates) {
        report.failure(AREA, format!("{name}: {}", chain_of(&error)), "");
    }
    if others(key_path, 0o077) {
        let text = format!("{name}: other users have access to {}", key_path.display());
        report.failure(AREA, text, "Take the permission away: chmod 600");
    }
    for certificate in parse_certificates(&certificates).iter().flatten() {
        report.validity(AREA, name, certificate);
    }
}
