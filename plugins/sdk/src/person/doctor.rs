//! `doctor`: whether signing would work, and what to do if not.

use std::{fmt::Write as _, time::Instant};

use notary_plugin_protocol::KeyId;
use serde_json::json;
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use super::{CommandOutput, key_id_argument};
use crate::{
    Context, Diagnosis, PluginDescription, PluginError, Verdict, erased::ProviderKind,
    key_chain::KeyChain, keyring::Keyring, usable_key::UsableKey,
};

pub(super) const NAME: &str = "doctor";

/// Exit codes: 0 when all is well, 1 when signing does not work, 3 when it works with warnings (2 is for
/// wrong arguments).
const WARNINGS: u8 = 3;
/// A certificate that expires sooner is worth a warning: renewing one takes some companies weeks.
const RENEWAL_TIME: Duration = Duration::days(30);
/// What the probe signs. Nothing that could pass for a Notary signature, which signs JSON or CBOR.
const PROBE: &[u8] = b"probe signature by the doctor command of a Notary Project plugin";

pub(super) fn definition() -> clap::Command {
    clap::Command::new(NAME)
        .about("Check credentials, key, permission to sign (by really signing a probe) and certificates")
        .after_help("Exit code: 0 all is well, 1 signing does not work, 3 it works with warnings.")
        .arg(key_id_argument())
}

pub(super) async fn run(
    description: &PluginDescription,
    kind: &dyn ProviderKind,
    keyring: &Keyring<'_>,
    key_id: Option<&KeyId>,
    context: &Context,
) -> Result<CommandOutput, PluginError> {
    let mut diagnosis = Diagnosis::default();
    diagnosis.ok(
        "plugin",
        format!("{} {}", description.executable(), description.version),
    );
    let examined = tokio::time::timeout_at(context.deadline().at().into(), async {
        kind.diagnose(context, &mut diagnosis).await;
        examine(keyring, key_id, context, &mut diagnosis).await;
    });
    if examined.await.is_err() {
        record(&mut diagnosis, "deadline", &context.deadline().passed());
    }
    output(&diagnosis)
}

async fn examine(
    keyring: &Keyring<'_>,
    key_id: Option<&KeyId>,
    context: &Context,
    diagnosis: &mut Diagnosis,
) {
    match keyring.open(context).await {
        Ok(()) => diagnosis.ok("connection", "open, and logged in"),
        Err(error) => return record(diagnosis, "connection", &error),
    }
    let Some(key_id) = key_id else {
        return match keyring.list_keys(context).await {
            Ok(keys) => diagnosis.warning(
                "key",
                format!("none was named; {} are visible", keys.len()),
                "pass --key-id to check one",
            ),
            Err(_) => diagnosis.warning("key", "none was named", "pass --key-id to check one"),
        };
    };
    match keyring.key(key_id, context).await {
        Ok(key) => {
            diagnosis.ok("key", format!("found {}", key_id.as_str()));
            examine_key(&key, context, diagnosis).await;
        }
        Err(error) => record(diagnosis, "key", &error),
    }
}

async fn examine_key(key: &UsableKey, context: &Context, diagnosis: &mut Diagnosis) {
    match key.key_spec(context).await {
        Ok(key_spec) => diagnosis.ok("key spec", key_spec.as_str()),
        Err(error) => return record(diagnosis, "key spec", &error),
    }
    let begun = Instant::now();
    match key.sign(PROBE, context).await {
        Ok(_) => diagnosis.ok(
            "signature",
            format!(
                "a probe was signed and verified in {} ms",
                begun.elapsed().as_millis()
            ),
        ),
        Err(error) => record(diagnosis, "signature", &error),
    }
    match key.chain(context).await {
        Ok(chain) => examine_chain(chain, diagnosis),
        Err(error) => record(diagnosis, "certificates", &error),
    }
}

fn examine_chain(chain: &KeyChain, diagnosis: &mut Diagnosis) {
    if let Err(error) = chain.check_rules() {
        return record(diagnosis, "certificates", &error);
    }
    let Some(first_to_expire) = chain
        .certificates()
        .iter()
        .min_by_key(|certificate| certificate.not_after())
    else {
        return;
    };
    let until = first_to_expire
        .not_after()
        .format(&Rfc3339)
        .unwrap_or_default();
    let detail = format!(
        "{} in the chain of \"{}\", valid until {until}",
        chain.certificates().len(),
        chain.leaf().subject()
    );
    if first_to_expire.not_after() - OffsetDateTime::now_utc() < RENEWAL_TIME {
        diagnosis.warning(
            "certificates",
            detail,
            format!("renew {}", chain.place_of(first_to_expire)),
        );
    } else {
        diagnosis.ok("certificates", detail);
    }
}

/// A failure whose message says what to do; the advice only adds what follows from the code.
fn record(diagnosis: &mut Diagnosis, check: &str, error: &PluginError) {
    use notary_plugin_protocol::ErrorCode;
    let advice = match error.code() {
        ErrorCode::AccessDenied => "check the credentials, and that they are allowed to do this",
        ErrorCode::Timeout => "check the network and the address, then try again",
        ErrorCode::Throttled => "try again later, or ask for a higher quota",
        ErrorCode::ValidationError => "check the key id and the settings (`--help` lists them)",
        _ => "set NOTATION_PLUGIN_LOG to a file to learn more",
    };
    diagnosis.failure(check, error.message(), advice);
}

fn output(diagnosis: &Diagnosis) -> Result<CommandOutput, PluginError> {
    let mut text = String::new();
    for finding in diagnosis.findings() {
        let verdict = match finding.verdict {
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Failure => "failure",
        };
        let _ = writeln!(text, "{verdict:8} {}: {}", finding.check, finding.detail);
        if let Some(advice) = &finding.advice {
            let _ = writeln!(text, "{:8} {advice}", "");
        }
    }
    let value = json!({ "verdict": diagnosis.verdict(), "findings": diagnosis.findings() });
    let exit_code = match diagnosis.verdict() {
        Verdict::Ok => 0,
        Verdict::Warning => WARNINGS,
        Verdict::Failure => 1,
    };
    Ok(CommandOutput::new(text, &value)?.with_exit_code(exit_code))
}
