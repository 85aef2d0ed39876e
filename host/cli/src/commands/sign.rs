//! `sign`

use apostille_core::{
    SignError, SignOptions, SignedArtifact, Signer, SigningPurpose, sign_artifact,
};
use clap::Args;
use serde::Serialize;
use time::OffsetDateTime;

use super::sign_many::{self, ManyToSign};
use crate::application::Application;
use crate::failure::{Failure, FailureKind, chain_of};
use crate::flags::{
    ExpiryFlag, LoggingFlags, MetadataFlag, OutputFlag, PluginConfigFlag, PluginRunFlags,
    RegistryFlags, SignerFlags, TimestampFlags,
};
use crate::many::ManyFlags;
use crate::revocation_access::RevocationFlags;
use crate::signers::{ChosenSigner, envelope_format};
use crate::target::{Access, ResolvedTarget, Stores, Target};
use crate::{plugin_access, runtime, timestamping, usage};

/// Sign an artifact in a registry or an OCI layout, and store the signature beside it
#[derive(Args, Debug)]
pub struct Sign {
    #[command(flatten)]
    logging: LoggingFlags,
    #[command(flatten)]
    registry: RegistryFlags,
    #[command(flatten)]
    signer: SignerFlags,
    #[command(flatten)]
    expiry: ExpiryFlag,
    #[command(flatten)]
    plugin_config: PluginConfigFlag,
    #[command(flatten)]
    plugin_run: PluginRunFlags,
    #[command(flatten)]
    metadata: MetadataFlag,
    #[command(flatten)]
    timestamp: TimestampFlags,
    #[command(flatten)]
    revocation: RevocationFlags,
    /// List the signature under the referrers tag, even if the registry has the referrers API
    #[arg(long)]
    force_referrers_tag: bool,
    /// The reference is the path of an OCI image layout
    #[arg(long)]
    oci_layout: bool,
    #[command(flatten)]
    many: ManyFlags,
    /// With several references: leave those alone that have a signature already, so that a run can be resumed
    #[arg(long)]
    skip_signed: bool,
    #[command(flatten)]
    output: OutputFlag,
    /// <registry>/<repository>@<digest>, or <registry>/<repository>:<tag>
    #[arg(value_name = "reference")]
    arguments: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SignDocument {
    reference: String,
    signature: String,
    media_type: &'static str,
    warnings: Vec<String>,
}

/// The program that signatures name as their maker.
pub(super) const AGENT: &str = concat!("apostille/", env!("CARGO_PKG_VERSION"));

impl Sign {
    pub(super) fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        let several = self.many.several(application, &self.arguments);
        if self.arguments.is_empty() && !several {
            return Err(super::missing_reference(application, "sign"));
        }
        if self.skip_signed && !several {
            return Err(Failure::usage(
                "--skip-signed is for several references, as arguments or with --from-file",
            ));
        }
        self.signer.check()?;
        self.timestamp.check()?;
        usage::at_most_one(&[
            ("oci-layout", self.oci_layout),
            ("force-referrers-tag", self.force_referrers_tag),
        ])?;
        let json = self.output.is_json()?;
        application.console.show_debug(self.logging.debug);
        let plugins =
            plugin_access::directory(application)?.with_options(self.plugin_run.options()?);
        let plugin_config = self.plugin_config.pairs()?.into_iter().collect();
        let signer = ChosenSigner::find(application, &self.signer, &plugins, plugin_config)?;
        let access = Access {
            registry: &self.registry,
            oci_layout: self.oci_layout,
            force_referrers_tag: self.force_referrers_tag,
        };
        if several {
            let work = ManyToSign {
                stores: Stores::new(application, access)?,
                signer,
                options: self.options(application)?,
                skip_signed: self.skip_signed,
                concurrency: self.many.concurrency()?,
                json,
            };
            let references = self.many.references(self.arguments)?;
            return sign_many::run(application, references, work);
        }
        let reference = self.arguments.first().map_or("", String::as_str);
        let target = Target::open(application, reference, access)?;
        let options = self.options(application)?;
        let work = sign(application, target, signer, &options);
        let (target, signed) = runtime::block_on(work)?;
        report(application, &target, &signed, &options, json)
    }

    fn options(&self, application: &Application<'_>) -> Result<SignOptions, Failure> {
        let format = envelope_format(application, self.signer.signature_format.as_deref())?;
        let mut options = SignOptions::new(format, OffsetDateTime::now_utc(), AGENT);
        options.expiry = self.expiry.duration()?;
        options.metadata = self.metadata.pairs()?;
        options.timestamping =
            timestamping::chosen(application, &self.timestamp, &self.revocation)?;
        Ok(options)
    }
}

async fn sign(
    application: &mut Application<'_>,
    target: Target,
    signer: ChosenSigner,
    options: &SignOptions,
) -> Result<(ResolvedTarget, SignedArtifact), Failure> {
    let signer: Box<dyn Signer> = signer.start(SigningPurpose::Artifact).await?;
    let because = "tags are mutable and a tag reference can point to a different artifact than the one signed";
    let target = target.resolve(application, "sign", because).await?;
    let signed = sign_artifact(
        target.store.as_ref(),
        &target.descriptor,
        signer.as_ref(),
        options,
    )
    .await?;
    Ok((target, signed))
}

fn report(
    application: &mut Application<'_>,
    target: &ResolvedTarget,
    signed: &SignedArtifact,
    options: &SignOptions,
    json: bool,
) -> Result<(), Failure> {
    let warnings: Vec<String> = signed.warnings.iter().map(ToString::to_string).collect();
    if json {
        return application.console.json(&SignDocument {
            reference: target.name(),
            signature: target.name_of(&signed.manifest.digest),
            media_type: options.format.media_type(),
            warnings,
        });
    }
    warnings
        .iter()
        .for_each(|warning| application.console.warn(warning));
    application
        .console
        .line(format!("Successfully signed {}", target.name()))?;
    let signature = target.name_of(&signed.manifest.digest);
    application
        .console
        .line(format!("Pushed the signature to {signature}"))
}

impl From<SignError> for Failure {
    fn from(error: SignError) -> Self {
        match error {
            SignError::Store(error) => error.into(),
            SignError::Signer(error) => error.into(),
            SignError::Blob(error) => error.into(),
            SignError::Request(_) | SignError::TimestampNotPossible { .. } => {
                Self::new(FailureKind::Usage, chain_of(&error))
            }
            _ => Self::new(FailureKind::Signer, chain_of(&error)).hint("Nothing was stored"),
        }
    }
}
