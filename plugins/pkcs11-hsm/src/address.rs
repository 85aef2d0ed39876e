//! From settings and key id to the token that is meant and the way to log in there.

use std::path::PathBuf;

use notary_plugin_protocol::KeyId;
use notary_plugin_sdk::{Kind, PluginError, Setting, Settings, settings};

use crate::locator::{KeyLocator, ObjectName, TokenFilter};
use crate::module_search;
use crate::pin::{PIN_VARIABLE, PinSource};
use crate::token::{Login, TokenAddress};

/// The module.
pub(crate) const MODULE: Setting = Setting::text(
    "module",
    "PKCS#11 module of the token: its path, or a name from the table of modules or from p11-kit's configuration",
)
.from_environment("NOTATION_PKCS11_MODULE");
/// The reserved argument of `C_Initialize`.
pub(crate) const MODULE_ARGUMENTS: Setting = Setting::text(
    "module_arguments",
    "Text that the module gets when it is initialised; NSS wants `configdir='sql:DIR'`",
)
.from_environment("NOTATION_PKCS11_MODULE_ARGUMENTS");
/// The token's label.
pub(crate) const TOKEN: Setting = Setting::text(
    "token",
    "Label of the token, where the key id does not tell",
)
.from_environment("NOTATION_PKCS11_TOKEN");
/// The slot.
pub(crate) const SLOT_ID: Setting = Setting::new(
    "slot_id",
    Kind::Number,
    "Number of the slot, where several tokens have the same label",
)
.from_environment("NOTATION_PKCS11_SLOT_ID");
/// A file with the PIN.
pub(crate) const PIN_FILE: Setting = Setting::path(
    "pin_file",
    "File with the user PIN, readable by its owner only",
)
.from_environment("NOTATION_PKCS11_PIN_FILE");
/// A descriptor with the PIN.
pub(crate) const PIN_FD: Setting = Setting::new(
    "pin_fd",
    Kind::Number,
    "Number of an inherited file descriptor from which the user PIN is read",
)
.from_environment("NOTATION_PKCS11_PIN_FD");
/// A program that prints the PIN.
pub(crate) const PIN_COMMAND: Setting = Setting::text(
    "pin_command",
    "Program, with arguments separated by spaces, that prints the user PIN; it is run without a shell",
)
.from_environment("NOTATION_PKCS11_PIN_COMMAND");
/// The PIN itself, from the environment only.
pub(crate) const PIN: Setting = Setting::secret(
    PIN_VARIABLE,
    "User PIN. Prefer `pin_file`: other programs of the same user can read the environment",
)
.refused_as("pin");
/// Whether a token with one try left is tried.
pub(crate) const USE_LAST_PIN_TRY: Setting = Setting::new(
    "use_last_pin_try",
    Kind::Flag,
    "Whether to try the PIN on a token that locks if it is wrong once more",
)
.default("false");

/// All settings of the plugin, in the order of its documentation.
pub(crate) static SETTINGS: &[Setting] = &[
    MODULE,
    MODULE_ARGUMENTS,
    TOKEN,
    SLOT_ID,
    PIN_FILE,
    PIN_FD,
    PIN_COMMAND,
    PIN,
    USE_LAST_PIN_TRY,
    settings::CERTIFICATES,
];

/// What a key id and the settings mean together.
#[derive(Debug, Clone)]
pub(crate) struct KeyAddress {
    pub(crate) token: TokenAddress,
    pub(crate) object: ObjectName,
}

impl KeyAddress {
    /// Resolves a key id. What it says wins over the settings.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for a malformed key id or a module that is not found.
    pub(crate) fn of_key(key_id: &KeyId, settings: &Settings) -> Result<Self, PluginError> {
        let locator = KeyLocator::parse(key_id.as_str())
            .map_err(|error| PluginError::validation(error.to_string()))?;
        let token = resolve(&locator, settings)?;
        Ok(Self {
            token,
            object: locator.object,
        })
    }
}

/// The token that the settings alone mean, for commands that name no key.
///
/// # Errors
/// `VALIDATION_ERROR` for a module that is not found.
pub(crate) fn token_of_settings(settings: &Settings) -> Result<TokenAddress, PluginError> {
    let nothing = KeyLocator {
        token: TokenFilter::default(),
        object: ObjectName::Exact {
            label: None,
            id: None,
        },
        module_path: None,
        module_name: None,
        pin_source: None,
    };
    resolve(&nothing, settings)
}

fn resolve(locator: &KeyLocator, settings: &Settings) -> Result<TokenAddress, PluginError> {
    let (path, name) = match (&locator.module_path, &locator.module_name) {
        (None, None) => (settings.get(&MODULE), None),
        (path, name) => (path.as_deref(), name.as_deref()),
    };
    let module = module_search::find(path, name)
        .map_err(|error| PluginError::validation(error.to_string()))?;
    let mut token = locator.token.clone();
    if token == TokenFilter::default() {
        token.label = settings.get(&TOKEN).map(str::to_owned);
        token.slot_id = settings.number(&SLOT_ID);
    }
    Ok(TokenAddress {
        module,
        module_arguments: settings.get(&MODULE_ARGUMENTS).map(str::to_owned),
        token,
        login: Login {
            pin: pin_source(locator.pin_source.as_deref(), settings)?,
            use_last_try: settings.flag(&USE_LAST_PIN_TRY),
        },
    })
}

/// The first of: `pin-source` of the URI, file, descriptor, program, environment.
fn pin_source(of_uri: Option<&str>, settings: &Settings) -> Result<Option<PinSource>, PluginError> {
    if let Some(source) = of_uri {
        return parse_pin_source(source).map(Some);
    }
    if let Some(path) = settings.path(&PIN_FILE) {
        return Ok(Some(PinSource::File(path.to_owned())));
    }
    if let Some(number) = settings.number(&PIN_FD) {
        let number = u32::try_from(number).map_err(|_| {
            PluginError::validation(format!(
                "`pin_fd` is {number}, which no file descriptor can be"
            ))
        })?;
        return Ok(Some(PinSource::Descriptor(number)));
    }
    if let Some(line) = settings.get(&PIN_COMMAND) {
        return Ok(Some(PinSource::Command(line.to_owned())));
    }
    Ok(settings.secret(&PIN).map(|_| PinSource::Environment))
}

/// `pin-source` of RFC 7512 §2.4: a `file:` URI, a path, or `|` and a program.
fn parse_pin_source(source: &str) -> Result<PinSource, PluginError> {
    if let Some(program) = source.strip_prefix('|') {
        return Ok(PinSource::Command(program.to_owned()));
    }
    let path = source
        .strip_prefix("file://")
        .or_else(|| source.strip_prefix("file:"))
        .unwrap_or(source);
    if path.starts_with('/') {
        Ok(PinSource::File(PathBuf::from(path)))
    } else {
        Err(PluginError::validation(
            "`pin-source` in the key id has to be an absolute path, a `file:` URI or `|` followed by a program",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_source_is_a_path_a_file_uri_or_a_program() {
        let file = PinSource::File(PathBuf::from("/run/pin"));
        for source in ["/run/pin", "file:/run/pin", "file:///run/pin"] {
            assert_eq!(parse_pin_source(source).unwrap(), file, "{source}");
        }
        assert_eq!(
            parse_pin_source("|pass show hsm").unwrap(),
            PinSource::Command("pass show hsm".to_owned())
        );
        for source in ["pin", "", "file:pin", "https://example.com/pin"] {
            assert!(parse_pin_source(source).is_err(), "{source}");
        }
    }
}
