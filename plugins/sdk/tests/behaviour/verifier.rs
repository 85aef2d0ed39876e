//! A verifier plugin: the requested results, and no more.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use notary_plugin_sdk::x509::parse_certificates;
use serde_json::{Value, json};

use crate::plugin::Plugin;

const IDENTITY: &str = "SIGNATURE_VERIFIER.TRUSTED_IDENTITY";
const REVOCATION: &str = "SIGNATURE_VERIFIER.REVOCATION_CHECK";

struct Case {
    plugin: Plugin,
    request: Value,
}

impl Case {
    fn new(checks: &[&str]) -> Self {
        let certificate =
            parse_certificates(Plugin::troublemaker().read("certificate.pem").as_bytes())
                .unwrap()
                .remove(0);
        let plugin = Plugin::example("verifier");
        std::fs::write(plugin.path("revoked"), "").unwrap();
        let request = json!({
            "contractVersion": "1.0",
            "signature": {
                "criticalAttributes": {
                    "contentType": "application/vnd.cncf.notary.payload.v1+json",
                    "signingScheme": "notary.x509",
                    "expiry": "0001-01-01T00:00:00Z",
                    "extendedAttributes": { "com.example.ticket": "REL-7", "com.example.other": 3 },
                },
                "unprocessedAttributes": ["com.example.other", "com.example.ticket"],
                "certificateChain": [STANDARD.encode(certificate.as_der())],
            },
            "trustPolicy": { "trustedIdentities": ["x509.subject: C=GB, O=example"], "signatureVerification": checks },
            "pluginConfig": { "revoked": "revoked" },
        });
        Self { plugin, request }
    }

    fn verify(&self) -> Value {
        self.plugin.ask("verify-signature", &self.request).answer()
    }
}

fn keys(answer: &Value) -> Vec<&str> {
    answer["verificationResults"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn the_results_are_exactly_the_requested_ones() {
    for (checks, expected) in [
        (vec![IDENTITY], vec![IDENTITY]),
        (vec![REVOCATION], vec![REVOCATION]),
        (vec![IDENTITY, REVOCATION], vec![REVOCATION, IDENTITY]),
    ] {
        assert_eq!(keys(&Case::new(&checks).verify()), expected);
    }
}

#[test]
fn an_attribute_is_processed_only_by_a_check_that_understands_it() {
    assert_eq!(
        Case::new(&[IDENTITY]).verify()["processedAttributes"],
        json!(["com.example.ticket"])
    );
    assert_eq!(
        Case::new(&[REVOCATION]).verify()["processedAttributes"],
        json!([])
    );
}

#[test]
fn a_stranger_is_not_trusted_and_that_is_no_error() {
    let mut case = Case::new(&[IDENTITY]);
    case.request["trustPolicy"]["trustedIdentities"] = json!(["x509.subject: C=GB, O=other"]);
    let answer = case.verify();
    assert_eq!(answer["verificationResults"][IDENTITY]["success"], false);
    assert!(
        answer["verificationResults"][IDENTITY]["reason"]
            .as_str()
            .unwrap()
            .contains("CN=test"),
        "{answer}"
    );
}

#[test]
fn a_trusted_signer_passes() {
    assert_eq!(
        Case::new(&[IDENTITY]).verify()["verificationResults"][IDENTITY]["success"],
        true
    );
}

#[test]
fn a_revoked_certificate_fails() {
    let case = Case::new(&[REVOCATION]);
    assert_eq!(
        case.verify()["verificationResults"][REVOCATION]["success"],
        true
    );
    let der = STANDARD
        .decode(
            case.request["signature"]["certificateChain"][0]
                .as_str()
                .unwrap(),
        )
        .unwrap();
    let certificate = notary_plugin_sdk::x509::Certificate::from_der(&der).unwrap();
    let fingerprint: String = certificate
        .sha256_fingerprint()
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    std::fs::write(case.plugin.path("revoked"), fingerprint + "\n").unwrap();
    assert_eq!(
        case.verify()["verificationResults"][REVOCATION]["success"],
        false
    );
}

#[test]
fn a_check_that_cannot_be_made_is_an_error_and_not_a_success() {
    let case = Case::new(&[REVOCATION]);
    std::fs::remove_file(case.plugin.path("revoked")).unwrap();
    assert_eq!(
        case.plugin.ask("verify-signature", &case.request).error().0,
        "ERROR"
    );
}

#[test]
fn attributes_may_be_null_or_absent() {
    let mut case = Case::new(&[IDENTITY]);
    case.request["signature"]["unprocessedAttributes"] = Value::Null;
    let attributes = case.request["signature"]["criticalAttributes"]
        .as_object_mut()
        .unwrap();
    attributes.remove("extendedAttributes");
    attributes.remove("expiry");
    assert_eq!(case.verify()["processedAttributes"], json!([]));
}

#[test]
fn a_certificate_that_does_not_decode_is_a_validation_error() {
    let mut case = Case::new(&[IDENTITY]);
    case.request["signature"]["certificateChain"] = json!(["AAAA"]);
    assert_eq!(
        case.plugin.ask("verify-signature", &case.request).error().0,
        "VALIDATION_ERROR"
    );
}
