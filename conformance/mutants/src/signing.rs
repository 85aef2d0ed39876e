//! `describe-key` and `generate-signature`.

use crate::answer::Failure;
use crate::faults::Fault;
use crate::keys::{Key, broken};
use crate::{rsa, state};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use notary_plugin_protocol::KeySpec;
use serde_json::{Value, json};

const VALIDATION_ERROR: &str = "VALIDATION_ERROR";

/// The ids of the rules on one attribute.
pub(crate) struct AttributeRules {
    pub(crate) name: &'static str,
    pub(crate) missing: &'static str,
    pub(crate) empty: &'static str,
    pub(crate) wrong_type: &'static [WrongType],
}

/// The rule on a wrong type, and whether a value has it.
pub(crate) type WrongType = (&'static str, fn(&Value) -> bool);

impl AttributeRules {
    /// The attribute's text.
    pub(crate) fn read<'a>(&self, fault: &Fault, request: &'a Value) -> Result<&'a str, Failure> {
        let refuse = |rule: &str, what: &str| {
            Failure::by_rule(
                fault,
                rule,
                VALIDATION_ERROR,
                &format!("{} {what}", self.name),
            )
        };
        let value = match request.get(self.name) {
            Some(value) => value,
            None => return Err(refuse(self.missing, "is missing")),
        };
        match value.as_str() {
            Some("") => Err(refuse(self.empty, "is empty")),
            Some(text) => Ok(text),
            None => {
                let rule = self.wrong_type.iter().find(|(_, holds)| holds(value));
                Err(refuse(rule.map_or("", |(id, _)| id), "is no text"))
            }
        }
    }
}

/// Checks the contract version: the ids of the rules for missing, empty, malformed and unsupported ones.
pub(crate) fn check_version(
    fault: &Fault,
    request: &Value,
    rules: [&'static str; 4],
) -> Result<(), Failure> {
    let [missing, empty, malformed, unsupported] = rules;
    let attribute = AttributeRules {
        name: "contractVersion",
        missing,
        empty,
        wrong_type: &[],
    };
    let version = attribute.read(fault, request)?;
    match version.split_once('.') {
        Some(("1", _)) => Ok(()),
        Some(_) => Err(Failure::by_rule(
            fault,
            unsupported,
            "UNSUPPORTED_CONTRACT_VERSION",
            "this contract version is not supported",
        )),
        None => Err(Failure::by_rule(
            fault,
            malformed,
            VALIDATION_ERROR,
            "this is no version",
        )),
    }
}

pub(crate) fn check_config(fault: &Fault, request: &Value, rule: &str) -> Result<(), Failure> {
    let texts = request.get("pluginConfig").is_none_or(|config| {
        config
            .as_object()
            .is_some_and(|members| members.values().all(Value::is_string))
    });
    if texts {
        Ok(())
    } else {
        Err(Failure::by_rule(
            fault,
            rule,
            VALIDATION_ERROR,
            "pluginConfig is no map of texts",
        ))
    }
}

pub(crate) fn find_key(fault: &Fault, id: &str, rule: &str) -> Result<Key, Failure> {
    Key::of(id)
        .ok_or_else(|| Failure::by_rule(fault, rule, VALIDATION_ERROR, "there is no such key"))
}

pub(crate) fn describe_key(fault: &Fault, request: &Value) -> Result<Value, Failure> {
    check_version(
        fault,
        request,
        ["NP-DK-082", "NP-DK-212", "NP-DK-205", "NP-DK-083"],
    )?;
    if fault.is("NP-DK-208") && request.get("attributeOfALaterContract").is_some() {
        return Err(Failure::validation("there is an unknown attribute"));
    }
    let id = AttributeRules {
        name: "keyId",
        missing: "NP-DK-081",
        empty: "NP-DK-200",
        wrong_type: &[
            ("NP-DK-085", Value::is_number),
            ("NP-DK-213", Value::is_array),
        ],
    }
    .read(fault, request)?;
    if id.contains('\0') || id.len() > 10_000 {
        fault.crash_if("NP-DK-207");
    }
    check_config(fault, request, "NP-DK-206")?;
    let key = find_key(fault, id, "NP-DK-084")?;
    let mut answer = json!({ "keyId": id, "keySpec": described_spec(fault, key).as_str() });
    match () {
        () if fault.is("NP-DK-080") => answer["keySpec"] = json!("ECC_NIST_P256"),
        () if fault.is("NP-DK-088") => answer["run"] = json!(std::process::id()),
        () if fault.is("NP-DK-089") => answer["keyId"] = json!(format!("urn:key:{id}")),
        () if fault.is("NP-DK-201") => answer["keySpec"] = json!(256),
        () if fault.is("NP-DK-201-missing") => answer = json!({ "keyId": id, "keyspec": "EC-256" }),
        () => {}
    }
    Ok(answer)
}

fn described_spec(fault: &Fault, key: Key) -> KeySpec {
    match key {
        Key::Ec => KeySpec::Ec256,
        Key::Rsa if fault.is("NP-GS-112") => KeySpec::Rsa3072,
        Key::Rsa => KeySpec::Rsa2048,
    }
}

/// The request's attributes, checked.
struct SignatureRequest<'a> {
    id: &'a str,
    key: Key,
    spec: KeySpec,
    payload: Vec<u8>,
}

fn read<'a>(fault: &Fault, request: &'a Value) -> Result<SignatureRequest<'a>, Failure> {
    let refuse =
        |rule: &str, message: &str| Failure::by_rule(fault, rule, VALIDATION_ERROR, message);
    let text = |name, missing, empty| {
        AttributeRules {
            name,
            missing,
            empty,
            wrong_type: &[],
        }
        .read(fault, request)
    };
    check_version(fault, request, ["NP-GS-207", "", "", "NP-GS-123"])?;
    let id = text("keyId", "NP-GS-204", "NP-GS-210")?;
    let spec = text("keySpec", "NP-GS-205", "")?
        .parse::<KeySpec>()
        .map_err(|_| refuse("NP-GS-118", "there is no such key spec"))?;
    let hash = text("hashAlgorithm", "NP-GS-206", "")?;
    if !["SHA-256", "SHA-384", "SHA-512"].contains(&hash) {
        return Err(refuse("NP-GS-119", "there is no such hash"));
    }
    let payload = AttributeRules {
        name: "payload",
        missing: "NP-GS-116",
        empty: "NP-GS-208",
        wrong_type: &[("NP-GS-209", Value::is_array)],
    }
    .read(fault, request)?;
    let payload = STANDARD
        .decode(payload)
        .map_err(|_| refuse("NP-GS-117", "payload is no base64"))?;
    if hash != spec.hash_algorithm().as_str() {
        return Err(refuse(
            "NP-GS-120",
            "the hash does not belong to the key spec",
        ));
    }
    let key = find_key(fault, id, "NP-GS-122")?;
    if spec != described_spec(fault, key) {
        return Err(refuse("NP-GS-121", "the key has another key spec"));
    }
    Ok(SignatureRequest {
        id,
        key,
        spec,
        payload,
    })
}

pub(crate) fn generate_signature(fault: &Fault, request: &Value) -> Result<Value, Failure> {
    let asked = read(fault, request)?;
    refuse(fault, request, &asked.payload)?;
    let binary = !asked.payload.is_ascii();
    let chain = asked.key.chain(fault, binary)?;
    if let (true, Some(leaf)) = (fault.is("NP-GS-217"), chain.first()) {
        let _ = std::fs::write("certificate.cer", leaf);
    }
    let mut signature = sign(fault, &asked)?;
    spoil(fault, request, &mut signature);
    let mut answer = json!({
        "keyId": asked.id,
        "signature": STANDARD.encode(&signature),
        "signingAlgorithm": asked.spec.signing_algorithm().as_str(),
        "certificateChain": chain.iter().map(|der| STANDARD.encode(der)).collect::<Vec<_>>(),
    });
    match () {
        () if fault.is("NP-GS-100") => answer["signingAlgorithm"] = Value::Null,
        () if fault.is("NP-GS-100-empty") => answer["signature"] = json!(""),
        () if fault.is("NP-GS-101") => answer["keyId"] = json!(format!("urn:key:{}", asked.id)),
        () if fault.is("NP-GS-102") => {
            answer["signature"] = json!(URL_SAFE_NO_PAD.encode(&signature))
        }
        () if fault.is("NP-GS-103") => answer["signingAlgorithm"] = json!("RSASSA-PSS-SHA-256"),
        () => {}
    }
    Ok(answer)
}

/// Requests that the contract allows and this fault does not.
fn refuse(fault: &Fault, request: &Value, payload: &[u8]) -> Result<(), Failure> {
    let refused = fault.is("NP-GS-115") && payload.trim_ascii().is_empty()
        || fault.is("NP-GS-200") && payload.len() > 4096
        || fault.is("NP-GS-211") && request.get("attributeOfALaterContract").is_some();
    if refused {
        Err(Failure::validation("the service does not accept this"))
    } else {
        Ok(())
    }
}

fn sign(fault: &Fault, asked: &SignatureRequest<'_>) -> Result<Vec<u8>, Failure> {
    let hash = asked.spec.hash_algorithm();
    let like_jws = asked.payload.starts_with(b"eyJ");
    if asked.key == Key::Rsa {
        let digest = rsa::digest(hash, &asked.payload);
        if fault.is("NP-GS-105") && like_jws {
            return rsa::sign_pss(hash, &digest, 20);
        }
        if fault.is("NP-GS-105-longest") && like_jws {
            return rsa::sign_pss(hash, &digest, 222);
        }
        if fault.is("NP-GS-105-pkcs1") && like_jws {
            return rsa::sign_pkcs1(&asked.payload);
        }
        if fault.is("NP-GS-112") {
            return rsa::sign_pss(hash, &digest, hash.output_len());
        }
        if fault.is("NP-GS-201") && asked.payload.len() == hash.output_len() {
            return rsa::sign_pss(hash, &asked.payload, hash.output_len());
        }
    }
    let message = match () {
        () if fault.is("NP-GS-104") && like_jws => rsa::digest(hash, &asked.payload),
        () if fault.is("NP-GS-104-base64") && like_jws => {
            STANDARD.encode(&asked.payload).into_bytes()
        }
        () if fault.is("NP-GS-114") => String::from_utf8_lossy(&asked.payload)
            .into_owned()
            .into_bytes(),
        () => asked.payload.clone(),
    };
    asked.key.private()?.sign(&message).map_err(broken)
}

/// Changes to a signature that is correct.
fn spoil(fault: &Fault, request: &Value, signature: &mut Vec<u8>) {
    if fault.is("NP-GS-106") {
        let (r, s) = signature.split_at(signature.len() / 2);
        *signature = notary_x509::asn1::write::sequence(&[
            &notary_x509::asn1::write::integer(r),
            &notary_x509::asn1::write::integer(s),
        ]);
    }
    if fault.is("NP-GS-107") {
        signature.insert(0, 0);
    }
    let worn_out = fault.is("NP-GS-214") && state::times(fault, &request.to_string()).1 == 4
        || fault.is("NP-GS-124") && state::times(fault, &request.to_string()).0 == 2;
    if let (true, Some(last)) = (worn_out, signature.last_mut()) {
        *last ^= 1;
    }
}
