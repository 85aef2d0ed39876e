//! The examples of the specification (plugin-extensibility.md), with its placeholders filled in.

use serde_json::{Value, json};

use crate::{schema_accepts, type_accepts};

const CERTIFICATE: &str = "MIIBWjCCAQ==";

fn signature(bytes: usize) -> String {
    let groups = "QUFB".repeat(bytes / 3);
    let tail = ["", "QQ==", "QUE="][bytes % 3];
    format!("{groups}{tail}")
}

fn examples() -> Vec<(&'static str, Value)> {
    vec![
        ("get-plugin-metadata.request", json!({ "pluginConfig": {} })),
        (
            "get-plugin-metadata.response",
            json!({
                "name": "com.example.nv2plugin",
                "description": "A plugin",
                "version": "1.0.0",
                "url": "https://example.com/nv2plugin",
                "supportedContractVersions": ["1.0"],
                "capabilities": ["SIGNATURE_GENERATOR.RAW"],
            }),
        ),
        (
            "describe-key.request",
            json!({ "contractVersion": "1.0", "keyId": "keyid", "pluginConfig": {} }),
        ),
        (
            "describe-key.response",
            json!({ "keyId": "keyid", "keySpec": "RSA-2048" }),
        ),
        (
            "generate-signature.request",
            json!({
                "contractVersion": "1.0",
                "keyId": "keyid",
                "pluginConfig": {},
                "keySpec": "RSA-2048",
                "hashAlgorithm": "SHA-256",
                "payload": "ZXlKaGJHY2lPaUpRVXpJMU5pSjkuZTMw",
            }),
        ),
        (
            "generate-signature.response",
            json!({
                "keyId": "keyid",
                "signature": signature(256),
                "signingAlgorithm": "RSASSA-PSS-SHA-256",
                "certificateChain": [CERTIFICATE, CERTIFICATE],
            }),
        ),
        (
            "generate-envelope.request",
            json!({
                "contractVersion": "1.0",
                "keyId": "keyid",
                "pluginConfig": {},
                "expiryDurationInSeconds": 1_234_567,
                "payload": "eyJ0YXJnZXRBcnRpZmFjdCI6e319",
                "payloadType": "application/vnd.cncf.notary.payload.v1+json",
                "signatureEnvelopeType": "application/jose+json",
            }),
        ),
        (
            "generate-envelope.response",
            json!({
                "signatureEnvelope": "e30=",
                "signatureEnvelopeType": "application/jose+json",
                "annotations": { "key1": "value1", "key2": "value2" },
            }),
        ),
        (
            "verify-signature.request",
            json!({
                "contractVersion": "1.0",
                "signature": {
                    "criticalAttributes": {
                        "contentType": "application/vnd.cncf.notary.payload.v1+json",
                        "signingScheme": "notary.x509.signingAuthority",
                        "expiry": "2022-10-06T07:01:20Z",
                        "authenticSigningTime": "2022-04-06T07:01:20Z",
                        "verificationPlugin": "com.example.nv2plugin",
                        "verificationPluginMinVersion": "1.0.0",
                        "extendedAttributes": { "name": "value" },
                    },
                    "unprocessedAttributes": [],
                    "certificateChain": [CERTIFICATE],
                },
                "trustPolicy": {
                    "trustedIdentities": [],
                    "signatureVerification": [
                        "SIGNATURE_VERIFIER.TRUSTED_IDENTITY",
                        "SIGNATURE_VERIFIER.REVOCATION_CHECK",
                    ],
                },
                "pluginConfig": {},
            }),
        ),
        (
            "verify-signature.response",
            json!({
                "verificationResults": {
                    "SIGNATURE_VERIFIER.TRUSTED_IDENTITY": { "success": true, "reason": "" },
                    "SIGNATURE_VERIFIER.REVOCATION_CHECK": { "success": false, "reason": "revoked" },
                },
                "processedAttributes": [],
            }),
        ),
        (
            "error",
            json!({
                "errorCode": "ERROR",
                "errorMessage": "User friendly error message",
                "errorMetadata": { "key1": "value1", "key2": "value2" },
            }),
        ),
    ]
}

/// What plugins and hosts in use send beyond the specification, and have to be understood.
fn tolerated() -> Vec<(&'static str, Value)> {
    let mut unusual = examples();
    for (_, message) in &mut unusual {
        message["unknownAttribute"] = json!({ "of": ["a", "newer", "contract"] });
    }
    let mut metadata = examples().remove(1).1;
    metadata["supportedContractVersions"] = json!(["2.0", "1.0"]);
    metadata["capabilities"] = json!([
        "SIGNATURE_GENERATOR.RAW",
        "SOMETHING.NEW",
        "SIGNATURE_GENERATOR.RAW"
    ]);
    unusual.push(("get-plugin-metadata.response", metadata));

    let mut verify = examples().remove(8).1;
    verify["contractVersion"] = json!("1.7");
    verify["pluginConfig"] = Value::Null;
    verify["signature"]["unprocessedAttributes"] = Value::Null;
    verify["signature"]["criticalAttributes"] = json!({
        "contentType": "application/vnd.cncf.notary.payload.v1+json",
        "signingScheme": "notary.x509",
        "expiry": "0001-01-01T00:00:00Z",
        "extendedAttributes": { "number": 1.5, "null": null, "boolean": true, "text": "" },
    });
    unusual.push(("verify-signature.request", verify));

    for (message, value) in [
        ("get-plugin-metadata.request", json!({})),
        (
            "get-plugin-metadata.request",
            json!({ "contractVersion": "9.0" }),
        ),
        ("error", json!({ "errorCode": "SIGNING_ERROR" })),
        (
            "generate-envelope.response",
            json!({ "signatureEnvelope": "e3\r\n0=\n", "signatureEnvelopeType": "application/cose" }),
        ),
        (
            "verify-signature.response",
            json!({
                "verificationResults": { "SIGNATURE_VERIFIER.TRUSTED_IDENTITY": { "success": true } },
                "processedAttributes": null,
            }),
        ),
        (
            "verify-signature.response",
            json!({ "verificationResults": {} }),
        ),
    ] {
        unusual.push((message, value));
    }
    unusual
}

#[test]
fn every_example_of_the_specification_is_accepted() {
    for (message, value) in examples().into_iter().chain(tolerated()) {
        assert_eq!(type_accepts(message, &value), Ok(()), "{message}: {value}");
        assert!(schema_accepts(message, &value), "{message}: {value}");
    }
}

#[test]
fn a_signature_of_every_algorithm_is_accepted_in_its_length_and_in_no_other() {
    for (algorithm, length) in [
        ("RSASSA-PSS-SHA-256", 256),
        ("RSASSA-PSS-SHA-384", 384),
        ("RSASSA-PSS-SHA-512", 512),
        ("ECDSA-SHA-256", 64),
        ("ECDSA-SHA-384", 96),
        ("ECDSA-SHA-512", 132),
    ] {
        for (found, right) in [(length - 1, false), (length, true), (length + 1, false)] {
            let value = json!({
                "keyId": "k",
                "signature": signature(found),
                "signingAlgorithm": algorithm,
                "certificateChain": [CERTIFICATE],
            });
            assert_eq!(
                schema_accepts("generate-signature.response", &value),
                right,
                "{algorithm} {found}"
            );
            assert_eq!(
                type_accepts("generate-signature.response", &value).is_ok(),
                right,
                "{algorithm} {found}"
            );
        }
    }
}
