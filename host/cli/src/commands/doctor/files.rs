//! The directories, their permissions, and `config.json`.

use std::path::Path;

use super::Report;
use crate::application::Application;
use crate::config_file::ConfigFile;
use crate::failure::chain_of;
use crate::signers::envelope_format;

const AREA: &str = "configuration";

pub(super) fn examine(application: &Application<'_>, report: &mut Report) {
    let directories = &application.directories;
    for (what, path) in [
        ("configuration directory", directories.config().to_owned()),
        ("plugin directory", directories.plugins()),
    ] {
        directory(what, &path, report);
    }
    let path = directories.config_file();
    match ConfigFile::load(&path) {
        Err(error) => report.failure(AREA, chain_of(&error), "Correct the file, or move it away"),
        Ok(config) => {
            for registry in &config.insecure_registries {
                let text = format!("{registry} is used over plain HTTP (insecureRegistries)");
                report.warning(AREA, text, "Use TLS for everything but tests");
            }
            if let Err(failure) = envelope_format(application, None) {
                let advice = "Set signatureFormat in config.json to jws or cose";
                report.failure(AREA, failure.message(), advice);
            }
        }
    }
}

fn directory(what: &str, path: &Path, report: &mut Report) {
    match path.metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            report.ok(
                AREA,
                format!("the {what} {} does not exist yet", path.display()),
            );
        }
        Err(error) => {
            let text = format!("the {what} {} cannot be read: {error}", path.display());
            report.failure(AREA, text, "");
        }
        Ok(found) if !found.is_dir() => {
            let text = format!("the {what} {} is not a directory", path.display());
            report.failure(AREA, text, "Move it away");
        }
        Ok(_) => writable(AREA, what, path, report),
    }
}

/// Whether others than the owner could change what trust rests on.
pub(super) fn writable(area: &'static str, what: &str, path: &Path, report: &mut Report) {
    match others(path, 0o022) {
        true => report.failure(
            area,
            format!("other users may change the {what} {}", path.display()),
            "Take the permission away: chmod go-w",
        ),
        false => report.ok(area, format!("the {what} is {}", path.display())),
    }
}

/// Whether others have any of the permissions `bits`.
#[cfg(unix)]
pub(super) fn others(path: &Path, bits: u32) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata()
        .is_ok_and(|found| found.permissions().mode() & bits != 0)
}

/// Windows has access control lists instead, which are inherited from the user's directory.
#[cfg(not(unix))]
pub(super) fn others(_path: &Path, _bits: u32) -> bool {
    false
}
