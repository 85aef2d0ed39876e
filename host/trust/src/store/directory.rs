//! Trust stores as directories: `{configuration}/truststore/x509/{type}/{name}/{files}`.

use std::fs::{self, DirEntry, File, FileType};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use notary_x509::{MAX_CERTIFICATE_FILE_LEN, parse_certificates};

use super::anchor::{Anchor, TrustStore, TrustStores};
use super::error::StoreError;
use super::{StoreName, StoreReference, StoreType};

/// The most files of one store. Each is opened and parsed for every verification.
pub const MAX_FILES: usize = 1000;

/// The trust stores of a configuration directory.
///
/// Every file directly inside a store must hold certificates in PEM or DER, whatever its name is:
/// a store that cannot be read completely is not used at all, since what cannot be read may be what
/// was meant to be trusted. Sub-directories are passed over with a warning and symbolic links are
/// refused (trust store and trust policy specification, "Trust Store").
#[derive(Clone, Debug)]
pub struct DirectoryTrustStores {
    root: PathBuf,
}

impl DirectoryTrustStores {
    /// The trust stores below `{config_directory}/truststore/x509`, which need not exist.
    #[must_use]
    pub fn new(config_directory: &Path) -> Self {
        Self {
            root: config_directory.join("truststore").join("x509"),
        }
    }

    /// The directory of a store.
    #[must_use]
    pub fn path_of(&self, store: &StoreReference) -> PathBuf {
        self.type_path(store.store_type).join(store.name.as_str())
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn type_path(&self, store_type: StoreType) -> PathBuf {
        self.root.join(store_type.as_str())
    }

    /// The stores of a type, sorted by name. Entries that no policy could name are left out.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`].
    pub fn names(&self, store_type: StoreType) -> Result<Vec<StoreName>, StoreError> {
        let path = self.type_path(store_type);
        let entries = match fs::read_dir(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(unreadable(&path))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(unreadable(&path))?;
            let is_directory = kind_of(&entry)?.is_dir();
            let name = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok());
            names.extend(name.filter(|_| is_directory));
        }
        names.sort();
        Ok(names)
    }

    /// The paths of a store's files, sorted, and of the sub-directories that are passed over.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::NotADirectory`], [`StoreError::NotARegularFile`],
    /// [`StoreError::TooManyFiles`], [`StoreError::Unreadable`].
    pub fn files(&self, store: &StoreReference) -> Result<StoreFiles, StoreError> {
        let path = self.path_of(store);
        check_directory(&path, store)?;
        let mut listed = StoreFiles::default();
        for entry in fs::read_dir(&path).map_err(unreadable(&path))? {
            let entry = entry.map_err(unreadable(&path))?;
            let kind = kind_of(&entry)?;
            if kind.is_dir() {
                listed.directories.push(entry.path());
            } else if kind.is_file() {
                listed.files.push(entry.path());
            } else {
                return Err(StoreError::NotARegularFile { path: entry.path() });
            }
            if listed.files.len() + listed.directories.len() > MAX_FILES {
                return Err(StoreError::TooManyFiles { path });
            }
        }
        listed.files.sort();
        listed.directories.sort();
        Ok(listed)
    }
}

/// What a store's directory holds.
#[derive(Clone, Debug, Default)]
pub struct StoreFiles {
    /// The files of certificates.
    pub files: Vec<PathBuf>,
    /// Sub-directories, which do not belong to the store.
    pub directories: Vec<PathBuf>,
}

impl TrustStores for DirectoryTrustStores {
    fn store(&self, reference: &StoreReference) -> Result<TrustStore, StoreError> {
        let listed = self.files(reference)?;
        let mut anchors = Vec::new();
        for path in &listed.files {
            anchors.extend(read_anchors(path)?);
        }
        let warnings = listed.directories.iter().map(|path| {
            format!(
                "{} is a directory inside the trust store {reference} and is ignored",
                path.display()
            )
        });
        Ok(TrustStore::new(reference.clone(), anchors)?.with_warnings(warnings.collect()))
    }
}

fn read_anchors(path: &Path) -> Result<Vec<Anchor>, StoreError> {
    let bytes = read_limited(path).map_err(unreadable(path))?;
    let certificates =
        parse_certificates(&bytes).map_err(|source| StoreError::NotCertificates {
            path: path.to_owned(),
            source,
        })?;
    let origin = path.display().to_string();
    Ok(certificates
        .into_iter()
        .map(|certificate| Anchor {
            certificate,
            origin: origin.clone(),
        })
        .collect())
}

/// One byte more than the parser takes, so that the parser is what refuses a file that is too large.
fn read_limited(path: &Path) -> io::Result<Vec<u8>> {
    let limit = u64::try_from(MAX_CERTIFICATE_FILE_LEN)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let mut bytes = Vec::new();
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// That a store is there and is a directory by itself, not through a link.
pub(super) fn check_directory(path: &Path, store: &StoreReference) -> Result<(), StoreError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Err(StoreError::NotFound {
            store: store.clone(),
        }),
        Err(source) => Err(StoreError::Unreadable {
            path: path.to_owned(),
            source,
        }),
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(StoreError::NotADirectory {
            path: path.to_owned(),
        }),
    }
}

/// What an entry is, without following a symbolic link.
fn kind_of(entry: &DirEntry) -> Result<FileType, StoreError> {
    entry.file_type().map_err(unreadable(&entry.path()))
}

fn unreadable(path: &Path) -> impl Fn(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Unreadable {
        path: path.clone(),
        source,
    }
}
