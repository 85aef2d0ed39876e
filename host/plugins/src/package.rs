//! What a plugin comes in: an executable, or an archive with one in it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Seek as _};
use std::path::{Path, PathBuf};

use notary_plugin_protocol::{PluginName, PluginNameError};

/// The largest package, and the most that one may unpack to: static executables with several cloud SDKs in them have
/// some ten MiB.
pub const MAX_PACKAGE_LEN: u64 = 256 * 1024 * 1024;

/// The most entries of an archive. Plugins have an executable, a licence and perhaps some libraries.
const MAX_ENTRIES: usize = 1000;

/// Why a package is none.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackageError {
    /// It cannot be read, or not be unpacked.
    #[error("{0}")]
    Unreadable(#[from] io::Error),
    /// It is something else than a file.
    #[error("it is not a regular file")]
    NotAFile,
    /// It is too large, or would be.
    #[error("it has more than {} MiB, unpacked or as it is", MAX_PACKAGE_LEN / 1024 / 1024)]
    TooLarge,
    /// Too many entries.
    #[error("the archive has more than {MAX_ENTRIES} entries")]
    TooManyEntries,
    /// The archive is damaged.
    #[error("the archive is damaged: {0}")]
    Damaged(String),
    /// An entry that could end up somewhere else.
    #[error("the archive has an entry {entry:?} that {reason}; nothing of it was installed")]
    Hostile {
        /// Its name, made printable.
        entry: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is no plugin in it.
    #[error(
        "the archive has no plugin at its top: no file \"notation-{{name}}\" that is named as plugins are on this system"
    )]
    NoPlugin,
    /// There are several.
    #[error("the archive has several plugins ({}), and one at a time can be installed", .0.join(", "))]
    SeveralPlugins(Vec<String>),
    /// A single file that is not named as plugins are.
    #[error(
        "invalid plugin executable file name. Plugin file name requires format notation-{{plugin-name}}, but got {file}"
    )]
    Name {
        /// Its name.
        file: String,
        /// The rule that the name after `notation-` breaks.
        source: Option<PluginNameError>,
    },
    /// A single file that nobody may execute.
    #[error("input file {0:?} is not executable; if you trust it, make it so (chmod u+x)")]
    NotExecutable(String),
}

/// What was unpacked.
#[derive(Debug)]
pub(crate) struct Unpacked {
    pub(crate) name: PluginName,
    pub(crate) executable: PathBuf,
}

/// Puts what is in the package into `directory`, which is empty: the executable, and the files beside it.
pub(crate) fn unpack(package: &Path, directory: &Path) -> Result<Unpacked, PackageError> {
    let metadata = fs::metadata(package)?;
    if !metadata.is_file() {
        return Err(PackageError::NotAFile);
    }
    if metadata.len() > MAX_PACKAGE_LEN {
        return Err(PackageError::TooLarge);
    }
    let mut file = File::open(package)?;
    let mut magic = [0; 4];
    let read = file.read(&mut magic)?;
    file.rewind()?;
    let mut unpacking = Unpacking::new(directory);
    match magic.get(..read).unwrap_or_default() {
        [0x1f, 0x8b, ..] => {
            unpack_tar(flate2::read::GzDecoder::new(file), &mut unpacking)?;
            unpacking.plugin()
        }
        [b'P', b'K', 3 | 5, 4 | 6] => {
            unpack_zip(file, &mut unpacking)?;
            unpacking.plugin()
        }
        _ => copy_executable(package, &metadata, &mut unpacking),
    }
}

/// A file that is the plugin itself.
fn copy_executable(
    package: &Path,
    metadata: &fs::Metadata,
    unpacking: &mut Unpacking<'_>,
) -> Result<Unpacked, PackageError> {
    let file = package.file_name().unwrap_or_default().to_string_lossy();
    let wrong = |source| PackageError::Name {
        file: file.to_string(),
        source,
    };
    let name = PluginName::from_executable_file_name(&file)
        .ok_or_else(|| wrong(None))?
        .map_err(|error| wrong(Some(error)))?;
    if !is_executable(metadata) {
        return Err(PackageError::NotExecutable(file.to_string()));
    }
    unpacking.write(&file, File::open(package)?)?;
    Ok(Unpacked {
        executable: unpacking.directory.join(&*file),
        name,
    })
}

fn unpack_tar(content: impl Read, unpacking: &mut Unpacking<'_>) -> Result<(), PackageError> {
    // What is skipped is inflated as well, and counts.
    let mut archive = tar::Archive::new(content.take(2 * MAX_PACKAGE_LEN));
    for entry in archive.entries().map_err(damaged)? {
        let entry = entry.map_err(damaged)?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let kind = entry.header().entry_type();
        let kind = match kind {
            tar::EntryType::Regular | tar::EntryType::Continuous => Kind::File,
            tar::EntryType::Directory => Kind::Directory,
            // Remarks about all entries, which are not files.
            tar::EntryType::XGlobalHeader => continue,
            _ => Kind::Other,
        };
        unpacking.entry(&path, kind, entry)?;
    }
    Ok(())
}

fn unpack_zip(file: File, unpacking: &mut Unpacking<'_>) -> Result<(), PackageError> {
    let mut archive = zip::ZipArchive::new(file).map_err(damaged)?;
    if archive.len() > MAX_ENTRIES {
        return Err(PackageError::TooManyEntries);
    }
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(damaged)?;
        let path = entry.name().map_err(damaged)?.into_owned();
        // The type of the file, if the archive was made on Unix: 0 says nothing.
        let mode = entry.unix_mode().unwrap_or_default() & 0o170_000;
        let kind = match mode {
            _ if entry.is_dir() => Kind::Directory,
            0 | 0o100_000 => Kind::File,
            _ => Kind::Other,
        };
        unpacking.entry(&path, kind, entry)?;
    }
    Ok(())
}

fn damaged(error: impl std::fmt::Display) -> PackageError {
    PackageError::Damaged(crate::sanitise::printable(&error.to_string()))
}

enum Kind {
    File,
    Directory,
    Other,
}

/// An archive on its way to the disk. No name in it becomes a path before it is known to be one plain name.
struct Unpacking<'a> {
    directory: &'a Path,
    entries: usize,
    left: u64,
    names: BTreeSet<String>,
}

impl<'a> Unpacking<'a> {
    fn new(directory: &'a Path) -> Self {
        Self {
            directory,
            entries: 0,
            left: MAX_PACKAGE_LEN,
            names: BTreeSet::new(),
        }
    }

    /// One entry. Files below a directory are left out, as they are by `notation`.
    fn entry(&mut self, path: &str, kind: Kind, content: impl Read) -> Result<(), PackageError> {
        self.entries += 1;
        if self.entries > MAX_ENTRIES {
            return Err(PackageError::TooManyEntries);
        }
        let hostile = |reason| PackageError::Hostile {
            entry: crate::sanitise::printable(path),
            reason,
        };
        if path.starts_with('/') || path.contains(['\\', ':', '\0']) {
            return Err(hostile("has no relative, portable name"));
        }
        if path.split('/').any(|part| part == "..") {
            return Err(hostile("leads out of the archive"));
        }
        match kind {
            Kind::Directory => return Ok(()),
            Kind::Other => return Err(hostile("is a link or a device")),
            Kind::File => {}
        }
        let name = path.strip_prefix("./").unwrap_or(path);
        if name.is_empty() || name.contains('/') {
            return Ok(());
        }
        // Some file systems do not tell names apart by case.
        if !self.names.insert(name.to_lowercase()) {
            return Err(hostile("is there twice"));
        }
        self.write(name, content)
    }

    fn write(&mut self, name: &str, content: impl Read) -> Result<(), PackageError> {
        let mut file = File::options()
            .write(true)
            .create_new(true)
            .open(self.directory.join(name))?;
        let written = io::copy(&mut content.take(self.left + 1), &mut file).map_err(|error| {
            match error.kind() {
                io::ErrorKind::InvalidData
                | io::ErrorKind::InvalidInput
                | io::ErrorKind::UnexpectedEof => damaged(error),
                _ => PackageError::Unreadable(error),
            }
        })?;
        self.left = self
            .left
            .checked_sub(written)
            .ok_or(PackageError::TooLarge)?;
        let is_plugin = matches!(PluginName::from_executable_file_name(name), Some(Ok(_)));
        set_mode(&file, if is_plugin { 0o755 } else { 0o644 })?;
        file.sync_all()?;
        Ok(())
    }

    /// The one plugin among the files.
    fn plugin(self) -> Result<Unpacked, PackageError> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.directory)? {
            let Ok(file) = entry?.file_name().into_string() else {
                continue;
            };
            if let Some(Ok(name)) = PluginName::from_executable_file_name(&file) {
                found.push((file, name));
            }
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        match found.len() {
            0 => Err(PackageError::NoPlugin),
            1 => found
                .pop()
                .map(|(file, name)| Unpacked {
                    executable: self.directory.join(file),
                    name,
                })
                .ok_or(PackageError::NoPlugin),
            _ => Err(PackageError::SeveralPlugins(
                found.into_iter().map(|(file, _)| file).collect(),
            )),
        }
    }
}

#[cfg(unix)]
fn is_executable(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &fs::Metadata) -> bool {
    true
}

#[cfg(unix)]
fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_: &File, _: u32) -> io::Result<()> {
    Ok(())
}
