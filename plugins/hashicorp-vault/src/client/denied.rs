//! Why access was denied: because of the token, or because of its policies.

use notary_plugin_sdk::{Context, PluginError, Secret};
use serde_json::{Value, json};

use super::{Call, Client};

/// Asks the server what the token may do at the path of `call`, which was denied, and says what is missing.
/// One request more, made after a denial only; every token may make it by default.
pub(crate) async fn explain(
    client: &Client,
    call: &Call,
    token: &Secret,
    denied: PluginError,
    context: &Context,
) -> PluginError {
    let question = Call::write("sys/capabilities-self", json!({ "paths": [call.path] }));
    let answer = client.send(&question, Some(token), context).await;
    let message = match answer.and_then(|answer| answer.data::<Value>()) {
        Err(_) => format!(
            "{call}: the server does not accept the token: it is wrong, has expired or was revoked, or belongs to another namespace"
        ),
        Ok(found) => {
            let has: Vec<&str> = found
                .get(&call.path)
                .or_else(|| found.get("capabilities"))
                .and_then(Value::as_array)
                .map(|list| list.iter().filter_map(Value::as_str).collect())
                .unwrap_or_default();
            let needed = call.capability();
            if has.contains(&needed) || has.contains(&"root") {
                // Something else than the policy: a control, a quota, an address that is bound.
                return denied;
            }
            format!(
                "{call}: the policies of the token lack the capability `{needed}` on `{}`",
                call.path
            )
        }
    };
    let explained = PluginError::access_denied(message);
    denied
        .metadata()
        .iter()
        .fold(explained, |error, (name, value)| {
            error.with_metadata(name, value)
        })
}
