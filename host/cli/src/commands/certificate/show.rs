//! `certificate show`

use clap::Args;
use notary_x509::{Certificate, MAX_CERTIFICATE_FILE_LEN, parse_certificates};
use serde::Serialize;

use super::{StoreFlags, file_name};
use crate::application::Application;
use crate::durable_file;
use crate::failure::{Failure, FailureKind, chain_of};
use crate::flags::{LoggingFlags, OutputFlag};
use crate::times;

/// Show the certificates of a file in the trust store
#[derive(Args, Debug)]
pub struct Show {
    #[command(flatten)]
    logging: LoggingFlags,
    #[command(flatten)]
    store: StoreFlags,
    #[command(flatten)]
    output: OutputFlag,
    #[arg(value_name = "cert_file_name")]
    arguments: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CertificateDocument {
    issuer: String,
    subject: String,
    valid_from: String,
    valid_to: String,
    #[serde(rename = "isCA")]
    is_ca: bool,
    #[serde(rename = "SHA256Fingerprint")]
    sha256_fingerprint: String,
}

impl Show {
    pub(super) fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        let [name] = self.arguments.as_slice() else {
            return Err(Failure::usage(match self.arguments.len() {
                0 => "missing certificate file name",
                _ => "show only supports single certificate file",
            }));
        };
        self.store.check()?;
        let json = self.output.is_json()?;
        application.console.show_debug(self.logging.debug);
        let store = self.store.store()?;
        let path = store
            .directory(&application.directories)
            .join(file_name(name)?);
        let refuse = |reason: String| {
            let text =
                format!("failed to show details of certificate {name}, with error: {reason}");
            Failure::new(FailureKind::General, text)
        };
        let limit = u64::try_from(MAX_CERTIFICATE_FILE_LEN).unwrap_or(u64::MAX);
        let contents = durable_file::read_limited(&path, limit)
            .map_err(|error| refuse(format!("open {}: {error}", path.display())))?;
        let certificates =
            parse_certificates(&contents).map_err(|error| refuse(chain_of(&error)))?;
        if json {
            let documents: Vec<_> = certificates.iter().map(document).collect();
            return application
                .console
                .json(&serde_json::json!({ "certificates": documents }));
        }
        application.console.line("Certificate details")?;
        for certificate in &certificates {
            application.console.raw(describe(certificate).as_bytes())?;
        }
        Ok(())
    }
}

fn document(certificate: &Certificate) -> CertificateDocument {
    CertificateDocument {
        issuer: certificate.issuer().to_string(),
        subject: certificate.subject().to_string(),
        valid_from: times::rfc3339(certificate.not_before()),
        valid_to: times::rfc3339(certificate.not_after()),
        is_ca: certificate.is_ca(),
        sha256_fingerprint: hex::encode(certificate.sha256_fingerprint()),
    }
}

fn describe(certificate: &Certificate) -> String {
    format!(
        "{}\nIssuer: {}\nSubject: {}\nValid from: {}\nValid to: {}\nIsCA: {}\nSHA256 Thumbprint: {}\n",
        "-".repeat(80),
        certificate.issuer(),
        certificate.subject(),
        times::go_default(certificate.not_before()),
        times::go_default(certificate.not_after()),
        certificate.is_ca(),
        hex::encode(certificate.sha256_fingerprint()),
    )
}
