//! Whether the token may do everything that a command is about to do: asked first, so that nothing is left
//! half-done by a policy.

use notary_plugin_sdk::{Context, PluginError};
use serde_json::{Map, Value, json};

use crate::client::Call;
use crate::session::Session;

/// A path, and the capabilities of which one is needed.
pub(super) type Needed = (String, &'static [&'static str]);

/// Fails unless every path may be used.
///
/// # Errors
/// `ACCESS_DENIED` with each path and capability that is lacking.
pub(super) async fn check(
    needed: &[Needed],
    session: &Session,
    context: &Context,
) -> Result<(), PluginError> {
    let paths: Vec<&str> = needed.iter().map(|(path, _)| path.as_str()).collect();
    if paths.is_empty() {
        return Ok(());
    }
    let call = Call::write("sys/capabilities-self", json!({ "paths": paths }));
    let answer: Map<String, Value> = session.ask(&call, context).await?.data()?;
    let lacking: Vec<String> = needed
        .iter()
        .filter(|(path, capabilities)| !is_given(answer.get(path), capabilities))
        .map(|(path, capabilities)| format!("`{}` on `{path}`", capabilities.join("` or `")))
        .collect();
    if lacking.is_empty() {
        return Ok(());
    }
    Err(PluginError::access_denied(format!(
        "nothing was changed, since the policies of the token lack the capability {}",
        lacking.join(" and ")
    )))
}

fn is_given(found: Option<&Value>, wanted: &[&str]) -> bool {
    let found = found.and_then(Value::as_array);
    found
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .any(|capability| capability == "root" || wanted.contains(&capability))
}
