//! `set-certificate`: puts a key's chain where the plugin reads it.

use std::path::Path;

use notary_plugin_sdk::clap::{Arg, ArgMatches, Command};
use notary_plugin_sdk::{
    CertificateBundle, CommandOutput, Context, PersonCommand, PluginError, SigningKey as _,
};
use serde_json::json;

use super::permissions;
use super::target::{Target, checked_chain, key_id_argument, pem, text};
use crate::provider::TransitKey;

const FILE: &str = "FILE";

/// The command.
pub(crate) struct SetCertificate;

impl PersonCommand for SetCertificate {
    fn definition(&self) -> Command {
        Command::new("set-certificate")
            .about("Store a certificate chain for a key: in KV if `kvName` or `kv_path` is set, else beside the key in Transit")
            .arg(key_id_argument())
            .arg(Arg::new(FILE).required(true).help(
                "File or directory with the certificates, in any order (PEM, DER, PKCS#7 or PKCS#12)",
            ))
    }

    async fn run(
        &self,
        arguments: &ArgMatches,
        context: &Context,
    ) -> Result<CommandOutput, PluginError> {
        let mut bundle = CertificateBundle::new();
        bundle.add_path(Path::new(text(arguments, FILE)))?;
        let target = Target::open(arguments, context).await?;
        let outcome = store(&bundle, &target, context).await;
        target.session.close().await;
        outcome
    }
}

/// Checks the chain against the key before anything is written.
async fn store(
    bundle: &CertificateBundle,
    target: &Target,
    context: &Context,
) -> Result<CommandOutput, PluginError> {
    let Target {
        session,
        address,
        place,
    } = target;
    let key = TransitKey::new(std::rc::Rc::clone(session), address.clone(), context)?;
    let chain = checked_chain(bundle, &key.public_key(context).await?)?;
    permissions::check(&place.paths_to_store(address), session, context).await?;
    let version = key.version(context).await?.number;
    let stored = place
        .store(&pem(&chain), version, address, session, context)
        .await?;
    let subject = chain.leaf().subject().to_string();
    CommandOutput::new(
        format!("Stored the chain of \"{subject}\" in {stored}.\n"),
        &json!({ "storedIn": stored, "subject": subject, "keyVersion": version }),
    )
}
