//! What Transit tells about a key.

use std::collections::BTreeMap;

use der::Document;
use notary_plugin_protocol::KeySpec;
use notary_plugin_sdk::PluginError;
use notary_x509::PublicKey;
use serde::Deserialize;
use serde_json::Value;

use crate::key_id::KeyAddress;

/// The answer to reading a key. Members that a server does not send are as if they were not set.
#[derive(Debug, Deserialize)]
pub(crate) struct KeyRecord {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    keys: BTreeMap<String, Value>,
    #[serde(default)]
    pub(crate) latest_version: u32,
    #[serde(default)]
    min_encryption_version: u32,
    #[serde(default)]
    min_decryption_version: u32,
    #[serde(default)]
    derived: bool,
    #[serde(default)]
    exportable: bool,
    #[serde(default)]
    allow_plaintext_backup: bool,
    #[serde(default)]
    soft_deleted: bool,
}

/// One version of a key that has a public half.
#[derive(Debug)]
pub(crate) struct KeyVersion {
    pub(crate) number: u32,
    pub(crate) public_key: Option<PublicKey>,
    /// Certificates in PEM; empty where none were stored.
    pub(crate) certificate_chain: String,
}

#[derive(Deserialize)]
struct VersionMembers {
    #[serde(default)]
    public_key: String,
    #[serde(default)]
    certificate_chain: String,
}

impl KeyRecord {
    /// The version that signs for a key id: the pinned one, or the latest.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` where the key cannot make signatures, or this version of it may not.
    pub(crate) fn signing_version(
        &self,
        address: &KeyAddress,
        allow_exportable: bool,
    ) -> Result<KeyVersion, PluginError> {
        self.check_kind(address)?;
        self.check_secrecy(address, allow_exportable)?;
        let number = address
            .version
            .map_or(self.latest_version, |version| version.get());
        self.check_version(address, number)?;
        self.version(number).ok_or_else(|| {
            PluginError::validation(format!(
                "{} has no version {number}; it has {}",
                address.key_path(),
                self.known_versions()
            ))
        })
    }

    /// Every version that the server tells about.
    pub(crate) fn versions(&self) -> impl Iterator<Item = KeyVersion> {
        let numbers = self.keys.keys().filter_map(|number| number.parse().ok());
        numbers.filter_map(|number| self.version(number))
    }

    fn version(&self, number: u32) -> Option<KeyVersion> {
        let members = self.keys.get(&number.to_string())?;
        // Symmetric keys have a time here instead of an object.
        let members: VersionMembers = VersionMembers::deserialize(members).ok()?;
        Some(KeyVersion {
            number,
            public_key: public_key(&members.public_key),
            certificate_chain: members.certificate_chain,
        })
    }

    /// Why the key cannot make signatures of the Notary Project, if so; for lists.
    pub(crate) fn obstacle(&self) -> Option<String> {
        let supported = self.is_managed() || key_spec(&self.kind).is_some();
        if !supported {
            return Some(format!("{} is outside the specification", self.kind));
        }
        if self.soft_deleted {
            return Some("the key is deleted".to_owned());
        }
        self.exposure()
            .map(|exposure| format!("{exposure}: wants `allow_exportable`"))
    }

    pub(crate) fn key_spec(&self) -> Option<KeySpec> {
        key_spec(&self.kind)
    }

    pub(crate) fn is_managed(&self) -> bool {
        self.kind == "managed_key"
    }

    fn check_kind(&self, address: &KeyAddress) -> Result<(), PluginError> {
        let path = address.key_path();
        if self.soft_deleted {
            return Err(PluginError::validation(format!(
                "{path} is deleted (soft-deleted): restore it, or use another key"
            )));
        }
        if self.derived {
            return Err(PluginError::validation(format!(
                "{path} is a derived key, which needs a context for each signature: make a key without `derived`"
            )));
        }
        if self.is_managed() || self.key_spec().is_some() {
            return Ok(());
        }
        Err(PluginError::validation(format!(
            "{path} is a key of type {}, which cannot make Notary Project signatures: use rsa-2048, rsa-3072, rsa-4096, ecdsa-p256, ecdsa-p384 or ecdsa-p521",
            self.kind
        )))
    }

    fn check_secrecy(&self, address: &KeyAddress, allowed: bool) -> Result<(), PluginError> {
        match self.exposure() {
            Some(exposure) if !allowed => Err(PluginError::validation(format!(
                "{} {exposure}, so the server does not keep it secret: use a key that cannot leave, or set `allow_exportable` to `true`",
                address.key_path()
            ))),
            _ => Ok(()),
        }
    }

    fn exposure(&self) -> Option<&'static str> {
        match (self.exportable, self.allow_plaintext_backup) {
            (true, _) => Some("can be exported"),
            (_, true) => Some("can be backed up in plain text"),
            _ => None,
        }
    }

    fn check_version(&self, address: &KeyAddress, number: u32) -> Result<(), PluginError> {
        let path = address.key_path();
        let refused = |why: String| Err(PluginError::validation(format!("{path}: {why}")));
        if number > self.latest_version {
            return refused(format!(
                "version {number} does not exist; the latest is {}",
                self.latest_version
            ));
        }
        if number < self.min_encryption_version {
            return refused(format!(
                "version {number} may not sign any more: `min_encryption_version` is {}",
                self.min_encryption_version
            ));
        }
        if number < self.min_decryption_version {
            return refused(format!(
                "version {number} is archived: `min_decryption_version` is {}",
                self.min_decryption_version
            ));
        }
        Ok(())
    }

    fn known_versions(&self) -> String {
        let mut numbers: Vec<u32> = self
            .keys
            .keys()
            .filter_map(|number| number.parse().ok())
            .collect();
        numbers.sort_unstable();
        match (numbers.first(), numbers.last()) {
            (Some(first), Some(last)) if first != last => format!("{first} to {last}"),
            (Some(only), _) => only.to_string(),
            _ => "none".to_owned(),
        }
    }
}

/// The key spec of a type of Transit keys.
fn key_spec(kind: &str) -> Option<KeySpec> {
    Some(match kind {
        "rsa-2048" => KeySpec::Rsa2048,
        "rsa-3072" => KeySpec::Rsa3072,
        "rsa-4096" => KeySpec::Rsa4096,
        "ecdsa-p256" => KeySpec::Ec256,
        "ecdsa-p384" => KeySpec::Ec384,
        "ecdsa-p521" => KeySpec::Ec521,
        _ => return None,
    })
}

/// The type of Transit keys that a key spec is.
pub(crate) fn kind_of(key_spec: KeySpec) -> &'static str {
    match key_spec {
        KeySpec::Rsa2048 => "rsa-2048",
        KeySpec::Rsa3072 => "rsa-3072",
        KeySpec::Rsa4096 => "rsa-4096",
        KeySpec::Ec256 => "ecdsa-p256",
        KeySpec::Ec384 => "ecdsa-p384",
        KeySpec::Ec521 => "ecdsa-p521",
    }
}

fn public_key(pem: &str) -> Option<PublicKey> {
    let (label, document) = Document::from_pem(pem).ok()?;
    (label == "PUBLIC KEY").then_some(())?;
    PublicKey::from_spki_der(document.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use notary_plugin_protocol::KeyId;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn record(changes: Value) -> KeyRecord {
        let mut record = json!({
            "type": "ecdsa-p256", "latest_version": 3,
            "keys": { "2": { "public_key": "" }, "3": { "public_key": "" } },
        });
        for (name, value) in changes.as_object().unwrap() {
            record[name] = value.clone();
        }
        serde_json::from_value(record).unwrap()
    }

    fn version(record: &KeyRecord, key_id: &str) -> Result<u32, PluginError> {
        let context =
            notary_plugin_sdk::Context::for_request(&crate::DESCRIPTION, &Default::default());
        let key_id = KeyId::new(key_id).unwrap();
        let address = KeyAddress::of_key(&key_id, context.unwrap().settings()).unwrap();
        record
            .signing_version(&address, false)
            .map(|version| version.number)
    }

    #[test]
    fn the_pinned_version_signs_and_else_the_latest() {
        let record = record(json!({}));
        assert_eq!(version(&record, "release@2").unwrap(), 2);
        assert_eq!(version(&record, "release").unwrap(), 3);
    }

    #[test]
    fn a_version_that_may_not_sign_is_refused_with_the_limit() {
        let limit = |changes| {
            version(&record(changes), "release@2")
                .unwrap_err()
                .message()
                .to_owned()
        };
        assert!(
            limit(json!({ "min_encryption_version": 3 })).contains("`min_encryption_version` is 3")
        );
        assert!(
            limit(json!({ "min_decryption_version": 3 })).contains("`min_decryption_version` is 3")
        );
        assert!(limit(json!({ "latest_version": 1 })).contains("the latest is 1"));
        assert!(
            version(&record(json!({})), "release@1")
                .unwrap_err()
                .message()
                .contains("it has 2 to 3")
        );
    }

    #[test]
    fn a_key_that_cannot_or_should_not_sign_is_refused() {
        for (changes, word) in [
            (json!({ "type": "aes256-gcm96" }), "type aes256-gcm96"),
            (json!({ "type": "ed25519" }), "type ed25519"),
            (json!({ "type": "hmac" }), "type hmac"),
            (json!({ "derived": true }), "derived"),
            (json!({ "exportable": true }), "allow_exportable"),
            (
                json!({ "allow_plaintext_backup": true }),
                "allow_exportable",
            ),
            (json!({ "soft_deleted": true }), "deleted"),
        ] {
            let error = version(&record(changes), "release").unwrap_err();
            assert!(error.message().contains(word), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_record_is_read_or_refused(number in any::<u32>(), name in "[0-9a-z]{0,12}", pem in ".{0,80}") {
            let text = json!({ "type": "rsa-2048", "latest_version": number, "keys": { name: { "public_key": pem } } });
            let record: KeyRecord = serde_json::from_value(text).unwrap();
            let _ = version(&record, "release");
            prop_assert!(record.versions().count() <= 1);
        }
    }
}
