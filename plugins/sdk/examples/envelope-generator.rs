//! A plugin that makes whole envelopes: the shape of a signing service that owns the signature's format.
//!
//! It writes JWS (signature specification, "Signature Envelope JWS") with a key from a file. A real one would
//! send the payload to its service and return what comes back.

use std::{fs, process::ExitCode};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use notary_plugin_sdk::{
    CertificateBundle, Context, EnvelopeGenerator, Kind, Plugin, PluginDescription, PluginError,
    Setting,
    protocol::{
        GenerateEnvelopeRequest, GenerateEnvelopeResponse, KeyId, KeySpec, SignatureEnvelopeType,
    },
    settings::CERTIFICATES,
    x509::{CertificateChain, PrivateKey},
};
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

const KEY_DIRECTORY: Setting = Setting::environment(
    "ENVELOPE_KEY_DIRECTORY",
    Kind::Path,
    "Directory with the private keys (PEM); the key id is the file name",
);

static DESCRIPTION: PluginDescription = PluginDescription {
    name: "envelope-generator",
    version: env!("CARGO_PKG_VERSION"),
    url: "https://github.com/apostille/apostille",
    description: "Makes JWS envelopes with private keys in files",
    settings: &[KEY_DIRECTORY, CERTIFICATES],
};

struct JwsGenerator;

impl EnvelopeGenerator for JwsGenerator {
    async fn generate_envelope(
        &self,
        request: &GenerateEnvelopeRequest,
        context: &Context,
    ) -> Result<GenerateEnvelopeResponse, PluginError> {
        if request.signature_envelope_type != SignatureEnvelopeType::Jws {
            return Err(PluginError::validation(
                "only JWS envelopes (application/jose+json) are made here",
            ));
        }
        check_payload(&request.payload)?;
        let key = private_key(&request.key_id, context)?;
        let chain = chain(&key, context)?;
        let protected = protected_header(&key, request, OffsetDateTime::now_utc())?;
        let protected = URL_SAFE_NO_PAD.encode(protected.to_string());
        let payload = URL_SAFE_NO_PAD.encode(&request.payload);
        let signature = key
            .sign(format!("{protected}.{payload}").as_bytes())
            .map_err(|error| PluginError::error(error.to_string()))?;
        let certificates: Vec<String> = chain
            .certificates()
            .iter()
            .map(|certificate| STANDARD.encode(certificate.as_der()))
            .collect();
        let envelope = json!({
            "payload": payload,
            "protected": protected,
            "header": { "x5c": certificates, "io.cncf.notary.signingAgent": "envelope-generator/0.1.0" },
            "signature": URL_SAFE_NO_PAD.encode(signature),
        });
        Ok(GenerateEnvelopeResponse {
            signature_envelope: envelope.to_string().into_bytes(),
            signature_envelope_type: request.signature_envelope_type,
            annotations: Default::default(),
        })
    }

    async fn key_spec(&self, key_id: &KeyId, context: &Context) -> Result<KeySpec, PluginError> {
        Ok(private_key(key_id, context)?.key_spec())
    }
}

/// The payload is signed as it came; a service that adds annotations would do it here.
fn check_payload(payload: &[u8]) -> Result<(), PluginError> {
    match serde_json::from_slice::<Map<String, Value>>(payload) {
        Ok(members) if members.contains_key("targetArtifact") => Ok(()),
        Ok(_) => Err(PluginError::validation("the payload has no targetArtifact")),
        Err(error) => Err(PluginError::validation(format!(
            "the payload is not a JSON object: {error}"
        ))),
    }
}

fn private_key(key_id: &KeyId, context: &Context) -> Result<PrivateKey, PluginError> {
    let directory = context.settings().required(&KEY_DIRECTORY)?;
    let pem = fs::read(format!("{directory}/{}", key_id.as_str()))
        .map_err(|error| PluginError::validation(format!("key {}: {error}", key_id.as_str())))?;
    PrivateKey::from_pem(&pem).map_err(|error| PluginError::validation(error.to_string()))
}

fn chain(key: &PrivateKey, context: &Context) -> Result<CertificateChain, PluginError> {
    let mut bundle = CertificateBundle::new();
    bundle.add_setting(context.settings(), &CERTIFICATES)?;
    bundle.chain_for(key.public_key())
}

fn protected_header(
    key: &PrivateKey,
    request: &GenerateEnvelopeRequest,
    now: OffsetDateTime,
) -> Result<Value, PluginError> {
    // Times in envelopes have whole seconds.
    let now = now.replace_nanosecond(0).unwrap_or(now);
    let text = |time: OffsetDateTime| {
        time.format(&Rfc3339)
            .map_err(|error| PluginError::error(format!("cannot write the time: {error}")))
    };
    let mut critical = vec!["io.cncf.notary.signingScheme"];
    let mut header = json!({
        "alg": algorithm(key.key_spec()),
        "cty": request.payload_type.as_str(),
        "io.cncf.notary.signingScheme": "notary.x509",
        "io.cncf.notary.signingTime": text(now)?,
    });
    if let Some(seconds) = request.expiry_duration_in_seconds {
        let expiry = i64::try_from(seconds.get())
            .ok()
            .and_then(|seconds| now.checked_add(Duration::seconds(seconds)))
            .ok_or_else(|| {
                PluginError::validation("the signature would expire beyond the year 9999")
            })?;
        header["io.cncf.notary.expiry"] = text(expiry)?.into();
        critical.push("io.cncf.notary.expiry");
    }
    header["crit"] = critical.into();
    Ok(header)
}

/// The JWS name of the algorithm that a key spec prescribes (RFC 7518 §3.1).
fn algorithm(key_spec: KeySpec) -> &'static str {
    match key_spec {
        KeySpec::Rsa2048 => "PS256",
        KeySpec::Rsa3072 => "PS384",
        KeySpec::Rsa4096 => "PS512",
        KeySpec::Ec256 => "ES256",
        KeySpec::Ec384 => "ES384",
        KeySpec::Ec521 => "ES512",
    }
}

fn main() -> ExitCode {
    Plugin::new(&DESCRIPTION)
        .envelopes_and_blobs(JwsGenerator)
        .run()
}
