//! The names that go into a request or a certificate.

use clap::{Arg, ArgAction, ArgMatches};
use notary_x509::{Name, SubjectAltName};

use crate::PluginError;

const SUBJECT: &str = "subject";
const SAN: &str = "san";

pub(super) fn arguments() -> [Arg; 2] {
    [
        Arg::new(SUBJECT)
            .long(SUBJECT)
            .value_name("DN")
            .required(true)
            .help("Distinguished name (RFC 4514), such as `CN=Release signing,O=Example,C=GB`; the Notary Project wants C, ST (or L) and O to identify signers"),
        Arg::new(SAN)
            .long(SAN)
            .value_name("TYPE:NAME")
            .action(ArgAction::Append)
            .help("Alternative name, such as `DNS:example.com`, `email:a@example.com`, `URI:https://example.com/` or `IP:192.0.2.1`; may be repeated"),
    ]
}

pub(super) fn name(arguments: &ArgMatches) -> Result<Name, PluginError> {
    let text = arguments
        .get_one::<String>(SUBJECT)
        .map(String::as_str)
        .unwrap_or_default();
    Name::from_rfc4514(text)
        .map_err(|error| PluginError::validation(format!("--{SUBJECT}: {error}")))
}

pub(super) fn alternative_names(
    arguments: &ArgMatches,
) -> Result<Vec<SubjectAltName>, PluginError> {
    arguments
        .get_many::<String>(SAN)
        .into_iter()
        .flatten()
        .map(|text| text.parse())
        .collect::<Result<_, _>>()
        .map_err(|error: notary_x509::Error| PluginError::validation(format!("--{SAN}: {error}")))
}
