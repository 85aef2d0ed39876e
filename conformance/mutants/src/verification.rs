//! `verify-signature`: trusts a leaf whose whole subject the policy names, and revokes nothing.

use crate::answer::Failure;
use crate::faults::Fault;
use crate::signing::check_version;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notary_x509::Certificate;
use serde_json::{Map, Value, json};

const VALIDATION_ERROR: &str = "VALIDATION_ERROR";
const TRUSTED_IDENTITY: &str = "SIGNATURE_VERIFIER.TRUSTED_IDENTITY";
const REVOCATION_CHECK: &str = "SIGNATURE_VERIFIER.REVOCATION_CHECK";

/// Where required attributes stand, and the rules on their absence.
const REQUIRED: [(&str, &str); 7] = [
    ("/signature", "NP-VS-189"),
    ("/signature/criticalAttributes", "NP-VS-201"),
    ("/signature/criticalAttributes/contentType", "NP-VS-202"),
    ("/signature/criticalAttributes/signingScheme", "NP-VS-203"),
    ("/signature/certificateChain", "NP-VS-204"),
    ("/trustPolicy", "NP-VS-205"),
    ("/trustPolicy/signatureVerification", "NP-VS-206"),
];

pub(crate) fn verify(fault: &Fault, request: &Value) -> Result<Value, Failure> {
    let refuse =
        |rule: &str, message: &str| Failure::by_rule(fault, rule, VALIDATION_ERROR, message);
    check_version(fault, request, ["NP-VS-209", "", "", "NP-VS-198"])?;
    for (pointer, rule) in REQUIRED {
        if request.pointer(pointer).is_none() {
            return Err(refuse(rule, &format!("{pointer} is missing")));
        }
    }
    refuse_what_is_allowed(fault, request)?;
    let checks = checks(fault, request)?;
    let leaf = leaf(fault, request)?;
    let identities = request
        .pointer("/trustPolicy/trustedIdentities")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let trusted = fault.is("NP-VS-187")
        || fault.is("NP-VS-213") && identities.is_empty()
        || identities.contains(&json!(format!("x509.subject:{}", leaf.subject())));
    if fault.is("NP-VS-186") && !trusted {
        return Err(Failure::new("ACCESS_DENIED", "the signer is not trusted"));
    }
    let mut results = Map::new();
    for check in checks {
        let passed = check == REVOCATION_CHECK || trusted;
        results.insert(check, result(fault, passed));
    }
    spoil(fault, &mut results);
    Ok(answer(fault, request, results))
}

fn result(fault: &Fault, passed: bool) -> Value {
    if passed {
        return json!({ "success": true });
    }
    let reason = if fault.is("NP-VS-182") {
        " "
    } else {
        "the policy does not name the signer"
    };
    json!({ "success": false, "reason": reason })
}

/// Requests that the contract allows and a fault does not.
fn refuse_what_is_allowed(fault: &Fault, request: &Value) -> Result<(), Failure> {
    let has = |pointer: &str| request.pointer(pointer).is_some();
    let attributes = "/signature/criticalAttributes";
    let refused = fault.is("NP-VS-041") && has("/signature/attributeOfALaterContract")
        || fault.is("NP-VS-191")
            && request.pointer("/signature/unprocessedAttributes") == Some(&Value::Null)
        || fault.is("NP-VS-192") && has(&format!("{attributes}/verificationPlugin"))
        || fault.is("NP-VS-196")
            && has(&format!("{attributes}/extendedAttributes/com.example.null"))
        || fault.is("NP-VS-208") && has(&format!("{attributes}/expiry"));
    if refused {
        return Err(Failure::validation("there is an unknown attribute"));
    }
    if request["signature"]["criticalAttributes"]["signingScheme"] != "notary.x509" {
        fault.crash_if("NP-VS-197");
    }
    Ok(())
}

fn checks(fault: &Fault, request: &Value) -> Result<Vec<String>, Failure> {
    let refuse =
        |rule: &str, message: &str| Failure::by_rule(fault, rule, VALIDATION_ERROR, message);
    let list: Vec<String> = request["trustPolicy"]["signatureVerification"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one.as_str().map(str::to_owned))
        .collect();
    if list.is_empty() {
        return Err(refuse("NP-VS-188", "no check is asked for"));
    }
    let known = [TRUSTED_IDENTITY, REVOCATION_CHECK];
    if !list.iter().all(|one| known.contains(&one.as_str())) {
        return Err(refuse("NP-VS-193", "there is no such check"));
    }
    Ok(list)
}

fn leaf(fault: &Fault, request: &Value) -> Result<Certificate, Failure> {
    let refuse =
        |rule: &str, message: &str| Failure::by_rule(fault, rule, VALIDATION_ERROR, message);
    let chain = request["signature"]["certificateChain"].as_array();
    let leaf = chain
        .and_then(|chain| chain.first())
        .ok_or_else(|| refuse("NP-VS-207", "the chain is empty"))?;
    leaf.as_str()
        .and_then(|text| STANDARD.decode(text).ok())
        .and_then(|der| Certificate::from_der(&der).ok())
        .ok_or_else(|| refuse("NP-VS-190", "a certificate cannot be read"))
}

fn spoil(fault: &Fault, results: &mut Map<String, Value>) {
    if fault.is("NP-VS-180") {
        // Both, whatever was asked for.
        for check in [TRUSTED_IDENTITY, REVOCATION_CHECK] {
            results
                .entry(check)
                .or_insert_with(|| json!({ "success": true }));
        }
    }
    if fault.is("NP-VS-200") {
        for result in results.values_mut() {
            result["success"] = json!("no");
        }
    }
    if let (true, Some(result)) = (fault.is("NP-VS-210"), results.get_mut(REVOCATION_CHECK))
        && crate::state::times(fault, "revocation").0.is_multiple_of(2)
    {
        *result = json!({ "success": false, "reason": "the service is busy" });
    }
}

fn answer(fault: &Fault, request: &Value, results: Map<String, Value>) -> Value {
    let asked = request
        .pointer("/signature/unprocessedAttributes")
        .cloned()
        .unwrap_or(Value::Null);
    let processed = match () {
        () if fault.is("NP-VS-185") && asked.is_array() => asked,
        () if fault.is("NP-VS-184") => json!(["com.example.always"]),
        () => json!([]),
    };
    if fault.is("NP-VS-183") {
        return json!({ "verificationResults": results, "processedAttributes": null });
    }
    json!({ "verificationResults": results, "processedAttributes": processed })
}
