//! Certificates of the connection: which the server's is checked with, and the one that we show.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use notary_plugin_sdk::{
    CERTIFICATE_DIRECTORY_LIMIT, CERTIFICATE_FILE_LIMIT, PluginError, Settings,
};
use reqwest::{Certificate, Identity};
use zeroize::Zeroizing;

use crate::settings::{CA_BYTES, CA_CERT, CA_PATH, CLIENT_CERT, CLIENT_KEY};

/// The configured roots; `None` where the system's count.
pub(super) fn roots(settings: &Settings) -> Result<Option<Vec<Certificate>>, PluginError> {
    if let Some(path) = settings.path(&CA_CERT) {
        let origin = path.display().to_string();
        return certificates(&read(path)?, &origin).map(Some);
    }
    if let Some(text) = settings.get(&CA_BYTES) {
        return certificates(text.as_bytes(), "`VAULT_CACERT_BYTES`").map(Some);
    }
    match settings.path(&CA_PATH) {
        Some(directory) => from_directory(directory).map(Some),
        None => Ok(None),
    }
}

/// The certificate and key for TLS, where they are configured.
pub(super) fn identity(settings: &Settings) -> Result<Option<Identity>, PluginError> {
    let (certificate, key) = match (settings.path(&CLIENT_CERT), settings.path(&CLIENT_KEY)) {
        (None, None) => return Ok(None),
        (Some(certificate), Some(key)) => (certificate, key),
        _ => {
            return Err(PluginError::validation(
                "of `client_cert` and `client_key` only one is set: both are needed",
            ));
        }
    };
    let mut pem = Zeroizing::new(read(key)?.to_vec());
    pem.push(b'\n');
    pem.extend_from_slice(&read(certificate)?);
    Identity::from_pem(&pem).map(Some).map_err(|_| {
        PluginError::validation(format!(
            "{} and {} are no certificate and private key in PEM",
            certificate.display(),
            key.display()
        ))
    })
}

fn from_directory(directory: &Path) -> Result<Vec<Certificate>, PluginError> {
    let unreadable = |error| unreadable(directory, &error);
    let mut found = Vec::new();
    for (number, entry) in fs::read_dir(directory).map_err(unreadable)?.enumerate() {
        if number == CERTIFICATE_DIRECTORY_LIMIT {
            return Err(PluginError::validation(format!(
                "{} holds more than {CERTIFICATE_DIRECTORY_LIMIT} files",
                directory.display()
            )));
        }
        let path = entry.map_err(unreadable)?.path();
        // Other things lie beside certificates.
        if path.is_file()
            && let Ok(bytes) = read(&path)
            && let Ok(more) = certificates(&bytes, "")
        {
            found.extend(more);
        }
    }
    if found.is_empty() {
        return Err(PluginError::validation(format!(
            "{} holds no certificate",
            directory.display()
        )));
    }
    Ok(found)
}

fn certificates(pem: &[u8], origin: &str) -> Result<Vec<Certificate>, PluginError> {
    // `notary-x509` tells what is wrong; the TLS library would only say that something is.
    let parsed = notary_x509::parse_certificates(pem)
        .map_err(|error| PluginError::validation(format!("{origin}: {error}")))?;
    let ders = parsed.iter().map(|one| Certificate::from_der(one.as_der()));
    ders.collect::<Result<_, _>>()
        .map_err(|error| PluginError::validation(format!("{origin}: {error}")))
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, PluginError> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(CERTIFICATE_FILE_LIMIT as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(path, &error))?;
    if bytes.len() > CERTIFICATE_FILE_LIMIT {
        return Err(PluginError::validation(format!(
            "{} is larger than {CERTIFICATE_FILE_LIMIT} bytes",
            path.display()
        )));
    }
    Ok(bytes)
}

fn unreadable(path: &Path, error: &std::io::Error) -> PluginError {
    PluginError::validation(format!("{} cannot be read: {error}", path.display()))
}
