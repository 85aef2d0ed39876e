//! Which of the module's slots holds the token that is meant.

use cryptoki::slot::Slot;

use super::error::TokenError;
use super::info::TokenInfo;
use super::library::Module;
use crate::locator::TokenFilter;
use crate::uri::Pkcs11Uri;

/// Finds the one token that matches.
///
/// # Errors
/// [`TokenError`] with the tokens that there are, if none or several match.
pub(crate) fn find(module: &Module, filter: &TokenFilter) -> Result<(Slot, TokenInfo), TokenError> {
    let action = "listing the tokens";
    let slots = module
        .functions()
        .get_slots_with_token()
        .map_err(TokenError::call(action))?;
    // A token that does not describe itself is no candidate, and no reason to fail for the others.
    let tokens: Vec<(Slot, TokenInfo)> = slots
        .into_iter()
        .filter_map(|slot| Some((slot, module.raw().token_info(slot).ok()?)))
        .collect();
    let mut matching: Vec<(Slot, TokenInfo)> = tokens
        .iter()
        .filter(|(slot, info)| matches(module, filter, *slot, info))
        .cloned()
        .collect();
    // Modules show a place for one more token as a token that is not initialised.
    let uninitialised = matching
        .iter()
        .find(|(_, info)| !info.is_initialised())
        .map(|(slot, _)| slot.id());
    matching.retain(|(_, info)| info.is_initialised());
    match (matching.len(), uninitialised) {
        (1, _) => matching
            .pop()
            .ok_or_else(|| TokenError::NoToken(module.path().to_owned())),
        (0, _) if tokens.is_empty() => Err(TokenError::NoToken(module.path().to_owned())),
        (0, Some(slot)) => Err(TokenError::Uninitialised { slot }),
        (0, None) => Err(TokenError::NoSuchToken {
            wanted: filter.to_string(),
            present: describe(&tokens),
        }),
        (count, _) => Err(TokenError::SeveralTokens {
            count,
            wanted: if *filter == TokenFilter::default() {
                String::new()
            } else {
                format!(" {filter}")
            },
            candidates: describe(&matching),
            example: example(&matching),
        }),
    }
}

fn matches(module: &Module, filter: &TokenFilter, slot: Slot, info: &TokenInfo) -> bool {
    let same = |wanted: &Option<String>, actual: &str| {
        wanted.as_deref().is_none_or(|wanted| wanted == actual)
    };
    let slot_matches = || {
        if filter.slot_description.is_none() && filter.slot_manufacturer.is_none() {
            return true;
        }
        module.functions().get_slot_info(slot).is_ok_and(|info| {
            same(&filter.slot_description, info.slot_description())
                && same(&filter.slot_manufacturer, info.manufacturer_id())
        })
    };
    same(&filter.label, info.label())
        && same(&filter.manufacturer, info.manufacturer())
        && same(&filter.serial, info.serial())
        && same(&filter.model, info.model())
        && filter.slot_id.is_none_or(|wanted| wanted == slot.id())
        && slot_matches()
}

fn describe(tokens: &[(Slot, TokenInfo)]) -> String {
    let initialised: Vec<String> = tokens
        .iter()
        .filter(|(_, info)| info.is_initialised())
        .map(|(slot, info)| {
            format!(
                "`{}` (serial {}, slot-id {})",
                info.label(),
                info.serial(),
                slot.id()
            )
        })
        .collect();
    if initialised.is_empty() {
        "no initialised token".to_owned()
    } else {
        initialised.join(", ")
    }
}

fn example(tokens: &[(Slot, TokenInfo)]) -> String {
    let serial = tokens.first().map(|(_, info)| info.serial().to_owned());
    Pkcs11Uri {
        serial,
        object: Some("LABEL".to_owned()),
        ..Pkcs11Uri::default()
    }
    .to_string()
}
