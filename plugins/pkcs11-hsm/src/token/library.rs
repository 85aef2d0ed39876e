//! The module: a shared library of the token's vendor.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error as CryptokiError, RvError};

use super::error::TokenError;
use super::raw::RawFunctions;
use crate::presets;

/// A module that is loaded and initialised. Dropping it calls `C_Finalize`, which ends its sessions.
pub(crate) struct Module {
    path: PathBuf,
    functions: Pkcs11,
    raw: RawFunctions,
}

impl Module {
    /// Loads and initialises the module at `path`.
    ///
    /// `arguments` is the string that a few modules want as reserved argument of `C_Initialize`; NSS
    /// takes its database directory that way.
    ///
    /// # Errors
    /// [`TokenError`] that tells a missing file, another kind of file, another architecture and a module
    /// that refuses apart.
    pub(crate) fn load(path: &Path, arguments: Option<&str>) -> Result<Self, TokenError> {
        check_architecture(path)?;
        let functions = Pkcs11::new(path).map_err(|error| load_error(path, error))?;
        let raw = RawFunctions::load(path)?;
        let module = Self {
            path: path.to_owned(),
            functions,
            raw,
        };
        module.initialise(arguments)?;
        Ok(module)
    }

    /// Finalises and initialises the module, as one has to after it lost its device.
    ///
    /// # Errors
    /// As [`Module::load`].
    pub(crate) fn initialise_again(&self, arguments: Option<&str>) -> Result<(), TokenError> {
        // Whether the module was still initialised does not matter.
        let _ = self.functions.clone().finalize();
        self.initialise(arguments)
    }

    fn initialise(&self, arguments: Option<&str>) -> Result<(), TokenError> {
        self.raw.initialize_with(arguments, |reserved| {
            let plain = CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK);
            match self.functions.initialize(reserved.unwrap_or(plain)) {
                // Another library of this process may have initialised it; then it is ready all the same.
                Ok(()) | Err(CryptokiError::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {
                    Ok(())
                }
                Err(CryptokiError::Pkcs11(rv, _)) => Err(TokenError::Initialize {
                    path: self.path.clone(),
                    rv,
                    hint: initialize_hint(&self.path),
                }),
                Err(other) => Err(TokenError::ModuleLoad {
                    path: self.path.clone(),
                    reason: other.to_string(),
                }),
            }
        })
    }

    /// The functions of the module.
    pub(crate) fn functions(&self) -> &Pkcs11 {
        &self.functions
    }

    /// The few functions that are called without the wrapper.
    pub(crate) fn raw(&self) -> &RawFunctions {
        &self.raw
    }

    /// Where it was loaded from.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        // The answer has been given by now, and a module that cannot finalise takes nothing back.
        let _ = self.functions.clone().finalize();
    }
}

fn load_error(path: &Path, error: CryptokiError) -> TokenError {
    match error {
        CryptokiError::LibraryLoading(reason) => {
            let reason = reason.to_string();
            if reason.contains("C_GetFunctionList") {
                TokenError::NotPkcs11(path.to_owned())
            } else {
                TokenError::ModuleLoad {
                    path: path.to_owned(),
                    reason,
                }
            }
        }
        CryptokiError::MissingSymbol(_) => TokenError::NotPkcs11(path.to_owned()),
        other => TokenError::ModuleLoad {
            path: path.to_owned(),
            reason: other.to_string(),
        },
    }
}

fn initialize_hint(path: &Path) -> &'static str {
    presets::of_file(path).map_or(
        "the module's own configuration or log may tell more",
        |preset| preset.note,
    )
}

/// ELF machine numbers (System V ABI) of the systems that modules are built for.
const ELF_MACHINES: &[(u16, &str)] = &[
    (3, "x86"),
    (21, "powerpc64"),
    (22, "s390x"),
    (40, "arm"),
    (62, "x86_64"),
    (183, "aarch64"),
    (243, "riscv64"),
];

/// Tells a module for another processor and a file that is no library apart before the loader is asked,
/// whose message for both is a riddle.
fn check_architecture(path: &Path) -> Result<(), TokenError> {
    let unreadable = |source| TokenError::ModuleUnreadable {
        path: path.to_owned(),
        source,
    };
    let mut header = Vec::with_capacity(20);
    let file = File::open(path).map_err(unreadable)?;
    file.take(20).read_to_end(&mut header).map_err(unreadable)?;
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let (Some(b"\x7fELF"), Some(&order), Some(&[low, high])) = (
        header.get(..4),
        header.get(5),
        header
            .get(18..20)
            .and_then(|bytes| bytes.first_chunk::<2>()),
    ) else {
        return Err(TokenError::NotALibrary(path.to_owned()));
    };
    let machine = if order == 2 {
        u16::from_be_bytes([low, high])
    } else {
        u16::from_le_bytes([low, high])
    };
    let known = ELF_MACHINES.iter().find(|(number, _)| *number == machine);
    let built_for = known.map_or_else(
        || format!("ELF machine {machine}"),
        |(_, name)| (*name).to_owned(),
    );
    let here = std::env::consts::ARCH;
    let same_word_size = header.get(4)
        == Some(if cfg!(target_pointer_width = "64") {
            &2
        } else {
            &1
        });
    // An architecture that the table lacks is left to the loader.
    let here_known = ELF_MACHINES.iter().any(|(_, name)| *name == here);
    if here_known && (built_for != here || !same_word_size) {
        return Err(TokenError::WrongArchitecture {
            path: path.to_owned(),
            built_for,
            here,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        file
    }

    #[test]
    fn a_module_for_another_processor_is_named_as_such() {
        let mut header = [0_u8; 64];
        header[..6].copy_from_slice(b"\x7fELF\x02\x01");
        let other = if cfg!(target_arch = "s390x") { 62 } else { 22 };
        header[18] = other;
        let error = Module::load(file(&header).path(), None).err().unwrap();
        assert!(
            matches!(error, TokenError::WrongArchitecture { .. }),
            "{error}"
        );
        assert!(
            error.to_string().contains(std::env::consts::ARCH),
            "{error}"
        );
    }

    #[test]
    fn a_file_that_is_no_library_is_named_as_such() {
        for content in [&b""[..], b"\x7fEL", b"#!/bin/sh\nexit 0\n and more text"] {
            let error = Module::load(file(content).path(), None).err().unwrap();
            assert!(matches!(error, TokenError::NotALibrary(_)), "{error}");
        }
        let absent = Module::load(Path::new("/no/such/module.so"), None)
            .err()
            .unwrap();
        assert!(matches!(absent, TokenError::ModuleUnreadable { .. }));
    }
}
