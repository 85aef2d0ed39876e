//! What a key id means: the forms in which AWS names a key.

use std::fmt;

use notary_plugin_protocol::KeyId;
use notary_plugin_sdk::PluginError;

/// A key as it was named, and the region that the name holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyName {
    /// What KMS is asked for.
    text: String,
    region: Option<String>,
    is_alias: bool,
}

/// The longest name that KMS takes for a key.
const LONGEST: usize = 2048;

const FORMS: &str = "write a key ARN (`arn:aws:kms:REGION:ACCOUNT:key/ID`), an alias ARN (`…:alias/NAME`), a key id, or `alias/NAME`";

impl KeyName {
    /// Reads a key id.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` that says what is wrong with it.
    pub(crate) fn parse(key_id: &KeyId) -> Result<Self, PluginError> {
        let text = key_id.as_str().trim();
        // As other tools write it, and `apostille` on its command line.
        let text = text.strip_prefix("awskms:///").unwrap_or(text);
        if text.len() > LONGEST {
            return Err(PluginError::validation(format!(
                "the key id is longer than {LONGEST} bytes: {FORMS}"
            )));
        }
        if text.starts_with("arn:") {
            return Self::of_arn(text);
        }
        if text.strip_prefix("alias/").is_some_and(is_alias_name) || is_key_identifier(text) {
            return Ok(Self {
                text: text.to_owned(),
                region: None,
                is_alias: text.starts_with("alias/"),
            });
        }
        Err(PluginError::validation(format!(
            "`{text}` names no KMS key: {FORMS}"
        )))
    }

    fn of_arn(text: &str) -> Result<Self, PluginError> {
        let malformed = |why: String| {
            PluginError::validation(format!("`{text}` is no ARN of a KMS key: {why}"))
        };
        let arn = Arn::parse(text).ok_or_else(|| malformed(FORMS.to_owned()))?;
        if arn.service != "kms" {
            return Err(malformed(format!(
                "it is one of the service `{}`",
                arn.service
            )));
        }
        let expected = partition_of(arn.region);
        if arn.region.is_empty() || !is_region(arn.region) {
            return Err(malformed(format!("`{}` is no region", arn.region)));
        }
        if arn.partition != expected {
            return Err(malformed(format!(
                "the region {} is in the partition `{expected}`, not `{}`",
                arn.region, arn.partition
            )));
        }
        if arn.account.len() != 12 || !arn.account.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(malformed(
                "its account is not a number of 12 digits".to_owned(),
            ));
        }
        let is_alias = match arn.resource.split_once('/') {
            Some(("key", id)) if is_key_identifier(id) => false,
            Some(("alias", name)) if is_alias_name(name) => true,
            _ => {
                return Err(malformed(format!(
                    "`{}` is neither `key/ID` nor `alias/NAME`",
                    arn.resource
                )));
            }
        };
        Ok(Self {
            text: text.to_owned(),
            region: Some(arn.region.to_owned()),
            is_alias,
        })
    }

    /// The name as KMS takes it.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The region of the ARN.
    pub(crate) fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// Whether the name may come to mean another key.
    pub(crate) fn is_alias(&self) -> bool {
        self.is_alias
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The parts of an Amazon Resource Name.
#[derive(Debug)]
pub(crate) struct Arn<'a> {
    pub(crate) partition: &'a str,
    pub(crate) service: &'a str,
    pub(crate) region: &'a str,
    pub(crate) account: &'a str,
    pub(crate) resource: &'a str,
}

impl<'a> Arn<'a> {
    /// `arn:partition:service:region:account:resource`
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.strip_prefix("arn:")?.splitn(5, ':');
        Some(Self {
            partition: parts.next()?,
            service: parts.next()?,
            region: parts.next()?,
            account: parts.next()?,
            resource: parts.next()?,
        })
    }
}

/// The partition that a region belongs to. Those that are not listed are in the commercial one.
fn partition_of(region: &str) -> &'static str {
    const PARTITIONS: &[(&str, &str)] = &[
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("us-iso-", "aws-iso"),
        ("eu-isoe-", "aws-iso-e"),
        ("eusc-", "aws-eusc"),
    ];
    PARTITIONS
        .iter()
        .find(|(prefix, _)| region.starts_with(prefix))
        .map_or("aws", |(_, partition)| partition)
}

/// Whether a text can be a region: it becomes part of a host name.
pub(crate) fn is_region(text: &str) -> bool {
    text.contains('-')
        && text.len() <= 32
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// A UUID, or the id of a multi-region key: `mrk-` and 32 hexadecimal digits.
fn is_key_identifier(text: &str) -> bool {
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if let Some(digits) = text.strip_prefix("mrk-") {
        return digits.len() == 32 && is_hex(digits);
    }
    let lengths = [8, 4, 4, 4, 12];
    text.split('-').count() == lengths.len()
        && text
            .split('-')
            .zip(lengths)
            .all(|(part, length)| part.len() == length && is_hex(part))
}

fn is_alias_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 250
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/_-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const UUID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

    fn parse(text: &str) -> Result<KeyName, PluginError> {
        KeyName::parse(&KeyId::new(text).unwrap())
    }

    #[test]
    fn every_form_of_a_key_is_understood() {
        let mrk = format!("mrk-{}", "0123456789abcdef".repeat(2));
        for (text, region, is_alias) in [
            (UUID.to_owned(), None, false),
            (mrk.clone(), None, false),
            ("alias/release/linux_1-2".to_owned(), None, true),
            (
                format!("arn:aws:kms:eu-west-1:111122223333:key/{UUID}"),
                Some("eu-west-1"),
                false,
            ),
            (
                format!("arn:aws-cn:kms:cn-north-1:111122223333:key/{mrk}"),
                Some("cn-north-1"),
                false,
            ),
            (
                "arn:aws-us-gov:kms:us-gov-west-1:111122223333:alias/release".to_owned(),
                Some("us-gov-west-1"),
                true,
            ),
        ] {
            let name = parse(&text).unwrap();
            assert_eq!(
                (name.as_str(), name.region(), name.is_alias()),
                (text.as_str(), region, is_alias)
            );
        }
    }

    #[test]
    fn what_names_no_key_is_refused_with_the_reason() {
        for (text, reason) in [
            ("release".to_owned(), "write a key ARN"),
            ("alias/".to_owned(), "write a key ARN"),
            ("alias/a b".to_owned(), "write a key ARN"),
            ("arn:aws:kms:eu-west-1".to_owned(), "write a key ARN"),
            (
                format!("arn:aws:s3:eu-west-1:111122223333:key/{UUID}"),
                "the service `s3`",
            ),
            (
                format!("arn:aws:kms:cn-north-1:111122223333:key/{UUID}"),
                "partition `aws-cn`",
            ),
            (
                format!("arn:aws-cn:kms:eu-west-1:111122223333:key/{UUID}"),
                "partition `aws`",
            ),
            (format!("arn:aws:kms::111122223333:key/{UUID}"), "no region"),
            (
                format!("arn:aws:kms:evil.example/-:111122223333:key/{UUID}"),
                "no region",
            ),
            (
                format!("arn:aws:kms:eu-west-1:1111:key/{UUID}"),
                "12 digits",
            ),
            (
                "arn:aws:kms:eu-west-1:111122223333:key/1234".to_owned(),
                "neither `key/ID`",
            ),
            (
                "arn:aws:kms:eu-west-1:111122223333:custom-key-store/x".to_owned(),
                "neither `key/ID`",
            ),
            ("a".repeat(LONGEST + 1), "longer than"),
        ] {
            let error = parse(&text).unwrap_err();
            assert!(error.message().contains(reason), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "(arn:)?[a-z0-9:/-]{1,80}") {
            let _ = parse(&text);
        }
    }
}
