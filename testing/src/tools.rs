//! Where the programs that tests start are found.
//!
//! `cargo xtask servers install` puts what no package manager brings into one directory per user,
//! so that several checkouts share it and nothing is written outside it.

use std::env;
use std::path::{Path, PathBuf};

/// The variable that moves the directory of installed tools.
pub const TOOLS_DIRECTORY_VARIABLE: &str = "APOSTILLE_TOOLS";

/// A program or module that a test needs and that is not on this machine.
#[derive(Debug, thiserror::Error)]
#[error("`{name}` is neither in {} nor where the system has its own: run `cargo xtask servers install --yes`", .directory.display())]
pub struct ToolMissing {
    name: String,
    directory: PathBuf,
}

/// The directory in which `cargo xtask servers install` keeps its programs: `$APOSTILLE_TOOLS`, else
/// `$XDG_CACHE_HOME/apostille/tools`, else `~/.cache/apostille/tools`.
#[must_use]
pub fn tools_directory() -> PathBuf {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    if let Some(directory) = set(TOOLS_DIRECTORY_VARIABLE) {
        return PathBuf::from(directory);
    }
    let cache = set("XDG_CACHE_HOME").map_or_else(
        || PathBuf::from(set("HOME").unwrap_or_default()).join(".cache"),
        PathBuf::from,
    );
    cache.join("apostille").join("tools")
}

/// Finds a program: first `{tools}/bin/{name}`, then each directory of the `PATH`.
///
/// # Errors
/// [`ToolMissing`], which says how to install it.
pub fn find_tool(name: &str) -> Result<PathBuf, ToolMissing> {
    let directory = tools_directory().join("bin");
    let path = env::var_os("PATH").unwrap_or_default();
    std::iter::once(directory.clone())
        .chain(env::split_paths(&path))
        .map(|folder| folder.join(name))
        .find(|candidate| is_executable(candidate))
        .ok_or_else(|| ToolMissing {
            name: name.to_owned(),
            directory,
        })
}

/// Finds a PKCS#11 module by its file name: first in `{tools}/lib`, then where systems keep libraries.
///
/// # Errors
/// [`ToolMissing`], which says how to install it.
pub fn find_module(file_name: &str) -> Result<PathBuf, ToolMissing> {
    let directory = tools_directory().join("lib");
    let system = SYSTEM_LIBRARIES.iter().map(PathBuf::from);
    std::iter::once(directory.clone())
        .chain(system)
        .map(|folder| folder.join(file_name))
        .find(|candidate| candidate.is_file())
        .ok_or_else(|| ToolMissing {
            name: file_name.to_owned(),
            directory,
        })
}

/// The Python that has the libraries of `testing/judges/requirements.txt`.
///
/// # Errors
/// [`ToolMissing`], which says how to install it.
pub fn judges_python() -> Result<PathBuf, ToolMissing> {
    let directory = tools_directory().join("judges/bin");
    let python = directory.join("python");
    if python.is_file() {
        return Ok(python);
    }
    Err(ToolMissing {
        name: "judges/bin/python".to_owned(),
        directory,
    })
}

/// A program that `cargo xtask servers install` puts into a Python environment of its own.
///
/// # Errors
/// [`ToolMissing`], which says how to install it.
pub fn find_python_tool(environment: &str, name: &str) -> Result<PathBuf, ToolMissing> {
    let directory = tools_directory().join(environment).join("bin");
    let program = directory.join(name);
    if is_executable(&program) {
        return Ok(program);
    }
    Err(ToolMissing {
        name: name.to_owned(),
        directory,
    })
}

const SYSTEM_LIBRARIES: &[&str] = &[
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
];

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata()
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_on_the_path_is_found() {
        assert!(find_tool("sh").unwrap().is_file());
    }

    #[test]
    fn a_missing_program_is_named_with_the_command_that_installs_it() {
        let message = find_tool("no-such-program").unwrap_err().to_string();
        assert!(message.contains("no-such-program"));
        assert!(message.contains("cargo xtask servers install"));
    }
}
