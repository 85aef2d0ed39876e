//! Trust stores as directories: what is read, what is refused, and how they are changed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::fs;
use std::path::PathBuf;

use apostille_trust::store::{
    Anchor, DirectoryTrustStores, MAX_ANCHORS, MAX_FILES, StoreError, StoreReference, StoreType,
    TrustStore, TrustStores,
};
use support::{root, self_signed_leaf};
use tempfile::TempDir;

struct Home {
    _directory: TempDir,
    stores: DirectoryTrustStores,
}

impl Home {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let stores = DirectoryTrustStores::new(directory.path());
        Self {
            _directory: directory,
            stores,
        }
    }

    /// A store with these files, put there by hand.
    fn with(&self, store: &str, files: &[(&str, &[u8])]) -> (StoreReference, PathBuf) {
        let store: StoreReference = store.parse().unwrap();
        let path = self.stores.path_of(&store);
        fs::create_dir_all(&path).unwrap();
        for (name, bytes) in files {
            fs::write(path.join(name), bytes).unwrap();
        }
        (store, path)
    }
}

fn reference(text: &str) -> StoreReference {
    text.parse().unwrap()
}

#[test]
fn pem_and_der_files_of_any_name_with_one_or_more_certificates_are_read() {
    let home = Home::new();
    let (one, two, three) = (root("one"), root("two"), root("three"));
    let both = format!("{}{}", one.pem, two.pem);
    let files: [(&str, &[u8]); 2] = [
        ("both.pem", both.as_bytes()),
        ("three", three.certificate.as_der()),
    ];
    let (store, _) = home.with("ca:acme", &files);
    let found = home.stores.store(&store).unwrap();
    let certificates: Vec<_> = found
        .anchors()
        .iter()
        .map(|anchor| anchor.certificate.clone())
        .collect();
    assert_eq!(
        certificates,
        [one.certificate, two.certificate, three.certificate]
    );
    assert!(
        found.anchors()[0]
            .origin
            .ends_with("truststore/x509/ca/acme/both.pem")
    );
}

#[test]
fn a_missing_or_empty_store_says_how_to_fill_it() {
    let home = Home::new();
    let error = home.stores.store(&reference("tsa:acme")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the trust store tsa:acme does not exist; make it with `apostille certificate add --type tsa --store acme FILE`"
    );
    let (store, _) = home.with("ca:acme", &[]);
    let error = home.stores.store(&store).unwrap_err();
    assert!(matches!(&error, StoreError::Empty { .. }));
    assert!(
        error
            .to_string()
            .contains("apostille certificate add --type ca --store acme FILE")
    );
}

#[test]
fn one_file_that_is_no_certificate_makes_the_store_unusable() {
    let home = Home::new();
    let pem = root("one").pem;
    let (store, _) = home.with(
        "ca:acme",
        &[("one.pem", pem.as_bytes()), ("notes.txt", b"hello")],
    );
    assert!(matches!(
        home.stores.store(&store),
        Err(StoreError::NotCertificates { .. })
    ));
}

#[test]
fn sub_directories_are_passed_over_with_a_warning() {
    let home = Home::new();
    let (store, path) = home.with("ca:acme", &[("one.pem", root("one").pem.as_bytes())]);
    fs::create_dir(path.join("old")).unwrap();
    fs::write(path.join("old/two.pem"), root("two").pem).unwrap();
    let found = home.stores.store(&store).unwrap();
    assert_eq!(found.anchors().len(), 1);
    assert!(found.warnings()[0].contains("is a directory inside the trust store ca:acme"));
}

#[cfg(unix)]
#[test]
fn symbolic_links_are_refused_as_stores_and_as_files() {
    use std::os::unix::fs::symlink;
    let home = Home::new();
    let (store, path) = home.with("ca:acme", &[("one.pem", root("one").pem.as_bytes())]);
    let linked = reference("ca:linked");
    symlink(&path, home.stores.path_of(&linked)).unwrap();
    assert!(matches!(
        home.stores.store(&linked),
        Err(StoreError::NotADirectory { .. })
    ));
    symlink(path.join("one.pem"), path.join("two.pem")).unwrap();
    assert!(matches!(
        home.stores.store(&store),
        Err(StoreError::NotARegularFile { .. })
    ));
}

/// A certificate that somebody else issued vouches for nobody: trusting it alone would go around
/// its issuer.
#[test]
fn ratify_2723_a_leaf_is_no_anchor_unless_it_signed_itself() {
    let ca = root("ca");
    let leaf = ca.leaf("leaf", |_| ());
    let alone = self_signed_leaf("alone");
    let home = Home::new();
    for store_type in ["ca", "signingAuthority"] {
        let (store, _) = home.with(
            &format!("{store_type}:leaf"),
            &[("l.pem", leaf.pem.as_bytes())],
        );
        let error = home.stores.store(&store).unwrap_err();
        assert!(matches!(&error, StoreError::NotAnAnchor { .. }), "{error}");
        let (store, _) = home.with(
            &format!("{store_type}:alone"),
            &[("l.pem", alone.pem.as_bytes())],
        );
        assert!(home.stores.store(&store).is_ok());
        let intermediate = ca.intermediate("intermediate");
        let (store, _) = home.with(
            &format!("{store_type}:mid"),
            &[("l.pem", intermediate.pem.as_bytes())],
        );
        assert!(home.stores.store(&store).is_ok());
    }
}

#[test]
fn only_a_root_ca_is_an_anchor_for_timestamps() {
    let ca = root("ca");
    let home = Home::new();
    for (name, pem, fits) in [
        ("root", ca.pem.clone(), true),
        ("mid", ca.intermediate("mid").pem, false),
        ("alone", self_signed_leaf("alone").pem, false),
        ("leaf", ca.leaf("leaf", |_| ()).pem, false),
    ] {
        let (store, _) = home.with(&format!("tsa:{name}"), &[("c.pem", pem.as_bytes())]);
        assert_eq!(home.stores.store(&store).is_ok(), fits, "{name}");
    }
}

#[test]
fn a_store_with_too_many_files_is_refused_before_they_are_read() {
    let home = Home::new();
    let (store, path) = home.with("ca:acme", &[]);
    for index in 0..=MAX_FILES {
        fs::write(path.join(index.to_string()), b"").unwrap();
    }
    assert!(matches!(
        home.stores.store(&store),
        Err(StoreError::TooManyFiles { .. })
    ));
}

#[test]
fn a_store_with_too_many_certificates_is_refused() {
    let anchor = Anchor {
        certificate: root("one").certificate,
        origin: "memory".into(),
    };
    let anchors = vec![anchor; MAX_ANCHORS + 1];
    let store = TrustStore::new(reference("ca:a"), anchors.clone());
    assert!(matches!(store, Err(StoreError::TooManyCertificates { .. })));
    let store = TrustStore::new(reference("ca:a"), anchors[1..].to_vec()).unwrap();
    assert_eq!(store.anchors().len(), 1, "the same certificate counts once");
}

#[test]
fn a_file_larger_than_the_limit_is_refused() {
    let home = Home::new();
    let large = vec![b'\n'; notary_x509::MAX_CERTIFICATE_FILE_LEN + 1];
    let (store, _) = home.with("ca:acme", &[("large.pem", &large)]);
    assert!(matches!(
        home.stores.store(&store),
        Err(StoreError::NotCertificates {
            source: notary_x509::Error::TooLarge { .. },
            ..
        })
    ));
}

#[test]
fn an_added_certificate_is_in_the_store_and_never_replaced() {
    let home = Home::new();
    let (store, first, second) = (reference("ca:acme"), root("one"), root("two"));
    let added = home
        .stores
        .add(&store, "root.crt", first.pem.as_bytes())
        .unwrap();
    assert_eq!(added.path, home.stores.path_of(&store).join("root.crt"));
    assert_eq!(added.certificates.len(), 1);
    assert_eq!(added.certificates[0], first.certificate);
    let again = home.stores.add(&store, "root.crt", second.pem.as_bytes());
    assert!(matches!(again, Err(StoreError::FileExists { .. })));
    let found = home.stores.store(&store).unwrap();
    assert_eq!(found.anchors()[0].certificate, first.certificate);
    let beside = fs::read_dir(home.stores.path_of(&store).parent().unwrap()).unwrap();
    assert_eq!(beside.count(), 1, "nothing unfinished is left behind");
}

#[test]
fn what_is_no_anchor_or_no_certificate_is_not_added() {
    let home = Home::new();
    let store = reference("ca:acme");
    let leaf = root("ca").leaf("leaf", |_| ());
    assert!(matches!(
        home.stores.add(&store, "leaf.pem", leaf.pem.as_bytes()),
        Err(StoreError::NotAnAnchor { .. })
    ));
    assert!(matches!(
        home.stores.add(&store, "key.pem", b"hello"),
        Err(StoreError::NotCertificates { .. })
    ));
    assert!(!home.stores.path_of(&store).exists());
}

#[test]
fn a_file_name_cannot_leave_the_store() {
    let home = Home::new();
    let pem = root("one").pem;
    for name in [
        "", ".", "..", "../x", "a/b", "a\\b", "c:x", ".hidden", "a\nb",
    ] {
        let added = home.stores.add(&reference("ca:acme"), name, pem.as_bytes());
        assert!(
            matches!(added, Err(StoreError::BadFileName { .. })),
            "{name:?}"
        );
        let deleted = home.stores.delete_file(&reference("ca:acme"), name);
        assert!(
            matches!(deleted, Err(StoreError::BadFileName { .. })),
            "{name:?}"
        );
    }
}

#[cfg(unix)]
#[test]
fn nothing_is_added_or_deleted_through_a_link() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let home = Home::new();
    let elsewhere = tempfile::tempdir().unwrap();
    home.with("ca:real", &[]);
    let linked = reference("ca:linked");
    symlink(elsewhere.path(), home.stores.path_of(&linked)).unwrap();
    let added = home
        .stores
        .add(&linked, "one.pem", root("one").pem.as_bytes());
    assert!(matches!(added, Err(StoreError::NotADirectory { .. })));
    assert!(matches!(
        home.stores.delete_store(&linked),
        Err(StoreError::NotADirectory { .. })
    ));
    fs::write(elsewhere.path().join("one.pem"), b"").unwrap();
    let deleted = home.stores.delete_file(&linked, "one.pem");
    assert!(matches!(deleted, Err(StoreError::NotADirectory { .. })));
    assert!(elsewhere.path().join("one.pem").exists());
    let added = home
        .stores
        .add(&reference("ca:new"), "one.pem", root("one").pem.as_bytes())
        .unwrap();
    assert_eq!(
        fs::metadata(added.path).unwrap().permissions().mode() & 0o077,
        0
    );
}

#[test]
fn stores_are_listed_by_name_and_deleted_by_file_or_whole() {
    let home = Home::new();
    let pem = root("one").pem;
    for store in ["ca:b", "ca:a", "tsa:c"] {
        home.stores
            .add(&reference(store), "one.pem", pem.as_bytes())
            .unwrap();
    }
    let names = home.stores.names(StoreType::Ca).unwrap();
    assert_eq!(
        names.iter().map(|name| name.as_str()).collect::<Vec<_>>(),
        ["a", "b"]
    );
    assert!(
        home.stores
            .names(StoreType::SigningAuthority)
            .unwrap()
            .is_empty()
    );
    home.stores
        .delete_file(&reference("ca:a"), "one.pem")
        .unwrap();
    assert!(matches!(
        home.stores.delete_file(&reference("ca:a"), "one.pem"),
        Err(StoreError::NoSuchFile { .. })
    ));
    home.stores.delete_store(&reference("ca:b")).unwrap();
    assert!(matches!(
        home.stores.delete_store(&reference("ca:b")),
        Err(StoreError::NotFound { .. })
    ));
}
