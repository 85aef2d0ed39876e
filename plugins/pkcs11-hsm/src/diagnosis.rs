//! What `doctor` tells about module, PIN source and token.

use notary_plugin_sdk::{Context, Diagnosis};

use crate::address::token_of_settings;
use crate::worker::{Answer, Client, Operation};

/// Examines what the settings name. A key id may name another token; the key itself is examined by the SDK.
pub(crate) async fn examine(context: &Context, diagnosis: &mut Diagnosis) {
    let address = match token_of_settings(context.settings()) {
        Ok(address) => address,
        Err(error) => return diagnosis.failure("module", error.message(), "configure `module`"),
    };
    diagnosis.ok("module", address.module.display().to_string());
    match &address.login.pin {
        Some(source) => diagnosis.ok("PIN", format!("comes from {source}")),
        None => diagnosis.warning(
            "PIN",
            "no source is configured",
            "set `pin_file`, unless the token wants no PIN or has a PIN pad",
        ),
    }
    let worker = match Client::connect(address, false, context.deadline()).await {
        Ok(worker) => worker,
        Err(error) => return diagnosis.failure("token", error.message(), "see the message"),
    };
    let Ok(Answer::Summary(summary)) = worker.ask(Operation::Summarise, context.deadline()).await
    else {
        return diagnosis.failure(
            "token",
            "it does not describe itself",
            "try the vendor's tool",
        );
    };
    diagnosis.ok(
        "token",
        format!(
            "`{}`: {}; module: {}",
            summary.label, summary.device, summary.module
        ),
    );
    if summary.wrong_pin_before {
        diagnosis.warning(
            "PIN tries",
            "a wrong PIN was entered since the last right one",
            "find out who tries, before the token locks",
        );
    }
    for line in summary.mechanisms {
        diagnosis.ok("mechanisms", line);
    }
}
