//! The signing keys of a region, for `keys`.

use std::collections::BTreeMap;

use aws_sdk_kms::types::{KeyMetadata, KeyState, KeyUsageType};
use futures::StreamExt as _;
use futures::stream;
use notary_plugin_protocol::KeySpec;
use notary_plugin_sdk::{Context, KeyListing, PluginError};

use crate::connection::{Regional, ask};
use crate::refusal::Call;

/// Keys that are described at the same time.
const DESCRIBED_TOGETHER: usize = 8;
/// Pages of 100 keys that are read: an account has 100,000 keys at most, and nobody reads such a list.
const MOST_PAGES: usize = 20;

/// The asymmetric keys that are meant for signatures, usable or not.
pub(crate) async fn list(
    regional: &Regional,
    context: &Context,
) -> Result<Vec<KeyListing>, PluginError> {
    let (arns, aliases) =
        futures::future::try_join(key_arns(regional, context), aliases(regional, context)).await?;
    let described = stream::iter(&arns)
        .map(|arn| describe(regional, arn, &aliases, context))
        .buffered(DESCRIBED_TOGETHER)
        .collect::<Vec<_>>()
        .await;
    Ok(described.into_iter().flatten().collect())
}

async fn key_arns(regional: &Regional, context: &Context) -> Result<Vec<String>, PluginError> {
    let call = Call {
        action: "kms:ListKeys",
        target: regional.name(),
        quota: "ListKeys request rate",
    };
    let (mut arns, mut marker) = (Vec::new(), None);
    for _ in 0..MOST_PAGES {
        let page = ask(&call, context, || {
            regional.kms().list_keys().set_marker(marker.clone()).send()
        })
        .await?;
        let found = page.keys.unwrap_or_default();
        arns.extend(found.into_iter().filter_map(|entry| entry.key_arn));
        marker = page.next_marker;
        if marker.is_none() {
            break;
        }
    }
    Ok(arns)
}

/// Aliases by key id. Who may not list them sees keys without names.
async fn aliases(
    regional: &Regional,
    context: &Context,
) -> Result<BTreeMap<String, Vec<String>>, PluginError> {
    let call = Call {
        action: "kms:ListAliases",
        target: regional.name(),
        quota: "ListAliases request rate",
    };
    let (mut names, mut marker) = (BTreeMap::<String, Vec<String>>::new(), None);
    for _ in 0..MOST_PAGES {
        let page = ask(&call, context, || {
            let request = regional.kms().list_aliases();
            request.set_marker(marker.clone()).send()
        })
        .await;
        let Ok(page) = page else {
            break;
        };
        for entry in page.aliases.unwrap_or_default() {
            if let (Some(key), Some(name)) = (entry.target_key_id, entry.alias_name) {
                names.entry(key).or_default().push(name);
            }
        }
        marker = page.next_marker;
        if marker.is_none() {
            break;
        }
    }
    Ok(names)
}

async fn describe(
    regional: &Regional,
    arn: &str,
    aliases: &BTreeMap<String, Vec<String>>,
    context: &Context,
) -> Option<KeyListing> {
    let call = Call {
        action: "kms:DescribeKey",
        target: arn,
        quota: "DescribeKey request rate",
    };
    let answer = ask(&call, context, || {
        regional.kms().describe_key().key_id(arn).send()
    })
    .await;
    let key = match answer {
        Ok(answer) => answer.key_metadata?,
        Err(error) => {
            return Some(KeyListing {
                key_id: arn.to_owned(),
                key_spec: None,
                state: "unreadable".to_owned(),
                certificate: None,
                note: Some(error.message().to_owned()),
            });
        }
    };
    if key.key_usage() != Some(&KeyUsageType::SignVerify) {
        return None;
    }
    let names = aliases.get(key.key_id()).map(|names| names.join(", "));
    Some(KeyListing {
        key_id: arn.to_owned(),
        key_spec: spec(&key),
        state: state(&key),
        certificate: None,
        note: names,
    })
}

/// The key spec of the Notary Project for one of KMS.
fn spec(key: &KeyMetadata) -> Option<KeySpec> {
    let spec = key.key_spec()?.as_str();
    KeySpec::ALL
        .iter()
        .copied()
        .find(|known| name_in_kms(*known) == spec)
}

/// What KMS calls a key spec.
pub(crate) fn name_in_kms(key_spec: KeySpec) -> &'static str {
    match key_spec {
        KeySpec::Rsa2048 => "RSA_2048",
        KeySpec::Rsa3072 => "RSA_3072",
        KeySpec::Rsa4096 => "RSA_4096",
        KeySpec::Ec256 => "ECC_NIST_P256",
        KeySpec::Ec384 => "ECC_NIST_P384",
        KeySpec::Ec521 => "ECC_NIST_P521",
    }
}

fn state(key: &KeyMetadata) -> String {
    let state = key.key_state().unwrap_or(if key.enabled() {
        &KeyState::Enabled
    } else {
        &KeyState::Disabled
    });
    state.as_str().to_owned()
}
