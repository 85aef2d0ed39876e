//! Envelopes made by hand, so that one thing in them can be wrong while the signature is good.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use notary_x509::PrivateKey;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Signer;

pub(crate) const PAYLOAD_TYPE: &str = "application/vnd.cncf.notary.payload.v1+json";
pub(crate) const SCHEME: &str = "io.cncf.notary.signingScheme";

/// What goes into a JWS envelope.
pub(crate) struct Draft {
    pub(crate) protected: Value,
    pub(crate) payload: Value,
}

impl Draft {
    /// What an honest signer would put into an envelope for `target`.
    pub(crate) fn of(target: Value) -> Self {
        Self {
            protected: json!({
                "alg": "ES256",
                "cty": PAYLOAD_TYPE,
                "crit": [SCHEME],
                SCHEME: "notary.x509",
                "io.cncf.notary.signingTime": at(0),
            }),
            payload: json!({"targetArtifact": target}),
        }
    }

    pub(crate) fn sign(&self, signer: &Signer) -> Value {
        let protected = URL_SAFE_NO_PAD.encode(self.protected.to_string());
        let payload = URL_SAFE_NO_PAD.encode(self.payload.to_string());
        let key = PrivateKey::from_pem(signer.key_pem().as_bytes()).unwrap();
        let signature = key
            .sign(format!("{protected}.{payload}").as_bytes())
            .unwrap();
        let chain = notary_x509::parse_certificates(signer.chain_pem().as_bytes()).unwrap();
        let x5c: Vec<String> = chain
            .iter()
            .map(|one| STANDARD.encode(one.as_der()))
            .collect();
        json!({
            "payload": payload,
            "protected": protected,
            "header": {"x5c": x5c},
            "signature": URL_SAFE_NO_PAD.encode(signature),
        })
    }
}

/// The time so many seconds from now.
pub(crate) fn at(seconds: i64) -> String {
    let time = OffsetDateTime::now_utc() + time::Duration::seconds(seconds);
    time.replace_nanosecond(0)
        .unwrap()
        .format(&Rfc3339)
        .unwrap()
}
