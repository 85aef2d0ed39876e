//! Timestamps on new signatures, as the flags ask for them.

use std::path::Path;
use std::sync::Arc;

use apostille_core::{HttpTimestampAuthority, Timestamping, TimestampingError};
use notary_x509::{Certificate, parse_certificates};

use crate::application::Application;
use crate::failure::{Failure, FailureKind, chain_of};
use crate::flags::TimestampFlags;
use crate::revocation_access::{self, RevocationFlags};
use crate::signers::read_key_file;

/// What stamps the signature; `None` if the flags ask for no timestamp. Nothing is connected to yet.
///
/// # Errors
/// The URL or the root certificate cannot be used.
pub fn chosen(
    application: &Application<'_>,
    flags: &TimestampFlags,
    revocation: &RevocationFlags,
) -> Result<Option<Timestamping>, Failure> {
    let (Some(url), Some(root)) = (&flags.timestamp_url, &flags.timestamp_root_cert) else {
        return Ok(None);
    };
    let proxies = application.environment.proxies.clone();
    let authority = HttpTimestampAuthority::new(url, revocation_access::USER_AGENT, proxies)?;
    Ok(Some(Timestamping {
        authority: Arc::new(authority),
        root: root_certificate(Path::new(root))?,
        revocation: Arc::new(revocation_access::checker(application, revocation)?),
    }))
}

/// The one certificate in a file, which must be a root: signed by itself, under its own name.
fn root_certificate(path: &Path) -> Result<Certificate, Failure> {
    let refuse = |reason: String| {
        let text = format!(
            "timestamping: {} cannot be the root certificate of the authority: {reason}",
            path.display()
        );
        Failure::new(FailureKind::Signer, text)
    };
    let contents = read_key_file(path).map_err(|failure| {
        let text = format!("timestamping root certificate: {}", failure.message());
        Failure::new(failure.kind(), text)
    })?;
    let certificates = parse_certificates(&contents).map_err(|error| refuse(chain_of(&error)))?;
    let [root] = certificates.as_slice() else {
        return Err(refuse(format!(
            "it has {} certificates, and exactly one is needed",
            certificates.len()
        )));
    };
    if !root.is_self_signed() {
        return Err(refuse(format!("{} is not self-signed", root.subject())));
    }
    Ok(root.clone())
}

impl From<TimestampingError> for Failure {
    fn from(error: TimestampingError) -> Self {
        let kind = match error {
            TimestampingError::Url(_) => FailureKind::Usage,
            _ => FailureKind::Signer,
        };
        Self::new(kind, format!("timestamping: {}", chain_of(&error)))
    }
}
