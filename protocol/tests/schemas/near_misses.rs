//! Messages with one thing wrong. Schema and type refuse each, and the type says where and what.

use serde_json::{Value, json};

use crate::{example, schema_accepts, type_accepts};

/// Marks an attribute to be left out.
fn absent() -> Value {
    json!({ "absent": "absent" })
}

/// Message, JSON pointer of the attribute, what to put there, the path in the error, words of the
/// rule.
type NearMiss = (
    &'static str,
    &'static str,
    Value,
    &'static str,
    &'static str,
);

const METADATA: &str = "get-plugin-metadata.response";
const DESCRIBE: &str = "describe-key.request";
const DESCRIBED: &str = "describe-key.response";
const SIGN: &str = "generate-signature.request";
const SIGNED: &str = "generate-signature.response";
const ENVELOPE: &str = "generate-envelope.request";
const ENVELOPED: &str = "generate-envelope.response";
const VERIFY: &str = "verify-signature.request";
const VERIFIED: &str = "verify-signature.response";

fn near_misses() -> Vec<NearMiss> {
    let mut table = metadata();
    table.extend(keys());
    table.extend(signatures());
    table.extend(envelopes());
    table.extend(verification_requests());
    table.extend(verification_results());
    table.extend(errors());
    table
}

fn metadata() -> Vec<NearMiss> {
    let name = |name: &'static str, rule| (METADATA, "/name", json!(name), "$.name", rule);
    let versions =
        |list: Value, path, rule| (METADATA, "/supportedContractVersions", list, path, rule);
    const VERSIONS: &str = "$.supportedContractVersions";
    vec![
        (
            "get-plugin-metadata.request",
            "",
            json!([]),
            "$",
            "expected an object, found an array",
        ),
        (
            "get-plugin-metadata.request",
            "/pluginConfig",
            json!("x"),
            "$.pluginConfig",
            "expected an object, found a string",
        ),
        (
            "get-plugin-metadata.request",
            "/pluginConfig/ca_certs",
            json!(1),
            "$.pluginConfig.ca_certs",
            "expected a string",
        ),
        (
            "get-plugin-metadata.request",
            "/pluginConfig/a b",
            Value::Null,
            "$.pluginConfig['a b']",
            "expected a string, found null",
        ),
        (METADATA, "/name", absent(), "$.name", "required"),
        (
            METADATA,
            "/description",
            absent(),
            "$.description",
            "required",
        ),
        (METADATA, "/version", absent(), "$.version", "required"),
        (METADATA, "/url", absent(), "$.url", "required"),
        (
            METADATA,
            "/capabilities",
            absent(),
            "$.capabilities",
            "required",
        ),
        (
            METADATA,
            "/supportedContractVersions",
            absent(),
            VERSIONS,
            "required",
        ),
        (
            METADATA,
            "/description",
            json!(""),
            "$.description",
            "empty",
        ),
        (METADATA, "/version", json!(""), "$.version", "empty"),
        (METADATA, "/url", json!(""), "$.url", "empty"),
        (METADATA, "/url", Value::Null, "$.url", "required"),
        (
            METADATA,
            "/version",
            json!(1.0),
            "$.version",
            "expected a string, found a number",
        ),
        (
            METADATA,
            "/capabilities",
            json!([]),
            "$.capabilities",
            "empty",
        ),
        (
            METADATA,
            "/capabilities",
            json!("SIGNATURE_GENERATOR.RAW"),
            "$.capabilities",
            "expected an array",
        ),
        (
            METADATA,
            "/capabilities",
            json!(["SIGNATURE_GENERATOR.RAW", ""]),
            "$.capabilities[1]",
            "empty",
        ),
        (METADATA, "/Name", json!("x"), "$.Name", "spelled name"),
        (
            METADATA,
            "/capabilitieſ",
            json!([]),
            "$['capabilitieſ']",
            "spelled capabilities",
        ),
        name("", "empty"),
        name("..", "starts with a letter or a digit"),
        name("../x", "not '/'"),
        name("a\\b", "only letters"),
        name("a.", "end with a dot"),
        name("nul", "device"),
        name("COM1.x", "device"),
        name("a b", "only letters"),
        (
            METADATA,
            "/name",
            json!("a".repeat(243)),
            "$.name",
            "at most 242",
        ),
        versions(json!([]), VERSIONS, "empty"),
        versions(
            json!(["2.0"]),
            VERSIONS,
            "1.0 is not among those that the plugin supports (2.0)",
        ),
        versions(json!(["1.1"]), VERSIONS, "not among"),
        versions(
            json!(["1.0", "1.1"]),
            VERSIONS,
            "more than one contract version of major version 1",
        ),
        versions(json!(["1.0", "1.0"]), VERSIONS, "more than one"),
        versions(
            json!(["1"]),
            "$.supportedContractVersions[0]",
            "\"1\" is no contract version",
        ),
        versions(
            json!(["1.0", "02.0"]),
            "$.supportedContractVersions[1]",
            "no contract version",
        ),
        versions(
            json!([1.0]),
            "$.supportedContractVersions[0]",
            "expected a string",
        ),
        (
            METADATA,
            "/warmSessions",
            json!(true),
            "$.warmSessions",
            "expected an object",
        ),
        (
            METADATA,
            "/warmSessions/maxInFlight",
            json!(0),
            "$.warmSessions.maxInFlight",
            "greater than zero",
        ),
        (
            METADATA,
            "/warmSessions/version",
            json!("1"),
            "$.warmSessions.version",
            "expected a number",
        ),
    ]
}

fn keys() -> Vec<NearMiss> {
    vec![
        (
            DESCRIBE,
            "/contractVersion",
            absent(),
            "$.contractVersion",
            "required",
        ),
        (
            DESCRIBE,
            "/contractVersion",
            json!(""),
            "$.contractVersion",
            "empty",
        ),
        (
            DESCRIBE,
            "/contractVersion",
            json!("1"),
            "$.contractVersion",
            "no contract version",
        ),
        (
            DESCRIBE,
            "/contractVersion",
            json!("1.0.0"),
            "$.contractVersion",
            "no contract version",
        ),
        (
            DESCRIBE,
            "/contractVersion",
            json!("1.65536"),
            "$.contractVersion",
            "no contract version",
        ),
        (
            DESCRIBE,
            "/contractVersion",
            json!("2.0"),
            "$.contractVersion",
            "2.0 is not supported, 1.0 is",
        ),
        (
            DESCRIBE,
            "/contractVersion",
            json!(1.0),
            "$.contractVersion",
            "expected a string",
        ),
        (DESCRIBE, "/keyId", absent(), "$.keyId", "required"),
        (DESCRIBE, "/keyId", json!(""), "$.keyId", "empty"),
        (
            DESCRIBE,
            "/keyId",
            json!(7),
            "$.keyId",
            "expected a string, found a number",
        ),
        (
            DESCRIBE,
            "/pluginConfig",
            json!([]),
            "$.pluginConfig",
            "expected an object",
        ),
        (
            DESCRIBE,
            "/pluginConfig/pin",
            json!(1234),
            "$.pluginConfig.pin",
            "expected a string",
        ),
        (DESCRIBED, "/keyId", json!(""), "$.keyId", "empty"),
        (DESCRIBED, "/keySpec", absent(), "$.keySpec", "required"),
        (
            DESCRIBED,
            "/keySpec",
            json!("RSA-1024"),
            "$.keySpec",
            "no key spec",
        ),
        (
            DESCRIBED,
            "/keySpec",
            json!("ec-256"),
            "$.keySpec",
            "no key spec",
        ),
        (
            DESCRIBED,
            "/keySpec",
            json!("RSA_2048"),
            "$.keySpec",
            "no key spec",
        ),
        (
            DESCRIBED,
            "/keyspec",
            json!("EC-256"),
            "$.keyspec",
            "spelled keySpec",
        ),
    ]
}

fn signatures() -> Vec<NearMiss> {
    vec![
        (
            SIGN,
            "/keySpec",
            json!("ED25519"),
            "$.keySpec",
            "no key spec",
        ),
        (
            SIGN,
            "/hashAlgorithm",
            absent(),
            "$.hashAlgorithm",
            "required",
        ),
        (
            SIGN,
            "/hashAlgorithm",
            json!("SHA-1"),
            "$.hashAlgorithm",
            "no hash algorithm",
        ),
        (
            SIGN,
            "/hashAlgorithm",
            json!("SHA-512"),
            "$.hashAlgorithm",
            "EC-256 keys use SHA-256, not SHA-512",
        ),
        (
            SIGN,
            "/keySpec",
            json!("RSA-3072"),
            "$.hashAlgorithm",
            "RSA-3072 keys use SHA-384, not SHA-256",
        ),
        (SIGN, "/payload", absent(), "$.payload", "required"),
        (SIGN, "/payload", json!(""), "$.payload", "empty"),
        (SIGN, "/payload", json!("\r\n"), "$.payload", "empty"),
        (SIGN, "/payload", json!("QUF"), "$.payload", "not base64"),
        (SIGN, "/payload", json!("QUE"), "$.payload", "not base64"),
        (SIGN, "/payload", json!("QUF="), "$.payload", "not base64"),
        (SIGN, "/payload", json!("-_-_"), "$.payload", "not base64"),
        (SIGN, "/payload", json!("QU FB"), "$.payload", "not base64"),
        (
            SIGN,
            "/payload",
            json!(["QUFB"]),
            "$.payload",
            "expected a string",
        ),
        (SIGNED, "/keyId", absent(), "$.keyId", "required"),
        (SIGNED, "/signature", absent(), "$.signature", "required"),
        (
            SIGNED,
            "/signature",
            json!("QUFB"),
            "$.signature",
            "64 bytes, not 3",
        ),
        (
            SIGNED,
            "/signature",
            json!("MAYCAQcCASo="),
            "$.signature",
            "ASN.1 DER",
        ),
        (
            SIGNED,
            "/signingAlgorithm",
            json!("RSASSA-PKCS1-V1_5-SHA-256"),
            "$.signingAlgorithm",
            "no signing algorithm",
        ),
        (
            SIGNED,
            "/signingAlgorithm",
            json!("ECDSA-SHA-384"),
            "$.signature",
            "96 bytes, not 64",
        ),
        (
            SIGNED,
            "/certificateChain",
            json!([]),
            "$.certificateChain",
            "empty",
        ),
        (
            SIGNED,
            "/certificateChain",
            json!("QUFB"),
            "$.certificateChain",
            "expected an array",
        ),
        (
            SIGNED,
            "/certificateChain",
            json!(["QUFB", ""]),
            "$.certificateChain[1]",
            "empty",
        ),
        (
            SIGNED,
            "/certificateChain",
            json!(["-----BEGIN"]),
            "$.certificateChain[0]",
            "not base64",
        ),
        (
            SIGNED,
            "/CertificateChain",
            json!([]),
            "$.CertificateChain",
            "spelled certificateChain",
        ),
    ]
}

fn envelopes() -> Vec<NearMiss> {
    const EXPIRY: &str = "/expiryDurationInSeconds";
    const EXPIRY_PATH: &str = "$.expiryDurationInSeconds";
    vec![
        (
            ENVELOPE,
            "/payloadType",
            absent(),
            "$.payloadType",
            "required",
        ),
        (
            ENVELOPE,
            "/payloadType",
            json!("application/json"),
            "$.payloadType",
            "no payload type",
        ),
        (
            ENVELOPE,
            "/signatureEnvelopeType",
            absent(),
            "$.signatureEnvelopeType",
            "required",
        ),
        (
            ENVELOPE,
            "/signatureEnvelopeType",
            json!("jws"),
            "$.signatureEnvelopeType",
            "no signature envelope type",
        ),
        (ENVELOPE, "/payload", json!("{}"), "$.payload", "not base64"),
        (ENVELOPE, EXPIRY, json!(-1), EXPIRY_PATH, "whole number"),
        (ENVELOPE, EXPIRY, json!(1.5), EXPIRY_PATH, "whole number"),
        (
            ENVELOPE,
            EXPIRY,
            json!("60"),
            EXPIRY_PATH,
            "expected a number, found a string",
        ),
        (
            ENVELOPE,
            EXPIRY,
            json!(9_007_199_254_740_992_u64),
            EXPIRY_PATH,
            "whole number",
        ),
        (
            ENVELOPED,
            "/signatureEnvelope",
            absent(),
            "$.signatureEnvelope",
            "required",
        ),
        (
            ENVELOPED,
            "/signatureEnvelope",
            json!({}),
            "$.signatureEnvelope",
            "expected a string",
        ),
        (
            ENVELOPED,
            "/signatureEnvelopeType",
            json!("application/cose; cose-type=\"cose-sign1\""),
            "$.signatureEnvelopeType",
            "no signature envelope type",
        ),
        (
            ENVELOPED,
            "/annotations",
            json!([]),
            "$.annotations",
            "expected an object",
        ),
        (
            ENVELOPED,
            "/annotations/n",
            json!(1),
            "$.annotations.n",
            "expected a string",
        ),
    ]
}

fn verification_requests() -> Vec<NearMiss> {
    const CRITICAL: &str = "/signature/criticalAttributes";
    const CHECKS: &str = "/trustPolicy/signatureVerification";
    const CHECKS_PATH: &str = "$.trustPolicy.signatureVerification";
    let expiry = |text: &'static str| {
        (
            VERIFY,
            "/signature/criticalAttributes/expiry",
            json!(text),
            "$.signature.criticalAttributes.expiry",
            "RFC 3339",
        )
    };
    vec![
        (VERIFY, "/signature", absent(), "$.signature", "required"),
        (
            VERIFY,
            CRITICAL,
            absent(),
            "$.signature.criticalAttributes",
            "required",
        ),
        (
            VERIFY,
            "/signature/criticalAttributes/contentType",
            absent(),
            "$.signature.criticalAttributes.contentType",
            "required",
        ),
        (
            VERIFY,
            "/signature/criticalAttributes/contentType",
            json!("text/plain"),
            "$.signature.criticalAttributes.contentType",
            "no payload type",
        ),
        (
            VERIFY,
            "/signature/criticalAttributes/signingScheme",
            json!("notary.x509.other"),
            "$.signature.criticalAttributes.signingScheme",
            "no signing scheme",
        ),
        (
            VERIFY,
            "/signature/criticalAttributes/verificationPlugin",
            json!(""),
            "$.signature.criticalAttributes.verificationPlugin",
            "empty",
        ),
        (
            VERIFY,
            "/signature/criticalAttributes/extendedAttributes/a",
            json!([1]),
            "$.signature.criticalAttributes.extendedAttributes.a",
            "found an array",
        ),
        (
            VERIFY,
            "/signature/criticalAttributes/extendedAttributes/a",
            json!({}),
            "$.signature.criticalAttributes.extendedAttributes.a",
            "found an object",
        ),
        expiry("2026-01-31"),
        expiry("2026-01-31 12:00:00Z"),
        expiry("2026-01-31t12:00:00z"),
        expiry("2026-01-31T12:00:00"),
        expiry("2026-02-30T12:00:00Z"),
        expiry("2026-01-31T12:00:60Z"),
        expiry("2026-01-31T24:00:00Z"),
        expiry("2026-01-31T12:00:00.Z"),
        (
            VERIFY,
            "/signature/criticalAttributes/expiry",
            json!(1_700_000_000),
            "$.signature.criticalAttributes.expiry",
            "expected a string",
        ),
        (
            VERIFY,
            "/signature/certificateChain",
            absent(),
            "$.signature.certificateChain",
            "required",
        ),
        (
            VERIFY,
            "/signature/certificateChain",
            json!([]),
            "$.signature.certificateChain",
            "empty",
        ),
        (
            VERIFY,
            "/signature/unprocessedAttributes",
            json!({}),
            "$.signature.unprocessedAttributes",
            "expected an array",
        ),
        (
            VERIFY,
            "/signature/unprocessedAttributes",
            json!([1]),
            "$.signature.unprocessedAttributes[0]",
            "expected a string",
        ),
        (
            VERIFY,
            "/trustPolicy",
            absent(),
            "$.trustPolicy",
            "required",
        ),
        (
            VERIFY,
            "/trustPolicy/trustedIdentities",
            json!("*"),
            "$.trustPolicy.trustedIdentities",
            "expected an array",
        ),
        (VERIFY, CHECKS, absent(), CHECKS_PATH, "required"),
        (VERIFY, CHECKS, json!([]), CHECKS_PATH, "empty"),
        (
            VERIFY,
            CHECKS,
            json!(["SIGNATURE_GENERATOR.RAW"]),
            "$.trustPolicy.signatureVerification[0]",
            "no verification check",
        ),
    ]
}

fn verification_results() -> Vec<NearMiss> {
    const RESULT: &str = "/verificationResults/SIGNATURE_VERIFIER.TRUSTED_IDENTITY";
    const RESULT_PATH: &str = "$.verificationResults['SIGNATURE_VERIFIER.TRUSTED_IDENTITY']";
    vec![
        (
            VERIFIED,
            "/verificationResults",
            absent(),
            "$.verificationResults",
            "required",
        ),
        (
            VERIFIED,
            "/verificationResults",
            json!([]),
            "$.verificationResults",
            "expected an object",
        ),
        (
            VERIFIED,
            RESULT,
            json!(true),
            RESULT_PATH,
            "expected an object",
        ),
        (
            VERIFIED,
            RESULT,
            json!({}),
            "$.verificationResults['SIGNATURE_VERIFIER.TRUSTED_IDENTITY'].success",
            "required",
        ),
        (
            VERIFIED,
            RESULT,
            json!({ "success": "true" }),
            "$.verificationResults['SIGNATURE_VERIFIER.TRUSTED_IDENTITY'].success",
            "expected a boolean",
        ),
        (
            VERIFIED,
            RESULT,
            json!({ "success": false }),
            "$.verificationResults['SIGNATURE_VERIFIER.TRUSTED_IDENTITY'].reason",
            "required",
        ),
        (
            VERIFIED,
            RESULT,
            json!({ "success": false, "reason": "" }),
            "$.verificationResults['SIGNATURE_VERIFIER.TRUSTED_IDENTITY'].reason",
            "empty",
        ),
        (
            VERIFIED,
            RESULT,
            json!({ "success": true, "reason": 1 }),
            "$.verificationResults['SIGNATURE_VERIFIER.TRUSTED_IDENTITY'].reason",
            "expected a string",
        ),
        (
            VERIFIED,
            RESULT,
            json!({ "success": true, "Success": false }),
            "$.verificationResults['SIGNATURE_VERIFIER.TRUSTED_IDENTITY'].Success",
            "spelled success",
        ),
        (
            VERIFIED,
            "/processedAttributes",
            json!("a"),
            "$.processedAttributes",
            "expected an array",
        ),
        (
            VERIFIED,
            "/processedAttributes",
            json!([null]),
            "$.processedAttributes[0]",
            "expected a string",
        ),
    ]
}

fn errors() -> Vec<NearMiss> {
    vec![
        ("error", "", json!("failed"), "$", "expected an object"),
        ("error", "/errorCode", absent(), "$.errorCode", "required"),
        ("error", "/errorCode", json!(""), "$.errorCode", "empty"),
        (
            "error",
            "/errorCode",
            json!(500),
            "$.errorCode",
            "expected a string",
        ),
        (
            "error",
            "/errorMessage",
            json!({}),
            "$.errorMessage",
            "expected a string",
        ),
        (
            "error",
            "/errorMetadata/n",
            json!(1),
            "$.errorMetadata.n",
            "expected a string",
        ),
        (
            "error",
            "/ErrorCode",
            json!("X"),
            "$.ErrorCode",
            "spelled errorCode",
        ),
    ]
}

/// Puts a value at a JSON pointer whose parent exists.
fn put(message: &mut Value, pointer: &str, value: Value) {
    let Some((parent, name)) = pointer.rsplit_once('/') else {
        *message = value;
        return;
    };
    let parent = message
        .pointer_mut(parent)
        .unwrap()
        .as_object_mut()
        .unwrap();
    if value == absent() {
        parent.remove(name).unwrap();
    } else {
        parent.insert(name.to_owned(), value);
    }
}

#[test]
fn a_message_with_one_thing_wrong_is_refused_by_schema_and_type() {
    let table = near_misses();
    assert!(table.len() >= 60);
    for (message, pointer, value, path, rule) in table {
        let mut broken = example(message);
        put(&mut broken, pointer, value);
        let error =
            type_accepts(message, &broken).expect_err(&format!("{message} {pointer}: {broken}"));
        let (place, words) = error.split_once(": ").unwrap().1.split_once(": ").unwrap();
        assert_eq!(place, path, "{message}: {error}");
        assert!(words.contains(rule), "{rule:?} is not in: {error}");
        assert!(
            !schema_accepts(message, &broken),
            "the schema accepts {message}: {broken}"
        );
    }
}
