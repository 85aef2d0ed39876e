//! Putting a plugin where hosts look for it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use fs4::FileExt;
use notary_plugin_protocol::{PluginConfig, PluginMetadata, PluginName};
use semver::Version;

use crate::directory::{DiscoveryError, PluginDirectory};
use crate::error::PluginProcessError;
use crate::executable::PluginExecutable;
use crate::options::RunOptions;
use crate::package::{PackageError, unpack};
use crate::recorded_digest;

/// Held while a plugin is exchanged. Its name starts with a dot, so that no host takes it for a plugin.
const LOCK: &str = ".install.lock";

/// A plugin that was installed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Installed {
    /// What it says about itself.
    pub metadata: PluginMetadata,
    /// The version that it replaced, if there was one that worked.
    pub replaced: Option<String>,
}

/// Why a plugin was not installed. Whatever was there before is still there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallationError {
    /// The package is no package.
    #[error("{}: {source}", package.display())]
    Package {
        /// The file.
        package: PathBuf,
        /// What is wrong with it.
        source: PackageError,
    },
    /// The package is not the one that was expected.
    #[error("plugin SHA-256 checksum does not match user input. Expecting {expected}, and {} has {found}", package.display())]
    Checksum {
        /// The file.
        package: PathBuf,
        /// What the user gave.
        expected: String,
        /// What it is, in hex.
        found: String,
    },
    /// The new plugin does not answer as a plugin does.
    #[error("failed to get metadata of new plugin: {0}")]
    NewPlugin(#[source] PluginProcessError),
    /// The plugin that is there does not answer, so that versions cannot be compared.
    #[error(
        "plugin {name} is installed already and does not work, so that its version cannot be compared: {reason}; to replace it, use the \"--force\" option"
    )]
    OldPlugin {
        /// Its name.
        name: PluginName,
        /// Why not.
        reason: String,
    },
    /// The same version is there.
    #[error(
        "plugin {name} with version {version} already exists; to install it again, use the \"--force\" option"
    )]
    SameVersion {
        /// Its name.
        name: PluginName,
        /// Its version.
        version: String,
    },
    /// A newer version is there.
    #[error(
        "failed to install plugin {name}. The installing plugin version {new} is lower than the existing plugin version {old}; to install it nevertheless, use the \"--force\" option"
    )]
    OlderVersion {
        /// Its name.
        name: PluginName,
        /// The version that was to be installed.
        new: String,
        /// The version that is there.
        old: String,
    },
    /// The file system refuses.
    #[error("cannot write to {}: {source}", path.display())]
    Refused {
        /// The plugin directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl PluginDirectory {
    /// Installs the plugin in `package`: an executable `notation-{name}`, or a `.zip` or `.tar.gz` with exactly one of
    /// them at its top. `sha256`, in hex, is what the package must have. Without `force`, only a plugin that is not
    /// there yet, or there in an older version, is installed.
    ///
    /// The new plugin is run once, for its metadata, before anything is exchanged.
    ///
    /// # Errors
    /// [`InstallationError`].
    pub async fn install(
        &self,
        package: &Path,
        sha256: Option<&str>,
        force: bool,
    ) -> Result<Installed, InstallationError> {
        let in_package = |source| InstallationError::Package {
            package: package.to_owned(),
            source,
        };
        if let Some(expected) = sha256 {
            let found =
                recorded_digest::sha256(package).map_err(|error| in_package(error.into()))?;
            if !found.eq_ignore_ascii_case(expected.trim()) {
                return Err(InstallationError::Checksum {
                    package: package.to_owned(),
                    expected: expected.to_owned(),
                    found,
                });
            }
        }
        let refused = |source| InstallationError::Refused {
            path: self.path().to_owned(),
            source,
        };
        make_directory(self.path()).map_err(refused)?;
        // Beside the others: the same file system, and one that executables may be on.
        let staging = tempfile::Builder::new()
            .prefix(".installing-")
            .tempdir_in(self.path())
            .map_err(refused)?;
        let new = staging.path().join("new");
        make_directory(&new).map_err(refused)?;
        let unpacked = unpack(package, &new).map_err(in_package)?;
        let metadata = new_metadata(&unpacked.name, &unpacked.executable, self.options()).await?;
        recorded_digest::write(&unpacked.executable).map_err(refused)?;

        let _lock = lock(&self.path().join(LOCK)).map_err(refused)?;
        let replaced = self.replaced_version(&metadata, force).await?;
        self.exchange(&unpacked.name, &new).map_err(refused)?;
        Ok(Installed { metadata, replaced })
    }

    /// The version that is there. An error if it may not be replaced.
    async fn replaced_version(
        &self,
        new: &PluginMetadata,
        force: bool,
    ) -> Result<Option<String>, InstallationError> {
        let name = &new.name;
        let unusable = |reason: String| InstallationError::OldPlugin {
            name: name.clone(),
            reason,
        };
        let old = match self.find_unchecked(name) {
            Err(DiscoveryError::NotInstalled { .. } | DiscoveryError::NoExecutable { .. }) => {
                return Ok(None);
            }
            Err(_) if force => return Ok(None),
            Err(error) => return Err(unusable(error.to_string())),
            Ok(old) => old,
        };
        let old = match old.metadata(&PluginConfig::new()).await {
            Ok(metadata) => metadata.version,
            Err(_) if force => return Ok(None),
            Err(error) => return Err(unusable(error.to_string())),
        };
        if !force {
            compare_versions(name, &new.version, &old)?;
        }
        Ok(Some(old))
    }

    /// Puts the directory `new` into the place of the plugin's, and the old one into its place.
    fn exchange(&self, name: &PluginName, new: &Path) -> io::Result<()> {
        let place = self.path().join(name.as_str());
        match fs::symlink_metadata(&place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => fs::rename(new, &place),
            Err(error) => Err(error),
            Ok(_) => swap(new, &place),
        }
    }
}

async fn new_metadata(
    name: &PluginName,
    executable: &Path,
    options: &RunOptions,
) -> Result<PluginMetadata, InstallationError> {
    PluginExecutable::new(name.clone(), executable.to_owned(), options.clone())
        .metadata(&PluginConfig::new())
        .await
        .map_err(InstallationError::NewPlugin)
}

/// Versions are SemVer, as the contract demands. One that is not is lower than all that are.
fn compare_versions(name: &PluginName, new: &str, old: &str) -> Result<(), InstallationError> {
    let parsed = |text: &str| Version::parse(text.trim_start_matches('v')).ok();
    let order = match (parsed(new), parsed(old)) {
        (Some(new), Some(old)) => new.cmp_precedence(&old),
        (new, old) => new.is_some().cmp(&old.is_some()),
    };
    match order {
        std::cmp::Ordering::Greater => Ok(()),
        std::cmp::Ordering::Equal => Err(InstallationError::SameVersion {
            name: name.clone(),
            version: new.to_owned(),
        }),
        std::cmp::Ordering::Less => Err(InstallationError::OlderVersion {
            name: name.clone(),
            new: new.to_owned(),
            old: old.to_owned(),
        }),
    }
}

#[cfg(any(target_os = "linux", target_os = "macos"))]
fn swap(new: &Path, place: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, new, CWD, place, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(()),
        // A file system that cannot exchange, such as one on a network.
        Err(_) => swap_in_two_steps(new, place),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn swap(new: &Path, place: &Path) -> io::Result<()> {
    swap_in_two_steps(new, place)
}

/// Between the two steps the plugin is not there. If the second fails, the old one comes back.
fn swap_in_two_steps(new: &Path, place: &Path) -> io::Result<()> {
    let old = new.with_file_name("old");
    fs::rename(place, &old)?;
    fs::rename(new, place).inspect_err(|_| {
        // The error that matters is the first.
        let _ = fs::rename(&old, place);
    })
}

fn lock(path: &Path) -> io::Result<File> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    FileExt::lock(&file)?;
    Ok(file)
}

fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o755);
    builder.create(path)
}
