//! Why the operating system refuses to run a file, found out from the file itself.
//!
//! The error numbers are few and mislead: a missing interpreter is reported as a missing file.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// How much of a file is looked at: headers and interpreter paths are at the start.
const MAX_HEADER_LEN: u64 = 64 * 1024;

/// Why an executable cannot be started.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Obstacle {
    /// It is a script whose interpreter does not exist.
    MissingInterpreter(String),
    /// It is a binary whose dynamic loader does not exist: built for another C library.
    MissingLoader(String),
    /// It is a binary for another processor.
    OtherProcessor {
        /// What it was built for.
        built_for: String,
        /// What this machine is.
        this_is: &'static str,
    },
    /// It is a binary for another operating system.
    OtherSystem(&'static str),
    /// It is neither a binary nor a script with a `#!` line.
    NotAProgram,
    /// The user may not execute it, or the file system is mounted without execution.
    PermissionDenied,
    /// It disappeared.
    Gone,
    /// Something is still writing to it.
    Busy,
    /// Anything else.
    Other(String),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingInterpreter(path) => {
                write!(f, "it is a script for {path:?}, which is not installed here")
            }
            Self::MissingLoader(path) => write!(
                f,
                "it was built for another C library: its loader {path:?} does not exist here; use a build for this system"
            ),
            Self::OtherProcessor { built_for, this_is } => write!(
                f,
                "it was built for {built_for} processors and this machine is {this_is}; install the build for {this_is}"
            ),
            Self::OtherSystem(system) => write!(f, "it is a program for {system}; install the build for this system"),
            Self::NotAProgram => f.write_str("it is neither a binary nor a script that starts with #!"),
            Self::PermissionDenied => f.write_str(
                "it may not be executed: check its permissions and whether its file system is mounted with noexec",
            ),
            Self::Gone => f.write_str("its executable disappeared"),
            Self::Busy => f.write_str("its executable is being written to: wait for the installation to end"),
            Self::Other(reason) => write!(f, "it could not be started: {reason}"),
        }
    }
}

impl Obstacle {
    /// What is behind the error that starting the file gave.
    pub(crate) fn find(executable: &Path, error: &io::Error) -> Self {
        let header = read_header(executable);
        match error.kind() {
            io::ErrorKind::NotFound => match header.as_deref().map(Kind::of) {
                Ok(Kind::Script(interpreter)) => Self::MissingInterpreter(interpreter),
                Ok(Kind::Elf {
                    loader: Some(loader),
                    ..
                }) => Self::MissingLoader(loader),
                _ => Self::Gone,
            },
            io::ErrorKind::PermissionDenied => Self::PermissionDenied,
            io::ErrorKind::ExecutableFileBusy => Self::Busy,
            _ => match header.as_deref().map(Kind::of) {
                Ok(Kind::Elf { machine, .. }) if machine != Some(std::env::consts::ARCH) => {
                    Self::OtherProcessor {
                        built_for: machine.unwrap_or("other").to_owned(),
                        this_is: std::env::consts::ARCH,
                    }
                }
                Ok(Kind::MachO) => Self::OtherSystem("macOS"),
                Ok(Kind::Pe) => Self::OtherSystem("Windows"),
                Ok(Kind::Unknown) => Self::NotAProgram,
                _ => Self::Other(error.to_string()),
            },
        }
    }
}

fn read_header(executable: &Path) -> io::Result<Vec<u8>> {
    let mut header = Vec::new();
    File::open(executable)?
        .take(MAX_HEADER_LEN)
        .read_to_end(&mut header)?;
    Ok(header)
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Script(String),
    Elf {
        machine: Option<&'static str>,
        loader: Option<String>,
    },
    MachO,
    Pe,
    Unknown,
}

impl Kind {
    fn of(header: &[u8]) -> Self {
        match header {
            [b'#', b'!', line @ ..] => Self::Script(interpreter(line)),
            [0x7f, b'E', b'L', b'F', ..] => Self::Elf {
                machine: elf_machine(header),
                loader: elf_loader(header),
            },
            [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] | [0xca, 0xfe, 0xba, 0xbe, ..] => Self::MachO,
            [b'M', b'Z', ..] => Self::Pe,
            _ => Self::Unknown,
        }
    }
}

/// The path after `#!`.
fn interpreter(line: &[u8]) -> String {
    let line = line.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    // A carriage return belongs to the path as far as the kernel is concerned, and shows as \r.
    line.trim_start()
        .split([' ', '\t'])
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// A little- or big-endian number of an ELF file, by the file's own mark.
fn elf_number(file: &[u8], offset: usize, len: usize) -> Option<usize> {
    let bytes = file.get(offset..offset.checked_add(len)?)?;
    let fold = |number: u64, byte: &u8| (number << 8) | u64::from(*byte);
    let number = match file.get(5)? {
        1 => bytes.iter().rev().fold(0, fold),
        _ => bytes.iter().fold(0, fold),
    };
    usize::try_from(number).ok()
}

/// The processor in Rust's terms, from `e_machine`.
fn elf_machine(file: &[u8]) -> Option<&'static str> {
    let wide = file.get(4) == Some(&2);
    Some(match elf_number(file, 18, 2)? {
        3 => "x86",
        8 => "mips",
        20 => "powerpc",
        21 => "powerpc64",
        22 => "s390x",
        40 => "arm",
        62 => "x86_64",
        183 => "aarch64",
        243 if wide => "riscv64",
        258 => "loongarch64",
        _ => return None,
    })
}

/// The path of the dynamic loader, from the program header `PT_INTERP`.
fn elf_loader(file: &[u8]) -> Option<String> {
    const PT_INTERP: usize = 3;
    let wide = file.get(4) == Some(&2);
    // Offsets of e_phoff, e_phentsize, e_phnum, and within an entry of p_offset and p_filesz.
    let [table, entry_size, count, offset_in_entry, size_in_entry] = if wide {
        [32, 54, 56, 8, 32]
    } else {
        [28, 42, 44, 4, 16]
    };
    let width = if wide { 8 } else { 4 };
    let table = elf_number(file, table, width)?;
    let entry_size = elf_number(file, entry_size, 2)?;
    let count = elf_number(file, count, 2)?;
    for index in 0..count {
        let entry = table.checked_add(index.checked_mul(entry_size)?)?;
        if elf_number(file, entry, 4)? != PT_INTERP {
            continue;
        }
        let start = elf_number(file, entry.checked_add(offset_in_entry)?, width)?;
        let len = elf_number(file, entry.checked_add(size_in_entry)?, width)?;
        let path = file.get(start..start.checked_add(len)?)?;
        let path = path.split(|&byte| byte == 0).next()?;
        return Some(String::from_utf8_lossy(path).into_owned());
    }
    None
}

/// The library that the dynamic loader did not find, from what it says on standard error before the
/// program starts (glibc, musl and macOS have different words).
pub(crate) fn missing_library(stderr: &str) -> Option<String> {
    let after = |marker: &str| stderr.split_once(marker).map(|(_, rest)| rest.trim());
    let name = |rest: &str| {
        rest.split([':', '\n', ' '])
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    after("error while loading shared libraries:")
        .or_else(|| after("Error loading shared library"))
        .or_else(|| after("Library not loaded:"))
        .map(name)
        .filter(|library| !library.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64"))]
    #[test]
    fn the_processor_and_loader_of_a_real_binary_are_read() {
        let header = read_header(Path::new("/bin/sh")).unwrap();
        let Kind::Elf { machine, loader } = Kind::of(&header) else {
            panic!("/bin/sh is no ELF file");
        };
        assert_eq!(machine, Some("x86_64"));
        assert_eq!(loader.as_deref(), Some("/lib64/ld-linux-x86-64.so.2"));
    }

    #[test]
    fn headers_that_are_cut_or_lie_are_survived() {
        let mut header = read_header(Path::new("/bin/sh")).unwrap();
        header.truncate(4096);
        for len in 0..header.len().min(512) {
            Kind::of(&header[..len]);
        }
        header[32..40].fill(0xff);
        assert!(matches!(Kind::of(&header), Kind::Elf { loader: None, .. }));
    }

    #[test]
    fn a_script_names_its_interpreter() {
        for (line, path) in [
            (&b"#!/usr/bin/env python3\nx"[..], "/usr/bin/env"),
            (b"#! /bin/sh", "/bin/sh"),
            (b"#!/bin/sh\r\nx", "/bin/sh\r"),
            (b"#!", ""),
        ] {
            assert_eq!(Kind::of(line), Kind::Script(path.to_owned()));
        }
    }

    #[test]
    fn a_missing_library_is_named_whichever_loader_says_so() {
        for text in [
            "./x: error while loading shared libraries: libfoo.so.1: cannot open shared object file: No such file",
            "Error loading shared library libfoo.so.1: No such file or directory (needed by ./x)",
            "dyld[1]: Library not loaded: libfoo.so.1\n  Referenced from: x",
        ] {
            assert_eq!(missing_library(text).as_deref(), Some("libfoo.so.1"));
        }
        assert_eq!(missing_library("library closed"), None);
    }
}
