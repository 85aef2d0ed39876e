//! How the executable is named and what kind of file it is.

use crate::{HarnessError, Subject, Verdict};
use notary_plugin_protocol::PluginName;
use std::path::Path;

const PREFIX: &str = "notation-";

fn name_in_file_name(executable: &Path) -> Option<&str> {
    let file = executable.file_name()?.to_str()?;
    let file = if cfg!(windows) {
        file.strip_suffix(".exe")?
    } else {
        file
    };
    file.strip_prefix(PREFIX)
}

pub(super) fn executable_is_named_notation(subject: &Subject) -> Result<Verdict, HarnessError> {
    let named = name_in_file_name(subject.executable())
        .is_some_and(|name| name.parse::<PluginName>().is_ok());
    Ok(Verdict::of(named, || {
        format!("the file is called {}", subject.executable().display())
    }))
}

pub(super) fn executable_is_a_regular_file(subject: &Subject) -> Result<Verdict, HarnessError> {
    let found =
        std::fs::symlink_metadata(subject.executable()).map_err(|source| HarnessError::Start {
            path: subject.executable().to_owned(),
            source,
        })?;
    Ok(Verdict::of(found.is_file(), || {
        let kind = if found.is_symlink() {
            "a symbolic link"
        } else {
            "no regular file"
        };
        format!("it is {kind}")
    }))
}

pub(super) fn name_in_metadata_is_name_in_file_name(
    subject: &Subject,
) -> Result<Verdict, HarnessError> {
    let metadata = subject.metadata()?;
    let in_metadata = metadata
        .as_ref()
        .ok()
        .and_then(|value| value.get("name")?.as_str());
    let in_file = name_in_file_name(subject.executable());
    Ok(Verdict::of(
        in_metadata.is_some() && in_metadata == in_file,
        || format!("the metadata says {in_metadata:?}, the file name {in_file:?}"),
    ))
}
