//! CRLs and OCSP answers prepared in a directory, for sites without a network.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use notary_x509::Certificate;
use thiserror::Error;
use time::OffsetDateTime;

use super::crl::{self, Crl, MAX_CRL_LEN};
use super::evidence::{EvidenceError, Verdict};
use super::ocsp::{self, OcspAnswer};

/// The most files in the directory of a bundle: each OCSP answer is looked at for each certificate.
pub const MAX_BUNDLE_FILES: usize = 1024;
/// The most bytes of a bundle, over all files: they are all held at once. The CRLs of usual CAs have some KiB each,
/// the largest ones known some MiB.
pub const MAX_BUNDLE_LEN: usize = 128 * 1024 * 1024;

/// Why a bundle cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The directory or a file in it cannot be read.
    #[error("the revocation bundle {} cannot be read: {source}", path.display())]
    Io {
        /// The directory or file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file that is no CRL or OCSP answer.
    #[error("{} in the revocation bundle is of no use: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: EvidenceError,
    },
    /// More files or bytes than a bundle may have.
    #[error("the revocation bundle {} has more than {limit} {unit}", path.display())]
    TooLarge {
        /// The directory.
        path: PathBuf,
        /// The limit.
        limit: usize,
        /// `files` or `bytes`.
        unit: &'static str,
    },
}

/// The CRLs (`*.crl`, DER or PEM) and OCSP answers (`*.ocsp`, DER) of a directory. Each is checked
/// when it is used, like one from the network; other files are left alone.
#[derive(Clone, Debug, Default)]
pub struct OfflineBundle {
    crls: Vec<(String, Crl)>,
    ocsp_answers: Vec<(String, Vec<u8>)>,
}

impl OfflineBundle {
    /// Reads the bundle in `directory`.
    ///
    /// # Errors
    /// [`BundleError`]: a bundle of which a part cannot be used is refused as a whole, since what is
    /// missing may be what would have said "revoked".
    pub fn read(directory: &Path) -> Result<Self, BundleError> {
        let mut bundle = Self::default();
        let mut len = 0usize;
        for path in files(directory)? {
            let kind = path
                .extension()
                .map(|extension| extension.to_ascii_lowercase());
            let limit = match kind.as_deref().and_then(|kind| kind.to_str()) {
                Some("crl") => MAX_CRL_FILE_LEN,
                Some("ocsp") => ocsp::MAX_RESPONSE_LEN,
                _ => continue,
            };
            let bytes = read_file(&path, limit)?;
            len = len.saturating_add(bytes.len());
            if len > MAX_BUNDLE_LEN {
                return Err(BundleError::TooLarge {
                    path: directory.to_owned(),
                    limit: MAX_BUNDLE_LEN,
                    unit: "bytes",
                });
            }
            bundle.add(&path, bytes)?;
        }
        Ok(bundle)
    }

    fn add(&mut self, path: &Path, bytes: Vec<u8>) -> Result<(), BundleError> {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("ocsp"))
        {
            self.ocsp_answers.push((name, bytes));
            return Ok(());
        }
        let der = if bytes.starts_with(b"-----BEGIN ") {
            from_pem(&bytes).ok_or_else(|| BundleError::File {
                path: path.to_owned(),
                source: EvidenceError::Malformed {
                    what: "CRL",
                    reason: "it is not one PEM block X509 CRL".to_owned(),
                },
            })?
        } else {
            bytes
        };
        let crl = Crl::from_der(der).map_err(|source| BundleError::File {
            path: path.to_owned(),
            source,
        })?;
        self.crls.push((name, crl));
        Ok(())
    }

    /// What the OCSP answers say about `certificate`: the newest that can be relied on, with the name
    /// of its file.
    #[must_use]
    pub fn ocsp(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        now: OffsetDateTime,
    ) -> Option<(&str, OcspAnswer)> {
        self.ocsp_answers
            .iter()
            .filter_map(|(name, der)| {
                Some((
                    name.as_str(),
                    ocsp::read(der, certificate, issuer, None, now).ok()?,
                ))
            })
            .max_by_key(|(_, answer)| answer.this_update)
    }

    /// What the CRLs of `issuer` say about `certificate`, with the name of the file: the newest base
    /// CRL that can be relied on and the newest delta CRL that goes with it. `None` if the bundle has
    /// no CRL of this issuer.
    #[must_use]
    pub fn crl(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        now: OffsetDateTime,
    ) -> Option<(&str, Result<Verdict, EvidenceError>)> {
        let of_issuer = || {
            self.crls
                .iter()
                .filter(|(_, crl)| crl.issuer_der() == issuer.subject().as_der())
        };
        let mut bases: Vec<_> = of_issuer().filter(|(_, crl)| !crl.is_delta()).collect();
        let mut deltas: Vec<_> = of_issuer().filter(|(_, crl)| crl.is_delta()).collect();
        bases.sort_by_key(|(_, crl)| std::cmp::Reverse(crl.this_update()));
        deltas.sort_by_key(|(_, crl)| std::cmp::Reverse(crl.this_update()));

        let mut failure = None;
        for (name, base) in bases {
            let with_delta = deltas
                .iter()
                .map(|(_, delta)| crl::judge(certificate, issuer, base, Some(delta), now))
                .find(Result::is_ok);
            let verdict =
                with_delta.unwrap_or_else(|| crl::judge(certificate, issuer, base, None, now));
            match verdict {
                Ok(_) => return Some((name.as_str(), verdict)),
                Err(_) => failure = failure.or(Some((name.as_str(), verdict))),
            }
        }
        failure
    }
}

/// A CRL of the largest size as PEM.
const MAX_CRL_FILE_LEN: usize = MAX_CRL_LEN / 3 * 4 + MAX_CRL_LEN / 16;

fn files(directory: &Path) -> Result<Vec<PathBuf>, BundleError> {
    let io = |source| BundleError::Io {
        path: directory.to_owned(),
        source,
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(io)? {
        let entry = entry.map_err(io)?;
        if entry.path().is_file() {
            paths.push(entry.path());
        }
        if paths.len() > MAX_BUNDLE_FILES {
            return Err(BundleError::TooLarge {
                path: directory.to_owned(),
                limit: MAX_BUNDLE_FILES,
                unit: "files",
            });
        }
    }
    paths.sort();
    Ok(paths)
}

fn read_file(path: &Path, limit: usize) -> Result<Vec<u8>, BundleError> {
    let io = |source| BundleError::Io {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    let limit_len = u64::try_from(limit).unwrap_or(u64::MAX);
    std::fs::File::open(path)
        .map_err(io)?
        .take(limit_len.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(io)?;
    if bytes.len() > limit {
        return Err(BundleError::File {
            path: path.to_owned(),
            source: EvidenceError::TooLarge {
                what: "file",
                limit,
                actual: bytes.len(),
            },
        });
    }
    Ok(bytes)
}

fn from_pem(bytes: &[u8]) -> Option<Vec<u8>> {
    match der::pem::decode_vec(bytes) {
        Ok(("X509 CRL", der)) => Some(der),
        _ => None,
    }
}
