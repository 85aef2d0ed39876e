//! Signing an artifact.

use std::collections::BTreeMap;
use std::time::Duration;

use apostille_artifact::Descriptor;
use apostille_registry::{ArtifactStore, NewSignature, PushWarning, RegistryError};
use apostille_signature::{
    EnvelopeFormat, Payload, SignatureParts, SignedEnvelope, SigningRequest,
};
use notary_plugin_protocol::{KeySpec, SigningAlgorithm};
use thiserror::Error;
use time::OffsetDateTime;

use crate::blob::BlobError;
use crate::envelope_maker;
use crate::signer::{Signer, SignerError};
use crate::timestamping::{Timestamping, TimestampingError};

/// How to sign.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SignOptions {
    /// The format of the envelope.
    pub format: EnvelopeFormat,
    /// The signing time that the envelope claims.
    pub signing_time: OffsetDateTime,
    /// The program that signs, such as `apostille/1.0.0`.
    pub agent: String,
    /// When the signature expires, counted from the signing time.
    pub expiry: Option<Duration>,
    /// Metadata of the user, signed as annotations of the artifact.
    pub metadata: BTreeMap<String, String>,
    /// How the signature is stamped; `None` for no timestamp.
    pub timestamping: Option<Timestamping>,
}

impl SignOptions {
    /// Options for a signature without expiry and metadata.
    pub fn new(
        format: EnvelopeFormat,
        signing_time: OffsetDateTime,
        agent: impl Into<String>,
    ) -> Self {
        Self {
            format,
            signing_time,
            agent: agent.into(),
            expiry: None,
            metadata: BTreeMap::new(),
            timestamping: None,
        }
    }
}

/// A signature that is stored.
#[derive(Clone, Debug)]
pub struct SignedArtifact {
    /// The signature's manifest.
    pub manifest: Descriptor,
    /// What did not succeed although the signature is stored.
    pub warnings: Vec<PushWarning>,
}

/// Why an artifact was not signed. Nothing is listed as its signature then.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SignError {
    /// The signer failed.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// What is to be signed cannot be, before any signer was asked.
    #[error("cannot build the signature: {0}")]
    Request(#[source] apostille_signature::Error),
    /// The signer says it used another algorithm than its key spec demands.
    #[error("the signer used {found} instead of {expected}; its signature is not used")]
    Algorithm {
        /// What its key spec demands.
        expected: SigningAlgorithm,
        /// What it says.
        found: SigningAlgorithm,
    },
    /// What the signer gave back is not a signature over the bytes that it was sent, or its certificates break a rule.
    #[error("what the signer gave back is refused: {0}")]
    Refused(#[source] apostille_signature::Error),
    /// There is no timestamp on the signature.
    #[error("cannot timestamp the signature: {0}")]
    Timestamping(#[from] TimestampingError),
    /// The blob to sign could not be hashed.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// A timestamp was asked for, and the plugin makes whole envelopes: only it could put one in.
    #[error(
        "{plugin} makes whole envelopes, and no timestamp can be added to them here; leave the timestamping authority \
         away, and configure the plugin to add a timestamp if it can"
    )]
    TimestampNotPossible {
        /// The plugin.
        plugin: String,
    },
    /// The signature could not be stored.
    #[error("the signature could not be stored: {0}")]
    Store(#[from] RegistryError),
}

/// Signs `subject` and stores the signature beside it.
///
/// `subject` is what the reference was resolved to: what is signed is its media type, digest and size, and the
/// metadata.
///
/// # Errors
/// See [`SignError`].
pub async fn sign_artifact(
    store: &dyn ArtifactStore,
    subject: &Descriptor,
    signer: &dyn Signer,
    options: &SignOptions,
) -> Result<SignedArtifact, SignError> {
    let payload = Payload::new(subject, options.metadata.clone()).map_err(SignError::Request)?;
    let made = make_envelope(payload, None, signer, options).await?;
    let signed = made.envelope;
    let envelope = signed.envelope();
    let fingerprints: Vec<[u8; 32]> = envelope
        .certificate_chain()
        .certificates()
        .iter()
        .map(notary_x509::Certificate::sha256_fingerprint)
        .collect();
    let signature = NewSignature::new(
        options.format.media_type(),
        signed.as_bytes().to_vec(),
        &fingerprints,
        envelope.signing_time(),
        made.annotations,
    );
    let pushed = store.push_signature(subject, &signature).await?;
    Ok(SignedArtifact {
        manifest: pushed.manifest,
        warnings: pushed.warnings,
    })
}

/// Signs a payload, and gives an envelope that was verified as a verifier would.
///
/// # Errors
/// See [`SignError`]; there is no envelope then.
pub async fn sign_payload(
    payload: Payload,
    signer: &dyn Signer,
    options: &SignOptions,
) -> Result<SignedEnvelope, SignError> {
    Ok(make_envelope(payload, None, signer, options)
        .await?
        .envelope)
}

/// An envelope that may be stored.
pub(crate) struct Made {
    pub(crate) envelope: SignedEnvelope,
    /// What the maker of the envelope wants in the annotations of a signature manifest.
    pub(crate) annotations: BTreeMap<String, String>,
}

/// Makes the envelope here around a raw signature, or has it made and checks it. `key_spec` is what the signer said
/// before, if it was asked.
pub(crate) async fn make_envelope(
    payload: Payload,
    key_spec: Option<KeySpec>,
    signer: &dyn Signer,
    options: &SignOptions,
) -> Result<Made, SignError> {
    if let Some(maker) = signer.envelope_maker() {
        return envelope_maker::order(maker, &payload, key_spec, options).await;
    }
    let key_spec = match key_spec {
        Some(known) => known,
        None => signer.key_spec().await?,
    };
    Ok(Made {
        envelope: build_envelope(payload, key_spec, signer, options).await?,
        annotations: BTreeMap::new(),
    })
}

async fn build_envelope(
    payload: Payload,
    key_spec: KeySpec,
    signer: &dyn Signer,
    options: &SignOptions,
) -> Result<SignedEnvelope, SignError> {
    let mut request = SigningRequest::new(payload, key_spec, options.signing_time);
    request.expiry = options.expiry;
    request.signing_agent = Some(match signer.agent() {
        Some(plugin) => format!("{} {plugin}", options.agent),
        None => options.agent.clone(),
    });
    let unsigned = request
        .prepare(options.format)
        .map_err(SignError::Request)?;
    let answer = signer.sign(key_spec, unsigned.bytes_to_sign()).await?;
    let expected = key_spec.signing_algorithm();
    if answer.signing_algorithm != expected {
        return Err(SignError::Algorithm {
            expected,
            found: answer.signing_algorithm,
        });
    }
    let mut parts = SignatureParts {
        signature: answer.signature,
        certificate_chain: answer.certificate_chain,
        timestamp: None,
    };
    if let Some(timestamping) = &options.timestamping {
        // Nobody is asked to stamp what is thrown away afterwards.
        unsigned
            .check(&parts.signature, &parts.certificate_chain)
            .map_err(SignError::Refused)?;
        let hash = key_spec.hash_algorithm();
        let stamp = timestamping.stamp(&parts.signature, hash, options.signing_time);
        parts.timestamp = Some(stamp.await?);
    }
    unsigned.assemble(parts).map_err(SignError::Refused)
}
