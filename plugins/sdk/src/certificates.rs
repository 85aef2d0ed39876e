//! Certificate chains as a service to plugins: read from anywhere, ordered, checked, and explained.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::Read,
    path::Path,
};

use notary_plugin_protocol::KeySpec;
use notary_x509::{Certificate, CertificateChain, PublicKey, parse_certificates};

use crate::{PluginError, Setting, Settings};

/// Largest certificate file or object that is read. A chain is a few KiB; PKCS#12 files with a private key
/// and bundles of a company's CAs stay below this as well.
pub const CERTIFICATE_FILE_LIMIT: usize = 1024 * 1024;
/// Most files of a certificate directory that are read, so that a wrong path such as `/` is noticed.
pub const CERTIFICATE_DIRECTORY_LIMIT: usize = 256;

/// Certificates that may belong to a key, in any order, each with the place that it came from.
///
/// A plugin adds everything it has; unrelated certificates and duplicates do no harm. The SDK finds the
/// chain from the key's own certificate to the root by key identifiers and signatures, so CAs with equal
/// names and cross-signed ones work, and checks it by the specification's certificate requirements.
///
/// ```
/// # fn main() -> Result<(), notary_plugin_sdk::PluginError> {
/// use notary_plugin_sdk::CertificateBundle;
///
/// let mut bundle = CertificateBundle::new();
/// let error = bundle.add_bytes(b"not a certificate", "object `release` on token `hsm`").unwrap_err();
/// assert!(error.message().starts_with("object `release` on token `hsm`: "));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct CertificateBundle {
    found: Vec<Found>,
    looked_in: Vec<String>,
}

#[derive(Debug, Clone)]
struct Found {
    certificate: Certificate,
    origin: String,
}

impl CertificateBundle {
    /// A bundle without certificates.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a certificate from a place that messages name, such as ``object `release` on token `hsm` ``.
    pub fn add_certificate(&mut self, certificate: Certificate, origin: impl Into<String>) {
        let origin = origin.into();
        self.note_place(&origin);
        self.found.push(Found {
            certificate,
            origin,
        });
    }

    /// Adds the certificates in PEM, DER, PKCS#7 or PKCS#12 data from a place that messages name.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` when the data holds no certificate or cannot be read.
    pub fn add_bytes(&mut self, bytes: &[u8], origin: &str) -> Result<(), PluginError> {
        self.note_place(origin);
        if bytes.len() > CERTIFICATE_FILE_LIMIT {
            return Err(too_large(origin));
        }
        let certificates = parse_certificates(bytes)
            .map_err(|error| PluginError::validation(format!("{origin}: {error}")))?;
        self.found
            .extend(certificates.into_iter().map(|certificate| Found {
                certificate,
                origin: origin.to_owned(),
            }));
        Ok(())
    }

    /// Adds the certificates of a file, or of every file in a directory. Files of a directory that hold no
    /// certificate are passed over, since keys and notes lie beside certificates.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` when the path cannot be read, is too large, or is a file without a certificate.
    pub fn add_path(&mut self, path: &Path) -> Result<(), PluginError> {
        let origin = path.display().to_string();
        let metadata = fs::metadata(path).map_err(|error| unreadable(&origin, &error))?;
        if !metadata.is_dir() {
            let bytes = read_file(path, &origin)?;
            return self.add_bytes(&bytes, &origin);
        }
        self.note_place(&origin);
        for path in files_of(path, &origin)? {
            let origin = path.display().to_string();
            let added = read_file(&path, &origin).and_then(|bytes| self.add_bytes(&bytes, &origin));
            if let Err(error) = added {
                crate::log::event(format_args!("passed over: {error}"));
            }
        }
        Ok(())
    }

    /// Adds the file or directory that a setting names, such as [`CERTIFICATES`](crate::settings::CERTIFICATES),
    /// if it is set.
    ///
    /// # Errors
    /// As [`add_path`](Self::add_path).
    pub fn add_setting(
        &mut self,
        settings: &Settings,
        setting: &Setting,
    ) -> Result<(), PluginError> {
        match settings.path(setting) {
            Some(path) => self
                .add_path(path)
                .map_err(|error| error.context(setting.name_for_people())),
            None => {
                self.note_place(&format!("{} (not set)", setting.name_for_people()));
                Ok(())
            }
        }
    }

    /// Says that a place was searched and had nothing, so that messages can name it.
    pub fn note_place(&mut self, origin: &str) {
        if !self.looked_in.iter().any(|place| place == origin) {
            self.looked_in.push(origin.to_owned());
        }
    }

    /// Whether no certificate was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The certificates, each with the place it came from.
    pub fn iter(&self) -> impl Iterator<Item = (&Certificate, &str)> {
        self.found
            .iter()
            .map(|found| (&found.certificate, found.origin.as_str()))
    }

    /// The chain from the certificate of `leaf_key` to its root. Nothing is checked against the clock or the
    /// certificate rules yet.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` that says which certificate is missing, what was found instead, and where.
    pub fn chain_for(&self, leaf_key: &PublicKey) -> Result<CertificateChain, PluginError> {
        if self.found.is_empty() {
            return Err(PluginError::validation(format!(
                "the key has no certificate; looked in: {}. Get one from a CA with `csr`, or make one to try things out with `self-sign`",
                self.places()
            )));
        }
        let certificates: Vec<Certificate> = self
            .found
            .iter()
            .map(|found| found.certificate.clone())
            .collect();
        CertificateChain::order(&certificates, leaf_key).map_err(|error| {
            PluginError::validation(format!("{error}; found: {}", self.inventory()))
        })
    }

    /// The only certificate that can be the leaf for a key of this spec, if there is just one.
    pub(crate) fn only_leaf(&self, key_spec: KeySpec) -> Option<&Certificate> {
        let mut leaves = self
            .found
            .iter()
            .map(|found| &found.certificate)
            .filter(|certificate| {
                certificate
                    .public_key()
                    .key_spec()
                    .is_ok_and(|spec| spec == key_spec)
                    && !certificate.is_ca()
            });
        let first = leaves.next()?;
        // The same certificate from two places is still one.
        leaves
            .all(|other| other.as_der() == first.as_der())
            .then_some(first)
    }

    /// Where a certificate of the chain came from.
    #[must_use]
    pub fn origin_of(&self, certificate: &Certificate) -> Option<&str> {
        self.found
            .iter()
            .find(|found| found.certificate.as_der() == certificate.as_der())
            .map(|found| found.origin.as_str())
    }

    fn places(&self) -> String {
        if self.looked_in.is_empty() {
            "nowhere".to_owned()
        } else {
            self.looked_in.join(", ")
        }
    }

    /// `"CN=leaf" in a.pem, "CN=root" in b.pem`, cut where it stops helping.
    fn inventory(&self) -> String {
        /// Certificates that a message lists.
        const LISTED: usize = 10;
        let mut text = String::new();
        for (position, found) in self.found.iter().take(LISTED).enumerate() {
            let separator = if position == 0 { "" } else { ", " };
            let _ = write!(
                text,
                "{separator}\"{}\" in {}",
                found.certificate.subject(),
                found.origin
            );
        }
        if let Some(more) = self
            .found
            .len()
            .checked_sub(LISTED)
            .filter(|more| *more > 0)
        {
            let _ = write!(text, " and {more} more");
        }
        text
    }
}

fn files_of(directory: &Path, origin: &str) -> Result<Vec<std::path::PathBuf>, PluginError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(|error| unreadable(origin, &error))? {
        let path = entry.map_err(|error| unreadable(origin, &error))?.path();
        if path.is_file() {
            files.push(path);
        }
        if files.len() > CERTIFICATE_DIRECTORY_LIMIT {
            return Err(PluginError::validation(format!(
                "{origin} holds more than {CERTIFICATE_DIRECTORY_LIMIT} files: name a directory that only has the chain's certificates"
            )));
        }
    }
    // Directory order differs between machines; messages should not.
    files.sort();
    Ok(files)
}

fn read_file(path: &Path, origin: &str) -> Result<Vec<u8>, PluginError> {
    let file = File::open(path).map_err(|error| unreadable(origin, &error))?;
    let mut bytes = Vec::new();
    // One byte more than allowed tells a file that is too large from one that just fits.
    file.take(CERTIFICATE_FILE_LIMIT as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(origin, &error))?;
    if bytes.len() > CERTIFICATE_FILE_LIMIT {
        Err(too_large(origin))
    } else {
        Ok(bytes)
    }
}

fn unreadable(origin: &str, error: &std::io::Error) -> PluginError {
    PluginError::validation(format!("cannot read certificates from {origin}: {error}"))
}

fn too_large(origin: &str) -> PluginError {
    PluginError::validation(format!(
        "{origin} is larger than {CERTIFICATE_FILE_LIMIT} bytes: that is no certificate chain"
    ))
}
