//! `cargo xtask schemas`: the JSON Schemas of the plugin protocol and of trust policies, written from the types
//! that read them.

use crate::process::{TaskError, workspace_root};
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};

/// Options of `cargo xtask schemas`.
#[derive(Args)]
pub(crate) struct Options {
    /// Write nothing, and fail if a file is not what it would be.
    #[arg(long)]
    check: bool,
}

/// Writes the schemas, or checks them.
///
/// # Errors
/// A file that cannot be written, or one that is stale.
pub(crate) fn run(options: &Options) -> Result<(), TaskError> {
    let root = workspace_root();
    if options.check {
        check(&root)
    } else {
        write(&root)
    }
}

/// Every schema with its path below `root`.
fn all(root: &Path) -> Vec<(PathBuf, String)> {
    let messages = root.join("protocol/schemas/1.0");
    let policies = root.join("host/trust/schemas");
    let of_protocol = notary_plugin_protocol::schemas::all()
        .into_iter()
        .map(|schema| (messages.join(schema.file_name), schema.content));
    let of_policies = apostille_trust::policy::schema_files()
        .into_iter()
        .map(|schema| (policies.join(schema.file_name), schema.content));
    of_protocol.chain(of_policies).collect()
}

/// Writes every schema, below the workspace's root.
pub(crate) fn write(root: &Path) -> Result<(), TaskError> {
    for (path, content) in all(root) {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).map_err(TaskError::file(directory))?;
        }
        fs::write(&path, content).map_err(TaskError::file(&path))?;
    }
    Ok(())
}

/// Compares every schema below the workspace's root with what it should be.
pub(crate) fn check(root: &Path) -> Result<(), TaskError> {
    for (path, content) in all(root) {
        if fs::read_to_string(&path).unwrap_or_default() != content {
            return Err(TaskError::Check(format!(
                "{} is stale: run `cargo xtask schemas`",
                path.display()
            )));
        }
    }
    Ok(())
}
