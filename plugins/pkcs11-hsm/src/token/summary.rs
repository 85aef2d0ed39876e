//! What module and token say about themselves, for `doctor`.

use serde::{Deserialize, Serialize};

use super::connection::Connection;
use super::sign;

/// Module, token and what the token can do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TokenSummary {
    /// Module and its version.
    pub(crate) module: String,
    /// Label of the token.
    pub(crate) label: String,
    /// Manufacturer, model, serial number and slot.
    pub(crate) device: String,
    /// The mechanisms for signatures, `RSASSA-PSS: CKM_RSA_PKCS_PSS` and the like.
    pub(crate) mechanisms: Vec<String>,
    /// Whether a wrong PIN was entered since the last right one.
    pub(crate) wrong_pin_before: bool,
}

/// Asks module and token. Nothing of it is needed for signing, so that what is not told is left out.
pub(crate) fn summarise(connection: &Connection) -> TokenSummary {
    let module = connection.module();
    let about = module.functions().get_library_info().map(|info| {
        let version = info.library_version();
        format!(
            "{} {}.{}, ",
            info.manufacturer_id(),
            version.major(),
            version.minor()
        )
    });
    let token = connection.token();
    TokenSummary {
        module: format!("{}{}", about.unwrap_or_default(), module.path().display()),
        label: token.label().to_owned(),
        device: format!(
            "{} {}, serial {}, slot-id {}",
            token.manufacturer(),
            token.model(),
            token.serial(),
            connection.slot().id()
        ),
        mechanisms: sign::offered(connection),
        wrong_pin_before: token.counts_wrong_pins(),
    }
}
