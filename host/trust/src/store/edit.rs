//! Changing trust stores that are directories.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use notary_x509::{Certificate, parse_certificates};
use tempfile::NamedTempFile;

use super::StoreReference;
use super::anchor::check_anchor;
use super::directory::{DirectoryTrustStores, check_directory};
use super::error::StoreError;

/// A file that was added to a store.
#[derive(Clone, Debug)]
pub struct AddedFile {
    /// Where it is now.
    pub path: PathBuf,
    /// The certificates in it.
    pub certificates: Vec<Certificate>,
}

impl DirectoryTrustStores {
    /// Adds a file of certificates (PEM or DER) to a store, which is made if it does not exist.
    ///
    /// Every certificate in it has to be fit for the store. The bytes are kept as they are. Nothing
    /// is written before everything is checked, the file appears complete or not at all, and one
    /// that exists is never replaced.
    ///
    /// # Errors
    /// [`StoreError::BadFileName`], [`StoreError::NotCertificates`], [`StoreError::NotAnAnchor`],
    /// [`StoreError::FileExists`], [`StoreError::NotADirectory`], [`StoreError::Unwritable`].
    pub fn add(
        &self,
        store: &StoreReference,
        file_name: &str,
        bytes: &[u8],
    ) -> Result<AddedFile, StoreError> {
        check_file_name(file_name)?;
        let certificates =
            parse_certificates(bytes).map_err(|source| StoreError::NotCertificates {
                path: file_name.into(),
                source,
            })?;
        for certificate in &certificates {
            check_anchor(store.store_type, certificate, file_name)?;
        }
        let directory = self.path_of(store);
        make_private_directory(&directory).map_err(unwritable(&directory))?;
        // Through a link, the file would land outside the trust store.
        if !fs::symlink_metadata(&directory)
            .map_err(unwritable(&directory))?
            .is_dir()
        {
            return Err(StoreError::NotADirectory { path: directory });
        }
        let path = directory.join(file_name);
        self.write_new(&path, bytes)?;
        Ok(AddedFile { path, certificates })
    }

    /// The unfinished file lies neither in the store nor among the stores: whoever reads them meanwhile must not
    /// find half a certificate, nor after this process was killed.
    fn write_new(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        let mut unfinished = NamedTempFile::new_in(self.root()).map_err(unwritable(self.root()))?;
        unfinished
            .write_all(bytes)
            .and_then(|()| unfinished.as_file().sync_all())
            .map_err(unwritable(path))?;
        match unfinished.persist_noclobber(path) {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
                Err(StoreError::FileExists {
                    path: path.to_owned(),
                })
            }
            Err(error) => Err(unwritable(path)(error.error)),
        }
    }

    /// Removes one file from a store.
    ///
    /// # Errors
    /// [`StoreError::BadFileName`], [`StoreError::NotFound`], [`StoreError::NoSuchFile`],
    /// [`StoreError::NotADirectory`] for a symbolic link, [`StoreError::Unwritable`].
    pub fn delete_file(
        &self,
        store: &StoreReference,
        file_name: &str,
    ) -> Result<PathBuf, StoreError> {
        check_file_name(file_name)?;
        let directory = self.path_of(store);
        check_directory(&directory, store)?;
        let path = directory.join(file_name);
        match fs::remove_file(&path) {
            Ok(()) => Ok(path),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(StoreError::NoSuchFile {
                store: store.clone(),
                file: file_name.to_owned(),
            }),
            Err(source) => Err(StoreError::Unwritable { path, source }),
        }
    }

    /// Removes a store with everything in it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::NotADirectory`] for a symbolic link,
    /// [`StoreError::Unwritable`].
    pub fn delete_store(&self, store: &StoreReference) -> Result<PathBuf, StoreError> {
        let path = self.path_of(store);
        check_directory(&path, store)?;
        fs::remove_dir_all(&path).map_err(unwritable(&path))?;
        Ok(path)
    }
}

/// A name that stays inside its directory and that a person sees as it is.
fn check_file_name(name: &str) -> Result<(), StoreError> {
    let wrong = name.is_empty()
        || name.starts_with('.')
        || name
            .chars()
            .any(|character| matches!(character, '/' | '\\' | ':') || character.is_control());
    if wrong {
        Err(StoreError::BadFileName {
            file: name.to_owned(),
        })
    } else {
        Ok(())
    }
}

/// What decides whom to trust is nobody else's to read or write.
fn make_private_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn unwritable(path: &Path) -> impl Fn(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Unwritable {
        path: path.clone(),
        source,
    }
}
