//! The authorities that the endpoints' certificates are checked with.

use std::fs::File;
use std::io::Read as _;

use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use notary_plugin_sdk::{CERTIFICATE_FILE_LIMIT, PluginError, Settings};
use rustls::RootCertStore;

use crate::settings::CA_BUNDLE;

/// The configured authorities, else the system's.
///
/// # Errors
/// `VALIDATION_ERROR` where the file cannot be read or holds something else.
pub(super) fn context(settings: &Settings) -> Result<TlsContext, PluginError> {
    let store = match settings.path(&CA_BUNDLE) {
        None => TrustStore::default(),
        Some(path) => {
            let failed = |why: String| {
                PluginError::validation(format!(
                    "`ca_bundle` (AWS_CA_BUNDLE), {}: {why}",
                    path.display()
                ))
            };
            let mut bytes = Vec::new();
            File::open(path)
                .and_then(|file| {
                    file.take(CERTIFICATE_FILE_LIMIT as u64 + 1)
                        .read_to_end(&mut bytes)
                })
                .map_err(|error| failed(error.to_string()))?;
            if bytes.len() > CERTIFICATE_FILE_LIMIT {
                return Err(failed(format!(
                    "larger than {CERTIFICATE_FILE_LIMIT} bytes"
                )));
            }
            // Parsed here, since the HTTP client would end the process over a certificate that is none.
            let authorities = notary_x509::parse_certificates(&bytes)
                .map_err(|error| failed(error.to_string()))?;
            // So would it over one that TLS does not accept as an authority.
            let mut accepted = RootCertStore::empty();
            let authorities: Vec<_> = authorities
                .into_iter()
                .filter(|authority| accepted.add(authority.as_der().to_vec().into()).is_ok())
                .collect();
            if authorities.is_empty() {
                return Err(failed("it holds no certificate of an authority".to_owned()));
            }
            authorities
                .iter()
                .fold(TrustStore::empty(), |store, authority| {
                    store.with_pem_certificate(authority.to_pem())
                })
        }
    };
    TlsContext::builder()
        .with_trust_store(store)
        .build()
        .map_err(|error| PluginError::error(format!("TLS cannot be set up: {error}")))
}
