//! `csr`: a certificate signing request, signed by the key itself.

use clap::ArgMatches;
use notary_plugin_protocol::KeyId;
use notary_x509::{CertificationRequest, RequestTemplate};
use serde_json::json;

use super::{CommandOutput, key_id_argument, pem_output, subject};
use crate::{Context, PluginError, keyring::Keyring};

pub(super) const NAME: &str = "csr";

pub(super) fn definition() -> clap::Command {
    clap::Command::new(NAME)
        .about(
            "Make a certificate signing request (PKCS#10), signed by the key itself, for your CA",
        )
        .arg(key_id_argument().required(true))
        .args(subject::arguments())
        .arg(pem_output::argument())
}

pub(super) async fn run(
    keyring: &Keyring<'_>,
    key_id: &KeyId,
    arguments: &ArgMatches,
    context: &Context,
) -> Result<CommandOutput, PluginError> {
    let template = RequestTemplate {
        subject: subject::name(arguments)?,
        subject_alt_names: subject::alternative_names(arguments)?,
    };
    let key = keyring.key(key_id, context).await?;
    let refused = |error: notary_x509::Error| PluginError::validation(error.to_string());
    let unsigned = CertificationRequest::prepare(&template, key.public_key(context).await?)
        .map_err(refused)?;
    let signature = key.sign(unsigned.to_be_signed(), context).await?;
    let request = unsigned.assemble(signature.as_bytes()).map_err(refused)?;
    let pem = request.to_pem();
    let json = json!({ "keyId": key_id.as_str(), "subject": template.subject.to_string(), "certificateSigningRequest": pem });
    pem_output::output(arguments, "the certificate signing request", &pem, &json)
}
