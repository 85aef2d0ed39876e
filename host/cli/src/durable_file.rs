//! Files that are replaced as a whole: a reader, or a crash at any moment, sees the old file or the new one.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use fs4::FileExt;

/// Larger than any configuration file that a person writes.
pub const LARGEST_CONFIGURATION: u64 = 4 * 1024 * 1024;

/// How the names of unfinished files begin.
const UNFINISHED: &str = ".apostille-";

/// An unfinished file as old as this has no writer any more: a write takes milliseconds.
const ABANDONED_AFTER: Duration = Duration::from_secs(60 * 60);

/// How often to begin anew when somebody removes a directory in which nothing is yet.
const MAX_ATTEMPTS: u32 = 100;

/// Makes a directory and its parents, readable by the owner only.
///
/// # Errors
/// Those of the file system.
pub fn make_private_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| match error.kind() {
        // Callers mean their file by that.
        io::ErrorKind::AlreadyExists => {
            io::Error::other(format!("{} is not a directory", path.display()))
        }
        _ => error,
    })
}

/// Replaces (or makes) `path` with `contents`. A new file is readable by its owner only; directories are made.
///
/// # Errors
/// Those of the file system; the old file is then still there.
pub fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    prepare(&parent(path), contents)?
        .persist(path)
        .map_err(|error| error.error)?;
    Ok(())
}

/// Makes `path` with `contents` and these Unix permission bits, only if nothing is there.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] if something is there, or those of the file system.
pub fn create_new(path: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
    create_new_beside(&parent(path), path, contents, mode)
}

/// The same for a path in a directory where every file counts, such as a trust store: the unfinished file lies in
/// `workplace`, which is on the same file system. Whoever removes the directory of `path` meanwhile does not matter.
///
/// # Errors
/// Those of [`create_new`].
pub fn create_new_beside(
    workplace: &Path,
    path: &Path,
    contents: &[u8],
    mode: u32,
) -> io::Result<()> {
    let mut file = prepare(workplace, contents)?;
    set_mode(file.path(), mode)?;
    for _ in 0..MAX_ATTEMPTS {
        make_private_directory(&parent(path))?;
        match file.persist_noclobber(path) {
            Ok(_) => return Ok(()),
            Err(error) if error.error.kind() == io::ErrorKind::NotFound => file = error.file,
            Err(error) => return Err(error.error),
        }
    }
    Err(io::Error::other("others keep removing its directory"))
}

/// Removes what processes left in a directory of the configuration that were killed while they wrote. It could hold a
/// private key.
pub fn remove_abandoned(directory: &Path) {
    let is_abandoned = |entry: &fs::DirEntry| {
        let age = entry
            .metadata()
            .and_then(|metadata| metadata.modified())
            .map(|modified| modified.elapsed().unwrap_or_default());
        entry.file_name().to_string_lossy().starts_with(UNFINISHED)
            && age.is_ok_and(|age| age >= ABANDONED_AFTER)
    };
    // Nobody waits for this: what cannot be removed now is removed another time.
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if is_abandoned(&entry) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn prepare(directory: &Path, contents: &[u8]) -> io::Result<tempfile::NamedTempFile> {
    make_private_directory(directory)?;
    // tempfile gives 0600 to what it makes.
    let mut file = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempfile_in(directory)?;
    file.write_all(contents)?;
    file.as_file().sync_all()?;
    Ok(file)
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> io::Result<()> {
    Ok(())
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Reads a file of at most `limit` bytes. `None` if it does not exist.
///
/// # Errors
/// Not a regular file (a link to one is not one either), larger than `limit`, or those of the file system.
pub fn read_regular(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
        Ok(metadata) if !metadata.is_file() => {
            return Err(io::Error::other(
                "not a regular file (directories and symbolic links are not accepted)",
            ));
        }
        Ok(_) => {}
    }
    read_limited(path, limit).map(Some)
}

/// Reads at most `limit` bytes of a file, following links.
///
/// # Errors
/// Larger than `limit`, or those of the file system.
pub fn read_limited(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut contents = Vec::new();
    File::open(path)?
        .take(limit + 1)
        .read_to_end(&mut contents)?;
    if contents.len() as u64 > limit {
        return Err(io::Error::other(format!("larger than {limit} bytes")));
    }
    Ok(contents)
}

/// A lock that other processes of Apostille respect, held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock of `path`, which is the file `.{name}.lock` beside it (the file itself is replaced, so it
    /// cannot carry the lock).
    ///
    /// # Errors
    /// Those of the file system.
    pub fn of(path: &Path) -> io::Result<Self> {
        let directory = parent(path);
        make_private_directory(&directory)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(directory.join(format!(".{name}.lock")))?;
        FileExt::lock(&file)?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_is_private_and_leaves_nothing_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new/keys.json");
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(
                fs::metadata(&path).unwrap().permissions().mode() & 0o777,
                0o600
            );
            let parent = fs::metadata(path.parent().unwrap()).unwrap();
            assert_eq!(parent.permissions().mode() & 0o777, 0o700);
        }
    }

    #[test]
    fn an_existing_file_is_never_created_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.key");
        create_new(&path, b"one", 0o600).unwrap();
        let error = create_new(&path, b"two", 0o600).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
    }

    #[test]
    fn a_file_where_a_directory_should_be_is_not_the_file_that_was_to_be_made() {
        let directory = tempfile::tempdir().unwrap();
        let store = directory.path().join("store");
        fs::write(&store, "").unwrap();
        let error = create_new_beside(directory.path(), &store.join("a.crt"), b"", 0o600);
        let error = error.unwrap_err();
        assert_ne!(error.kind(), io::ErrorKind::AlreadyExists);
        assert!(error.to_string().contains("store"), "{error}");
    }

    #[test]
    fn only_what_was_left_long_ago_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let long_ago = std::time::SystemTime::now() - ABANDONED_AFTER;
        for (name, modified) in [
            (".apostille-old", Some(long_ago)),
            (".apostille-new", None),
            ("keys.json", Some(long_ago)),
        ] {
            let file = File::create(directory.path().join(name)).unwrap();
            if let Some(time) = modified {
                file.set_modified(time).unwrap();
            }
        }
        remove_abandoned(directory.path());
        let mut left: Vec<_> = fs::read_dir(directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(left, [".apostille-new", "keys.json"]);
        remove_abandoned(&directory.path().join("absent"));
    }

    #[test]
    fn a_file_over_the_limit_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("big");
        fs::write(&path, [0; 11]).unwrap();
        assert!(read_regular(&path, 10).is_err());
        assert_eq!(read_regular(&path, 11).unwrap().unwrap().len(), 11);
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_is_not_a_regular_file() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("target");
        fs::write(&target, "x").unwrap();
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(read_regular(&link, 10).is_err());
        assert!(
            read_regular(&directory.path().join("absent"), 10)
                .unwrap()
                .is_none()
        );
    }
}
