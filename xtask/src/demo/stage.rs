//! The temporary home that the demo plays in: configuration, token, and the programs just built.

use crate::process::{TaskError, shown};
use apostille_testing::SoftHsm;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

/// A configuration directory, a token and an environment of their own.
pub(super) struct Stage {
    home: tempfile::TempDir,
    programs: PathBuf,
    token: SoftHsm,
    environment: Vec<(OsString, OsString)>,
}

impl Stage {
    pub(super) fn new() -> Result<Self, TaskError> {
        let home = tempfile::Builder::new()
            .prefix("apostille-demo-")
            .tempdir()
            .map_err(TaskError::file(&std::env::temp_dir()))?;
        let token =
            SoftHsm::with_label("demo").map_err(|error| TaskError::Check(error.to_string()))?;
        let mut environment: Vec<(OsString, OsString)> = token.env();
        environment.push(("NOTATION_PKCS11_MODULE".into(), token.module().into()));
        environment.push(("NOTATION_PKCS11_PIN_FILE".into(), token.pin_file().into()));
        environment.push(("NOTATION_CONFIG".into(), home.path().join("config").into()));
        environment.push(("NOTATION_CACHE".into(), home.path().join("cache").into()));
        let stage = Self {
            programs: programs_directory()?,
            token,
            home,
            environment,
        };
        println!("\nWorking in {}, with:", stage.home.path().display());
        for (name, value) in &stage.environment {
            println!(
                "  export {}={}",
                name.to_string_lossy(),
                value.to_string_lossy()
            );
        }
        Ok(stage)
    }

    /// The key of the demo as an RFC 7512 URI: which token and which key.
    pub(super) fn key_id(&self) -> String {
        format!("pkcs11:token={};object=release", self.token.label())
    }

    pub(super) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(super) fn chapter(&self, title: &str) {
        println!("\n== {title} ==");
    }

    pub(super) fn say(&self, text: &str) {
        println!("# {text}");
    }

    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), TaskError> {
        let path = self.home().join(name);
        std::fs::write(&path, text).map_err(TaskError::file(&path))?;
        println!("$ cat {name}\n{text}");
        Ok(())
    }

    /// Puts a plugin that was just built where hosts look for it.
    pub(super) fn install_plugin(&self, name: &str) -> Result<(), TaskError> {
        let file = format!("notation-{name}");
        let directory = self.home().join("config/plugins").join(name);
        std::fs::create_dir_all(&directory).map_err(TaskError::file(&directory))?;
        println!("$ install -D {file} $NOTATION_CONFIG/plugins/{name}/{file}");
        let from = self.programs.join(&file);
        std::fs::copy(&from, directory.join(&file)).map_err(TaskError::file(&from))?;
        Ok(())
    }

    /// Shows and runs a command that must succeed.
    pub(super) fn step(
        &self,
        program: &str,
        arguments: &[impl AsRef<str>],
    ) -> Result<(), TaskError> {
        let (command, status) = self.play(program, arguments)?;
        if status.success() {
            Ok(())
        } else {
            Err(TaskError::Failed { command, status })
        }
    }

    /// Shows and runs a command that must say no.
    pub(super) fn step_that_must_fail(
        &self,
        program: &str,
        arguments: &[impl AsRef<str>],
    ) -> Result<(), TaskError> {
        let (command, status) = self.play(program, arguments)?;
        if status.success() {
            return Err(TaskError::Check(format!(
                "`{command}` accepted a tampered image"
            )));
        }
        println!("# refused, as it must be ({status})");
        Ok(())
    }

    fn play(
        &self,
        program: &str,
        arguments: &[impl AsRef<str>],
    ) -> Result<(String, ExitStatus), TaskError> {
        let mut typed = Command::new(program);
        typed.args(arguments.iter().map(AsRef::as_ref));
        let line = shown(&typed);
        println!("\n$ {line}");
        let status = Command::new(self.programs.join(program))
            .args(arguments.iter().map(AsRef::as_ref))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.home())
            .status()
            .map_err(|source| TaskError::Start {
                command: line.clone(),
                source,
            })?;
        Ok((line, status))
    }

    /// Leaves the home and the token behind, and says where they are.
    pub(super) fn keep(self) {
        println!(
            "\nKept {} and the token in {}",
            self.home.path().display(),
            self.token.directory().display()
        );
        // Both are removed when they are dropped; now they are the user's to remove.
        std::mem::forget(self);
    }
}

/// Where cargo put this program, and the others beside it.
fn programs_directory() -> Result<PathBuf, TaskError> {
    let this = std::env::current_exe().map_err(TaskError::file(Path::new("cargo xtask")))?;
    Ok(this.parent().unwrap_or(Path::new(".")).to_owned())
}
