//! `self-sign`: a certificate that the key issues to itself.

use clap::{Arg, ArgMatches, value_parser};
use notary_plugin_protocol::KeyId;
use notary_x509::{CertificateChain, SelfSignedCertificate, SelfSignedTemplate, SerialNumber};
use serde_json::json;
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use super::{CommandOutput, key_id_argument, pem_output, subject};
use crate::{Context, PluginError, keyring::Keyring};

pub(super) const NAME: &str = "self-sign";

const DAYS: &str = "days";
/// Verifiers whose clock is a little behind must accept the certificate at once.
const BACKDATED_BY: Duration = Duration::minutes(1);

pub(super) fn definition() -> clap::Command {
    clap::Command::new(NAME)
        .about("Make a self-signed certificate that meets the Notary Project's rules, for trying things out")
        .arg(key_id_argument().required(true))
        .args(subject::arguments())
        .arg(
            Arg::new(DAYS)
                .long(DAYS)
                .value_name("N")
                .value_parser(value_parser!(u16).range(1..))
                .default_value("90")
                .help("How many days the certificate is valid"),
        )
        .arg(pem_output::argument())
}

pub(super) async fn run(
    keyring: &Keyring<'_>,
    key_id: &KeyId,
    arguments: &ArgMatches,
    context: &Context,
) -> Result<CommandOutput, PluginError> {
    let refused = |error: notary_x509::Error| PluginError::validation(error.to_string());
    let not_before = OffsetDateTime::now_utc() - BACKDATED_BY;
    let days = arguments.get_one::<u16>(DAYS).copied().unwrap_or(1);
    let template = SelfSignedTemplate {
        subject: subject::name(arguments)?,
        subject_alt_names: subject::alternative_names(arguments)?,
        not_before,
        not_after: not_before + Duration::days(days.into()),
        serial: SerialNumber::random().map_err(refused)?,
    };
    let key = keyring.key(key_id, context).await?;
    let unsigned = SelfSignedCertificate::prepare(&template, key.public_key(context).await?)
        .map_err(refused)?;
    let signature = key.sign(unsigned.to_be_signed(), context).await?;
    let certificate = unsigned.assemble(signature.as_bytes()).map_err(refused)?;
    CertificateChain::new(vec![certificate.clone()])
        .and_then(|chain| Ok(chain.check_code_signing(Some(OffsetDateTime::now_utc()))?))
        .map_err(refused)?;
    let pem = certificate.to_pem();
    let json = json!({
        "keyId": key_id.as_str(),
        "subject": certificate.subject().to_string(),
        "notBefore": certificate.not_before().format(&Rfc3339).unwrap_or_default(),
        "notAfter": certificate.not_after().format(&Rfc3339).unwrap_or_default(),
        "certificate": pem,
    });
    pem_output::output(arguments, "the certificate", &pem, &json)
}
