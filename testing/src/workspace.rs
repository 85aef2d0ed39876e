//! The programs of this workspace, for tests that run the program of another package.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// Why a program of the workspace is not there.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// The test does not run from a target directory.
    #[error("{} is not in the `deps` directory of a cargo profile", .0.display())]
    NotInTarget(PathBuf),
    /// A process could not be started, or this program does not know where it is.
    #[error("{action}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// cargo failed.
    #[error("cargo could not build `{0}`")]
    Build(String),
}

/// The path of a program that `package` builds, in the profile that the test was built in. It is built if it is not
/// there; `cargo xtask test` builds all of them before any test, so that none is older than its source.
///
/// # Errors
/// [`ProgramError`].
pub fn program(package: &str, name: &str) -> Result<PathBuf, ProgramError> {
    find_or_build(package, "--bin", name)
}

fn find_or_build(package: &str, kind: &str, name: &str) -> Result<PathBuf, ProgramError> {
    static BUILDING: Mutex<()> = Mutex::new(());
    let test = env::current_exe().map_err(|source| ProgramError::Io {
        action: "finding the test program",
        source,
    })?;
    let profile = test
        .parent()
        .filter(|deps| deps.ends_with("deps"))
        .and_then(Path::parent)
        .ok_or_else(|| ProgramError::NotInTarget(test.clone()))?;
    let path = built(profile, kind, name);
    let _one_at_a_time = BUILDING.lock();
    if !path.is_file() {
        build(package, kind, name, profile)?;
    }
    Ok(path)
}

/// The path of an example of `package`, like [`program`]: for tests of what plugins do that only the examples of the SDK do.
///
/// # Errors
/// [`ProgramError`].
pub fn example(package: &str, name: &str) -> Result<PathBuf, ProgramError> {
    find_or_build(package, "--example", name)
}

fn build(package: &str, kind: &str, name: &str, profile: &Path) -> Result<(), ProgramError> {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--quiet", "--package", package, kind, name]);
    if profile.ends_with("release") {
        command.arg("--release");
    }
    if let Some(target) = profile.parent() {
        command.arg("--target-dir").arg(target);
    }
    let status = command.status().map_err(|source| ProgramError::Io {
        action: "starting cargo",
        source,
    })?;
    if !status.success() || !built(profile, kind, name).is_file() {
        return Err(ProgramError::Build(name.to_owned()));
    }
    Ok(())
}

/// Where cargo puts it.
fn built(profile: &Path, kind: &str, name: &str) -> PathBuf {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    if kind == "--example" {
        return profile.join("examples").join(file);
    }
    profile.join(file)
}
