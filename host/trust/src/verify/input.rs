//! What a verification is given.

use std::collections::BTreeMap;
use std::io;

use apostille_artifact::{Descriptor, Digest, DigestAlgorithm};
use apostille_signature::EnvelopeFormat;
use notary_plugin_protocol::PluginConfig;
use time::OffsetDateTime;

use super::plugins::VerificationPlugins;
use crate::policy::ApplicableStatement;
use crate::revocation::RevocationChecker;
use crate::store::TrustStores;

/// Everything that a verification depends on; it looks at nothing else, not even the clock.
#[derive(Clone, Copy)]
pub struct VerificationInput<'a> {
    /// The format of the envelope: the media type of its layer, or the extension of its file.
    pub format: EnvelopeFormat,
    /// The envelope.
    pub envelope: &'a [u8],
    /// What must be signed.
    pub artifact: ExpectedArtifact<'a>,
    /// Metadata that must be signed with it, each key with this value.
    pub user_metadata: &'a BTreeMap<String, String>,
    /// The statement of the policy that applies to the artifact.
    pub statement: &'a ApplicableStatement<'a>,
    /// The trust stores that the statement refers to.
    pub stores: &'a dyn TrustStores,
    /// Who answers whether certificates were revoked.
    pub revocation: &'a dyn RevocationChecker,
    /// The verification plugins that signatures may ask for.
    pub plugins: &'a dyn VerificationPlugins,
    /// Settings for the verification plugin.
    pub plugin_config: &'a PluginConfig,
    /// The present.
    pub now: OffsetDateTime,
}

/// What a signature has to be for.
#[derive(Clone, Copy)]
pub enum ExpectedArtifact<'a> {
    /// A manifest, as the registry or layout resolved it: media type, digest and size count.
    Manifest(&'a Descriptor),
    /// A file.
    Blob {
        /// The media type that must be signed, if it matters.
        media_type: Option<&'a str>,
        /// The bytes.
        content: &'a dyn BlobContent,
    },
}

/// Bytes that can be hashed. The signature's algorithm says how, and that is known only when the
/// envelope has been read.
pub trait BlobContent: Sync {
    /// The digest and the size in bytes of the whole content.
    ///
    /// # Errors
    /// Whatever reading it runs into; the signature is then not trusted.
    fn digest(&self, algorithm: DigestAlgorithm) -> io::Result<(Digest, u64)>;
}

impl BlobContent for [u8] {
    fn digest(&self, algorithm: DigestAlgorithm) -> io::Result<(Digest, u64)> {
        let size = u64::try_from(self.len()).map_err(io::Error::other)?;
        Ok((Digest::of(algorithm, self), size))
    }
}
