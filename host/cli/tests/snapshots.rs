//! What the program prints, as files: each `.trycmd` file of `snapshots` is a story in a home of its own, a copy of
//! `snapshots/home`. `TRYCMD=overwrite` writes the files anew; read the difference before you keep it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

#[test]
fn the_program_prints_what_the_files_say() {
    let stories = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let mut files: Vec<PathBuf> = fs::read_dir(&stories)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "trycmd")
        })
        .collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        println!("{}", file.display());
        tell(&file, &stories.join("home"));
    }
}

/// Runs the program that is named second with an answer on its standard input.
const SAY: &str = "#!/bin/sh
answer=$1
shift 2
printf '%s\\n' \"$answer\" | \"$HOME/apostille\" \"$@\"
";

/// Runs the program that is named second with another configuration directory.
const WITH: &str = "#!/bin/sh
export NOTATION_CONFIG=$1
shift 2
exec \"$HOME/apostille\" \"$@\"
";

/// Runs one story. This is the only test of its program, since the working directory is the process's.
fn tell(story: &Path, home: &Path) {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().canonicalize().unwrap();
    copy(home, &directory);
    std::env::set_current_dir(&directory).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_apostille"));
    let notation = directory.join("notation");
    std::os::unix::fs::symlink(program, &notation).unwrap();
    std::os::unix::fs::symlink(program, directory.join("apostille")).unwrap();
    let helpers = [("say", SAY), ("with", WITH)].map(|(name, script)| {
        let path = directory.join(name);
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        (name, path)
    });
    trycmd::TestCases::new()
        .register_bin("apostille", program)
        .register_bins(helpers.iter().map(|(name, path)| (*name, path.as_path())))
        .register_bin("notation", notation.as_path())
        .insert_var("[HOME]", directory.display().to_string())
        .unwrap()
        .env("HOME", directory.display().to_string())
        .env("NOTATION_CONFIG", "config")
        .env("NOTATION_CACHE", "cache")
        .env("NOTATION_LIBEXEC", "")
        .env("NOTATION_USERNAME", "")
        .env("NOTATION_PASSWORD", "")
        .env("NOTATION_EXPERIMENTAL", "")
        .env("COLUMNS", "100")
        .case(story)
        .run();
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
