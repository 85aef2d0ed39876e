//! Signers that make whole envelopes.
//!
//! A signing service may own the format, the time and even the signing scheme of what it signs. The host then gives it
//! the payload and gets an envelope back, which it stores unchanged, or not at all.

use std::collections::BTreeMap;
use std::time::Duration;

use apostille_signature::{EnvelopeFormat, ExpectedEnvelope, Payload, SignedEnvelope};
use futures::future::BoxFuture;
use notary_plugin_protocol::KeySpec;

use crate::sign::{Made, SignError, SignOptions};
use crate::signer::SignerError;

/// Somebody who makes whole envelopes. What is in them is checked by the caller and never believed.
pub trait EnvelopeMaker: Send + Sync {
    /// Makes the envelope that is ordered.
    ///
    /// # Errors
    /// The key cannot be reached, or the maker refuses.
    fn make<'a>(
        &'a self,
        order: &'a EnvelopeOrder,
    ) -> BoxFuture<'a, Result<MadeEnvelope, SignerError>>;

    /// What errors call it, such as `plugin "signer"`.
    fn name(&self) -> String;
}

/// What an envelope has to be.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EnvelopeOrder {
    /// Its format.
    pub format: EnvelopeFormat,
    /// What it signs, as JSON.
    pub payload: Vec<u8>,
    /// When the signature expires, counted from the signing time.
    pub expiry: Option<Duration>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct MadeEnvelope {
    /// The envelope.
    pub envelope: Vec<u8>,
    /// What to add to the annotations of the signature manifest.
    pub annotations: BTreeMap<String, String>,
}

/// Has an envelope made, and lets it through only if it is the one that was ordered.
pub(crate) async fn order(
    maker: &dyn EnvelopeMaker,
    payload: &Payload,
    key_spec: Option<KeySpec>,
    options: &SignOptions,
) -> Result<Made, SignError> {
    if options.timestamping.is_some() {
        let plugin = maker.name();
        return Err(SignError::TimestampNotPossible { plugin });
    }
    let order = EnvelopeOrder {
        format: options.format,
        payload: payload.to_json(),
        expiry: options.expiry,
    };
    let made = maker.make(&order).await?;
    let expected = ExpectedEnvelope {
        format: options.format,
        payload,
        key_spec,
        expiry: options.expiry,
        now: options.signing_time,
    };
    let envelope: SignedEnvelope = expected.accept(made.envelope).map_err(SignError::Refused)?;
    Ok(Made {
        envelope,
        annotations: made.annotations,
    })
}
