//! What `verify` and `blob verify` print in the end.

use apostille_trust::verify::Verification;

use crate::application::Application;
use crate::failure::{Failure, chain_of};
use crate::table::Table;

/// The warnings about checks that failed and count for nothing, and what else the user should know.
pub(super) fn warnings(application: &mut Application<'_>, verification: &Verification) {
    for (step, failure) in verification.logged_failures() {
        let check = step
            .check()
            .map_or_else(|| step.to_string(), |check| check.as_str().to_owned());
        let reason = chain_of(failure);
        application.console.warn(format!(
            "{check} was set to \"log\" and failed with error: {reason}"
        ));
    }
    for notice in verification.notices() {
        application.console.warn(notice);
    }
}

/// Those warnings, the result line, and the signed metadata.
pub(super) fn trusted(
    application: &mut Application<'_>,
    name: &str,
    verification: &Verification,
    json: bool,
) -> Result<(), Failure> {
    warnings(application, verification);
    let text = format!("Successfully verified signature for {name}");
    result_line(application, &text, json)?;
    if json {
        return Ok(());
    }
    show_metadata(application, verification)
}

/// The line that scripts look for; after warnings it stands alone.
pub(super) fn result_line(
    application: &mut Application<'_>,
    text: &str,
    json: bool,
) -> Result<(), Failure> {
    if json {
        return Ok(());
    }
    if application.console.warnings() > 0 {
        application.console.line("")?;
    }
    application.console.line(text)
}

fn show_metadata(application: &mut Application<'_>, trusted: &Verification) -> Result<(), Failure> {
    let Some(envelope) = trusted.envelope() else {
        return Ok(());
    };
    let annotations = &envelope.payload().target_artifact().annotations;
    if annotations.is_empty() {
        return Ok(());
    }
    application
        .console
        .line("\nThe artifact was signed with the following user metadata.\n")?;
    let mut table = Table::new(&["KEY", "VALUE"]);
    for (key, value) in annotations {
        table.row(vec![key.clone(), value.clone()]);
    }
    application.console.raw(table.render().as_bytes())
}
