//! Finding plugins.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use notary_plugin_protocol::{PluginName, PluginNameError};

use crate::executable::PluginExecutable;
use crate::options::RunOptions;
use crate::recorded_digest::DigestRecord;

/// The directory that holds one directory per plugin.
#[derive(Debug, Clone)]
pub struct PluginDirectory {
    path: PathBuf,
    options: RunOptions,
    refuse_changed: bool,
}

/// What a directory inside of the plugin directory turned out to be.
#[derive(Debug)]
pub struct InstalledPlugin {
    /// The directory's name, which is the plugin's.
    pub name: String,
    /// The plugin, or why it cannot be used. Nothing was run to find out.
    pub executable: Result<PluginExecutable, DiscoveryError>,
}

/// Why a plugin cannot be found or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoveryError {
    /// There is no directory with that name.
    #[error("no plugin called \"{name}\" is installed; looked in {}; {}", directory.display(), InstalledNames(installed))]
    NotInstalled {
        /// The name that was looked for.
        name: PluginName,
        /// Where.
        directory: PathBuf,
        /// The names of the plugins that are there.
        installed: Vec<String>,
    },
    /// The plugin directory or a directory in it cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// What cannot be read.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The directory's name is no plugin name.
    #[error("the directory {} is not named like a plugin: {source}", path.display())]
    InvalidName {
        /// The directory.
        path: PathBuf,
        /// The rule that its name breaks.
        #[source]
        source: PluginNameError,
    },
    /// The plugin's directory has no executable of the right name.
    #[error("plugin \"{name}\" is not installed: its directory {} has no file {expected:?}", directory.display())]
    NoExecutable {
        /// The plugin.
        name: PluginName,
        /// Its directory.
        directory: PathBuf,
        /// What the executable is to be called.
        expected: String,
    },
    /// The executable or its directory is a symbolic link, FIFO, device or the like.
    #[error("plugin \"{name}\" is refused: {} is {found}, and has to be {wanted}", path.display())]
    WrongFileType {
        /// The plugin.
        name: PluginName,
        /// What was looked at.
        path: PathBuf,
        /// What it is.
        found: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
    /// Nobody may execute the file.
    #[error("plugin \"{name}\": {} may not be executed; make it executable (chmod u+x)", path.display())]
    NotExecutable {
        /// The plugin.
        name: PluginName,
        /// The file.
        path: PathBuf,
    },
    /// The executable is not the one that was installed, or nobody recorded what was.
    #[error(
        "plugin \"{name}\" is refused: {} {}, and the configuration refuses such plugins; look where it comes from, and install it with \"plugin install\"",
        path.display(), RecordInWords(*record)
    )]
    NotAsInstalled {
        /// The plugin.
        name: PluginName,
        /// The executable.
        path: PathBuf,
        /// What the record says.
        record: DigestRecord,
    },
}

struct RecordInWords(DigestRecord);

impl std::fmt::Display for RecordInWords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            DigestRecord::Missing => "was not installed by \"plugin install\"",
            DigestRecord::Changed => "has changed since it was installed",
            DigestRecord::Unchanged => "is as it was installed",
        })
    }
}

struct InstalledNames<'a>(&'a [String]);

impl std::fmt::Display for InstalledNames<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return f.write_str("no plugins are installed there");
        }
        write!(f, "installed are: {}", self.0.join(", "))
    }
}

impl PluginDirectory {
    /// The directory at this path. It need not exist: then no plugins are installed.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        // Plugins run in a working directory of their own, so that a relative path would not do.
        let path = std::path::absolute(&path).unwrap_or(path);
        Self {
            path,
            options: RunOptions::default(),
            refuse_changed: false,
        }
    }

    /// The same directory, its plugins run with other options.
    #[must_use]
    pub fn with_options(mut self, options: RunOptions) -> Self {
        self.options = options;
        self
    }

    /// The same directory, where a plugin is found only if it is what was installed: its digest was recorded by
    /// [`install`](Self::install) and has not changed since.
    #[must_use]
    pub fn refusing_changed_plugins(mut self, refuse: bool) -> Self {
        self.refuse_changed = refuse;
        self
    }

    pub(crate) const fn options(&self) -> &RunOptions {
        &self.options
    }

    /// Where the directory is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every plugin in the order of their names, unusable ones with the reason. Files, symbolic
    /// links and hidden directories are ignored. Nothing is run.
    ///
    /// # Errors
    /// If the directory exists and cannot be read.
    pub fn list(&self) -> Result<Vec<InstalledPlugin>, DiscoveryError> {
        let mut plugins: Vec<_> = self
            .entries()?
            .into_iter()
            .filter(|entry| entry.kind.is_dir() && !entry.name.starts_with('.'))
            .map(|entry| InstalledPlugin {
                executable: self.plugin_in(&entry),
                name: entry.name,
            })
            .collect();
        plugins.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(plugins)
    }

    /// The plugin with this name. Nothing is run.
    ///
    /// # Errors
    /// If it is not there, or there and unusable, or changed where that is refused.
    pub fn find(&self, name: &PluginName) -> Result<PluginExecutable, DiscoveryError> {
        let found = self.find_unchecked(name)?;
        if !self.refuse_changed {
            return Ok(found);
        }
        match found.digest_record() {
            Ok(DigestRecord::Unchanged) => Ok(found),
            Ok(record) => Err(DiscoveryError::NotAsInstalled {
                name: name.clone(),
                path: found.path().to_owned(),
                record,
            }),
            Err(source) => Err(DiscoveryError::Unreadable {
                path: found.path().to_owned(),
                source,
            }),
        }
    }

    pub(crate) fn find_unchecked(
        &self,
        name: &PluginName,
    ) -> Result<PluginExecutable, DiscoveryError> {
        let entries = self.entries()?;
        match entries.iter().find(|entry| entry.name == name.as_str()) {
            Some(entry) if entry.kind.is_symlink() => Err(DiscoveryError::WrongFileType {
                name: name.clone(),
                path: entry.path.clone(),
                found: kind_in_words(entry.kind),
                wanted: "a directory",
            }),
            Some(entry) if entry.kind.is_dir() => self.plugin_in(entry),
            _ => Err(DiscoveryError::NotInstalled {
                name: name.clone(),
                directory: self.path.clone(),
                installed: self.list()?.into_iter().map(|plugin| plugin.name).collect(),
            }),
        }
    }

    fn entries(&self) -> Result<Vec<Entry>, DiscoveryError> {
        match entries(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            other => other.map_err(|source| DiscoveryError::Unreadable {
                path: self.path.clone(),
                source,
            }),
        }
    }

    /// The plugin in a directory: its one file of the right name, checked before anything runs it.
    fn plugin_in(&self, directory: &Entry) -> Result<PluginExecutable, DiscoveryError> {
        let name: PluginName =
            directory
                .name
                .parse()
                .map_err(|source| DiscoveryError::InvalidName {
                    path: directory.path.clone(),
                    source,
                })?;
        let expected = name.executable_file_name();
        let files = entries(&directory.path).map_err(|source| DiscoveryError::Unreadable {
            path: directory.path.clone(),
            source,
        })?;
        let Some(file) = files.into_iter().find(|file| file.name == expected) else {
            return Err(DiscoveryError::NoExecutable {
                name,
                directory: directory.path.clone(),
                expected,
            });
        };
        if !file.kind.is_file() {
            return Err(DiscoveryError::WrongFileType {
                name,
                path: file.path,
                found: kind_in_words(file.kind),
                wanted: "a regular file",
            });
        }
        if !may_execute(&file.path) {
            return Err(DiscoveryError::NotExecutable {
                name,
                path: file.path,
            });
        }
        Ok(PluginExecutable::new(name, file.path, self.options.clone()))
    }
}

struct Entry {
    name: String,
    path: PathBuf,
    kind: fs::FileType,
}

/// What is in a directory. Links are not followed; names that are not Unicode cannot be plugins.
fn entries(directory: &Path) -> io::Result<Vec<Entry>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if let Ok(name) = entry.file_name().into_string() {
            found.push(Entry {
                name,
                path: entry.path(),
                kind: entry.file_type()?,
            });
        }
    }
    Ok(found)
}

fn kind_in_words(kind: fs::FileType) -> &'static str {
    if kind.is_symlink() {
        "a symbolic link"
    } else if kind.is_dir() {
        "a directory"
    } else {
        "a device, a FIFO or a socket"
    }
}

#[cfg(unix)]
fn may_execute(file: &Path) -> bool {
    rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok()
}

#[cfg(not(unix))]
fn may_execute(_: &Path) -> bool {
    true
}
