//! The artifact that a command is about: a reference, the store that it points into, and what it resolves to.

use apostille_artifact::{
    Descriptor, Digest, LayoutReference, Reference, ReferenceError, Selector,
};
use apostille_registry::{ArtifactStore, OciLayout, RegistryError};

use crate::application::Application;
use crate::failure::{Failure, FailureKind, chain_of};
use crate::flags::RegistryFlags;
use crate::registry_access;

/// How to reach the store.
#[derive(Clone, Copy, Debug)]
pub struct Access<'a> {
    /// The user's registry flags.
    pub registry: &'a RegistryFlags,
    /// Whether the reference is a path of an OCI layout.
    pub oci_layout: bool,
    /// Whether signatures are listed under the referrers tag whatever the registry can do.
    pub force_referrers_tag: bool,
}

/// An artifact by reference.
pub struct Target {
    /// Where it is.
    pub store: Box<dyn ArtifactStore>,
    /// `registry/repository`, or the path of the layout.
    pub place: String,
    selector: Selector,
}

/// An artifact that was resolved: its digest is used from here on.
pub struct ResolvedTarget {
    /// Where it is.
    pub store: Box<dyn ArtifactStore>,
    /// `registry/repository`, or the path of the layout.
    pub place: String,
    /// What it is.
    pub descriptor: Descriptor,
}

impl Target {
    /// Reads a reference and opens its store. Nothing is fetched yet.
    ///
    /// # Errors
    /// The reference is malformed, or there is no layout at the path.
    pub fn open(
        application: &Application<'_>,
        text: &str,
        access: Access<'_>,
    ) -> Result<Self, Failure> {
        if access.oci_layout {
            let reference: LayoutReference = text
                .parse()
                .map_err(|error| malformed(text, &error, LAYOUT_FORM))?;
            let layout = OciLayout::open(reference.path())?;
            return Ok(Self {
                store: Box::new(layout),
                place: reference.path().display().to_string(),
                selector: reference.selector().clone(),
            });
        }
        let reference: Reference = text
            .parse()
            .map_err(|error| malformed(text, &error, REGISTRY_FORM))?;
        Ok(Self {
            store: registry_access::open(application, &reference, access)?,
            place: reference.scope(),
            selector: reference.selector().clone(),
        })
    }

    /// Finds out what the reference points to, once, and warns if it is a tag. `verb` and `because` complete the
    /// warning.
    ///
    /// # Errors
    /// There is no such artifact, or the store cannot be reached.
    pub async fn resolve(
        self,
        application: &mut Application<'_>,
        verb: &str,
        because: &str,
    ) -> Result<ResolvedTarget, Failure> {
        let descriptor = self.store.resolve(&self.selector).await?;
        if let Selector::Tag(tag) = &self.selector {
            application.console.warn(format!(
                "Always {verb} the artifact using digest(@sha256:...) rather than a tag(:{tag}) because {because}."
            ));
        }
        Ok(ResolvedTarget {
            store: self.store,
            place: self.place,
            descriptor,
        })
    }
}

impl ResolvedTarget {
    /// The artifact by digest, as results name it.
    #[must_use]
    pub fn name(&self) -> String {
        self.name_of(&self.descriptor.digest)
    }

    /// Something else in the same place.
    #[must_use]
    pub fn name_of(&self, digest: &Digest) -> String {
        format!("{}@{digest}", self.place)
    }
}

const LAYOUT_FORM: &str = "<file_path>:<tag> or <file_path>@<digest>";
const REGISTRY_FORM: &str = "<registry>/<repository>:<tag> or <registry>/<repository>@<digest>";

fn malformed(text: &str, error: &ReferenceError, form: &str) -> Failure {
    Failure::usage(format!(
        "{text:?}: invalid reference: {error}. Expecting {form}"
    ))
}

/// The warning's reason where the user asks about signatures that are there already.
pub const TAG_MAY_MOVE: &str =
    "resolved digest may not point to the same signed artifact, as tags are mutable";

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        let failure = Self::new(FailureKind::Registry, chain_of(&error));
        match error.root() {
            RegistryError::TimedOut { .. } => {
                failure.hint("--registry-timeout gives it longer, for example 10m.")
            }
            _ => failure,
        }
    }
}
