//! The log: a file when the user asks for one, and otherwise nothing.
//!
//! During protocol commands standard output and error belong to the protocol, so there is nowhere else for
//! a log to go. Lines are `{RFC 3339 time} {process id} {text}`. Secrets do not reach it because
//! [`Secret`](crate::Secret) cannot be formatted; never pass what [`Secret::expose`](crate::Secret::expose)
//! returns.

use std::{
    fmt,
    fs::File,
    io::{self, Write},
    path::Path,
    sync::OnceLock,
};

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

static LOG: OnceLock<File> = OnceLock::new();

/// Opens the log that the environment asks for. A log that cannot be opened is an error: the user asked
/// for it, and silence would look like a plugin that does nothing.
pub(crate) fn open_from_environment() -> io::Result<Option<&'static File>> {
    let variable = crate::settings::LOG_FILE.environment.unwrap_or_default();
    match std::env::var_os(variable).filter(|path| !path.is_empty()) {
        None => Ok(None),
        Some(path) => {
            let file = open(Path::new(&path))?;
            Ok(Some(LOG.get_or_init(|| file)))
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

/// Writes one line to the log, if there is one.
///
/// ```
/// notary_plugin_sdk::log::event(format_args!("slot {} has {} keys", 3, 2));
/// ```
pub fn event(text: fmt::Arguments<'_>) {
    let Some(mut file) = LOG.get() else { return };
    let time = OffsetDateTime::now_utc()
        .format(&Rfc3339)
        .unwrap_or_default();
    // One write per line: lines of processes that share the file do not mix. A full disk must not fail a
    // signature, so the result does not matter.
    let text = text.to_string().replace(['\n', '\r'], " ");
    let _ = file.write_all(format!("{time} {} {text}\n", std::process::id()).as_bytes());
}
