//! The two trust policy files as the commands `policy` and `blob policy` manage them.

use std::path::{Path, PathBuf};

use apostille_trust::policy::{
    BLOB_POLICY_FILE, BlobTrustPolicy, MAX_POLICY_SIZE, OciTrustPolicy, PolicyError,
    read_policy_file,
};

use crate::application::Application;
use crate::directories::Directories;
use crate::durable_file;
use crate::failure::{Failure, FailureKind, chain_of};

/// Which of the two policies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PolicyFile {
    /// For artifacts in registries and layouts.
    Oci,
    /// For files.
    Blob,
}

impl PolicyFile {
    /// The word for it in messages.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Oci => "OCI",
            Self::Blob => "blob",
        }
    }

    /// The commands for it, after the program's name.
    #[must_use]
    pub fn command(self) -> &'static str {
        match self {
            Self::Oci => "policy",
            Self::Blob => "blob policy",
        }
    }

    /// Where it is written.
    #[must_use]
    pub fn path(self, directories: &Directories) -> PathBuf {
        match self {
            Self::Oci => directories.oci_trust_policy(),
            Self::Blob => directories.blob_trust_policy(),
        }
    }

    /// The paths where it may be, in the order in which they are looked at.
    #[must_use]
    pub fn candidates(self, directories: &Directories) -> Vec<PathBuf> {
        let mut paths = vec![self.path(directories)];
        if self == Self::Oci {
            paths.push(directories.legacy_trust_policy());
        }
        paths
    }

    /// Checks a document against every rule, and gives the warnings.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn check(self, contents: &[u8], path: &Path) -> Result<Vec<String>, PolicyError> {
        let name = path.display().to_string();
        let warnings: Vec<String> = match self {
            Self::Oci => {
                let policy = OciTrustPolicy::parse(contents, &name)?;
                policy.warnings().iter().map(ToString::to_string).collect()
            }
            Self::Blob => {
                let policy = BlobTrustPolicy::parse(contents, &name)?;
                policy.warnings().iter().map(ToString::to_string).collect()
            }
        };
        Ok(warnings)
    }

    /// The path and contents of the policy that is there.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(
        self,
        directories: &Directories,
    ) -> Result<Option<(PathBuf, Vec<u8>)>, PolicyError> {
        for path in self.candidates(directories) {
            if let Some(contents) = read_policy_file(&path)? {
                return Ok(Some((path, contents)));
            }
        }
        Ok(None)
    }

    /// Whether a policy is there that would be lost by writing another. One that cannot be used is not worth asking
    /// for, which is `notation`'s rule too.
    fn usable(self, directories: &Directories) -> bool {
        match self.read(directories) {
            Ok(Some((path, contents))) => self.check(&contents, &path).is_ok(),
            _ => false,
        }
    }

    /// Writes a checked policy, asking first if it replaces one. `false` if the user said no.
    ///
    /// # Errors
    /// The file cannot be written; the old one is then still there.
    pub fn write(
        self,
        application: &mut Application<'_>,
        contents: &[u8],
        force: bool,
    ) -> Result<Option<PathBuf>, Failure> {
        let word = self.word();
        if self.usable(&application.directories) {
            if force {
                let text =
                    format!("existing {word} trust policy configuration will be overwritten");
                application.console.warn(text);
            } else {
                let question = format!(
                    "The {word} trust policy configuration already exists, do you want to overwrite it?"
                );
                if !application.console.confirm(&question)? {
                    return Ok(None);
                }
            }
        }
        let path = self.path(&application.directories);
        durable_file::replace(&path, contents).map_err(|error| {
            let doing = format!("failed to write the {word} trust policy {}", path.display());
            Failure::because(FailureKind::General, doing, &error)
        })?;
        if self == Self::Oci {
            self.remove_legacy(application)?;
        }
        Ok(Some(path))
    }

    fn remove_legacy(self, application: &mut Application<'_>) -> Result<(), Failure> {
        let legacy = application.directories.legacy_trust_policy();
        match std::fs::remove_file(&legacy) {
            Ok(()) => application
                .console
                .line("Deleted old trust policy configuration trustpolicy.json."),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => {
                let text = format!(
                    "the old trust policy {} is no longer used but could not be deleted: {error}",
                    legacy.display()
                );
                application.console.warn(text);
                Ok(())
            }
        }
    }

    /// Reads a document somewhere, unchecked.
    ///
    /// # Errors
    /// It cannot be read, or is too large.
    pub fn read_document(self, path: &Path) -> Result<Vec<u8>, Failure> {
        let limit = u64::try_from(MAX_POLICY_SIZE).unwrap_or(u64::MAX);
        durable_file::read_limited(path, limit).map_err(|error| {
            let word = self.word();
            let doing = format!(
                "failed to read {word} trust policy configuration {}",
                path.display()
            );
            Failure::because(FailureKind::General, doing, &error)
        })
    }

    /// Reads a document that the user wants to import.
    ///
    /// # Errors
    /// It cannot be read, is too large or breaks a rule.
    pub fn read_import(self, path: &Path) -> Result<(Vec<u8>, Vec<String>), Failure> {
        let contents = self.read_document(path)?;
        let warnings = self
            .check(&contents, path)
            .map_err(|error| Failure::new(FailureKind::Policy, chain_of(&error)))?;
        Ok((contents, warnings))
    }
}

impl From<PolicyError> for Failure {
    fn from(error: PolicyError) -> Self {
        let failure = Self::new(FailureKind::Policy, chain_of(&error));
        match error {
            PolicyError::NotPresent { searched } => {
                let of_blobs = searched.iter().any(|path| path.ends_with(BLOB_POLICY_FILE));
                let commands = if of_blobs {
                    PolicyFile::Blob
                } else {
                    PolicyFile::Oci
                }
                .command();
                failure.hint(format!(
                    "To import one, use `apostille {commands} import <path-to-policy.json>`"
                ))
            }
            PolicyError::NoApplicableStatement { .. } => {
                failure.hint("To see the policy, use `apostille policy show`")
            }
            PolicyError::NoStatementOfThatName { .. } | PolicyError::NoGlobalStatement { .. } => {
                failure.hint("To see the policy, use `apostille blob policy show`")
            }
            _ => failure,
        }
    }
}
