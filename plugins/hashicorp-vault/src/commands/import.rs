//! `import`: brings an existing key and its chain into Transit.
//!
//! Everything that can be known is checked before anything is written: that the certificate is the key's, that
//! the chain can be used, that the policies suffice, that no other key has the name. What is there already is
//! left as it is, so that the command can be run again after it was interrupted.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use der::Document;
use notary_plugin_sdk::clap::{Arg, ArgAction, ArgMatches, Command};
use notary_plugin_sdk::{CertificateBundle, CommandOutput, Context, PersonCommand, PluginError};
use notary_x509::{MAX_PRIVATE_KEY_LEN, PrivateKey};
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::target::{Target, checked_chain, key_id_argument, pem, text};
use super::{permissions, wrap};
use crate::certificates::Place;
use crate::client::{Call, found_nothing};
use crate::transit::{KeyRecord, kind_of};

const KEY: &str = "key";
const CHAIN: &str = "chain";
const NEW_VERSION: &str = "new-version";

/// The command.
pub(crate) struct Import;

impl PersonCommand for Import {
    fn definition(&self) -> Command {
        Command::new("import")
            .about("Bring an existing key with its certificate chain into Transit; it cannot be exported from there")
            .arg(key_id_argument())
            .arg(Arg::new(KEY).long(KEY).value_name("FILE").required(true).help("File with the private key (PEM: PKCS#8, SEC1 or PKCS#1)"))
            .arg(Arg::new(CHAIN).long(CHAIN).value_name("FILE").required(true).help("File or directory with the certificates of its chain"))
            .arg(Arg::new(NEW_VERSION).long(NEW_VERSION).action(ArgAction::SetTrue).help("Add the key as a new version, if a key with this name was imported before"))
    }

    async fn run(
        &self,
        arguments: &ArgMatches,
        context: &Context,
    ) -> Result<CommandOutput, PluginError> {
        let luggage = Luggage::read(arguments)?;
        let target = Target::open(arguments, context).await?;
        let outcome = luggage.bring(&target, context).await;
        target.session.close().await;
        outcome
    }
}

/// What is brought in.
struct Luggage {
    key: PrivateKey,
    chain: String,
    subject: String,
    new_version: bool,
}

/// How far the key is already.
enum Found {
    Nothing,
    Same(u32),
    Other,
}

#[derive(Deserialize)]
struct WrappingKey {
    public_key: String,
}

impl Luggage {
    fn read(arguments: &ArgMatches) -> Result<Self, PluginError> {
        let path = text(arguments, KEY);
        let key = PrivateKey::from_pem(&read_key(Path::new(path))?)
            .map_err(|error| PluginError::validation(format!("{path}: {error}")))?;
        let mut bundle = CertificateBundle::new();
        bundle.add_path(Path::new(text(arguments, CHAIN)))?;
        let chain = checked_chain(&bundle, key.public_key())?;
        Ok(Self {
            key,
            chain: pem(&chain),
            subject: chain.leaf().subject().to_string(),
            new_version: arguments.get_flag(NEW_VERSION),
        })
    }

    async fn bring(
        &self,
        target: &Target,
        context: &Context,
    ) -> Result<CommandOutput, PluginError> {
        if matches!(target.place, Place::File) {
            return Err(PluginError::validation(
                "`certificates` names a file: unset it, so that the chain is stored on the server",
            ));
        }
        let found = self.look(target, context).await?;
        let path = target.address.key_path();
        if matches!(found, Found::Other) && !self.new_version {
            return Err(PluginError::validation(format!(
                "another key is at {path}, and nothing was changed: choose another name, or add this one with --{NEW_VERSION}"
            )));
        }
        self.check_permissions(&found, target, context).await?;
        let (version, how) = match found {
            Found::Same(version) => (version, "was there already"),
            Found::Nothing => (self.send("import", target, context).await?, "imported"),
            Found::Other => (self.send("import_version", target, context).await?, "added"),
        };
        let Target {
            session,
            address,
            place,
        } = target;
        let stored = place
            .store(&self.chain, version, address, session, context)
            .await
            .map_err(|error| {
                error.context(format!(
                    "the key is at {path}, and its chain could not be stored; run the same command again"
                ))
            })?;
        CommandOutput::new(
            format!(
                "Key {path} version {version}: {how}.\nStored the chain of \"{}\" in {stored}.\n",
                self.subject
            ),
            &json!({ "keyId": format!("{path}@{version}"), "keyVersion": version, "storedIn": stored, "subject": self.subject }),
        )
    }

    /// Whether a key with this name exists, and whether it is this one.
    async fn look(&self, target: &Target, context: &Context) -> Result<Found, PluginError> {
        let call = Call::read(target.address.key_path());
        let record: KeyRecord = match target.session.ask(&call, context).await {
            Ok(answer) => answer.data()?,
            Err(error) if found_nothing(&error) => return Ok(Found::Nothing),
            Err(error) => return Err(error),
        };
        let same = record
            .versions()
            .find(|version| version.public_key.as_ref() == Some(self.key.public_key()));
        Ok(same.map_or(Found::Other, |version| Found::Same(version.number)))
    }

    async fn check_permissions(
        &self,
        found: &Found,
        target: &Target,
        context: &Context,
    ) -> Result<(), PluginError> {
        let key_path = target.address.key_path();
        let mut needed = target.place.paths_to_store(&target.address);
        let action = match found {
            Found::Same(_) => None,
            Found::Nothing => Some("import"),
            Found::Other => Some("import_version"),
        };
        if let Some(action) = action {
            needed.push((target.address.mount.join("wrapping_key"), &["read"]));
            needed.push((format!("{key_path}/{action}"), &["update"]));
        }
        permissions::check(&needed, &target.session, context).await
    }

    /// Sends the wrapped key, and gives the number of the version that it has become.
    async fn send(
        &self,
        action: &str,
        target: &Target,
        context: &Context,
    ) -> Result<u32, PluginError> {
        let call = Call::read(target.address.mount.join("wrapping_key"));
        let wrapping: WrappingKey = target.session.ask(&call, context).await?.data()?;
        let ciphertext = wrap::wrap(&self.pkcs8()?, &wrapping.public_key)?;
        let mut body = json!({ "ciphertext": ciphertext, "hash_function": "SHA256" });
        if action == "import" {
            body["type"] = kind_of(self.key.key_spec()).into();
        }
        let path = format!("{}/{action}", target.address.key_path());
        target
            .session
            .ask(&Call::write(path, body).once(), context)
            .await?;
        match self.look(target, context).await? {
            Found::Same(version) => Ok(version),
            _ => Err(PluginError::error(format!(
                "{}: the server took the key, but shows another one",
                target.address.key_path()
            ))),
        }
    }

    fn pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, PluginError> {
        let failed = || PluginError::error("the private key cannot be encoded");
        let pem = self.key.to_pkcs8_pem().map_err(|_| failed())?;
        let (_, document) = Document::from_pem(&pem).map_err(|_| failed())?;
        Ok(Zeroizing::new(document.as_bytes().to_vec()))
    }
}

fn read_key(path: &Path) -> Result<Zeroizing<Vec<u8>>, PluginError> {
    let unreadable = |error: std::io::Error| {
        PluginError::validation(format!("{} cannot be read: {error}", path.display()))
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_PRIVATE_KEY_LEN + 1));
    // One byte more than allowed, so that the parser sees that it is too long.
    File::open(path)
        .map_err(unreadable)?
        .take(MAX_PRIVATE_KEY_LEN as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    Ok(bytes)
}
