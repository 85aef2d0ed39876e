//! `generate-key`: a key pair that never leaves the token.

use std::str::FromStr as _;
use std::time::Duration;

use notary_plugin_protocol::KeySpec;
use notary_plugin_sdk::clap::{Arg, ArgMatches, Command};
use notary_plugin_sdk::{CommandOutput, Context, Deadline, PersonCommand, PluginError};

use crate::address::token_of_settings;
use crate::uri::{ObjectType, Pkcs11Uri};
use crate::worker::{Answer, Client, Operation};

/// Bytes of a random `CKA_ID`: enough that two never meet on a token.
const RANDOM_ID_LENGTH: usize = 8;

/// How long the token may take: smart cards need minutes for RSA-4096, and a person waits.
const GENERATION_TIME: Duration = Duration::from_secs(15 * 60);

/// The command.
pub(crate) struct GenerateKey;

impl PersonCommand for GenerateKey {
    fn definition(&self) -> Command {
        Command::new("generate-key")
            .about("Make a key pair on the token that cannot be extracted from it")
            .arg(
                Arg::new("label")
                    .long("label")
                    .required(true)
                    .value_name("LABEL")
                    .help("Label of the new key (CKA_LABEL)"),
            )
            .arg(
                Arg::new("key-spec")
                    .long("key-spec")
                    .default_value("EC-256")
                    .value_parser(key_spec_names())
                    .ignore_case(true)
                    .help("Type and size of the key"),
            )
            .arg(
                Arg::new("id")
                    .long("id")
                    .value_name("HEX")
                    .help("Id of the new key (CKA_ID) in hexadecimal digits [default: random]"),
            )
    }

    async fn run(
        &self,
        arguments: &ArgMatches,
        context: &Context,
    ) -> Result<CommandOutput, PluginError> {
        let label = arguments
            .get_one::<String>("label")
            .cloned()
            .unwrap_or_default();
        let key_spec = key_spec(arguments)?;
        let id = match arguments.get_one::<String>("id") {
            Some(digits) => parse_id(digits)?,
            None => random_id()?,
        };
        let address = token_of_settings(context.settings())?;
        let worker = Client::connect(address, true, context.deadline()).await?;
        let operation = Operation::GenerateKey {
            key_spec,
            label: label.clone(),
            id: id.clone(),
        };
        worker
            .ask(operation, Deadline::after(GENERATION_TIME))
            .await?;
        let Answer::Summary(token) = worker.ask(Operation::Summarise, context.deadline()).await?
        else {
            return Err(Client::confused());
        };
        let key_id = Pkcs11Uri {
            token: Some(token.label),
            object: Some(label),
            id: Some(id),
            object_type: Some(ObjectType::Private),
            ..Pkcs11Uri::default()
        }
        .to_string();
        CommandOutput::new(
            format!("{key_id}\n"),
            &serde_json::json!({ "keyId": key_id, "keySpec": key_spec.as_str() }),
        )
    }
}

fn key_spec_names() -> Vec<&'static str> {
    KeySpec::ALL.iter().map(|spec| spec.as_str()).collect()
}

fn key_spec(arguments: &ArgMatches) -> Result<KeySpec, PluginError> {
    let name = arguments
        .get_one::<String>("key-spec")
        .map(String::as_str)
        .unwrap_or_default();
    KeySpec::from_str(&name.to_ascii_uppercase())
        .map_err(|error| PluginError::validation(error.to_string()))
}

fn parse_id(digits: &str) -> Result<Vec<u8>, PluginError> {
    hex::decode(digits)
        .ok()
        .filter(|id| !id.is_empty())
        .ok_or_else(|| PluginError::validation("`--id` takes an even number of hexadecimal digits"))
}

fn random_id() -> Result<Vec<u8>, PluginError> {
    let mut id = vec![0; RANDOM_ID_LENGTH];
    getrandom::fill(&mut id)
        .map_err(|error| PluginError::error(format!("no random numbers: {error}")))?;
    Ok(id)
}
