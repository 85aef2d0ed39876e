//! What every command works with.

use crate::console::Console;
use crate::directories::{Directories, Platform};
use crate::environment::Environment;

/// The program in one run: its name, where its files are, and the streams.
#[derive(Debug)]
pub struct Application<'a> {
    /// The name that it was called by.
    pub program: &'static str,
    /// The environment variables.
    pub environment: Environment,
    /// The configuration, plugin and cache directories.
    pub directories: Directories,
    /// The standard streams.
    pub console: Console<'a>,
}

impl<'a> Application<'a> {
    /// Applies the directory rules of this platform.
    #[must_use]
    pub fn new(program: &'static str, environment: Environment, console: Console<'a>) -> Self {
        let directories = Directories::new(&environment, Platform::current());
        Self {
            program,
            environment,
            directories,
            console,
        }
    }
}
