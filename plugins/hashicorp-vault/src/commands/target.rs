//! The key that a command is about, and the place of its certificates.

use std::rc::Rc;

use notary_plugin_protocol::KeyId;
use notary_plugin_sdk::clap::{Arg, ArgMatches};
use notary_plugin_sdk::{CertificateBundle, Context, PluginError};
use notary_x509::{CertificateChain, PublicKey};
use time::OffsetDateTime;

use crate::certificates::Place;
use crate::key_id::KeyAddress;
use crate::session::Session;

const KEY_ID: &str = "key-id";

/// A key with an open session.
pub(super) struct Target {
    pub(super) session: Rc<Session>,
    pub(super) address: KeyAddress,
    pub(super) place: Place,
}

pub(super) fn key_id_argument() -> Arg {
    Arg::new(KEY_ID)
        .long(KEY_ID)
        .alias("id")
        .value_name("ID")
        .required(true)
        .help("The key, in the form that `notation key add --id` takes")
}

impl Target {
    /// Reads the key id and the settings, then logs in.
    pub(super) async fn open(
        arguments: &ArgMatches,
        context: &Context,
    ) -> Result<Self, PluginError> {
        let key_id = text(arguments, KEY_ID);
        let key_id =
            KeyId::new(key_id).map_err(|error| PluginError::validation(error.to_string()))?;
        let address = KeyAddress::of_key(&key_id, context.settings())?;
        let place = Place::of_settings(&address, context.settings())?;
        let session = Rc::new(Session::open(context).await?);
        Ok(Self {
            session,
            address,
            place,
        })
    }
}

/// An argument's value; empty where it is not given.
pub(super) fn text<'a>(arguments: &'a ArgMatches, name: &str) -> &'a str {
    let value = arguments.get_one::<String>(name);
    value.map(String::as_str).unwrap_or_default()
}

/// The chain of a key's certificate, which has to be one that can be signed with now.
pub(super) fn checked_chain(
    bundle: &CertificateBundle,
    key: &PublicKey,
) -> Result<CertificateChain, PluginError> {
    let chain = bundle.chain_for(key)?;
    chain
        .check_code_signing(Some(OffsetDateTime::now_utc()))
        .map_err(|violation| {
            PluginError::validation(format!("the certificate chain cannot be used: {violation}"))
        })?;
    Ok(chain)
}

/// The chain as PEM, leaf first.
pub(super) fn pem(chain: &CertificateChain) -> String {
    chain
        .certificates()
        .iter()
        .map(notary_x509::Certificate::to_pem)
        .collect()
}
