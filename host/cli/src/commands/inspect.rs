//! `inspect`

use apostille_core::{InspectedArtifact, inspect_artifact};
use clap::Args;
use serde::Serialize;

use super::list::SIGNATURE_TYPE;
use crate::application::Application;
use crate::envelope_view::EnvelopeView;
use crate::failure::{Failure, FailureKind, chain_of};
use crate::flags::{LimitFlag, LoggingFlags, RegistryFlags, TreeOutputFlag};
use crate::target::{Access, ResolvedTarget, TAG_MAY_MOVE, Target};
use crate::tree::Tree;
use crate::{registry_access, runtime};

/// Show what the signatures of an artifact say, without verifying them
#[derive(Args, Debug)]
pub struct Inspect {
    #[command(flatten)]
    logging: LoggingFlags,
    #[command(flatten)]
    registry: RegistryFlags,
    #[command(flatten)]
    limit: LimitFlag,
    /// The reference is the path of an OCI image layout
    #[arg(long)]
    oci_layout: bool,
    #[command(flatten)]
    output: TreeOutputFlag,
    /// <registry>/<repository>@<digest>, or <registry>/<repository>:<tag>
    #[arg(value_name = "reference")]
    arguments: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InspectDocument {
    media_type: String,
    signatures: Vec<EnvelopeView>,
}

impl Inspect {
    pub(super) fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        let reference = self
            .arguments
            .first()
            .ok_or_else(|| super::missing_reference(application, "inspect"))?;
        let limit = self.limit.limit()?;
        let json = self.output.is_json()?;
        application.console.show_debug(self.logging.debug);
        let access = Access {
            registry: &self.registry,
            oci_layout: self.oci_layout,
            force_referrers_tag: false,
        };
        let patience = registry_access::patience(&self.registry)?;
        let target = Target::open(application, reference, access)?;
        let (target, artifact) = runtime::block_on(async {
            let target = target.resolve(application, "inspect", TAG_MAY_MOVE).await?;
            let artifact =
                inspect_artifact(target.store.as_ref(), &target.descriptor, limit, patience)
                    .await?;
            Ok((target, artifact))
        })?;
        let truncated = artifact.truncated;
        let (views, skipped) = views(application, artifact);
        if json {
            application.console.json(&InspectDocument {
                media_type: target.descriptor.media_type.clone(),
                signatures: views,
            })?;
        } else {
            draw(application, &target, &views, skipped)?;
        }
        if truncated {
            let text = format!("exceeded configured limit of max signatures {limit} to examine");
            application.console.warn(text);
        }
        if skipped {
            let text = "at least one signature was skipped and not displayed";
            return Err(Failure::new(FailureKind::Registry, text));
        }
        Ok(())
    }
}

/// The signatures that can be shown, a warning for each that cannot, and whether there was one.
fn views(
    application: &mut Application<'_>,
    artifact: InspectedArtifact,
) -> (Vec<EnvelopeView>, bool) {
    let mut views = Vec::new();
    let mut skipped = false;
    for signature in artifact.signatures {
        let manifest = &signature.manifest;
        let view = signature
            .envelope
            .and_then(|envelope| Ok(EnvelopeView::new(&envelope, Some(manifest))?));
        match view {
            Ok(view) => views.push(view),
            Err(error) => {
                skipped = true;
                let text = format!(
                    "skipping signature {}: {}",
                    manifest.digest,
                    chain_of(&error)
                );
                application.console.warn(text);
            }
        }
    }
    (views, skipped)
}

fn draw(
    application: &mut Application<'_>,
    target: &ResolvedTarget,
    views: &[EnvelopeView],
    skipped: bool,
) -> Result<(), Failure> {
    if views.is_empty() && !skipped {
        return application
            .console
            .line(format!("{} has no associated signature", target.name()));
    }
    application
        .console
        .line("Inspecting all signatures for signed artifact")?;
    let mut tree = Tree::new(target.name());
    let signatures = tree.add(SIGNATURE_TYPE);
    for view in views {
        view.draw(signatures.add(view.digest.as_deref().unwrap_or_default()));
    }
    application.console.raw(tree.render().as_bytes())
}
