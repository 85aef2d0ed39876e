//! What a plugin writes, and with which exit code it ends.

use super::asking::{METADATA, UNKNOWN_COMMAND, command_with_required_attributes, needs};
use super::{Check, Checked, Stop, asking, kept};
use crate::execution::OUTPUT_LIMIT;
use crate::{Execution, Subject};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt;

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("NP-PD-020", |subject| {
        ends_with_zero(subject.metadata_run()?)
    }),
    ("NP-PD-021", |subject| {
        prints_only_json(subject.metadata_run()?)
    }),
    ("NP-PD-022", failure_is_exit_code_one),
    ("NP-PD-023", failure_is_told_as_json),
    ("NP-PD-024", error_object_has_the_right_types),
    ("NP-PD-025", error_code_is_one_of_the_six),
    ("NP-PD-026", error_message_is_not_empty),
    ("NP-PD-027", failure_prints_nothing_on_standard_output),
    ("NP-PD-028", |subject| {
        standard_error_is_empty(subject.metadata_run()?)
    }),
    ("NP-PD-029", output_is_below_the_limit),
    ("NP-PD-201", no_byte_order_mark),
    ("NP-PD-202", answer_is_utf_8),
    ("NP-PD-203", no_member_twice),
    ("NP-DK-210", |subject| {
        needs(subject, asking::DESCRIBE_KEY)?;
        asking::key(subject)?;
        prints_only_json(asking::described(subject)?)
    }),
];

/// The six codes of the contract.
const CODES: [&str; 6] = [
    "VALIDATION_ERROR",
    "UNSUPPORTED_CONTRACT_VERSION",
    "ACCESS_DENIED",
    "TIMEOUT",
    "THROTTLED",
    "ERROR",
];

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

fn ends_with_zero(run: &Execution) -> Checked {
    run.answer_in_any_form().map_err(Stop::elsewhere)?;
    kept(run.succeeded(), || run.described())
}

/// One JSON object and white space; encoding and repeated members have rules of their own.
pub(super) fn prints_only_json(run: &Execution) -> Checked {
    let text = run
        .stdout
        .strip_prefix(BYTE_ORDER_MARK)
        .unwrap_or(&run.stdout);
    let text = String::from_utf8_lossy(text);
    let value: Value =
        serde_json::from_str(&text).map_err(|error| format!("{error}: {}", run.described()))?;
    kept(value.is_object(), || run.described())
}

pub(super) fn standard_error_is_empty(run: &Execution) -> Checked {
    kept(!run.succeeded() || run.stderr.is_empty(), || {
        run.described()
    })
}

fn no_byte_order_mark(subject: &Subject) -> Checked {
    let run = subject.metadata_run()?;
    kept(!run.stdout.starts_with(BYTE_ORDER_MARK), || run.described())
}

fn answer_is_utf_8(subject: &Subject) -> Checked {
    let run = subject.metadata_run()?;
    std::str::from_utf8(&run.stdout)
        .map(|_| ())
        .map_err(|error| error.to_string().into())
}

fn no_member_twice(subject: &Subject) -> Checked {
    let run = subject.metadata_run()?;
    let text = String::from_utf8_lossy(&run.stdout);
    let object = text
        .find('{')
        .and_then(|start| text.get(start..))
        .unwrap_or_default();
    serde_json::Deserializer::from_str(object)
        .into_iter::<Distinct>()
        .next()
        .and_then(Result::err)
        .filter(serde_json::Error::is_data)
        .map_or(Ok(()), |error| Err(error.to_string().into()))
}

/// Any JSON value in which no object names a member twice.
struct Distinct;

impl<'de> Deserialize<'de> for Distinct {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DistinctVisitor)
    }
}

struct DistinctVisitor;

impl<'de> Visitor<'de> for DistinctVisitor {
    type Value = Distinct;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Distinct, E> {
        Ok(Distinct)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Distinct, E> {
        Ok(Distinct)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Distinct, E> {
        Ok(Distinct)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Distinct, E> {
        Ok(Distinct)
    }

    fn visit_str<E>(self, _: &str) -> Result<Distinct, E> {
        Ok(Distinct)
    }

    fn visit_unit<E>(self) -> Result<Distinct, E> {
        Ok(Distinct)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Distinct, A::Error> {
        while list.next_element::<Distinct>()?.is_some() {}
        Ok(Distinct)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Distinct, A::Error> {
        let mut names = BTreeSet::new();
        while let Some((name, Distinct)) = members.next_entry::<String, Distinct>()? {
            if names.contains(&name) {
                return Err(A::Error::custom(format!(
                    "the member {name:?} stands there twice"
                )));
            }
            names.insert(name);
        }
        Ok(Distinct)
    }
}

/// The run that every rule on failures looks at: a command without its attributes.
fn failure(subject: &Subject) -> Result<Execution, Stop> {
    let command = command_with_required_attributes(subject)?;
    let run = subject.empty_request(command)?;
    if run.succeeded() {
        return Err(Stop::elsewhere(format!(
            "{command} succeeds without its attributes"
        )));
    }
    Ok(run)
}

/// The error object of that run.
fn error(subject: &Subject) -> Result<Value, Stop> {
    failure(subject)?
        .error_in_any_form()
        .map_err(Stop::elsewhere)
}

fn failure_is_exit_code_one(subject: &Subject) -> Checked {
    let run = failure(subject)?;
    kept(
        run.status.and_then(|status| status.code()) == Some(1),
        || run.described(),
    )
}

fn failure_is_told_as_json(subject: &Subject) -> Checked {
    let run = failure(subject)?;
    let text = String::from_utf8_lossy(&run.stderr);
    let only: Result<Value, _> = serde_json::from_str(&text);
    kept(only.is_ok_and(|value| value.is_object()), || {
        run.described()
    })
}

fn error_object_has_the_right_types(subject: &Subject) -> Checked {
    let error = error(subject)?;
    let text = |name: &str| error.get(name).is_none_or(Value::is_string);
    let metadata = error.get("errorMetadata").is_none_or(|metadata| {
        metadata
            .as_object()
            .is_some_and(|members| members.values().all(Value::is_string))
    });
    let has_code = error.get("errorCode").is_some();
    kept(
        has_code && text("errorCode") && text("errorMessage") && metadata,
        || error.to_string(),
    )
}

fn error_code_is_one_of_the_six(subject: &Subject) -> Checked {
    let error = error(subject)?;
    let code = error
        .get("errorCode")
        .and_then(Value::as_str)
        .ok_or_else(|| Stop::elsewhere("there is no error code".to_owned()))?;
    kept(CODES.contains(&code), || {
        format!("the error code is {code}")
    })
}

fn error_message_is_not_empty(subject: &Subject) -> Checked {
    let error = error(subject)?;
    let message = error.get("errorMessage").and_then(Value::as_str);
    kept(
        message.is_some_and(|message| !message.trim().is_empty()),
        || error.to_string(),
    )
}

fn failure_prints_nothing_on_standard_output(subject: &Subject) -> Checked {
    let run = failure(subject)?;
    kept(run.stdout.is_empty(), || run.described())
}

fn output_is_below_the_limit(subject: &Subject) -> Checked {
    let below = |run: &Execution| {
        [&run.stdout, &run.stderr]
            .iter()
            .all(|stream| u64::try_from(stream.len()).is_ok_and(|length| length < OUTPUT_LIMIT))
    };
    let failing = subject.empty_request(UNKNOWN_COMMAND)?;
    kept(below(&failing), || {
        format!("{UNKNOWN_COMMAND}: 64 MiB or more")
    })?;
    kept(below(subject.metadata_run()?), || {
        format!("{METADATA}: 64 MiB or more")
    })
}
