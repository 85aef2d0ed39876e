//! `issue-cert`: a certificate from the server's own PKI engine.

use std::io::Write as _;
use std::path::Path;
use std::rc::Rc;

use notary_plugin_sdk::clap::{Arg, ArgMatches, Command};
use notary_plugin_sdk::{
    BackendSignature, CertificateBundle, CommandOutput, Context, PersonCommand, PluginError,
    SigningInput, SigningKey as _,
};
use notary_x509::{CertificateChain, CertificationRequest, RequestTemplate};
use serde::Deserialize;
use serde_json::json;

use super::target::{Target, checked_chain, key_id_argument, pem, text};
use super::{permissions, subject};
use crate::client::Call;
use crate::path::VaultPath;
use crate::provider::TransitKey;

const PKI: &str = "pki";
const TTL: &str = "ttl";
const ISSUERS: &str = "issuers";
const OUT: &str = "out";

/// The command.
pub(crate) struct IssueCertificate;

#[derive(Deserialize)]
struct Issued {
    certificate: String,
    #[serde(default)]
    issuing_ca: String,
    #[serde(default)]
    ca_chain: Vec<String>,
}

impl PersonCommand for IssueCertificate {
    fn definition(&self) -> Command {
        Command::new("issue-cert")
            .about("Have the server's PKI engine issue a certificate for a key, and store it where the plugin reads it")
            .arg(key_id_argument())
            .args(subject::arguments())
            .arg(
                Arg::new(PKI)
                    .long(PKI)
                    .value_name("PATH")
                    .required(true)
                    .help("Path that signs requests, such as `pki/sign/ROLE`"),
            )
            .arg(Arg::new(TTL).long(TTL).value_name("DURATION").help("How long the certificate is valid, such as `2160h` [default: the role's]"))
            .arg(Arg::new(ISSUERS).long(ISSUERS).value_name("FILE").help("File or directory with CA certificates that the engine does not send, such as the root above it"))
            .arg(Arg::new(OUT).long(OUT).value_name("FILE").help("Write the chain to this new file instead of storing it on the server"))
    }

    async fn run(
        &self,
        arguments: &ArgMatches,
        context: &Context,
    ) -> Result<CommandOutput, PluginError> {
        let order = Order::from_arguments(arguments)?;
        let target = Target::open(arguments, context).await?;
        let outcome = order.carry_out(&target, context).await;
        target.session.close().await;
        outcome
    }
}

/// What was asked for.
struct Order<'a> {
    template: RequestTemplate,
    pki: VaultPath,
    ttl: Option<&'a String>,
    bundle: CertificateBundle,
    out: Option<&'a String>,
}

impl<'a> Order<'a> {
    fn from_arguments(arguments: &'a ArgMatches) -> Result<Self, PluginError> {
        let mut bundle = CertificateBundle::new();
        if let Some(path) = arguments.get_one::<String>(ISSUERS) {
            bundle.add_path(Path::new(path))?;
        }
        Ok(Self {
            template: subject::template(arguments)?,
            pki: VaultPath::parse(text(arguments, PKI), "--pki")?,
            ttl: arguments.get_one::<String>(TTL),
            bundle,
            out: arguments.get_one::<String>(OUT),
        })
    }

    async fn carry_out(
        self,
        target: &Target,
        context: &Context,
    ) -> Result<CommandOutput, PluginError> {
        let key = TransitKey::new(Rc::clone(&target.session), target.address.clone(), context)?;
        let mut needed = vec![(self.pki.to_string(), &["update"] as &'static [&'static str])];
        if self.out.is_none() {
            needed.extend(target.place.paths_to_store(&target.address));
        }
        permissions::check(&needed, &target.session, context).await?;
        let chain = self.issue(&key, target, context).await?;
        let version = key.version(context).await?.number;
        let text = pem(&chain);
        let stored = match self.out {
            Some(path) => {
                write_new(Path::new(path), &text).map_err(|error| {
                    PluginError::validation(format!("cannot write the chain to {path}: {error}"))
                })?;
                path.clone()
            }
            None => {
                let Target {
                    session,
                    address,
                    place,
                } = target;
                place
                    .store(&text, version, address, session, context)
                    .await?
            }
        };
        let subject = chain.leaf().subject().to_string();
        CommandOutput::new(
            format!("Stored the chain of \"{subject}\" in {stored}.\n"),
            &json!({ "storedIn": stored, "subject": subject, "keyVersion": version, "certificateChain": text }),
        )
    }

    async fn issue(
        &self,
        key: &TransitKey,
        target: &Target,
        context: &Context,
    ) -> Result<CertificateChain, PluginError> {
        let refused = |error: notary_x509::Error| PluginError::validation(error.to_string());
        let public_key = key.public_key(context).await?;
        let key_spec = public_key.key_spec().map_err(refused)?;
        let unsigned =
            CertificationRequest::prepare(&self.template, &public_key).map_err(refused)?;
        let input = SigningInput::new(unsigned.to_be_signed().to_vec(), key_spec);
        let (BackendSignature::Raw(signature) | BackendSignature::EcdsaDer(signature)) =
            key.sign(&input, context).await?;
        let request = unsigned.assemble(&signature).map_err(refused)?;
        let mut body = json!({ "csr": request.to_pem(), "format": "pem" });
        if let Some(ttl) = self.ttl {
            body["ttl"] = ttl.as_str().into();
        }
        let call = Call::write(self.pki.as_str(), body).once();
        let issued: Issued = target.session.ask(&call, context).await?.data()?;
        let mut bundle = self.bundle.clone();
        let origin = format!("the answer of {}", self.pki);
        for text in [&issued.certificate, &issued.issuing_ca]
            .into_iter()
            .chain(&issued.ca_chain)
            .filter(|text| !text.trim().is_empty())
        {
            bundle.add_bytes(text.as_bytes(), &origin)?;
        }
        checked_chain(&bundle, &public_key).map_err(|error| {
            error.context(format!(
                "{} issued a certificate that the Notary Project does not accept, and it was not stored",
                self.pki
            ))
        })
    }
}

/// Writes a file that does not exist yet.
fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = std::fs::File::create_new(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
