//! The stage that the demo plays on: each command is shown, and then run for real.

use crate::home::{Home, programs_directory};
use crate::process::{TaskError, shown};
use std::path::Path;
use std::process::{Command, ExitStatus};

/// A home of its own, in which everything is printed before it is done.
pub(super) struct Stage {
    home: Home,
}

impl Stage {
    pub(super) fn new() -> Result<Self, TaskError> {
        let home = Home::new(programs_directory()?)?;
        println!("\nWorking in {}, with:", home.path().display());
        for (name, value) in home.environment() {
            println!(
                "  export {}={}",
                name.to_string_lossy(),
                value.to_string_lossy()
            );
        }
        Ok(Self { home })
    }

    pub(super) fn key_id(&self) -> String {
        self.home.key_id()
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
        self.home.write(name, text)?;
        println!("\n$ cat {name}\n{text}");
        Ok(())
    }

    pub(super) fn install_plugin(&self, name: &str) -> Result<(), TaskError> {
        println!("$ install -D notation-{name} $NOTATION_CONFIG/plugins/{name}/notation-{name}");
        self.home.install_plugin(name)
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
        let status = self
            .home
            .command(program, arguments)
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
            self.home.token_directory().display()
        );
        // Both are removed when they are dropped; now they are the user's to remove.
        std::mem::forget(self);
    }
}
