//! A plugin that makes envelopes.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use notary_plugin_sdk::{protocol::KeySpec, x509::Certificate};
use serde_json::{Value, json};

use crate::plugin::Plugin;

const PAYLOAD: &str = r#"{"targetArtifact":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:73c803930ea3ba1e54bc25c2bdc53edd0284c62ed651fe7b00369da519a3c333","size":16724,"annotations":{"a":"b"}}}"#;

fn generator() -> Plugin {
    let mut plugin = Plugin::example("envelope-generator");
    let key = plugin
        .add_key("key", KeySpec::Ec384)
        .to_pkcs8_pem()
        .unwrap();
    plugin.set("ENVELOPE_KEY_DIRECTORY", ".");
    // The certificate is made by the example whose keys are files as well.
    let mut signer = Plugin::example("software-key");
    signer.set("SOFTWARE_KEY_DIRECTORY", ".");
    std::fs::write(signer.path("key"), key.as_bytes()).unwrap();
    signer.self_sign("key", "certificate.pem");
    std::fs::copy(
        signer.path("certificate.pem"),
        plugin.path("certificate.pem"),
    )
    .unwrap();
    plugin
}

fn request() -> Value {
    json!({
        "contractVersion": "1.0",
        "keyId": "key",
        "payloadType": "application/vnd.cncf.notary.payload.v1+json",
        "signatureEnvelopeType": "application/jose+json",
        "payload": STANDARD.encode(PAYLOAD),
        "pluginConfig": { "certificates": "certificate.pem" },
    })
}

fn header(envelope: &Value) -> Value {
    let protected = URL_SAFE_NO_PAD
        .decode(envelope["protected"].as_str().unwrap())
        .unwrap();
    serde_json::from_slice(&protected).unwrap()
}

fn envelope(answer: &Value) -> Value {
    serde_json::from_slice(
        &STANDARD
            .decode(answer["signatureEnvelope"].as_str().unwrap())
            .unwrap(),
    )
    .unwrap()
}

#[test]
fn an_envelope_keeps_the_payload_and_verifies_with_its_leaf() {
    let answer = generator().ask("generate-envelope", &request()).answer();
    assert_eq!(answer["signatureEnvelopeType"], "application/jose+json");
    assert_eq!(answer["annotations"], json!({}));
    let envelope = envelope(&answer);
    let text = |name: &str| envelope[name].as_str().unwrap();
    assert_eq!(
        URL_SAFE_NO_PAD.decode(text("payload")).unwrap(),
        PAYLOAD.as_bytes()
    );
    let leaf = STANDARD
        .decode(envelope["header"]["x5c"][0].as_str().unwrap())
        .unwrap();
    let signature = URL_SAFE_NO_PAD.decode(text("signature")).unwrap();
    let signed = format!("{}.{}", text("protected"), text("payload"));
    let leaf = Certificate::from_der(&leaf).unwrap();
    leaf.public_key()
        .verify(
            KeySpec::Ec384.signing_algorithm(),
            signed.as_bytes(),
            &signature,
        )
        .unwrap();
    let header = header(&envelope);
    assert_eq!(header["alg"], "ES384");
    assert_eq!(header["crit"], json!(["io.cncf.notary.signingScheme"]));
    assert_eq!(header.get("io.cncf.notary.expiry"), None);
}

#[test]
fn an_expiry_is_honoured_and_critical() {
    let mut request = request();
    request["expiryDurationInSeconds"] = json!(3600);
    let header = header(&envelope(
        &generator().ask("generate-envelope", &request).answer(),
    ));
    let time = |name: &str| {
        let text = header[name].as_str().unwrap();
        time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).unwrap()
    };
    assert_eq!(
        time("io.cncf.notary.expiry") - time("io.cncf.notary.signingTime"),
        time::Duration::hours(1)
    );
    assert_eq!(
        header["crit"],
        json!(["io.cncf.notary.signingScheme", "io.cncf.notary.expiry"])
    );
}

#[test]
fn what_the_generator_cannot_make_is_a_validation_error() {
    let plugin = generator();
    for (attribute, value) in [
        ("signatureEnvelopeType", json!("application/cose")),
        ("signatureEnvelopeType", json!("application/xml")),
        ("payloadType", json!("text/plain")),
        ("payload", json!("not base64!")),
        ("payload", json!(STANDARD.encode("not JSON"))),
        ("keyId", json!("unknown")),
        ("expiryDurationInSeconds", json!(-1)),
    ] {
        let mut request = request();
        request[attribute] = value;
        assert_eq!(
            plugin.ask("generate-envelope", &request).error().0,
            "VALIDATION_ERROR",
            "{attribute}"
        );
    }
}

#[test]
fn a_generator_for_blobs_describes_its_keys() {
    let plugin = generator();
    let metadata = plugin.run(&["get-plugin-metadata"], "{}").answer();
    assert_eq!(
        metadata["capabilities"],
        json!([
            "SIGNATURE_GENERATOR.ENVELOPE",
            "SIGNATURE_GENERATOR.ENVELOPE_FOR_BLOB"
        ])
    );
    let answer = plugin
        .ask(
            "describe-key",
            &json!({ "contractVersion": "1.0", "keyId": "key" }),
        )
        .answer();
    assert_eq!(answer["keySpec"], "EC-384");
}
