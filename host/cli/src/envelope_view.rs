//! A signature envelope as `inspect` shows it, as a tree for people and as JSON for scripts.
//!
//! Both have the names, the order and the forms of `notation inspect`. Everything in them is the envelope's word.

use std::collections::BTreeMap;

use apostille_artifact::Descriptor;
use apostille_signature::Envelope;
use apostille_signature::timestamp::TimestampToken;
use notary_x509::Certificate;
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;

use crate::failure::chain_of;
use crate::times;
use crate::tree::Tree;

/// What an envelope says.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvelopeView {
    /// The signature's manifest; absent for the signature of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    signature_algorithm: &'static str,
    signature_envelope_type: &'static str,
    signed_attributes: BTreeMap<String, Attribute>,
    user_defined_attributes: Option<BTreeMap<String, String>>,
    unsigned_attributes: UnsignedView,
    certificates: Vec<CertificateView>,
    signed_artifact: ArtifactView,
}

/// A signed attribute: times look different in the tree and in JSON.
#[derive(Debug)]
enum Attribute {
    Time(OffsetDateTime),
    Text(String),
}

impl Serialize for Attribute {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Time(at) => serializer.serialize_str(&times::rfc3339(*at)),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct UnsignedView {
    #[serde(skip_serializing_if = "Option::is_none")]
    signing_agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp_signature: Option<TimestampView>,
}

/// What is shown of a timestamp token.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum TimestampView {
    Claims {
        /// From when to when it may have been made.
        #[serde(serialize_with = "range")]
        timestamp: (OffsetDateTime, OffsetDateTime),
        certificates: Vec<CertificateView>,
    },
    Unreadable {
        error: String,
    },
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CertificateView {
    #[serde(rename = "SHA256Fingerprint")]
    sha256_fingerprint: String,
    issued_to: String,
    issued_by: String,
    #[serde(serialize_with = "rfc3339")]
    expiry: OffsetDateTime,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactView {
    media_type: String,
    digest: String,
    size: u64,
}

fn range<S: serde::Serializer>(
    (earliest, latest): &(OffsetDateTime, OffsetDateTime),
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let text = format!(
        "[{}, {}]",
        times::rfc3339(*earliest),
        times::rfc3339(*latest)
    );
    serializer.serialize_str(&text)
}

fn rfc3339<S: serde::Serializer>(at: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&times::rfc3339(*at))
}

impl EnvelopeView {
    /// The view of an envelope; `manifest` is the signature's manifest, if it has one.
    ///
    /// # Errors
    /// The payload does not say what is signed.
    pub fn new(
        envelope: &Envelope,
        manifest: Option<&Descriptor>,
    ) -> Result<Self, apostille_signature::Error> {
        let payload = envelope.payload()?;
        let target = payload.target_artifact();
        Ok(Self {
            digest: manifest.map(|manifest| manifest.digest.to_string()),
            signature_algorithm: envelope.algorithm().as_str(),
            signature_envelope_type: envelope.format().media_type(),
            signed_attributes: signed_attributes(envelope),
            user_defined_attributes: Some(target.annotations.clone()).filter(|map| !map.is_empty()),
            unsigned_attributes: UnsignedView {
                signing_agent: envelope.signing_agent().map(ToOwned::to_owned),
                timestamp_signature: envelope
                    .timestamp_token()
                    .map(|token| TimestampView::new(token, envelope.signature())),
            },
            certificates: envelope
                .certificate_chain()
                .certificates()
                .iter()
                .map(certificate)
                .collect(),
            signed_artifact: ArtifactView {
                media_type: target.media_type.clone(),
                digest: target.digest.to_string(),
                size: target.size,
            },
        })
    }

    /// Adds the lines of this view below `node`.
    pub fn draw(&self, node: &mut Tree) {
        node.pair("signature algorithm", self.signature_algorithm);
        node.pair("signature envelope type", self.signature_envelope_type);
        self.draw_signed_attributes(node.add("signed attributes"));
        let defined = node.add("user defined attributes");
        match &self.user_defined_attributes {
            None => {
                defined.add("(empty)");
            }
            Some(attributes) => attributes
                .iter()
                .for_each(|(key, value)| defined.pair(key, value)),
        }
        let unsigned = node.add("unsigned attributes");
        if let Some(agent) = &self.unsigned_attributes.signing_agent {
            unsigned.pair("signing agent", agent);
        }
        if let Some(timestamp) = &self.unsigned_attributes.timestamp_signature {
            timestamp.draw(unsigned.add("timestamp signature"));
        }
        draw_certificates(&self.certificates, node);
        let artifact = node.add("signed artifact");
        artifact.pair("media type", &self.signed_artifact.media_type);
        artifact.pair("digest", &self.signed_artifact.digest);
        artifact.pair("size", self.signed_artifact.size);
    }

    fn draw_signed_attributes(&self, node: &mut Tree) {
        let well_known = [
            (CONTENT_TYPE, "content type"),
            (SIGNING_SCHEME, "signing scheme"),
            (SIGNING_TIME, "signing time"),
            (EXPIRY, "expiry"),
        ];
        let text = |attribute: &Attribute| match attribute {
            Attribute::Time(at) => times::ansic(*at),
            Attribute::Text(text) => text.clone(),
        };
        for (key, label) in well_known {
            if let Some(attribute) = self.signed_attributes.get(key) {
                node.pair(label, text(attribute));
            }
        }
        for (key, attribute) in &self.signed_attributes {
            if !well_known.iter().any(|(known, _)| known == key) {
                node.pair(key, text(attribute));
            }
        }
    }
}

impl TimestampView {
    /// The view of a token on `signature`.
    fn new(token: &[u8], signature: &[u8]) -> Self {
        let claims = TimestampToken::parse(token).and_then(|token| token.claims(signature));
        match claims {
            Ok(claims) => Self::Claims {
                timestamp: (claims.earliest, claims.latest),
                certificates: claims.certificates.iter().map(certificate).collect(),
            },
            Err(error) => Self::Unreadable {
                error: chain_of(&error),
            },
        }
    }

    fn draw(&self, node: &mut Tree) {
        match self {
            Self::Unreadable { error } => node.pair("error", error),
            Self::Claims {
                timestamp: (earliest, latest),
                certificates,
            } => {
                let range = format!("[{}, {}]", times::ansic(*earliest), times::ansic(*latest));
                node.pair("timestamp", range);
                draw_certificates(certificates, node);
            }
        }
    }
}

fn draw_certificates(certificates: &[CertificateView], node: &mut Tree) {
    let list = node.add("certificates");
    for certificate in certificates {
        let one = list.add(format!(
            "SHA256 fingerprint: {}",
            certificate.sha256_fingerprint
        ));
        one.pair("issued to", &certificate.issued_to);
        one.pair("issued by", &certificate.issued_by);
        one.pair("expiry", times::ansic(certificate.expiry));
    }
}

const CONTENT_TYPE: &str = "contentType";
const SIGNING_SCHEME: &str = "signingScheme";
const SIGNING_TIME: &str = "signingTime";
const EXPIRY: &str = "expiry";

fn signed_attributes(envelope: &Envelope) -> BTreeMap<String, Attribute> {
    let mut attributes = BTreeMap::new();
    let text = |text: &str| Attribute::Text(text.to_owned());
    for extended in envelope.extended_attributes() {
        let value = match extended.value.to_json() {
            Value::String(text) => text,
            other => other.to_string(),
        };
        attributes.insert(extended.name.to_string(), Attribute::Text(value));
    }
    if let Some(plugin) = envelope.verification_plugin() {
        attributes.insert(
            "io.cncf.notary.verificationPlugin".to_owned(),
            text(&plugin.name),
        );
        if let Some(version) = &plugin.min_version {
            attributes.insert(
                "io.cncf.notary.verificationPluginMinVersion".to_owned(),
                text(version),
            );
        }
    }
    // Last, so that no extended attribute can pass itself off as one of these.
    attributes.insert(CONTENT_TYPE.to_owned(), text(envelope.content_type()));
    attributes.insert(
        SIGNING_SCHEME.to_owned(),
        text(envelope.signing_scheme().as_str()),
    );
    attributes.insert(
        SIGNING_TIME.to_owned(),
        Attribute::Time(envelope.signing_time()),
    );
    if let Some(expiry) = envelope.expiry() {
        attributes.insert(EXPIRY.to_owned(), Attribute::Time(expiry));
    }
    attributes
}

fn certificate(certificate: &Certificate) -> CertificateView {
    CertificateView {
        sha256_fingerprint: hex::encode(certificate.sha256_fingerprint()),
        issued_to: certificate.subject().to_string(),
        issued_by: certificate.issuer().to_string(),
        expiry: certificate.not_after(),
    }
}
