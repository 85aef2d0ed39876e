//! `apostille`, the program. See the library of this crate.

#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use apostille_cli::console::Console;
use apostille_cli::environment::Environment;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let (mut input, mut out, mut err) = (io::stdin().lock(), io::stdout().lock(), io::stderr());
    let console = Console::new(&mut input, &mut out, &mut err);
    ExitCode::from(apostille_cli::run(
        &arguments,
        Environment::of_process(),
        console,
    ))
}
