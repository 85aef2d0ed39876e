//! The two workflows of Apostille: sign and verify.
//!
//! The crates below this one each know one thing: how artifacts are named and stored, how an envelope is built, what a
//! trust policy demands, how a plugin is run. This crate puts them in order, and it is where nothing is believed:
//!
//! - [`sign_artifact`] asks a [`Signer`] for a signature over bytes that it built itself, and stores an envelope only
//!   after the answer was checked: the algorithm against the key spec, the signature over exactly these bytes, the
//!   certificate chain against the rules.
//! - A [`Verifier`] is a statement of the trust policy with its trust stores loaded, before any signature is fetched. It
//!   keeps the outcome of every check of every signature that it looks at.
//! - [`inspect_artifact`] shows what signatures say, proving nothing.
//! - [`sign_blob`] and [`verify_blob`] do the same for plain files, which are hashed while they are read.
//!
//! A [`Signer`] is a key somewhere: [`LocalSigner`] for one in a file, [`PluginSigner`] for one that a plugin reaches. A
//! signer that makes whole envelopes is an [`EnvelopeMaker`] too; what it makes is believed no more than a signature.
//!
//! ```
//! use apostille_artifact::{Selector, Tag};
//! use apostille_core::{LocalSigner, SignOptions, sign_artifact};
//! use apostille_registry::{ArtifactStore, OciLayout};
//! use apostille_signature::EnvelopeFormat;
//! use notary_plugin_protocol::KeySpec;
//! use notary_x509::{CertificateChain, Name, PrivateKey, SelfSignedCertificate, SelfSignedTemplate, SerialNumber};
//! use time::{Duration, OffsetDateTime};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A key with a certificate. In earnest both come from a token or a KMS, through a plugin.
//! let now = OffsetDateTime::now_utc();
//! let key = PrivateKey::generate(KeySpec::Ec256)?;
//! let unsigned = SelfSignedCertificate::prepare(
//!     &SelfSignedTemplate {
//!         subject: Name::from_rfc4514("CN=release,O=Example,ST=England,C=GB")?,
//!         subject_alt_names: Vec::new(),
//!         not_before: now,
//!         not_after: now + Duration::days(1),
//!         serial: SerialNumber::random()?,
//!     },
//!     key.public_key(),
//! )?;
//! let signature = key.sign(unsigned.to_be_signed())?;
//! let chain = CertificateChain::new(vec![unsigned.assemble(&signature)?])?;
//! let signer = LocalSigner::new(key, chain)?;
//!
//! // An image in a layout, signed.
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("app");
//! let (layout, image) = OciLayout::create(&path, &"v1".parse::<Tag>()?, b"the only layer")?;
//! let options = SignOptions::new(EnvelopeFormat::Jws, now, "example/1.0");
//! let signed = sign_artifact(&layout, &image, &signer, &options).await?;
//! assert_eq!(layout.signatures(&image, 100).await?.manifests, [signed.manifest]);
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod blob;
mod envelope_maker;
mod http_timestamp_authority;
mod inspect;
mod local_signer;
mod patience;
mod plugin_download;
mod plugin_signer;
mod sign;
mod signer;
mod timestamping;
mod verification_plugins;
mod verify;

pub use blob::{Blob, BlobDigest, BlobError, sign_blob, verify_blob};
pub use envelope_maker::{EnvelopeMaker, EnvelopeOrder, MadeEnvelope};
pub use http_timestamp_authority::HttpTimestampAuthority;
pub use inspect::{InspectError, InspectedArtifact, InspectedSignature, inspect_artifact};
pub use local_signer::LocalSigner;
pub use plugin_download::{DownloadError, download_plugin};
pub use plugin_signer::{PluginSigner, SigningPurpose};
pub use sign::{SignError, SignOptions, SignedArtifact, sign_artifact, sign_payload};
pub use signer::{Signer, SignerAnswer, SignerError};
pub use timestamping::{TimestampAuthority, Timestamping, TimestampingError};
pub use verification_plugins::InstalledVerificationPlugins;
pub use verify::{ArtifactVerification, Attempt, TrustSources, Verifier, VerifyOptions};
