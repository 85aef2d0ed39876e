//! `blob verify`

use std::path::Path;

use apostille_core::{
    Blob, BlobError, InstalledVerificationPlugins, TrustSources, VerifyOptions, verify_blob,
};
use apostille_trust::policy::BlobTrustPolicy;
use apostille_trust::store::DirectoryTrustStores;
use apostille_trust::verify::{Verdict, Verification};
use clap::Args;
use notary_plugin_protocol::PluginConfig;
use time::OffsetDateTime;

use super::signature_file::SignatureFile;
use crate::application::Application;
use crate::commands::verdict;
use crate::failure::{Failure, FailureKind};
use crate::flags::{LoggingFlags, MetadataFlag, OutputFlag, PluginConfigFlag, PluginRunFlags};
use crate::plugin_access;
use crate::revocation_access::{self, RevocationFlags};
use crate::runtime;
use crate::verification_view::{self, VerifyBlobDocument};

/// What stands for standard input.
const STANDARD_INPUT: &str = "-";

/// Verify that the signature of a file is one that the trust policy accepts
#[derive(Args, Debug)]
pub struct VerifyBlob {
    #[command(flatten)]
    logging: LoggingFlags,
    /// The signature: a file named <blob>.jws.sig or <blob>.cose.sig
    #[arg(short, long, value_name = "string", allow_hyphen_values = true)]
    signature: Option<String>,
    /// Media type that the file must have been signed with (default: any)
    #[arg(long, value_name = "string", allow_hyphen_values = true)]
    media_type: Option<String>,
    /// Name of the statement of the trust policy (default: the global one)
    #[arg(long, value_name = "string", allow_hyphen_values = true)]
    policy_name: Option<String>,
    #[command(flatten)]
    plugin_config: PluginConfigFlag,
    #[command(flatten)]
    plugin_run: PluginRunFlags,
    #[command(flatten)]
    metadata: MetadataFlag,
    #[command(flatten)]
    revocation: RevocationFlags,
    /// Show the statement that was applied, and every check with its reason
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    output: OutputFlag,
    /// The file, or - for standard input
    #[arg(value_name = "blob_path")]
    arguments: Vec<String>,
}

impl VerifyBlob {
    pub(super) fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        let path = self.arguments.first().ok_or_else(|| {
            super::missing_path(application, "path to the blob artifact", "verify")
        })?;
        let signature_path = self.signature_path()?;
        if self.media_type.as_deref() == Some("") {
            return Err(Failure::usage("--media-type is set but with empty value"));
        }
        let json = self.output.is_json()?;
        application.console.show_debug(self.logging.debug);
        let plugin_config: PluginConfig = self.plugin_config.pairs()?.into_iter().collect();
        let options = VerifyOptions {
            limit: 1,
            // A file does not keep one waiting.
            patience: std::time::Duration::MAX,
            metadata: self.metadata.pairs()?,
            plugin_config,
            now: OffsetDateTime::now_utc(),
        };
        let signature = SignatureFile::read(signature_path)?;
        let policy = BlobTrustPolicy::load(application.directories.config())?;
        for warning in policy.warnings() {
            application.console.warn(warning.to_string());
        }
        let name = self.policy_name.as_deref().filter(|name| !name.is_empty());
        let statement = policy.statement_for(name)?;
        let blob = open(path)?;
        let revocation = revocation_access::checker(application, &self.revocation)?;
        let directory =
            plugin_access::directory(application)?.with_options(self.plugin_run.options()?);
        let stores = DirectoryTrustStores::new(application.directories.config());
        let plugins = InstalledVerificationPlugins::new(directory, options.plugin_config.clone());
        let sources = TrustSources {
            stores: &stores,
            revocation: &revocation,
            plugins: &plugins,
        };
        let media_type = self.media_type.as_deref();
        let envelope = (signature.format, signature.envelope.as_slice());
        let work = verify_blob(blob, media_type, envelope, &statement, sources, &options);
        let verification = runtime::block_on(async { Ok(work.await?) })?;
        let document = VerifyBlobDocument::new(path, signature_path, &verification);
        if json {
            application.console.json(&document)?;
        } else if self.explain {
            let text = verification_view::explain_blob(&document);
            application.console.raw(text.as_bytes())?;
        }
        conclude(application, path, &verification, json)
    }

    fn signature_path(&self) -> Result<&Path, Failure> {
        self.signature
            .as_deref()
            .filter(|path| !path.is_empty())
            .map(Path::new)
            .ok_or_else(|| Failure::usage("filepath of the signature cannot be empty"))
    }
}

fn open(path: &str) -> Result<Blob, BlobError> {
    if path == STANDARD_INPUT {
        return standard_input();
    }
    Blob::open(Path::new(path))
}

/// Standard input as a file of its own, since questions are read from the stream.
#[cfg(unix)]
fn standard_input() -> Result<Blob, BlobError> {
    use std::os::fd::AsFd as _;
    let name = "standard input";
    match std::io::stdin().as_fd().try_clone_to_owned() {
        Ok(descriptor) => Blob::from_file(name, descriptor.into()),
        Err(source) => Err(BlobError::Open {
            name: name.to_owned(),
            source,
        }),
    }
}

/// Standard input as a file of its own, since questions are read from the stream.
#[cfg(windows)]
fn standard_input() -> Result<Blob, BlobError> {
    use std::os::windows::io::AsHandle as _;
    let name = "standard input";
    match std::io::stdin().as_handle().try_clone_to_owned() {
        Ok(handle) => Ok(Blob::from_stream(name, std::fs::File::from(handle))),
        Err(source) => Err(BlobError::Open {
            name: name.to_owned(),
            source,
        }),
    }
}

/// The result line, the warnings before it and the metadata after it, or the failure.
fn conclude(
    application: &mut Application<'_>,
    blob: &str,
    verification: &Verification,
    json: bool,
) -> Result<(), Failure> {
    match verification.verdict() {
        Verdict::Skipped => {
            let text =
                format!("Trust policy is configured to skip signature verification for {blob}");
            verdict::result_line(application, &text, json)
        }
        Verdict::Trusted => verdict::trusted(application, blob, verification, json),
        Verdict::NotTrusted => Err(refused(verification)),
    }
}

fn refused(verification: &Verification) -> Failure {
    let text = format!(
        "signature verification failed: {}",
        verification_view::reason_of(verification)
    );
    let failure = Failure::new(FailureKind::Refused, text);
    let failure = match verification_view::advice_of(verification) {
        Some(advice) => failure.hint(advice),
        None => failure,
    };
    let statement = verification.statement();
    failure.hint(format!(
        "Statement {:?} of {} was applied",
        statement.name, statement.file
    ))
}
