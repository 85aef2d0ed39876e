//! `import-cert`: stores a certificate beside its key on the token.

use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;
use std::rc::Rc;

use notary_plugin_protocol::KeyId;
use notary_plugin_sdk::clap::{Arg, ArgMatches, Command, value_parser};
use notary_plugin_sdk::{
    CERTIFICATE_FILE_LIMIT, CommandOutput, Context, PersonCommand, PluginError,
};
use notary_x509::{Certificate, parse_certificates};

use crate::address::KeyAddress;
use crate::located_key::LocatedKey;
use crate::worker::{Client, Operation};

/// The command.
pub(crate) struct ImportCertificate;

impl PersonCommand for ImportCertificate {
    fn definition(&self) -> Command {
        Command::new("import-cert")
            .about("Store the certificate of a key beside it on the token")
            .arg(
                Arg::new("key-id")
                    .long("key-id")
                    .required(true)
                    .value_name("KEY_ID")
                    .help("The key: a PKCS#11 URI, a label or a hexadecimal id"),
            )
            .arg(
                Arg::new("file")
                    .required(true)
                    .value_name("FILE")
                    .value_parser(value_parser!(PathBuf))
                    .help("The certificate, PEM or DER; others in the file are passed over"),
            )
    }

    async fn run(
        &self,
        arguments: &ArgMatches,
        context: &Context,
    ) -> Result<CommandOutput, PluginError> {
        let key_id = arguments
            .get_one::<String>("key-id")
            .cloned()
            .unwrap_or_default();
        let key_id =
            KeyId::new(key_id).map_err(|error| PluginError::validation(error.to_string()))?;
        let path = arguments
            .get_one::<PathBuf>("file")
            .cloned()
            .unwrap_or_default();
        let certificates = read_certificates(&path)?;

        let address = KeyAddress::of_key(&key_id, context.settings())?;
        let worker = Rc::new(Client::connect(address.token, true, context.deadline()).await?);
        let key = LocatedKey::find(Rc::clone(&worker), address.object, context).await?;
        let certificate = certificates
            .iter()
            .find(|certificate| *certificate.public_key() == key.public_key)
            .ok_or_else(|| {
                PluginError::validation(format!(
                    "{} holds no certificate of this key ({}); nothing was written",
                    path.display(),
                    subjects(&certificates)
                ))
            })?;
        let operation = Operation::StoreCertificate {
            key: key.found.number,
            certificate: certificate.as_der().to_vec(),
        };
        worker.ask(operation, context.deadline()).await?;
        let subject = certificate.subject().to_string();
        CommandOutput::new(
            format!("stored the certificate of {subject} on the token\n"),
            &serde_json::json!({ "keyId": key_id.as_str(), "subject": subject }),
        )
    }
}

fn read_certificates(path: &PathBuf) -> Result<Vec<Certificate>, PluginError> {
    let unreadable =
        |error| PluginError::validation(format!("cannot read {}: {error}", path.display()));
    let limit = CERTIFICATE_FILE_LIMIT as u64;
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(limit + 1).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    if bytes.len() > CERTIFICATE_FILE_LIMIT {
        return Err(PluginError::validation(format!(
            "{} is larger than {limit} bytes",
            path.display()
        )));
    }
    parse_certificates(&bytes)
        .map_err(|error| PluginError::validation(format!("{}: {error}", path.display())))
}

fn subjects(certificates: &[Certificate]) -> String {
    let names: Vec<String> = certificates
        .iter()
        .map(|certificate| certificate.subject().to_string())
        .collect();
    format!("it holds {}", names.join("; "))
}
