//! Installing from files and archives, good ones and hostile ones.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use apostille_plugins::{
    DigestRecord, DiscoveryError, InstallationError, Installed, MAX_PACKAGE_LEN, PackageError,
};
use notary_plugin_protocol::PluginName;

use crate::support::Plugins;

/// A plugin that knows its metadata and nothing else.
fn script(name: &str, version: &str) -> String {
    let metadata = format!(
        r#"{{"name":"{name}","description":"d","version":"{version}","url":"https://example.com","supportedContractVersions":["1.0"],"capabilities":["SIGNATURE_GENERATOR.RAW"]}}"#
    );
    format!("#!/bin/sh\necho '{metadata}'\n")
}

struct Shop {
    plugins: Plugins,
    packages: tempfile::TempDir,
}

enum Entry<'a> {
    File(&'a str, &'a [u8]),
    Link(&'a str, &'a str),
    HardLink(&'a str, &'a str),
    Directory(&'a str),
}

impl Shop {
    fn new() -> Self {
        Self {
            plugins: Plugins::new(),
            packages: tempfile::tempdir().unwrap(),
        }
    }

    fn file(&self, name: &str, content: &[u8], mode: u32) -> PathBuf {
        let path = self.packages.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn plugin(&self, version: &str) -> PathBuf {
        self.file("notation-one", script("one", version).as_bytes(), 0o755)
    }

    /// A `.tar.gz` with these entries; names are written as they are, whatever they say.
    fn tar_gz(&self, entries: &[Entry<'_>]) -> PathBuf {
        let path = self.packages.path().join("plugin.tar.gz");
        let level = flate2::Compression::fast();
        let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(
            File::create(&path).unwrap(),
            level,
        ));
        for entry in entries {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o600);
            let (name, content) = match entry {
                Entry::File(name, content) => (*name, *content),
                Entry::Link(name, target) => {
                    header.set_entry_type(tar::EntryType::Symlink);
                    header.set_link_name(target).unwrap();
                    (*name, &b""[..])
                }
                Entry::HardLink(name, target) => {
                    header.set_entry_type(tar::EntryType::Link);
                    header.set_link_name(target).unwrap();
                    (*name, &b""[..])
                }
                Entry::Directory(name) => {
                    header.set_entry_type(tar::EntryType::Directory);
                    (*name, &b""[..])
                }
            };
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_size(content.len() as u64);
            header.set_cksum();
            archive.append(&header, content).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap();
        path
    }

    fn zip(&self, entries: &[(&str, &[u8], u32)]) -> PathBuf {
        let path = self.packages.path().join("plugin.zip");
        let mut archive = zip::ZipWriter::new(File::create(&path).unwrap());
        for (name, content, mode) in entries {
            let options = zip::write::SimpleFileOptions::default().unix_permissions(*mode);
            archive.start_file(*name, options).unwrap();
            archive.write_all(content).unwrap();
        }
        archive.finish().unwrap();
        path
    }

    fn install(&self, package: &Path, force: bool) -> Result<Installed, InstallationError> {
        self.install_checked(package, None, force)
    }

    fn install_checked(
        &self,
        package: &Path,
        sha256: Option<&str>,
        force: bool,
    ) -> Result<Installed, InstallationError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(self.plugins.directory().install(package, sha256, force))
    }

    fn refused(&self, package: &Path) -> PackageError {
        match self.install(package, true) {
            Err(InstallationError::Package { source, .. }) => source,
            other => panic!("{other:?}"),
        }
    }

    /// What is in the plugin directory, but the lock.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.plugins.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != ".install.lock")
            .collect();
        names.sort();
        names
    }

    fn installed_version(&self) -> String {
        let text = fs::read_to_string(self.plugins.path().join("one/notation-one")).unwrap();
        let start = text.split("\"version\":\"").nth(1).unwrap();
        start.split('"').next().unwrap().to_owned()
    }
}

fn one() -> PluginName {
    "one".parse().unwrap()
}

#[test]
fn a_file_becomes_a_plugin_and_nothing_else_is_left() {
    let shop = Shop::new();
    let installed = shop.install(&shop.plugin("1.0.0"), false).unwrap();
    assert_eq!(installed.metadata.version, "1.0.0");
    assert_eq!(installed.replaced, None);
    assert_eq!(shop.names(), ["one"]);
    assert_eq!(shop.plugins.find("one").name(), &one());
}

#[test]
fn an_archive_brings_the_files_beside_its_plugin() {
    let content = script("one", "1.0.0");
    for archived in ["tar", "zip"] {
        let shop = Shop::new();
        let package = if archived == "tar" {
            shop.tar_gz(&[
                Entry::Directory("./"),
                Entry::File("./notation-one", content.as_bytes()),
                Entry::File("LICENSE", b"text"),
                Entry::File("docs/page", b"left out"),
            ])
        } else {
            shop.zip(&[
                ("notation-one", content.as_bytes(), 0o644),
                ("LICENSE", b"text", 0o777),
                ("docs/page", b"left out", 0o644),
            ])
        };
        shop.install(&package, false).unwrap();
        let directory = shop.plugins.path().join("one");
        assert_eq!(fs::read(directory.join("LICENSE")).unwrap(), b"text");
        assert!(!directory.join("page").exists() && !directory.join("docs").exists());
        let mode = |name: &str| {
            let metadata = fs::metadata(directory.join(name)).unwrap();
            metadata.permissions().mode() & 0o7777
        };
        assert_eq!((mode("notation-one"), mode("LICENSE")), (0o755, 0o644));
    }
}

#[test]
fn only_a_newer_version_replaces_a_plugin_unless_forced() {
    let shop = Shop::new();
    shop.install(&shop.plugin("1.2.0"), false).unwrap();
    let same = shop.install(&shop.plugin("1.2.0"), false).unwrap_err();
    assert!(
        matches!(same, InstallationError::SameVersion { .. }),
        "{same}"
    );
    let older = shop.install(&shop.plugin("1.2.0-rc.1"), false).unwrap_err();
    assert!(
        matches!(older, InstallationError::OlderVersion { .. }),
        "{older}"
    );
    assert_eq!(shop.installed_version(), "1.2.0");
    let newer = shop.install(&shop.plugin("1.10.0"), false).unwrap();
    assert_eq!(newer.replaced.as_deref(), Some("1.2.0"));
    let forced = shop.install(&shop.plugin("0.1.0"), true).unwrap();
    assert_eq!(forced.replaced.as_deref(), Some("1.10.0"));
    assert_eq!(shop.installed_version(), "0.1.0");
    assert_eq!(shop.names(), ["one"]);
}

#[test]
fn a_broken_plugin_is_replaced_only_when_forced() {
    let shop = Shop::new();
    shop.plugins.add("one", "exit 1");
    let error = shop.install(&shop.plugin("1.0.0"), false).unwrap_err();
    assert!(
        matches!(error, InstallationError::OldPlugin { .. }),
        "{error}"
    );
    shop.install(&shop.plugin("1.0.0"), true).unwrap();
    assert_eq!(shop.installed_version(), "1.0.0");
}

#[test]
fn files_of_the_old_version_go_with_it() {
    let shop = Shop::new();
    let old = script("one", "1.0.0");
    let package = shop.tar_gz(&[
        Entry::File("notation-one", old.as_bytes()),
        Entry::File("old.so", b"x"),
    ]);
    shop.install(&package, false).unwrap();
    shop.install(&shop.plugin("2.0.0"), false).unwrap();
    assert!(!shop.plugins.path().join("one/old.so").exists());
}

#[test]
fn a_plugin_that_does_not_answer_as_one_is_not_installed() {
    let shop = Shop::new();
    for content in [
        "#!/bin/sh\nexit 3\n".to_owned(),
        "#!/bin/sh\necho nonsense\n".to_owned(),
        // It calls itself something else.
        script("two", "1.0.0"),
    ] {
        let package = shop.file("notation-one", content.as_bytes(), 0o755);
        let error = shop.install(&package, true).unwrap_err();
        assert!(matches!(error, InstallationError::NewPlugin(_)), "{error}");
        assert!(shop.names().is_empty());
    }
}

#[test]
fn a_checksum_is_compared_before_anything_is_unpacked_or_run() {
    let shop = Shop::new();
    let package = shop.file("notation-one", b"#!/bin/sh\ntouch \"$0.ran\"\n", 0o755);
    let error = shop
        .install_checked(&package, Some(&"0".repeat(64)), true)
        .unwrap_err();
    assert!(
        matches!(error, InstallationError::Checksum { .. }),
        "{error}"
    );
    assert!(!package.with_extension("ran").exists());
    assert!(shop.names().is_empty());
    let package = shop.plugin("1.0.0");
    let right = {
        use sha2::Digest as _;
        hex::encode_upper(sha2::Sha256::digest(fs::read(&package).unwrap()))
    };
    shop.install_checked(&package, Some(&right), false).unwrap();
}

#[test]
fn an_entry_that_leads_out_is_refused_with_all_of_its_archive() {
    let content = script("one", "1.0.0");
    let plugin = Entry::File("notation-one", content.as_bytes());
    for bad in [
        Entry::File("../notation-two", b"x"),
        Entry::File("a/../../x", b"x"),
        Entry::File("/etc/x", b"x"),
        Entry::File("..\\x", b"x"),
        Entry::File("C:x", b"x"),
        Entry::Link("link", "/etc/passwd"),
        Entry::Link("sub/link", "notation-one"),
        Entry::HardLink("link", "notation-one"),
        Entry::File("NOTATION-one", b"x"),
        Entry::File("notation-one", b"x"),
    ] {
        let shop = Shop::new();
        let entries = [Entry::File("notation-one", content.as_bytes()), bad];
        let error = shop.refused(&shop.tar_gz(&entries));
        assert!(matches!(error, PackageError::Hostile { .. }), "{error}");
        assert!(shop.names().is_empty());
    }
    let shop = Shop::new();
    shop.install(&shop.tar_gz(&[plugin]), false).unwrap();
    let error = shop.refused(&shop.zip(&[("../x", b"x", 0o644)]));
    assert!(matches!(error, PackageError::Hostile { .. }), "{error}");
}

#[test]
fn a_link_in_a_zip_is_refused() {
    let shop = Shop::new();
    let path = shop.packages.path().join("plugin.zip");
    let mut archive = zip::ZipWriter::new(File::create(&path).unwrap());
    let options = zip::write::SimpleFileOptions::default();
    archive
        .add_symlink("notation-one", "/bin/true", options)
        .unwrap();
    archive.finish().unwrap();
    let error = shop.refused(&path);
    assert!(matches!(error, PackageError::Hostile { .. }), "{error}");
}

#[test]
fn an_archive_has_exactly_one_plugin() {
    let shop = Shop::new();
    let content = script("one", "1.0.0");
    let none = shop.refused(&shop.tar_gz(&[Entry::File("sub/notation-one", content.as_bytes())]));
    assert!(matches!(none, PackageError::NoPlugin), "{none}");
    let two = shop.refused(&shop.tar_gz(&[
        Entry::File("notation-one", content.as_bytes()),
        Entry::File("notation-two", content.as_bytes()),
    ]));
    assert!(matches!(two, PackageError::SeveralPlugins(_)), "{two}");
}

#[test]
fn a_bomb_is_given_up_at_the_limit() {
    let shop = Shop::new();
    let path = shop.packages.path().join("plugin.tar.gz");
    let level = flate2::Compression::best();
    let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(
        File::create(&path).unwrap(),
        level,
    ));
    let mut header = tar::Header::new_gnu();
    let size = MAX_PACKAGE_LEN + 1;
    header.set_size(size);
    header.set_mode(0o755);
    let zeros = std::io::Read::take(std::io::repeat(0), size);
    archive
        .append_data(&mut header, "notation-one", zeros)
        .unwrap();
    archive.into_inner().unwrap().finish().unwrap();
    assert!(fs::metadata(&path).unwrap().len() < 1024 * 1024);
    let error = shop.refused(&path);
    assert!(matches!(error, PackageError::TooLarge), "{error}");
    assert!(shop.names().is_empty());
}

#[test]
fn an_archive_with_too_many_entries_is_refused() {
    let shop = Shop::new();
    let entries: Vec<Entry<'_>> = (0..1001).map(|_| Entry::File("sub/x", b"")).collect();
    let error = shop.refused(&shop.tar_gz(&entries));
    assert!(matches!(error, PackageError::TooManyEntries), "{error}");
}

#[test]
fn damaged_archives_and_files_that_are_no_plugins_are_refused() {
    let shop = Shop::new();
    let content = script("one", "1.0.0");
    let whole = fs::read(shop.tar_gz(&[Entry::File("notation-one", content.as_bytes())])).unwrap();
    let cut = shop.file("cut.tar.gz", &whole[..whole.len() / 2], 0o644);
    let error = shop.refused(&cut);
    assert!(matches!(error, PackageError::Damaged(_)), "{error}");
    let error = shop.refused(&shop.file("cut.zip", b"PK\x03\x04rest", 0o644));
    assert!(matches!(error, PackageError::Damaged(_)), "{error}");
    let error = shop.refused(&shop.file("plugin", content.as_bytes(), 0o755));
    assert!(matches!(error, PackageError::Name { .. }), "{error}");
    let error = shop.refused(&shop.file("notation-one", content.as_bytes(), 0o644));
    assert!(matches!(error, PackageError::NotExecutable(_)), "{error}");
    let error = shop.refused(shop.packages.path());
    assert!(matches!(error, PackageError::NotAFile), "{error}");
}

#[test]
fn a_plugin_that_changed_after_its_installation_is_noticed_and_refused_where_asked() {
    let shop = Shop::new();
    shop.install(&shop.plugin("1.0.0"), false).unwrap();
    let directory = shop.plugins.directory().refusing_changed_plugins(true);
    let found = directory.find(&one()).unwrap();
    assert_eq!(found.digest_record().unwrap(), DigestRecord::Unchanged);
    fs::write(found.path(), script("one", "1.0.1")).unwrap();
    assert_eq!(found.digest_record().unwrap(), DigestRecord::Changed);
    let refused = directory.find(&one()).unwrap_err();
    assert!(
        matches!(refused, DiscoveryError::NotAsInstalled { .. }),
        "{refused}"
    );
    // Without the switch it is the user's business.
    shop.plugins.find("one");
    let copied = shop.plugins.add("two", "exit 0");
    let record = shop.plugins.find("two").digest_record().unwrap();
    assert_eq!(record, DigestRecord::Missing);
    assert!(directory.find(&"two".parse().unwrap()).is_err());
    assert!(copied.exists());
}

#[test]
fn a_link_in_the_place_of_a_plugin_is_replaced_and_not_followed() {
    let shop = Shop::new();
    let elsewhere = tempfile::tempdir().unwrap();
    symlink(elsewhere.path(), shop.plugins.path().join("one")).unwrap();
    assert!(shop.install(&shop.plugin("1.0.0"), false).is_err());
    shop.install(&shop.plugin("1.0.0"), true).unwrap();
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    assert_eq!(shop.installed_version(), "1.0.0");
}

#[test]
fn eight_installations_at_once_leave_one_whole_plugin() {
    let shop = Shop::new();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let shop = &shop;
            scope.spawn(move || {
                let directory = tempfile::tempdir().unwrap();
                let package = directory.path().join("notation-one");
                fs::write(&package, script("one", &format!("1.{number}.0"))).unwrap();
                fs::set_permissions(&package, fs::Permissions::from_mode(0o755)).unwrap();
                // The older ones may be refused.
                let _ = shop.install(&package, false);
            });
        }
    });
    assert_eq!(shop.installed_version(), "1.7.0");
    assert_eq!(shop.names(), ["one"]);
    let record = shop.plugins.find("one").digest_record().unwrap();
    assert_eq!(record, DigestRecord::Unchanged);
}
