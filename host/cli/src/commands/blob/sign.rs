//! `blob sign`

use std::path::Path;

use apostille_artifact::Descriptor;
use apostille_core::{Blob, SignOptions, SigningPurpose, sign_blob};
use apostille_signature::SignedEnvelope;
use clap::Args;
use serde::Serialize;
use time::OffsetDateTime;

use super::media_type;
use super::signature_file::Destination;
use crate::application::Application;
use crate::commands::sign::AGENT;
use crate::failure::Failure;
use crate::flags::{
    ExpiryFlag, LoggingFlags, MetadataFlag, OutputFlag, PluginConfigFlag, PluginRunFlags,
    SignerFlags, TimestampFlags,
};
use crate::revocation_access::RevocationFlags;
use crate::signers::{ChosenSigner, envelope_format};
use crate::{plugin_access, runtime, timestamping};

/// Sign a file, and write the signature to a file beside it
#[derive(Args, Debug)]
pub struct SignBlob {
    #[command(flatten)]
    logging: LoggingFlags,
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
    /// Media type of the file
    #[arg(
        long,
        value_name = "string",
        default_value = "application/octet-stream",
        allow_hyphen_values = true
    )]
    media_type: String,
    /// Directory that the signature is written to (default: that of the file)
    #[arg(long, value_name = "string", allow_hyphen_values = true)]
    signature_directory: Option<String>,
    /// Replace an existing signature without asking
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    output: OutputFlag,
    /// The file to sign
    #[arg(value_name = "blob_path")]
    arguments: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SignBlobDocument<'a> {
    blob: &'a str,
    signature: String,
    media_type: &'static str,
    signed_artifact: Descriptor,
}

impl SignBlob {
    pub(super) fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        let path = self.arguments.first().ok_or_else(|| {
            super::missing_path(application, "file path to the blob artifact", "sign")
        })?;
        self.signer.check()?;
        self.timestamp.check()?;
        self.check_paths(path)?;
        media_type::check(&self.media_type)?;
        let json = self.output.is_json()?;
        application.console.show_debug(self.logging.debug);
        let options = self.options(application)?;
        let plugins =
            plugin_access::directory(application)?.with_options(self.plugin_run.options()?);
        let plugin_config = self.plugin_config.pairs()?.into_iter().collect();
        let signer = ChosenSigner::find(application, &self.signer, &plugins, plugin_config)?;
        let blob = Blob::open(Path::new(path))?;
        let directory = self.signature_directory.as_deref().map(Path::new);
        let destination = Destination::choose(
            application,
            Path::new(path),
            directory,
            options.format,
            self.force,
        )?;
        let Some(destination) = destination else {
            return Ok(());
        };
        let signed = runtime::block_on(async {
            let signer = signer.start(SigningPurpose::Blob).await?;
            Ok(sign_blob(blob, &self.media_type, signer.as_ref(), &options).await?)
        })?;
        destination.write(signed.as_bytes())?;
        report(application, path, destination.path(), &signed, json)
    }

    fn check_paths(&self, path: &str) -> Result<(), Failure> {
        if path == "-" {
            return Err(Failure::usage(
                "standard input has no name that a signature could be stored under: write it to a file first",
            )
            .hint("A file of this name is ./-"));
        }
        if self.signature_directory.as_deref() == Some("") {
            return Err(Failure::usage("signature directory cannot be empty"));
        }
        Ok(())
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

fn report(
    application: &mut Application<'_>,
    blob: &str,
    signature: &Path,
    signed: &SignedEnvelope,
    json: bool,
) -> Result<(), Failure> {
    let signature = signature.display().to_string();
    if json {
        return application.console.json(&SignBlobDocument {
            blob,
            signature,
            media_type: signed.format().media_type(),
            signed_artifact: signed.envelope().payload().target_artifact().clone(),
        });
    }
    application
        .console
        .line(format!("Successfully signed {blob}"))?;
    // The space in front is what scripts for `notation` know.
    application
        .console
        .line(format!(" Signature file written to {signature}"))
}
