//! A temporary home for playing and measuring: a configuration directory, a token, and the programs
//! that were just built.

use crate::process::TaskError;
use apostille_testing::SoftHsm;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A configuration directory, a token and an environment of their own; removed when dropped.
pub(crate) struct Home {
    directory: tempfile::TempDir,
    programs: PathBuf,
    token: SoftHsm,
    environment: Vec<(OsString, OsString)>,
}

impl Home {
    /// Makes the home. `programs` is where `apostille` and the plugins were built.
    pub(crate) fn new(programs: PathBuf) -> Result<Self, TaskError> {
        let directory = tempfile::Builder::new()
            .prefix("apostille-home-")
            .tempdir()
            .map_err(TaskError::file(&std::env::temp_dir()))?;
        let token =
            SoftHsm::with_label("demo").map_err(|error| TaskError::Check(error.to_string()))?;
        let mut environment = token.env();
        environment.extend([
            ("NOTATION_PKCS11_MODULE".into(), token.module().into()),
            ("NOTATION_PKCS11_PIN_FILE".into(), token.pin_file().into()),
            (
                "NOTATION_CONFIG".into(),
                directory.path().join("config").into(),
            ),
            (
                "NOTATION_CACHE".into(),
                directory.path().join("cache").into(),
            ),
        ]);
        Ok(Self {
            directory,
            programs,
            token,
            environment,
        })
    }

    /// The key `release` of the token as an RFC 7512 URI.
    pub(crate) fn key_id(&self) -> String {
        format!("pkcs11:token={};object=release", self.token.label())
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn token_directory(&self) -> &Path {
        self.token.directory()
    }

    pub(crate) fn environment(&self) -> &[(OsString, OsString)] {
        &self.environment
    }

    /// A program that was just built, to run in this home.
    pub(crate) fn command(&self, program: &str, arguments: &[impl AsRef<str>]) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command
            .args(arguments.iter().map(AsRef::as_ref))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.path());
        command
    }

    /// Puts a plugin that was just built where hosts look for it.
    pub(crate) fn install_plugin(&self, name: &str) -> Result<(), TaskError> {
        let file = format!("notation-{name}");
        let directory = self.path().join("config/plugins").join(name);
        std::fs::create_dir_all(&directory).map_err(TaskError::file(&directory))?;
        let from = self.programs.join(&file);
        std::fs::copy(&from, directory.join(&file)).map_err(TaskError::file(&from))?;
        Ok(())
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> Result<(), TaskError> {
        let path = self.path().join(name);
        std::fs::write(&path, text).map_err(TaskError::file(&path))
    }
}

/// The strict trust policy with one statement: this scope, this trust store, this identity.
pub(crate) fn strict_policy(scope: &str, store: &str, identity: &str) -> String {
    format!(
        r#"{{
    "version": "1.0",
    "trustPolicies": [
        {{
            "name": "demo",
            "registryScopes": [ "{scope}" ],
            "signatureVerification": {{ "level": "strict" }},
            "trustStores": [ "ca:{store}" ],
            "trustedIdentities": [ "{identity}" ]
        }}
    ]
}}
"#
    )
}

/// Where cargo put this program, and the others of the same profile beside it.
pub(crate) fn programs_directory() -> Result<PathBuf, TaskError> {
    let this = std::env::current_exe().map_err(TaskError::file(Path::new("cargo xtask")))?;
    Ok(this.parent().unwrap_or(Path::new(".")).to_owned())
}

/// Where cargo puts programs of the release profile.
pub(crate) fn release_directory() -> Result<PathBuf, TaskError> {
    programs_directory()?
        .parent()
        .map(|target| target.join("release"))
        .ok_or_else(|| TaskError::Check("cargo's target directory was not found".to_owned()))
}
