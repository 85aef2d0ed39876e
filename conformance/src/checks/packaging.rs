//! How the executable is named and what kind of file it is.

use super::{Check, Checked, Stop, asking, kept, metadata};
use crate::{HarnessError, Invocation, Stdin, Subject};
use notary_plugin_protocol::PluginName;
use std::fs::Metadata;
use std::path::Path;

const PREFIX: &str = "notation-";

/// Hosts install nothing that is as large as this ("Package and release a plugin").
const SIZE_LIMIT: u64 = 256 * 1024 * 1024;

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("NP-PK-001", executable_is_named_notation),
    ("NP-PK-002", executable_is_a_regular_file),
    ("NP-PK-003", owner_may_execute),
    ("NP-PK-004", name_in_metadata_is_name_in_file_name),
    ("NP-PK-005", executable_is_below_the_size_limit),
    ("NP-PK-010", metadata_does_not_depend_on_the_directory),
    ("NP-PK-011", name_needs_no_quoting),
    ("NP-PK-013", nobody_else_may_write),
];

fn name_in_file_name(executable: &Path) -> Option<&str> {
    let file = executable.file_name()?.to_str()?;
    let file = if cfg!(windows) {
        file.strip_suffix(".exe")?
    } else {
        file
    };
    file.strip_prefix(PREFIX).filter(|name| !name.is_empty())
}

fn named(subject: &Subject) -> Result<&str, Stop> {
    name_in_file_name(subject.executable()).ok_or_else(|| {
        Stop::elsewhere(format!(
            "the file is called {}",
            subject.executable().display()
        ))
    })
}

fn file(subject: &Subject) -> Result<Metadata, HarnessError> {
    std::fs::metadata(subject.executable()).map_err(|source| HarnessError::Start {
        path: subject.executable().to_owned(),
        source,
    })
}

fn executable_is_named_notation(subject: &Subject) -> Checked {
    kept(name_in_file_name(subject.executable()).is_some(), || {
        format!("the file is called {}", subject.executable().display())
    })
}

fn executable_is_a_regular_file(subject: &Subject) -> Checked {
    let found =
        std::fs::symlink_metadata(subject.executable()).map_err(|source| HarnessError::Start {
            path: subject.executable().to_owned(),
            source,
        })?;
    kept(found.is_file(), || {
        let kind = if found.is_symlink() {
            "a symbolic link"
        } else {
            "no regular file"
        };
        format!("it is {kind}")
    })
}

#[cfg(unix)]
fn mode(subject: &Subject) -> Result<u32, Stop> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(file(subject)?.permissions().mode())
}

#[cfg(not(unix))]
fn mode(_: &Subject) -> Result<u32, Stop> {
    Err(Stop::NotApplicable(
        "this system has no permission bits".to_owned(),
    ))
}

fn owner_may_execute(subject: &Subject) -> Checked {
    let mode = mode(subject)?;
    kept(mode & 0o100 != 0, || {
        format!("its permissions are {:o}", mode & 0o7777)
    })
}

fn nobody_else_may_write(subject: &Subject) -> Checked {
    let mode = mode(subject)?;
    kept(mode & 0o6022 == 0, || {
        format!("its permissions are {:o}", mode & 0o7777)
    })
}

fn executable_is_below_the_size_limit(subject: &Subject) -> Checked {
    let size = file(subject)?.len();
    kept(size < SIZE_LIMIT, || format!("it has {size} bytes"))
}

fn name_in_metadata_is_name_in_file_name(subject: &Subject) -> Checked {
    let in_file = named(subject)?;
    let metadata = subject.metadata()?.map_err(Stop::elsewhere)?;
    let in_metadata = metadata.get("name").and_then(|name| name.as_str());
    kept(in_metadata == Some(in_file), || {
        format!("the metadata says {in_metadata:?}, the file name {in_file:?}")
    })
}

fn name_needs_no_quoting(subject: &Subject) -> Checked {
    let name = named(subject)?;
    kept(name.parse::<PluginName>().is_ok(), || {
        format!("the name is {name:?}")
    })
}

fn metadata_does_not_depend_on_the_directory(subject: &Subject) -> Checked {
    let request = subject.metadata_request().to_string();
    let root = subject.invoke(&Invocation {
        directory: Some(Path::new(if cfg!(windows) { "C:\\" } else { "/" })),
        ..Invocation::new(&[asking::METADATA], Stdin::Bytes(request.as_bytes()))
    })?;
    metadata::same(subject, &root)
}
