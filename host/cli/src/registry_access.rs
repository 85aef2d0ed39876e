//! How registries are reached: credentials, plain HTTP and proxies, from flags, environment and configuration.

use apostille_artifact::Reference;
use apostille_registry::ArtifactStore;

use crate::application::Application;
use crate::failure::{Failure, FailureKind};
use crate::target::Access;

/// The repository of a reference. Nothing is connected to yet.
///
/// # Errors
/// The configuration is malformed.
pub fn open(
    _application: &Application<'_>,
    reference: &Reference,
    _access: Access<'_>,
) -> Result<Box<dyn ArtifactStore>, Failure> {
    Err(Failure::new(
        FailureKind::Registry,
        format!("{}: registries are not supported yet", reference.registry()),
    )
    .hint("Use an OCI layout, with --oci-layout"))
}
