//! The names that go into a certificate request.

use notary_plugin_sdk::PluginError;
use notary_plugin_sdk::clap::{Arg, ArgAction, ArgMatches};
use notary_x509::{Name, RequestTemplate};

use super::issue_cert::text;

const SUBJECT: &str = "subject";
const SAN: &str = "san";

pub(super) fn arguments() -> [Arg; 2] {
    [
        Arg::new(SUBJECT)
            .long(SUBJECT)
            .value_name("DN")
            .required(true)
            .help("Distinguished name (RFC 4514), such as `CN=Release signing,O=Example,C=GB`"),
        Arg::new(SAN)
            .long(SAN)
            .value_name("TYPE:NAME")
            .action(ArgAction::Append)
            .help("Alternative name, such as `DNS:example.com`; may be repeated"),
    ]
}

pub(super) fn template(arguments: &ArgMatches) -> Result<RequestTemplate, PluginError> {
    let wrong = |option: &str, error: notary_x509::Error| {
        PluginError::validation(format!("--{option}: {error}"))
    };
    let subject =
        Name::from_rfc4514(text(arguments, SUBJECT)).map_err(|error| wrong(SUBJECT, error))?;
    let names = arguments.get_many::<String>(SAN).into_iter().flatten();
    let subject_alt_names = names
        .map(|text| text.parse())
        .collect::<Result<_, _>>()
        .map_err(|error| wrong(SAN, error))?;
    Ok(RequestTemplate {
        subject,
        subject_alt_names,
    })
}
