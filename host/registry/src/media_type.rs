//! Media types and annotation keys that signatures are stored under.

/// An OCI image manifest.
pub const IMAGE_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// An OCI image index.
pub const IMAGE_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The artifact manifest of a withdrawn release candidate; signatures in it are still read.
pub const ARTIFACT_MANIFEST: &str = "application/vnd.oci.artifact.manifest.v1+json";
/// A Docker image manifest, schema 2.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// A Docker manifest list, schema 2.
pub const DOCKER_MANIFEST_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// The configuration of an image.
pub const IMAGE_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// An uncompressed layer of an image.
pub const IMAGE_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
/// The empty JSON object `{}`, where a manifest must name a configuration and has none.
pub const EMPTY_JSON: &str = "application/vnd.oci.empty.v1+json";
/// The artifact type of a Notary Project signature.
pub const SIGNATURE: &str = "application/vnd.cncf.notary.signature";

/// The annotation with the SHA-256 fingerprints of the signing certificate chain.
pub const THUMBPRINT_ANNOTATION: &str = "io.cncf.notary.x509chain.thumbprint#S256";
/// The annotation with the time of creation (RFC 3339).
pub const CREATED_ANNOTATION: &str = "org.opencontainers.image.created";
/// The annotation by which an OCI layout's index names a tag.
pub const REF_NAME_ANNOTATION: &str = "org.opencontainers.image.ref.name";

/// Whether this is an index: a list of further manifests.
pub fn is_index(media_type: &str) -> bool {
    matches!(media_type, IMAGE_INDEX | DOCKER_MANIFEST_LIST)
}
