//! `verify`

use std::collections::BTreeSet;

use apostille_core::{
    ArtifactVerification, InstalledVerificationPlugins, TrustSources, Verifier, VerifyOptions,
};
use apostille_trust::policy::OciTrustPolicy;
use apostille_trust::store::{DirectoryTrustStores, StoreError};
use clap::Args;
use notary_plugin_protocol::PluginConfig;
use time::OffsetDateTime;

use super::verdict;
use super::verify_many::{self, ManyToVerify};
use crate::application::Application;
use crate::failure::{Failure, FailureKind, chain_of};
use crate::flags::{
    LimitFlag, LoggingFlags, MetadataFlag, OutputFlag, PluginConfigFlag, PluginRunFlags,
    RegistryFlags,
};
use crate::many::ManyFlags;
use crate::revocation_access::{self, RevocationFlags};
use crate::target::{Access, ResolvedTarget, Stores, TAG_MAY_MOVE, Target};
use crate::verification_view::{self, VerifyDocument};
use crate::{plugin_access, registry_access, runtime, usage};

/// Verify that an artifact has a signature that the trust policy accepts
#[derive(Args, Debug)]
pub struct Verify {
    #[command(flatten)]
    logging: LoggingFlags,
    #[command(flatten)]
    registry: RegistryFlags,
    #[command(flatten)]
    plugin_config: PluginConfigFlag,
    #[command(flatten)]
    plugin_run: PluginRunFlags,
    #[command(flatten)]
    metadata: MetadataFlag,
    #[command(flatten)]
    limit: LimitFlag,
    #[command(flatten)]
    revocation: RevocationFlags,
    /// The reference is the path of an OCI image layout (with --scope)
    #[arg(long)]
    oci_layout: bool,
    /// The registry scope under which the trust policy has the layout, such as local/my-layout (with --oci-layout)
    #[arg(long, value_name = "string", allow_hyphen_values = true)]
    scope: Option<String>,
    /// Show the statement that was applied, and every check with its reason
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    many: ManyFlags,
    #[command(flatten)]
    output: OutputFlag,
    /// <registry>/<repository>@<digest>, or <registry>/<repository>:<tag>
    #[arg(value_name = "reference")]
    arguments: Vec<String>,
}

impl Verify {
    pub(super) fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        let several = self.many.several(application, &self.arguments);
        if self.arguments.is_empty() && !several {
            return Err(super::missing_reference(application, "verify"));
        }
        usage::together(&[
            ("oci-layout", self.oci_layout),
            ("scope", self.scope.is_some()),
        ])?;
        let limit = self.limit.limit()?;
        let json = self.output.is_json()?;
        application.console.show_debug(self.logging.debug);
        let plugin_config: PluginConfig = self.plugin_config.pairs()?.into_iter().collect();
        let options = VerifyOptions {
            limit,
            patience: registry_access::patience(&self.registry)?,
            metadata: self.metadata.pairs()?,
            plugin_config,
            now: OffsetDateTime::now_utc(),
        };
        let policy = OciTrustPolicy::load(application.directories.config())?;
        for warning in policy.warnings() {
            application.console.warn(warning.to_string());
        }
        let access = Access {
            registry: &self.registry,
            oci_layout: self.oci_layout,
            force_referrers_tag: false,
        };
        let reference = self.arguments.first().map_or("", String::as_str);
        let one = match several {
            true => None,
            false => Some(Target::open(application, reference, access)?),
        };
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
        let Some(target) = one else {
            let work = ManyToVerify {
                stores: Stores::new(application, access)?,
                policy: &policy,
                scope: self.scope.as_deref(),
                sources,
                options: &options,
                concurrency: self.many.concurrency()?,
                json,
                explain: self.explain,
            };
            let references = self.many.references(self.arguments)?;
            return verify_many::run(application, references, &work);
        };
        let scope = self.scope.as_deref().unwrap_or(&target.place).to_owned();
        let work = verify(application, target, &policy, &scope, sources, &options);
        let (target, verification) = runtime::block_on(work)?;
        let document = VerifyDocument::new(target.name(), &verification);
        if json {
            application.console.json(&document)?;
        } else if self.explain {
            application
                .console
                .raw(verification_view::explain(&document, &verification).as_bytes())?;
        }
        conclude(application, &target, &verification, limit, json)
    }
}

async fn verify(
    application: &mut Application<'_>,
    target: Target,
    policy: &OciTrustPolicy,
    scope: &str,
    sources: TrustSources<'_>,
    options: &VerifyOptions,
) -> Result<(ResolvedTarget, ArtifactVerification), Failure> {
    let statement = policy.statement_for(scope)?;
    let verifier = Verifier::new(&statement, sources, options)?;
    let target = target.resolve(application, "verify", TAG_MAY_MOVE).await?;
    let verification = verifier
        .verify(target.store.as_ref(), &target.descriptor)
        .await?;
    Ok((target, verification))
}

/// The result line, the warnings before it and the metadata after it, or the failure.
fn conclude(
    application: &mut Application<'_>,
    target: &ResolvedTarget,
    verification: &ArtifactVerification,
    limit: usize,
    json: bool,
) -> Result<(), Failure> {
    if verification.skipped {
        let text = format!(
            "Trust policy is configured to skip signature verification for {}",
            target.name()
        );
        return verdict::result_line(application, &text, json);
    }
    let Some(trusted) = verification.trusted() else {
        return Err(refused(target, verification, limit));
    };
    verdict::trusted(application, &target.name(), trusted, json)
}

/// Why no signature is trusted, one by one.
pub(super) fn refused(
    target: &ResolvedTarget,
    verification: &ArtifactVerification,
    limit: usize,
) -> Failure {
    let name = target.name();
    if verification.attempts.is_empty() {
        let text = format!(
            "signature verification failed: no signature is associated with {name:?}, make sure the artifact was signed \
             successfully"
        );
        return Failure::new(FailureKind::Refused, text).hint("To sign it, use `apostille sign`");
    }
    let text =
        format!("signature verification failed for all the signatures associated with {name}");
    let mut failure = Failure::new(FailureKind::Refused, text);
    for attempt in &verification.attempts {
        failure = failure.hint(format!(
            "- {}: {}",
            attempt.manifest.digest,
            verification_view::reason(attempt)
        ));
    }
    let advice: BTreeSet<_> = verification
        .attempts
        .iter()
        .filter_map(verification_view::advice)
        .collect();
    for advice in advice {
        failure = failure.hint(advice);
    }
    if verification.truncated {
        failure = failure.hint(format!(
            "Only {limit} signatures were looked at, and there are more; --max-signatures raises the limit"
        ));
    }
    failure.hint(format!(
        "Statement {:?} of {} was applied",
        verification.statement.name, verification.statement.file
    ))
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let failure = Self::new(
            FailureKind::Policy,
            format!("signature verification failed: {}", chain_of(&error)),
        );
        match error {
            StoreError::NotCertificates { .. } | StoreError::NotARegularFile { .. } => failure.hint(
                "Correct the file or move it out of the trust store: the whole store is refused",
            ),
            _ => failure,
        }
    }
}
