//! Keys by URI: one word that says which plugin reaches a key and what the plugin calls it.
//!
//! | URI | plugin | key id |
//! |---|---|---|
//! | `awskms:///arn:aws:kms:…`, `awskms:///alias/release` | `aws-kms` | what follows `awskms:///` |
//! | `azurekms://VAULT.vault.azure.net/NAME/VERSION` | `azure-kv` | `https://VAULT.vault.azure.net/keys/NAME/VERSION` |
//! | `hashivault://release` | `hashicorp-vault` | what follows `hashivault://` |
//! | `pkcs11:token=…;object=…` (RFC 7512) | `pkcs11-hsm` | the whole URI |

use crate::failure::Failure;

/// A key and the plugin that reaches it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyUri {
    /// The plugin's name.
    pub plugin: &'static str,
    /// The key, as the plugin knows it.
    pub key_id: String,
}

const AWS: &str = "awskms://";
const AZURE: &str = "azurekms://";
const VAULT: &str = "hashivault://";
const PKCS11: &str = "pkcs11:";

impl KeyUri {
    /// Whether `text` starts as one of these URIs.
    #[must_use]
    pub fn is_one(text: &str) -> bool {
        [AWS, AZURE, VAULT, PKCS11]
            .iter()
            .any(|scheme| text.starts_with(scheme))
    }

    /// Reads a URI.
    ///
    /// # Errors
    /// Something is missing, or the URI has a part that the plugin takes from its own configuration.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let found = if let Some(rest) = text.strip_prefix(AWS) {
            aws(rest)
        } else if let Some(rest) = text.strip_prefix(AZURE) {
            azure(rest)
        } else if let Some(rest) = text.strip_prefix(VAULT) {
            some("hashicorp-vault", rest)
        } else {
            some("pkcs11-hsm", text).filter(|_| text.len() > PKCS11.len())
        };
        found.ok_or_else(|| malformed(text))
    }
}

fn some(plugin: &'static str, key_id: &str) -> Option<KeyUri> {
    let key_id = key_id.to_owned();
    (!key_id.is_empty()).then_some(KeyUri { plugin, key_id })
}

/// The authority is empty: region and endpoint come from the ARN and from AWS's own configuration.
fn aws(rest: &str) -> Option<KeyUri> {
    some("aws-kms", rest.strip_prefix('/')?)
}

fn azure(rest: &str) -> Option<KeyUri> {
    let (vault, key) = rest.split_once('/')?;
    let (name, version) = key.split_once('/').unwrap_or((key, ""));
    if vault.is_empty() || name.is_empty() || version.contains('/') {
        return None;
    }
    let version = if version.is_empty() {
        String::new()
    } else {
        format!("/{version}")
    };
    some("azure-kv", &format!("https://{vault}/keys/{name}{version}"))
}

fn malformed(text: &str) -> Failure {
    Failure::usage(format!("{text:?} is not the URI of a key")).hint(
        "Write awskms:///<key ARN or alias>, azurekms://<vault>.vault.azure.net/<key>, hashivault://<key>, or \
         pkcs11:object=<label>",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (&'static str, String) {
        let uri = KeyUri::parse(text).unwrap();
        (uri.plugin, uri.key_id)
    }

    #[test]
    fn each_scheme_leads_to_its_plugin() {
        for (uri, plugin, key_id) in [
            (
                "awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234",
                "aws-kms",
                "arn:aws:kms:eu-west-1:111122223333:key/1234",
            ),
            ("awskms:///alias/release", "aws-kms", "alias/release"),
            (
                "azurekms://example.vault.azure.net/release",
                "azure-kv",
                "https://example.vault.azure.net/keys/release",
            ),
            (
                "azurekms://example.vault.azure.net/release/0123",
                "azure-kv",
                "https://example.vault.azure.net/keys/release/0123",
            ),
            ("hashivault://release@3", "hashicorp-vault", "release@3"),
            (
                "pkcs11:token=hsm;object=release",
                "pkcs11-hsm",
                "pkcs11:token=hsm;object=release",
            ),
        ] {
            assert!(KeyUri::is_one(uri));
            assert_eq!(parsed(uri), (plugin, key_id.to_owned()), "{uri}");
        }
    }

    #[test]
    fn a_uri_without_a_key_is_refused() {
        for uri in [
            "awskms://",
            "awskms:///",
            "awskms://localhost:4566/alias/a",
            "azurekms://vault.azure.net",
            "azurekms:///release",
            "azurekms://v/k/1/2",
            "hashivault://",
            "pkcs11:",
        ] {
            assert!(KeyUri::parse(uri).is_err(), "{uri}");
        }
    }

    #[test]
    fn names_of_keys_are_no_uris() {
        assert!(!KeyUri::is_one("release"));
        assert!(!KeyUri::is_one("https://example.com/key"));
    }
}
