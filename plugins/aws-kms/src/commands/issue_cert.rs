//! `issue-cert`: a certificate from AWS Private CA.

use std::io::Write as _;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use aws_sdk_acmpca::Client;
use aws_sdk_acmpca::config::Builder;
use aws_sdk_acmpca::primitives::Blob;
use aws_sdk_acmpca::types::{SigningAlgorithm, Validity, ValidityPeriodType};
use notary_plugin_protocol::KeyId;
use notary_plugin_sdk::clap::{Arg, ArgMatches, Command};
use notary_plugin_sdk::{
    BackendSignature, CertificateBundle, CommandOutput, Context, PersonCommand, PluginError,
    SigningInput, SigningKey as _,
};
use notary_x509::{Certificate, CertificateChain, CertificationRequest, PublicKey};
use serde_json::json;
use time::OffsetDateTime;

use super::subject;
use crate::connection::{Aws, ask, no_retries};
use crate::key_id::Arn;
use crate::provider::KmsKey;
use crate::refusal::Call;

const KEY_ID: &str = "key-id";
const CA: &str = "ca-arn";
const DAYS: &str = "days";
const ISSUERS: &str = "issuers";
const OUT: &str = "out";

/// The template that makes certificates for code signing, whatever the request says of their use.
const TEMPLATE: &str = "template/CodeSigningCertificate/V1";

/// Between two questions whether the certificate is there.
const POLL: Duration = Duration::from_millis(500);

/// The command.
pub(crate) struct IssueCertificate;

impl PersonCommand for IssueCertificate {
    fn definition(&self) -> Command {
        let option = |name: &'static str, value: &'static str, help: &'static str| {
            Arg::new(name).long(name).value_name(value).help(help)
        };
        Command::new("issue-cert")
            .about("Have a certificate authority of AWS Private CA issue a certificate for a key, and write its chain to a file")
            .arg(option(KEY_ID, "ID", "The key, in the form that `notation key add --id` takes").alias("id").required(true))
            .args(subject::arguments())
            .arg(option(CA, "ARN", "ARN of the certificate authority").required(true))
            .arg(option(DAYS, "NUMBER", "How many days the certificate is valid").default_value("365")
                .value_parser(notary_plugin_sdk::clap::value_parser!(u32).range(1..=3650)))
            .arg(option(ISSUERS, "FILE", "File or directory with CA certificates that the authority does not send, such as the root above it"))
            .arg(option(OUT, "FILE", "Write the chain to this new file; `certificates` names it when signing").required(true))
    }

    async fn run(
        &self,
        arguments: &ArgMatches,
        context: &Context,
    ) -> Result<CommandOutput, PluginError> {
        let out = text(arguments, OUT);
        if Path::new(out).exists() {
            return Err(PluginError::validation(format!(
                "{out} exists: nothing was issued; --out names a new file"
            )));
        }
        let issued = issue(arguments, context).await?;
        let pem: String = issued
            .certificates()
            .iter()
            .map(Certificate::to_pem)
            .collect();
        write_new(Path::new(out), &pem).map_err(|error| {
            // It was paid for, so it is not lost.
            PluginError::validation(format!(
                "cannot write the chain to {out}: {error}; it is:\n{pem}"
            ))
        })?;
        let subject = issued.leaf().subject().to_string();
        CommandOutput::new(
            format!("Wrote the chain of \"{subject}\" to {out}.\n"),
            &json!({ "storedIn": out, "subject": subject, "certificateChain": pem }),
        )
    }
}

/// An argument's value; empty where it is not given.
pub(super) fn text<'a>(arguments: &'a ArgMatches, name: &str) -> &'a str {
    let value = arguments.get_one::<String>(name);
    value.map(String::as_str).unwrap_or_default()
}

async fn issue(arguments: &ArgMatches, context: &Context) -> Result<CertificateChain, PluginError> {
    let ca = text(arguments, CA);
    let arn = Arn::parse(ca)
        .filter(|arn| arn.service == "acm-pca" && arn.resource.starts_with("certificate-authority/"))
        .ok_or_else(|| {
            PluginError::validation(format!(
                "`{ca}` is no certificate authority: write `arn:aws:acm-pca:REGION:ACCOUNT:certificate-authority/ID`"
            ))
        })?;
    let mut bundle = CertificateBundle::new();
    if let Some(path) = arguments.get_one::<String>(ISSUERS) {
        bundle.add_path(Path::new(path))?;
    }
    let template = subject::template(arguments)?;
    let key_id = KeyId::new(text(arguments, KEY_ID))
        .map_err(|error| PluginError::validation(error.to_string()))?;
    let aws = Rc::new(Aws::new(context.settings())?);
    let authority = Authority {
        client: client(&aws, arn.region, context).await?,
        arn: ca,
        template: format!("arn:{}:acm-pca:::{TEMPLATE}", arn.partition),
        context,
    };
    let key = KmsKey::find(&aws, &key_id, context).await?;
    let (public_key, algorithm) =
        futures::future::try_join(key.public_key(context), authority.algorithm()).await?;
    let request = request(&key, &public_key, &template, context).await?;
    let days = arguments.get_one::<u32>(DAYS).copied().unwrap_or(365);
    let issued = authority.issue(request.to_pem(), algorithm, days).await?;
    for pem in authority.collect(&issued).await? {
        bundle.add_bytes(pem.as_bytes(), &issued)?;
    }
    checked(&bundle, &public_key)
}

async fn client(aws: &Aws, region: &str, context: &Context) -> Result<Client, PluginError> {
    let regional = aws.region(Some(region), context).await?;
    let configuration = Builder::from(regional.config()).retry_config(no_retries());
    Ok(Client::from_conf(configuration.build()))
}

/// The request for a certificate, signed by the key.
async fn request(
    key: &KmsKey,
    public_key: &PublicKey,
    template: &notary_x509::RequestTemplate,
    context: &Context,
) -> Result<CertificationRequest, PluginError> {
    let refused = |error: notary_x509::Error| PluginError::validation(error.to_string());
    let key_spec = public_key.key_spec().map_err(refused)?;
    let unsigned = CertificationRequest::prepare(template, public_key).map_err(refused)?;
    let input = SigningInput::new(unsigned.to_be_signed().to_vec(), key_spec);
    let signature = match key.sign(&input, context).await? {
        BackendSignature::Raw(raw) => raw,
        BackendSignature::EcdsaDer(der) => {
            notary_plugin_protocol::EcdsaSignature::from_der(key_spec, &der)
                .map_err(|error| PluginError::error(error.to_string()))?
                .as_raw()
                .to_vec()
        }
    };
    unsigned.assemble(&signature).map_err(refused)
}

/// A certificate authority of AWS Private CA.
struct Authority<'a> {
    client: Client,
    arn: &'a str,
    template: String,
    context: &'a Context,
}

impl Authority<'_> {
    fn call(&self, action: &'static str) -> Call<'_> {
        Call {
            action,
            target: self.arn,
            quota: "AWS Private CA API request rates",
        }
    }

    /// The algorithm that the authority signs with: it has to be named in the order.
    async fn algorithm(&self) -> Result<SigningAlgorithm, PluginError> {
        let call = self.call("acm-pca:DescribeCertificateAuthority");
        let answer = ask(&call, self.context, || {
            let request = self.client.describe_certificate_authority();
            request.certificate_authority_arn(self.arn).send()
        })
        .await?;
        let authority = answer.certificate_authority;
        authority
            .and_then(|authority| authority.certificate_authority_configuration)
            .map(|configuration| configuration.signing_algorithm)
            .ok_or_else(|| PluginError::error(format!("{} does not say how it signs", self.arn)))
    }

    /// Orders a certificate, and gives its ARN.
    async fn issue(
        &self,
        csr: String,
        algorithm: SigningAlgorithm,
        days: u32,
    ) -> Result<String, PluginError> {
        let validity = Validity::builder()
            .value(i64::from(days))
            .r#type(ValidityPeriodType::Days)
            .build()
            .map_err(|error| PluginError::error(error.to_string()))?;
        let call = self.call("acm-pca:IssueCertificate");
        let answer = ask(&call, self.context, || {
            self.client
                .issue_certificate()
                .certificate_authority_arn(self.arn)
                .csr(Blob::new(csr.as_bytes()))
                .signing_algorithm(algorithm.clone())
                .template_arn(&self.template)
                .validity(validity.clone())
                .send()
        })
        .await?;
        answer.certificate_arn.ok_or_else(|| {
            PluginError::error(format!("{} issued something without an ARN", self.arn))
        })
    }

    /// The certificate and its chain (PEM): issuing takes a moment.
    async fn collect(&self, certificate: &str) -> Result<Vec<String>, PluginError> {
        let call = self.call("acm-pca:GetCertificate");
        loop {
            let answer = ask(&call, self.context, || {
                self.client
                    .get_certificate()
                    .certificate_authority_arn(self.arn)
                    .certificate_arn(certificate)
                    .send()
            })
            .await;
            match answer {
                Ok(answer) => {
                    let parts = [answer.certificate, answer.certificate_chain];
                    return Ok(parts.into_iter().flatten().collect());
                }
                Err(error) if is_in_progress(&error) => {
                    if self.context.deadline().remaining() < POLL {
                        return Err(PluginError::timeout(format!(
                            "{} is still issuing {certificate}: `aws acm-pca get-certificate` gets it later",
                            self.arn
                        )));
                    }
                    tokio::time::sleep(POLL).await;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

fn is_in_progress(error: &PluginError) -> bool {
    let code = error.metadata().get("awsErrorCode");
    code.is_some_and(|code| code == "RequestInProgressException")
}

/// The chain, which has to be one that can be signed with now.
fn checked(
    bundle: &CertificateBundle,
    public_key: &PublicKey,
) -> Result<CertificateChain, PluginError> {
    let chain = bundle.chain_for(public_key)?;
    chain
        .check_code_signing(Some(OffsetDateTime::now_utc()))
        .map_err(|violation| {
            PluginError::validation(format!(
                "the authority issued a certificate that the Notary Project does not accept, and it was not stored: {violation}"
            ))
        })?;
    Ok(chain)
}

/// Writes a file that does not exist yet.
fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = std::fs::File::create_new(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
