//! Envelopes that somebody else made to order, such as a plugin with the capability to generate envelopes.
//!
//! Whoever orders an envelope knows what has to be in it, and looks for exactly that before it is stored: it would be
//! stored under the name of the one who ordered it.

use std::time::Duration;

use notary_plugin_protocol::{KeySpec, SigningScheme};
use time::OffsetDateTime;

use crate::attributes::RESERVED_PREFIX;
use crate::json::{Members, read_object};
use crate::request::SignedEnvelope;
use crate::timestamp::TimestampToken;
use crate::{Envelope, EnvelopeFormat, Error, Payload, VerifiedEnvelope};

/// How far the expiry may be from the one that was ordered: times have whole seconds, and are rounded by both sides.
const EXPIRY_TOLERANCE: time::Duration = time::Duration::seconds(1);

/// What an envelope was ordered to be.
#[derive(Clone, Debug)]
pub struct ExpectedEnvelope<'a> {
    /// The format.
    pub format: EnvelopeFormat,
    /// What is signed. The maker may add annotations, and change nothing.
    pub payload: &'a Payload,
    /// The spec of the key, if it was said before.
    pub key_spec: Option<KeySpec>,
    /// When the signature expires, counted from the signing time in the envelope.
    pub expiry: Option<Duration>,
    /// The present: the certificates must be valid now, and when the envelope says that it was made.
    pub now: OffsetDateTime,
}

impl ExpectedEnvelope<'_> {
    /// Lets `bytes` through, unchanged, if they are the envelope that was ordered.
    ///
    /// Its signature and its certificates are checked as [`Envelope::verify_integrity`] does, the certificates also
    /// for their validity. A timestamp in it must be on its signature and from the time when the certificates were
    /// valid; whether its authority is trusted is for the verifier to say.
    ///
    /// # Errors
    /// As [`Envelope::parse`] and [`Envelope::verify_integrity`], [`Error::NotAsRequested`], and
    /// [`Error::Timestamp`].
    pub fn accept(&self, bytes: Vec<u8>) -> Result<SignedEnvelope, Error> {
        let envelope = Envelope::parse(self.format, &bytes)?.verify_integrity()?;
        self.check_payload(&envelope)?;
        self.check_key(&envelope)?;
        self.check_expiry(&envelope)?;
        for moment in [envelope.signing_time(), self.now] {
            envelope
                .certificate_chain()
                .check_code_signing(Some(moment))
                .map_err(notary_x509::Error::from)?;
        }
        check_timestamp(&envelope)?;
        Ok(SignedEnvelope::new(self.format, bytes, envelope))
    }

    /// The descriptor as it was sent, with annotations added at most; and no word more, since a later reader might
    /// understand one.
    fn check_payload(&self, envelope: &VerifiedEnvelope) -> Result<(), Error> {
        let mut members = read_object("payload", envelope.payload_bytes())?;
        let target = members
            .take("targetArtifact")
            .ok_or_else(|| members.malformed("member \"targetArtifact\" is missing".to_owned()))?;
        members.refuse_rest().map_err(added)?;
        let mut target = Members::of("targetArtifact", target)?;
        for known in ["mediaType", "digest", "size", "annotations"] {
            target.take(known);
        }
        target.refuse_rest().map_err(added)?;
        let (ordered, found) = (
            self.payload.target_artifact(),
            envelope.payload().target_artifact(),
        );
        if !ordered.same_content(found) {
            return Err(Error::not_as_requested(format!(
                "it signs {} ({}, {} bytes) instead of {} ({}, {} bytes)",
                found.digest,
                found.media_type,
                found.size,
                ordered.digest,
                ordered.media_type,
                ordered.size
            )));
        }
        for (key, value) in &ordered.annotations {
            if found.annotations.get(key) != Some(value) {
                return Err(Error::not_as_requested(format!(
                    "the annotation \"{key}\" was removed or changed"
                )));
            }
        }
        let mut added = found
            .annotations
            .keys()
            .filter(|key| !ordered.annotations.contains_key(*key));
        match added.find(|key| key.starts_with(RESERVED_PREFIX)) {
            Some(key) => Err(Error::not_as_requested(format!(
                "the annotation \"{key}\" was added, and the prefix {RESERVED_PREFIX} is reserved"
            ))),
            None => Ok(()),
        }
    }

    fn check_key(&self, envelope: &VerifiedEnvelope) -> Result<(), Error> {
        match self.key_spec.map(KeySpec::signing_algorithm) {
            Some(expected) if expected != envelope.algorithm() => {
                let found = envelope.algorithm();
                Err(Error::AlgorithmMismatch { found, expected })
            }
            _ => Ok(()),
        }
    }

    fn check_expiry(&self, envelope: &VerifiedEnvelope) -> Result<(), Error> {
        match (self.expiry, envelope.expiry()) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(Error::not_as_requested(
                "it expires, and no expiry was asked for",
            )),
            (Some(_), None) => Err(Error::not_as_requested("it never expires")),
            (Some(ordered), Some(found)) => {
                let after = found - envelope.signing_time();
                let ordered = time::Duration::try_from(ordered)
                    .map_err(|_| Error::request("the expiry is too far in the future"))?;
                if (after - ordered).abs() <= EXPIRY_TOLERANCE {
                    return Ok(());
                }
                Err(Error::not_as_requested(format!(
                    "it expires {} s after it was signed instead of {} s",
                    after.whole_seconds(),
                    ordered.whole_seconds()
                )))
            }
        }
    }
}

fn added(error: Error) -> Error {
    Error::not_as_requested(format!("something was added to it: {error}"))
}

/// Under the scheme of signing authorities a timestamp means nothing, and is not looked at.
fn check_timestamp(envelope: &VerifiedEnvelope) -> Result<(), Error> {
    let token = match envelope.timestamp_token() {
        Some(token) if envelope.signing_scheme() == SigningScheme::NotaryX509 => token,
        _ => return Ok(()),
    };
    let claims = TimestampToken::parse(token)?.claims(envelope.signature())?;
    for moment in [claims.earliest, claims.latest] {
        envelope
            .certificate_chain()
            .check_validity(moment)
            .map_err(notary_x509::Error::from)?;
    }
    Ok(())
}
