//! The file with the signature of another file. Its name says the format of the envelope.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use apostille_signature::EnvelopeFormat;
use apostille_signature::limits::MAX_ENVELOPE_LEN;

use crate::application::Application;
use crate::durable_file;
use crate::failure::{Failure, FailureKind};

/// A signature that was read.
pub(super) struct SignatureFile {
    pub(super) format: EnvelopeFormat,
    pub(super) envelope: Vec<u8>,
}

impl SignatureFile {
    /// Reads it.
    ///
    /// # Errors
    /// Its name says no format, or it cannot be read.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let format = format_of(path)?;
        let limit = u64::try_from(MAX_ENVELOPE_LEN).unwrap_or(u64::MAX);
        let envelope = durable_file::read_limited(path, limit).map_err(|error| {
            let doing = format!("cannot read the signature {}", path.display());
            Failure::because(FailureKind::General, doing, &error)
        })?;
        Ok(Self { format, envelope })
    }
}

/// The format in the last two extensions of the name, in any case.
fn format_of(path: &Path) -> Result<EnvelopeFormat, Failure> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut parts: Vec<&str> = name.split('.').collect();
    let refuse = |reason: &str| {
        Failure::usage(format!("invalid signature filename {name}. {reason}"))
            .hint("The signature of a file is named after it: <blob>.jws.sig or <blob>.cose.sig")
    };
    if !parts
        .pop()
        .is_some_and(|last| last.eq_ignore_ascii_case("sig"))
    {
        return Err(refuse("The file extension must be .sig"));
    }
    match (parts.pop(), parts.is_empty()) {
        (Some(format), false) => {
            let lower = format.to_ascii_lowercase();
            lower.parse().map_err(|_| {
                Failure::usage(format!("signature format {format:?} not supported"))
                    .hint("Supported signature envelope formats are \"jws\" and \"cose\"")
            })
        }
        _ => Err(refuse(
            "A valid signature file name must contain signature format and .sig file extension",
        )),
    }
}

/// Where a new signature goes.
#[derive(Debug)]
pub(super) struct Destination {
    path: PathBuf,
    /// Whether the user agreed to lose what is there.
    replaces: bool,
}

impl Destination {
    /// `<blob>.<format>.sig` in `directory`, or beside the blob. `None` if there is a signature already and the user
    /// wants to keep it.
    pub(super) fn choose(
        application: &mut Application<'_>,
        blob: &Path,
        directory: Option<&Path>,
        format: EnvelopeFormat,
        force: bool,
    ) -> Result<Option<Self>, Failure> {
        let mut name: OsString = blob
            .file_name()
            .ok_or_else(|| Failure::usage(format!("{} is not the path of a file", blob.display())))?
            .to_owned();
        name.push(format.file_extension());
        let directory = directory.unwrap_or_else(|| blob.parent().unwrap_or(Path::new("")));
        let path = directory.join(name);
        let replaces = std::fs::symlink_metadata(&path).is_ok();
        if replaces && force {
            application
                .console
                .warn("existing signature file will be overwritten");
        } else if replaces {
            let question = "The signature file already exists, do you want to overwrite it?";
            if !application.console.confirm(question)? {
                return Ok(None);
            }
        }
        Ok(Some(Self { path, replaces }))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the signature as a whole or not at all, readable by its owner only.
    pub(super) fn write(&self, envelope: &[u8]) -> Result<(), Failure> {
        let written = if self.replaces {
            durable_file::replace(&self.path, envelope)
        } else {
            // What came meanwhile is not lost without a question.
            durable_file::create_new(&self.path, envelope, 0o600)
        };
        written.map_err(|error| {
            let doing = format!("cannot write the signature {}", self.path.display());
            Failure::because(FailureKind::General, doing, &error)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_two_extensions_say_the_format_in_any_case() {
        for (name, format) in [
            ("a.jws.sig", EnvelopeFormat::Jws),
            ("dir.x/a.tar.gz.cose.sig", EnvelopeFormat::Cose),
            ("A.JWS.SIG", EnvelopeFormat::Jws),
            (".jws.sig", EnvelopeFormat::Jws),
        ] {
            assert_eq!(format_of(Path::new(name)).unwrap(), format, "{name}");
        }
    }

    #[test]
    fn a_name_without_a_format_is_refused_with_the_reason() {
        for (name, reason) in [
            ("a.txt", "The file extension must be .sig"),
            ("sig", "A valid signature file name"),
            ("jws.sig", "A valid signature file name"),
            ("a.xyz.sig", "signature format \"xyz\" not supported"),
            ("", "The file extension must be .sig"),
        ] {
            let failure = format_of(Path::new(name)).unwrap_err();
            assert!(failure.message().contains(reason), "{name}: {failure:?}");
        }
    }
}
