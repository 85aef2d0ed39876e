//! `cargo xtask schemas`: the JSON Schemas of the plugin protocol, written from its types.

use crate::process::{TaskError, workspace_root};
use clap::Args;
use notary_plugin_protocol::schemas::all;
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

fn directory(root: &Path) -> PathBuf {
    root.join("protocol/schemas/1.0")
}

/// Writes every schema, below the workspace's root.
pub(crate) fn write(root: &Path) -> Result<(), TaskError> {
    let directory = directory(root);
    fs::create_dir_all(&directory).map_err(TaskError::file(&directory))?;
    for schema in all() {
        let path = directory.join(schema.file_name);
        fs::write(&path, schema.content).map_err(TaskError::file(&path))?;
    }
    Ok(())
}

/// Compares every schema below the workspace's root with what it should be.
pub(crate) fn check(root: &Path) -> Result<(), TaskError> {
    for schema in all() {
        let path = directory(root).join(schema.file_name);
        if fs::read_to_string(&path).unwrap_or_default() != schema.content {
            return Err(TaskError::Check(format!(
                "{} is stale: run `cargo xtask schemas`",
                path.display()
            )));
        }
    }
    Ok(())
}
