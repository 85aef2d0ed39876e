//! A SoftHSM2 token of one's own: a PKCS#11 token in software, in a temporary directory.
//!
//! SoftHSM2 reads the path of its configuration from the environment of the process that loads the
//! module, so a token here is something that *child processes* use: they get [`SoftHsm::env`]. The
//! test's own process never loads the module, and any number of tokens can live side by side.
//!
//! Keys come in by `softhsm2-util --import`, SoftHSM's own tool. On the token they are sensitive and
//! cannot be extracted; the test keeps the original and so knows the public key, can issue a
//! certificate for it and can check a signature without asking the code under test.
//!
//! ```no_run
//! # fn main() -> Result<(), apostille_testing::SoftHsmError> {
//! let token = apostille_testing::SoftHsm::start()?;
//! token.import_key("EC-256", "release", &[1])?;
//! let listing = std::process::Command::new("softhsm2-util")
//!     .arg("--show-slots")
//!     .envs(token.env())
//!     .output();
//! # Ok(())
//! # }
//! ```

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rcgen::{KeyPair, RsaKeySize};
use tempfile::TempDir;

use crate::tools::{ToolMissing, find_tool};

/// The variable that names SoftHSM2's module where none of [`MODULE_PATHS`] has it.
pub const MODULE_VARIABLE: &str = "SOFTHSM2_MODULE";

/// Where the systems that package SoftHSM2 put its module, in the order in which it is looked for.
pub const MODULE_PATHS: &[&str] = &[
    "/usr/lib/softhsm/libsofthsm2.so", // Debian, Ubuntu
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so", // Debian multi-arch
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",      // Fedora, RHEL
    "/usr/lib64/softhsm/libsofthsm2.so",     // openSUSE
    "/usr/lib/pkcs11/libsofthsm2.so",        // Arch
    "/usr/lib/libsofthsm2.so",               // Alpine
    "/usr/local/lib/softhsm/libsofthsm2.so", // built from source, Homebrew on Intel
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
];

const SECURITY_OFFICER_PIN: &str = "so-pin-5678";
const USER_PIN: &str = "user-pin-1234";

/// Why a token could not be set up. Tests fail with it: the test set-up installs SoftHSM2.
#[derive(Debug, thiserror::Error)]
pub enum SoftHsmError {
    /// The module is in none of the known places.
    #[error(
        "SoftHSM2's module was not found: install it (Debian, Ubuntu: `apt-get install softhsm2`; Fedora: `dnf install \
         softhsm`; macOS: `brew install softhsm`), or set {MODULE_VARIABLE} to the path of libsofthsm2.so"
    )]
    ModuleMissing,
    /// `softhsm2-util`, which comes with the module, is not there.
    #[error(
        "SoftHSM2's tool is missing: install the package `softhsm2` (Fedora, macOS: `softhsm`)"
    )]
    UtilityMissing(#[from] ToolMissing),
    /// A file or a process of the set-up failed.
    #[error("{action}")]
    Io {
        /// What was being done.
        action: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// `softhsm2-util` refused.
    #[error("softhsm2-util {action} failed: {output}")]
    Utility {
        /// The action, without its PINs.
        action: String,
        /// What it printed.
        output: String,
    },
    /// A key that is not one of the specification's six.
    #[error("`{0}` is none of RSA-2048, RSA-3072, RSA-4096, EC-256, EC-384, EC-521")]
    KeySpec(String),
    /// The key could not be made.
    #[error("the key could not be generated")]
    Key(#[from] rcgen::Error),
}

/// A SoftHSM2 installation with one initialised token, gone when it is dropped.
#[derive(Debug)]
pub struct SoftHsm {
    directory: TempDir,
    module: PathBuf,
    utility: PathBuf,
    label: String,
}

/// A key that lives on a token, with the copy that the test made it from.
#[derive(Debug)]
pub struct TokenKey {
    /// `CKA_LABEL`.
    pub label: String,
    /// `CKA_ID`.
    pub id: Vec<u8>,
    /// The same key outside the token: it tells the public key, and lets a test certify it.
    pub key_pair: KeyPair,
}

impl SoftHsm {
    /// A fresh token called `apostille-test`.
    ///
    /// # Errors
    /// [`SoftHsmError`], with the command that installs SoftHSM2 if that is what is missing.
    pub fn start() -> Result<Self, SoftHsmError> {
        Self::with_label("apostille-test")
    }

    /// A fresh token with a label of the caller's choice (at most 32 bytes).
    ///
    /// # Errors
    /// As [`SoftHsm::start`].
    pub fn with_label(label: &str) -> Result<Self, SoftHsmError> {
        let token = Self::uninitialised(label)?;
        token.add_token(label)?;
        Ok(token)
    }

    /// A SoftHSM2 whose only slot holds a token that nobody has initialised.
    ///
    /// # Errors
    /// As [`SoftHsm::start`].
    pub fn uninitialised(label: &str) -> Result<Self, SoftHsmError> {
        let module = module_path()?;
        let utility = find_tool("softhsm2-util")?;
        let directory = tempfile::Builder::new()
            .prefix("softhsm")
            .tempdir()
            .map_err(|source| io("making a directory for the token", source))?;
        let hsm = Self {
            directory,
            module,
            utility,
            label: label.to_owned(),
        };
        hsm.write_files()?;
        Ok(hsm)
    }

    fn write_files(&self) -> Result<(), SoftHsmError> {
        let tokens = self.directory().join("tokens");
        fs::create_dir(&tokens).map_err(|source| io("making the token directory", source))?;
        let configuration = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n",
            tokens.display()
        );
        fs::write(self.conf_path(), configuration)
            .map_err(|source| io("writing SoftHSM2's configuration", source))?;
        write_secret(&self.pin_file(), USER_PIN)
    }

    /// Adds a line to SoftHSM2's configuration, such as `slots.mechanisms = CKM_RSA_X_509`, which leaves
    /// one mechanism.
    ///
    /// # Errors
    /// [`SoftHsmError::Io`] if the file cannot be written.
    pub fn configure(&self, line: &str) -> Result<(), SoftHsmError> {
        fs::OpenOptions::new()
            .append(true)
            .open(self.conf_path())
            .and_then(|mut file| writeln!(file, "{line}"))
            .map_err(|source| io("changing SoftHSM2's configuration", source))
    }

    /// Initialises one more token beside the first. Two tokens may carry the same label.
    ///
    /// # Errors
    /// [`SoftHsmError::Utility`] if SoftHSM2 refuses, say for a label that is too long.
    pub fn add_token(&self, label: &str) -> Result<(), SoftHsmError> {
        self.utility(
            "--init-token",
            &[
                "--free",
                "--label",
                label,
                "--so-pin",
                SECURITY_OFFICER_PIN,
                "--pin",
                USER_PIN,
            ],
        )
    }

    /// Puts a key pair onto the first token: `key_spec` is a name of the specification (`EC-256`,
    /// `RSA-3072`, …), `id` its `CKA_ID`.
    ///
    /// # Errors
    /// [`SoftHsmError`] if the name is not one of the six or SoftHSM2 refuses the key.
    pub fn import_key(
        &self,
        key_spec: &str,
        label: &str,
        id: &[u8],
    ) -> Result<TokenKey, SoftHsmError> {
        let key_pair = generate(key_spec)?;
        self.import_key_pair(&key_pair, label, id)?;
        Ok(TokenKey {
            label: label.to_owned(),
            id: id.to_vec(),
            key_pair,
        })
    }

    /// Puts a key pair that the caller has onto the first token.
    ///
    /// # Errors
    /// [`SoftHsmError`] if SoftHSM2 refuses the key.
    pub fn import_key_pair(
        &self,
        key_pair: &KeyPair,
        label: &str,
        id: &[u8],
    ) -> Result<(), SoftHsmError> {
        let file = self.directory().join("import.pem");
        write_secret(&file, &key_pair.serialize_pem())?;
        let path = file.to_string_lossy();
        let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        let token = self.label.as_str();
        let imported = self.utility(
            "--import",
            &[
                &path, "--token", token, "--label", label, "--id", &id, "--pin", USER_PIN,
                "--force",
            ],
        );
        fs::remove_file(&file).map_err(|source| io("removing the imported key", source))?;
        imported
    }

    /// What a child process needs in its environment to meet this token and no other.
    #[must_use]
    pub fn env(&self) -> Vec<(OsString, OsString)> {
        vec![("SOFTHSM2_CONF".into(), self.conf_path().into_os_string())]
    }

    /// The directory that holds everything of this token; tests may put files of their own there.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// SoftHSM2's configuration file.
    #[must_use]
    pub fn conf_path(&self) -> PathBuf {
        self.directory().join("softhsm2.conf")
    }

    /// The PKCS#11 module.
    #[must_use]
    pub fn module(&self) -> &Path {
        &self.module
    }

    /// The label of the first token.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The user's PIN.
    #[must_use]
    pub fn pin(&self) -> &'static str {
        USER_PIN
    }

    /// The security officer's PIN.
    #[must_use]
    pub fn security_officer_pin(&self) -> &'static str {
        SECURITY_OFFICER_PIN
    }

    /// A file with the user's PIN that only its owner can read.
    #[must_use]
    pub fn pin_file(&self) -> PathBuf {
        self.directory().join("pin")
    }

    fn utility(&self, action: &str, arguments: &[&str]) -> Result<(), SoftHsmError> {
        let output = Command::new(&self.utility)
            .arg(action)
            .args(arguments)
            .arg("--module")
            .arg(&self.module)
            .envs(self.env())
            .stdin(Stdio::null())
            .output()
            .map_err(|source| io("running softhsm2-util", source))?;
        if output.status.success() {
            return Ok(());
        }
        Err(SoftHsmError::Utility {
            action: action.to_owned(),
            output: format!(
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            ),
        })
    }
}

/// Finds SoftHSM2's module: `$SOFTHSM2_MODULE`, else the first of [`MODULE_PATHS`] that exists.
///
/// # Errors
/// [`SoftHsmError::ModuleMissing`], with the commands that install it.
pub fn module_path() -> Result<PathBuf, SoftHsmError> {
    env::var_os(MODULE_VARIABLE)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
        .into_iter()
        .chain(MODULE_PATHS.iter().map(PathBuf::from))
        .find(|path| path.is_file())
        .ok_or(SoftHsmError::ModuleMissing)
}

/// Makes a key pair outside any token. RSA takes up to some seconds for 4096 bits.
fn generate(key_spec: &str) -> Result<KeyPair, SoftHsmError> {
    let rsa = |algorithm, size| KeyPair::generate_rsa_for(algorithm, size);
    let pair = match key_spec {
        "RSA-2048" => rsa(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048),
        "RSA-3072" => rsa(&rcgen::PKCS_RSA_SHA384, RsaKeySize::_3072),
        "RSA-4096" => rsa(&rcgen::PKCS_RSA_SHA512, RsaKeySize::_4096),
        "EC-256" => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256),
        "EC-384" => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384),
        "EC-521" => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512),
        other => return Err(SoftHsmError::KeySpec(other.to_owned())),
    };
    Ok(pair?)
}

/// Writes a file that only its owner can read.
fn write_secret(path: &Path, content: &str) -> Result<(), SoftHsmError> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
        .open(path)
        .and_then(|mut file| file.write_all(content.as_bytes()))
        .map_err(|source| io("writing a secret", source))
}

fn io(action: &str, source: std::io::Error) -> SoftHsmError {
    SoftHsmError::Io {
        action: action.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(token: &SoftHsm) -> String {
        let output = Command::new("softhsm2-util")
            .arg("--show-slots")
            .envs(token.env())
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn two_tokens_at_once_do_not_see_each_other() {
        let first = SoftHsm::with_label("first").unwrap();
        let second = SoftHsm::with_label("second").unwrap();
        assert!(slots(&first).contains("first") && !slots(&first).contains("second"));
        assert!(slots(&second).contains("second") && !slots(&second).contains("first"));
    }

    #[test]
    fn keys_of_all_six_specifications_are_accepted() {
        let token = SoftHsm::start().unwrap();
        for (number, spec) in [
            "EC-256", "EC-384", "EC-521", "RSA-2048", "RSA-3072", "RSA-4096",
        ]
        .iter()
        .enumerate()
        {
            let id = u8::try_from(number).unwrap();
            token.import_key(spec, spec, &[id]).unwrap();
        }
        assert!(matches!(
            token.import_key("EC-192", "other", &[9]),
            Err(SoftHsmError::KeySpec(_))
        ));
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_can_read_the_pin_file() {
        use std::os::unix::fs::PermissionsExt as _;
        let token = SoftHsm::start().unwrap();
        let mode = fs::metadata(token.pin_file()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn the_error_for_an_absent_module_says_how_to_install_it() {
        assert!(
            SoftHsmError::ModuleMissing
                .to_string()
                .contains("apt-get install softhsm2")
        );
    }
}
