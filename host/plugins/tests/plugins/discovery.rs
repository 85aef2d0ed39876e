//! Which files count as plugins.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::support::Plugins;
use apostille_plugins::{DiscoveryError, PluginDirectory};

fn find_error(plugins: &Plugins, name: &str) -> DiscoveryError {
    plugins
        .directory()
        .find(&name.parse().unwrap())
        .unwrap_err()
}

#[test]
fn plugins_are_listed_by_name_and_broken_ones_with_their_reason() {
    let plugins = Plugins::new();
    plugins.add("b", "exit 0");
    plugins.add("a", "exit 0");
    fs::create_dir(plugins.path().join("empty")).unwrap();
    fs::create_dir(plugins.path().join("not a name")).unwrap();
    fs::create_dir(plugins.path().join(".staging")).unwrap();
    fs::write(plugins.path().join("file"), "").unwrap();
    symlink(plugins.path().join("a"), plugins.path().join("link")).unwrap();
    let list = plugins.directory().list().unwrap();
    let names: Vec<&str> = list.iter().map(|plugin| plugin.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "empty", "not a name"]);
    assert!(list[0].executable.is_ok() && list[1].executable.is_ok());
    assert!(matches!(
        list[2].executable,
        Err(DiscoveryError::NoExecutable { .. })
    ));
    assert!(matches!(
        list[3].executable,
        Err(DiscoveryError::InvalidName { .. })
    ));
}

#[test]
fn a_plugin_that_is_not_there_is_named_with_the_directory_and_what_is_there() {
    let plugins = Plugins::new();
    let path = plugins.path().display().to_string();
    let text = find_error(&plugins, "kms").to_string();
    assert_eq!(
        text,
        format!(
            "no plugin called \"kms\" is installed; looked in {path}; no plugins are installed there"
        )
    );
    plugins.add("azure-kv", "");
    plugins.add("aws-kms", "");
    let text = find_error(&plugins, "kms").to_string();
    assert_eq!(
        text,
        format!(
            "no plugin called \"kms\" is installed; looked in {path}; installed are: aws-kms, azure-kv"
        )
    );
}

#[test]
fn a_directory_that_does_not_exist_has_no_plugins() {
    let parent = tempfile::tempdir().unwrap();
    let plugins = PluginDirectory::new(parent.path().join("plugins"));
    assert!(plugins.list().unwrap().is_empty());
    assert!(matches!(
        plugins.find(&"x".parse().unwrap()),
        Err(DiscoveryError::NotInstalled { .. })
    ));
}

#[test]
fn a_plugin_directory_that_is_no_directory_is_an_error() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = PluginDirectory::new(file.path()).list().unwrap_err();
    assert!(matches!(error, DiscoveryError::Unreadable { .. }));
}

#[test]
fn a_symbolic_link_is_refused_as_executable_and_as_directory() {
    let plugins = Plugins::new();
    let real = plugins.add("real", "exit 0");
    let directory = plugins.path().join("linked");
    fs::create_dir(&directory).unwrap();
    symlink(real, directory.join("notation-linked")).unwrap();
    let text = find_error(&plugins, "linked").to_string();
    assert!(
        text.contains("is a symbolic link, and has to be a regular file"),
        "{text}"
    );

    symlink(plugins.path().join("real"), plugins.path().join("alias")).unwrap();
    let text = find_error(&plugins, "alias").to_string();
    assert!(
        text.contains("is a symbolic link, and has to be a directory"),
        "{text}"
    );
}

#[test]
fn a_fifo_and_a_directory_are_refused_without_waiting() {
    let plugins = Plugins::new();
    for name in ["fifo", "folder"] {
        fs::create_dir(plugins.path().join(name)).unwrap();
    }
    let fifo = plugins.path().join("fifo/notation-fifo");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    fs::create_dir(plugins.path().join("folder/notation-folder")).unwrap();
    for (name, found) in [
        ("fifo", "a device, a FIFO or a socket"),
        ("folder", "a directory"),
    ] {
        let text = find_error(&plugins, name).to_string();
        assert!(
            text.contains(&format!("is {found}, and has to be a regular file")),
            "{text}"
        );
    }
}

#[test]
fn a_file_that_nobody_may_execute_is_refused_with_what_to_do() {
    let plugins = Plugins::new();
    let file = plugins.add("plain", "exit 0");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let error = find_error(&plugins, "plain");
    assert!(matches!(error, DiscoveryError::NotExecutable { .. }));
    assert!(error.to_string().contains("chmod u+x"));
}
