//! `list`

use apostille_registry::SignatureList;
use clap::Args;
use serde::Serialize;

use crate::application::Application;
use crate::failure::Failure;
use crate::flags::{LimitFlag, LoggingFlags, OutputFlag, RegistryFlags};
use crate::runtime;
use crate::target::{Access, ResolvedTarget, TAG_MAY_MOVE, Target};
use crate::tree::Tree;

/// The artifact type of signatures.
pub(super) const SIGNATURE_TYPE: &str = "application/vnd.cncf.notary.signature";

/// List the signatures of an artifact
#[derive(Args, Debug)]
pub struct List {
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
    output: OutputFlag,
    /// <registry>/<repository>@<digest>, or <registry>/<repository>:<tag>
    #[arg(value_name = "reference")]
    arguments: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListDocument {
    reference: String,
    artifact_type: &'static str,
    signatures: Vec<String>,
    truncated: bool,
}

impl List {
    pub(super) fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        let reference = self
            .arguments
            .first()
            .ok_or_else(|| super::missing_reference(application, "list"))?;
        let limit = self.limit.limit()?;
        let json = self.output.is_json()?;
        application.console.show_debug(self.logging.debug);
        let access = Access {
            registry: &self.registry,
            oci_layout: self.oci_layout,
            force_referrers_tag: false,
        };
        let target = Target::open(application, reference, access)?;
        let (target, list) = runtime::block_on(async {
            let target = target.resolve(application, "list", TAG_MAY_MOVE).await?;
            let list = target.store.signatures(&target.descriptor, limit).await?;
            Ok((target, list))
        })?;
        if list.truncated {
            let text = format!("exceeded configured limit of max signatures {limit} to examine");
            application.console.warn(text);
        }
        report(application, &target, list, json)
    }
}

fn report(
    application: &mut Application<'_>,
    target: &ResolvedTarget,
    list: SignatureList,
    json: bool,
) -> Result<(), Failure> {
    let digests = list
        .manifests
        .iter()
        .map(|manifest| manifest.digest.to_string());
    if json {
        return application.console.json(&ListDocument {
            reference: target.name(),
            artifact_type: SIGNATURE_TYPE,
            signatures: digests.collect(),
            truncated: list.truncated,
        });
    }
    if list.manifests.is_empty() {
        return application
            .console
            .line(format!("{} has no associated signatures", target.name()));
    }
    let mut tree = Tree::new(target.name());
    let signatures = tree.add(SIGNATURE_TYPE);
    digests.for_each(|digest| {
        signatures.add(digest);
    });
    application.console.raw(tree.render().as_bytes())
}
