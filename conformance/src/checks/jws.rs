//! Reads JWS envelopes, only as strictly as it must, so that each rule can say by itself what is wrong.

use super::signature::any_base64;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use notary_x509::Certificate;
use serde_json::{Map, Value};

/// The parts of an envelope.
pub(super) struct Jws {
    /// The protected header.
    pub(super) protected: Map<String, Value>,
    /// Protected header, dot and payload as they were signed.
    pub(super) signed: Vec<u8>,
    /// The payload.
    pub(super) payload: Value,
    pub(super) signature: Vec<u8>,
    /// The certificates, in the order in which they stand there.
    pub(super) certificates: Vec<Certificate>,
}

impl Jws {
    /// Reads the flattened JSON serialisation (RFC 7515 §7.2.2) with `x5c` in the unprotected header.
    pub(super) fn read(envelope: &[u8]) -> Result<Self, String> {
        let envelope: Value =
            serde_json::from_slice(envelope).map_err(|error| format!("no JSON: {error}"))?;
        let text = |name: &str| {
            envelope
                .get(name)
                .and_then(Value::as_str)
                .ok_or_else(|| format!("{name} is missing or no text"))
        };
        let decoded = |name: &str| {
            URL_SAFE_NO_PAD
                .decode(text(name)?)
                .map_err(|error| format!("{name} is not base64url without padding: {error}"))
        };
        let json = |name: &str| {
            serde_json::from_slice::<Value>(&decoded(name)?)
                .map_err(|error| format!("{name} is no JSON: {error}"))
        };
        let Value::Object(protected) = json("protected")? else {
            return Err("protected is no object".to_owned());
        };
        Ok(Self {
            protected,
            signed: format!("{}.{}", text("protected")?, text("payload")?).into_bytes(),
            payload: json("payload")?,
            signature: decoded("signature")?,
            certificates: certificates(&envelope)?,
        })
    }

    /// A protected header.
    pub(super) fn header(&self, name: &str) -> Option<&Value> {
        self.protected.get(name)
    }

    /// A protected header that is a text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.header(name).and_then(Value::as_str)
    }

    /// The entries of `crit`.
    pub(super) fn critical(&self) -> Vec<&str> {
        self.header("crit")
            .and_then(Value::as_array)
            .map(|list| list.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default()
    }
}

fn certificates(envelope: &Value) -> Result<Vec<Certificate>, String> {
    let list = envelope
        .pointer("/header/x5c")
        .and_then(Value::as_array)
        .filter(|list| !list.is_empty())
        .ok_or("header has no x5c")?;
    list.iter()
        .map(|entry| {
            let der = entry.as_str().and_then(any_base64);
            let der = der.ok_or("an entry of x5c is no base64")?;
            Certificate::from_der(&der).map_err(|error| format!("x5c: {error}"))
        })
        .collect()
}
