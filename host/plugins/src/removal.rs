//! Taking a plugin away.

use std::fs;
use std::io;
use std::path::PathBuf;

use notary_plugin_protocol::PluginName;

use crate::directory::{DiscoveryError, PluginDirectory};

/// Why a plugin is still there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemovalError {
    /// There is no such plugin.
    #[error(transparent)]
    NotFound(#[from] DiscoveryError),
    /// The file system refuses.
    #[error("cannot remove {}: {source}", path.display())]
    Refused {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl PluginDirectory {
    /// Checks that a plugin with this name could be removed: its directory is there with its executable, even if
    /// nobody may execute that. Nothing is run.
    ///
    /// # Errors
    /// [`RemovalError::NotFound`].
    pub fn check_removable(&self, name: &PluginName) -> Result<(), RemovalError> {
        match self.find_unchecked(name) {
            Ok(_) | Err(DiscoveryError::NotExecutable { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a plugin and everything in its directory. The directory is renamed first, to a hidden name that no
    /// host lists: whatever happens then, nobody finds half a plugin.
    ///
    /// # Errors
    /// [`RemovalError`].
    pub fn uninstall(&self, name: &PluginName) -> Result<(), RemovalError> {
        self.check_removable(name)?;
        let path = self.path().join(name.as_str());
        let refused = |source| RemovalError::Refused {
            path: path.clone(),
            source,
        };
        let grave = tempfile::Builder::new()
            .prefix(".removed-")
            .tempdir_in(self.path())
            .map_err(refused)?;
        fs::rename(&path, grave.path().join(name.as_str())).map_err(refused)?;
        grave.close().map_err(refused)
    }
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::path::Path;

    fn install(plugins: &Path, name: &str, mode: u32) -> PathBuf {
        let directory = plugins.join(name);
        fs::create_dir(&directory).unwrap();
        let file = directory.join(format!("notation-{name}"));
        fs::write(&file, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        directory
    }

    fn names(plugins: &Path) -> Vec<String> {
        let entries = fs::read_dir(plugins).unwrap();
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string();
        let mut names: Vec<String> = entries.map(|entry| name(entry).unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_plugin_goes_with_all_of_its_directory_and_leaves_the_others() {
        let plugins = tempfile::tempdir().unwrap();
        let directory = install(plugins.path(), "one", 0o755);
        fs::write(directory.join("LICENCE"), "text").unwrap();
        install(plugins.path(), "two", 0o755);
        let installed = PluginDirectory::new(plugins.path());
        installed.uninstall(&"one".parse().unwrap()).unwrap();
        assert_eq!(names(plugins.path()), ["two"]);
    }

    #[test]
    fn a_plugin_that_nobody_may_execute_can_be_removed() {
        let plugins = tempfile::tempdir().unwrap();
        install(plugins.path(), "one", 0o644);
        let installed = PluginDirectory::new(plugins.path());
        installed.uninstall(&"one".parse().unwrap()).unwrap();
        assert!(names(plugins.path()).is_empty());
    }

    #[test]
    fn a_link_to_a_directory_is_not_followed() {
        let plugins = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let target = install(elsewhere.path(), "one", 0o755);
        symlink(&target, plugins.path().join("one")).unwrap();
        let installed = PluginDirectory::new(plugins.path());
        let refused = installed.uninstall(&"one".parse().unwrap());
        assert!(matches!(refused, Err(RemovalError::NotFound(_))));
        assert!(target.join("notation-one").exists());
    }

    #[test]
    fn a_directory_without_the_executable_is_no_plugin_and_is_left_alone() {
        let plugins = tempfile::tempdir().unwrap();
        fs::create_dir(plugins.path().join("one")).unwrap();
        let installed = PluginDirectory::new(plugins.path());
        let refused = installed.uninstall(&"one".parse().unwrap());
        assert!(matches!(refused, Err(RemovalError::NotFound(_))));
        assert_eq!(names(plugins.path()), ["one"]);
    }
}
