//! Where the certificates and requests go that a key has just made.

use std::{io::Write, path::Path};

use clap::{Arg, ArgMatches};
use serde_json::Value;

use super::CommandOutput;
use crate::PluginError;

const OUT: &str = "out";

pub(super) fn argument() -> Arg {
    Arg::new(OUT).long(OUT).value_name("FILE").help(
        "Write the PEM to this file instead of standard output; an existing file is not replaced",
    )
}

/// The PEM as output, or, with `--out`, in the file and a line about it as output.
pub(super) fn output(
    arguments: &ArgMatches,
    what: &str,
    pem: &str,
    json: &Value,
) -> Result<CommandOutput, PluginError> {
    let Some(path) = arguments.get_one::<String>(OUT) else {
        return CommandOutput::new(pem, json);
    };
    write_new(Path::new(path), pem).map_err(|error| {
        PluginError::validation(format!("cannot write {what} to {path}: {error}"))
    })?;
    CommandOutput::new(format!("Wrote {what} to {path}."), json)
}

/// Writes a file that does not exist yet, whole or not at all.
fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)
        .map(drop)
        .map_err(|error| error.error)
}
