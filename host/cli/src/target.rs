//! The artifact that a command is about: a reference, the store that it points into, and what it resolves to.

use apostille_artifact::{
    Descriptor, Digest, LayoutReference, Reference, ReferenceError, Selector,
};
use apostille_registry::{ArtifactStore, OciLayout, RegistryClient, RegistryError};

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

/// The stores of a run: all references to registries share connections and tokens.
#[derive(Debug)]
pub enum Stores {
    /// References are paths of OCI layouts.
    Layouts,
    /// References name repositories of registries.
    Registries(RegistryClient),
}

impl Stores {
    /// Sets up what the flags ask for. Nothing is connected to yet.
    ///
    /// # Errors
    /// The configuration is malformed.
    pub fn new(application: &Application<'_>, access: Access<'_>) -> Result<Self, Failure> {
        if access.oci_layout {
            return Ok(Self::Layouts);
        }
        Ok(Self::Registries(registry_access::client(
            application,
            access,
        )?))
    }

    /// Reads a reference and opens its store. Nothing is fetched yet.
    ///
    /// # Errors
    /// The reference is malformed, or there is no layout at the path.
    pub fn target(&self, text: &str) -> Result<Target, Failure> {
        match self {
            Self::Layouts => {
                let reference: LayoutReference = text
                    .parse()
                    .map_err(|error| malformed(text, &error, LAYOUT_FORM))?;
                let layout = OciLayout::open(reference.path())?;
                Ok(Target {
                    store: Box::new(layout),
                    place: reference.path().display().to_string(),
                    selector: reference.selector().clone(),
                })
            }
            Self::Registries(client) => {
                let reference = registry_reference(text)?;
                Ok(Target {
                    store: registry_access::repository(client, &reference)?,
                    place: reference.scope(),
                    selector: reference.selector().clone(),
                })
            }
        }
    }
}

fn registry_reference(text: &str) -> Result<Reference, Failure> {
    text.parse()
        .map_err(|error| malformed(text, &error, REGISTRY_FORM))
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
        if !access.oci_layout {
            // A malformed reference is said before a malformed configuration.
            registry_reference(text)?;
        }
        Stores::new(application, access)?.target(text)
    }

    /// Finds out what the reference points to, once; says nothing about tags.
    ///
    /// # Errors
    /// There is no such artifact, or the store cannot be reached.
    pub async fn resolve_silently(self) -> Result<ResolvedTarget, Failure> {
        let descriptor = self.store.resolve(&self.selector).await?;
        Ok(ResolvedTarget {
            store: self.store,
            place: self.place,
            descriptor,
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
