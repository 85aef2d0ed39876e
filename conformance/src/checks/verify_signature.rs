//! `verify-signature`: that a verifier answers what it was asked, and does not say yes to everything.

use super::asking::{
    VALIDATION_ERROR, VERIFY_SIGNATURE, capabilities, correct_request, needs, refused,
};
use super::{Check, Checked, Stop, kept, output, schema};
use crate::{Execution, Stdin, Subject};
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("NP-VS-041", nested_unknown_attributes_are_ignored),
    ("NP-VS-180", results_are_what_was_asked),
    ("NP-VS-182", failures_have_a_reason),
    ("NP-VS-183", processed_attributes_are_listed),
    ("NP-VS-184", only_attributes_asked_about_are_processed),
    ("NP-VS-185", unknown_attribute_is_not_processed),
    ("NP-VS-186", a_negative_result_is_an_answer),
    ("NP-VS-187", a_stranger_is_not_trusted),
    ("NP-VS-191", |subject| {
        same_with(subject, "/signature/unprocessedAttributes", Value::Null)
    }),
    ("NP-VS-192", |subject| {
        let attributes = "/signature/criticalAttributes";
        same_with(
            subject,
            &format!("{attributes}/verificationPlugin"),
            json!(name(subject)?),
        )?;
        same_with(
            subject,
            &format!("{attributes}/verificationPluginMinVersion"),
            json!("0.0.1"),
        )
    }),
    ("NP-VS-194", a_check_that_is_not_declared_is_refused),
    ("NP-VS-196", extended_attributes_of_all_types_are_read),
    ("NP-VS-197", both_schemes_are_handled),
    ("NP-VS-200", |subject| {
        let run = subject.request(VERIFY_SIGNATURE, &request(subject)?)?;
        if run.succeeded() {
            schema::check(subject, VERIFY_SIGNATURE, &run)
        } else {
            Err(Stop::elsewhere("there is no answer".to_owned()))
        }
    }),
    ("NP-VS-208", |subject| {
        same_with(
            subject,
            "/signature/criticalAttributes/expiry",
            json!("0001-01-01T00:00:00Z"),
        )
    }),
    ("NP-VS-210", two_runs_are_equal),
    ("NP-VS-212", |subject| {
        same(subject, &format!("{:#}\n", request(subject)?))
    }),
    ("NP-VS-213", an_empty_list_of_identities_trusts_nobody),
    ("NP-VS-218", |subject| {
        let run = subject.request(VERIFY_SIGNATURE, &request(subject)?)?;
        run.answer_in_any_form().map_err(Stop::elsewhere)?;
        output::prints_only_json(&run)
    }),
];

const TRUSTED_IDENTITY: &str = "SIGNATURE_VERIFIER.TRUSTED_IDENTITY";
const REVOCATION_CHECK: &str = "SIGNATURE_VERIFIER.REVOCATION_CHECK";

/// An attribute that no plugin can know.
const UNKNOWN_ATTRIBUTE: &str = "com.example.conformance.nobody-knows-this";

fn name(subject: &Subject) -> Result<String, Stop> {
    let metadata = subject.metadata()?.map_err(Stop::elsewhere)?;
    Ok(metadata
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned())
}

/// The verification capabilities that the plugin declares.
fn declared(subject: &Subject) -> Result<Vec<&'static str>, Stop> {
    needs(subject, VERIFY_SIGNATURE)?;
    let capabilities = capabilities(subject)?;
    Ok([TRUSTED_IDENTITY, REVOCATION_CHECK]
        .into_iter()
        .filter(|one| capabilities.iter().any(|declared| declared == one))
        .collect())
}

/// A request about a stranger's signature, for the checks that the plugin declares.
fn request(subject: &Subject) -> Result<Value, Stop> {
    let mut request = correct_request(subject, VERIFY_SIGNATURE)?;
    set(
        &mut request,
        "/trustPolicy/signatureVerification",
        json!([declared(subject)?.first()]),
    );
    Ok(request)
}

/// A request for the check of the trusted identity; only for plugins that declare it.
fn identity_request(subject: &Subject) -> Result<Value, Stop> {
    if !declared(subject)?.contains(&TRUSTED_IDENTITY) {
        return Err(Stop::NotApplicable(format!(
            "the plugin does not declare {TRUSTED_IDENTITY}"
        )));
    }
    let mut request = request(subject)?;
    set(
        &mut request,
        "/trustPolicy/trustedIdentities",
        json!(["x509.subject:C=US,ST=WA,O=Conformance Nobody,CN=Nobody"]),
    );
    Ok(request)
}

/// Sets a member, whose parent is there.
fn set(request: &mut Value, pointer: &str, value: Value) {
    if let Some((parent, name)) = pointer.rsplit_once('/')
        && let Some(members) = request.pointer_mut(parent).and_then(Value::as_object_mut)
    {
        members.insert(name.to_owned(), value);
    }
}

fn results(answer: &Value) -> Result<Vec<(String, Option<bool>)>, String> {
    Ok(answer
        .get("verificationResults")
        .and_then(Value::as_object)
        .ok_or("there are no verificationResults")?
        .iter()
        .map(|(name, result)| (name.clone(), result.get("success").and_then(Value::as_bool)))
        .collect())
}

fn answer_to(subject: &Subject, request: &Value) -> Result<Value, Stop> {
    subject
        .request(VERIFY_SIGNATURE, request)?
        .answer_in_any_form()
        .map_err(Stop::elsewhere)
}

/// Whether a request as text is judged like the usual one.
fn same(subject: &Subject, text: &str) -> Checked {
    let usual = answer_to(subject, &request(subject)?)?;
    let usual = results(&usual).map_err(Stop::elsewhere)?;
    let run: Execution = subject.run(VERIFY_SIGNATURE, Stdin::Bytes(text.as_bytes()))?;
    let now = results(&run.answer_in_any_form()?)?;
    kept(now == usual, || format!("usually {usual:?}, now {now:?}"))
}

fn two_runs_are_equal(subject: &Subject) -> Checked {
    let mut request = request(subject)?;
    let all = json!(declared(subject)?);
    set(&mut request, "/trustPolicy/signatureVerification", all);
    let first = results(&answer_to(subject, &request)?).map_err(Stop::elsewhere)?;
    let second = results(&answer_to(subject, &request)?)?;
    kept(first == second, || {
        format!("first {first:?}, then {second:?}")
    })
}

fn same_with(subject: &Subject, pointer: &str, value: Value) -> Checked {
    let mut request = request(subject)?;
    set(&mut request, pointer, value);
    same(subject, &request.to_string())
}

fn nested_unknown_attributes_are_ignored(subject: &Subject) -> Checked {
    let mut request = request(subject)?;
    for parent in [
        "",
        "/signature",
        "/signature/criticalAttributes",
        "/trustPolicy",
    ] {
        set(
            &mut request,
            &format!("{parent}/attributeOfALaterContract"),
            json!({ "nested": [1] }),
        );
    }
    same(subject, &request.to_string())
}

/// Every set of checks that may be asked for.
fn results_are_what_was_asked(subject: &Subject) -> Checked {
    let declared = declared(subject)?;
    let mut sets: Vec<Vec<&str>> = declared.iter().map(|one| vec![*one]).collect();
    sets.push(declared);
    for asked in sets {
        let mut request = request(subject)?;
        set(
            &mut request,
            "/trustPolicy/signatureVerification",
            json!(asked),
        );
        let answer = answer_to(subject, &request)?;
        let results = results(&answer).map_err(Stop::elsewhere)?;
        let found: BTreeSet<&str> = results.iter().map(|(name, _)| name.as_str()).collect();
        kept(found == asked.iter().copied().collect(), || {
            format!("asked for {asked:?}, answered {found:?}")
        })?;
    }
    Ok(())
}

fn failures_have_a_reason(subject: &Subject) -> Checked {
    let answer = answer_to(subject, &identity_request(subject)?)?;
    let failed = answer
        .get("verificationResults")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(_, result)| result.get("success") == Some(&json!(false)));
    for (name, result) in failed {
        let reason = result.get("reason").and_then(Value::as_str);
        kept(
            reason.is_some_and(|reason| !reason.trim().is_empty()),
            || format!("{name} fails without a reason"),
        )?;
    }
    Ok(())
}

fn processed_attributes_are_listed(subject: &Subject) -> Checked {
    let answer = answer_to(subject, &request(subject)?)?;
    let list = answer.get("processedAttributes");
    kept(list.is_some_and(Value::is_array), || {
        format!("processedAttributes is {list:?}")
    })
}

fn processed(answer: &Value) -> Vec<&str> {
    answer
        .get("processedAttributes")
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default()
}

fn only_attributes_asked_about_are_processed(subject: &Subject) -> Checked {
    let answer = answer_to(subject, &request(subject)?)?;
    kept(processed(&answer).is_empty(), || {
        format!(
            "nothing was asked about, processed are {:?}",
            processed(&answer)
        )
    })
}

fn unknown_attribute_is_not_processed(subject: &Subject) -> Checked {
    let mut request = request(subject)?;
    set(
        &mut request,
        "/signature/unprocessedAttributes",
        json!([UNKNOWN_ATTRIBUTE]),
    );
    set(
        &mut request,
        "/signature/criticalAttributes/extendedAttributes",
        json!({ UNKNOWN_ATTRIBUTE: "value" }),
    );
    // To refuse the whole request is as safe.
    let answer = answer_to(subject, &request)?;
    kept(!processed(&answer).contains(&UNKNOWN_ATTRIBUTE), || {
        format!("{UNKNOWN_ATTRIBUTE} is called processed")
    })
}

fn a_negative_result_is_an_answer(subject: &Subject) -> Checked {
    let run = subject.request(VERIFY_SIGNATURE, &identity_request(subject)?)?;
    kept(run.succeeded(), || run.described())
}

fn identity(answer: &Value) -> Option<bool> {
    let results = results(answer).ok()?;
    let (_, success) = results
        .into_iter()
        .find(|(name, _)| name == TRUSTED_IDENTITY)?;
    success
}

fn a_stranger_is_not_trusted(subject: &Subject) -> Checked {
    let answer = answer_to(subject, &identity_request(subject)?)?;
    kept(identity(&answer) != Some(true), || {
        "a stranger's certificate is a trusted identity".to_owned()
    })
}

fn an_empty_list_of_identities_trusts_nobody(subject: &Subject) -> Checked {
    a_stranger_is_not_trusted(subject)
        .map_err(|_| Stop::elsewhere("strangers are trusted anyway".to_owned()))?;
    let mut request = identity_request(subject)?;
    set(&mut request, "/trustPolicy/trustedIdentities", json!([]));
    let run = subject.request(VERIFY_SIGNATURE, &request)?;
    let trusted = run.answer_in_any_form().ok().as_ref().and_then(identity);
    kept(trusted != Some(true), || run.described())
}

fn a_check_that_is_not_declared_is_refused(subject: &Subject) -> Checked {
    let declared = declared(subject)?;
    let other = [TRUSTED_IDENTITY, REVOCATION_CHECK]
        .into_iter()
        .find(|one| !declared.contains(one))
        .ok_or_else(|| Stop::NotApplicable("the plugin declares both checks".to_owned()))?;
    let mut request = request(subject)?;
    set(
        &mut request,
        "/trustPolicy/signatureVerification",
        json!([other]),
    );
    refused(
        &subject.request(VERIFY_SIGNATURE, &request)?,
        &[VALIDATION_ERROR],
    )
}

fn extended_attributes_of_all_types_are_read(subject: &Subject) -> Checked {
    same_with(
        subject,
        "/signature/criticalAttributes/extendedAttributes",
        json!({ "com.example.text": "text", "com.example.number": 7, "com.example.null": null }),
    )
}

fn both_schemes_are_handled(subject: &Subject) -> Checked {
    let mut request = request(subject)?;
    let attributes = "/signature/criticalAttributes";
    set(
        &mut request,
        &format!("{attributes}/signingScheme"),
        json!("notary.x509.signingAuthority"),
    );
    set(
        &mut request,
        &format!("{attributes}/authenticSigningTime"),
        json!("2024-06-01T00:00:00Z"),
    );
    let usual = self::request(subject)?;
    answer_to(subject, &usual)?;
    let run = subject.request(VERIFY_SIGNATURE, &request)?;
    if run.succeeded() {
        return Ok(());
    }
    refused(&run, &[VALIDATION_ERROR])
}
