//! Writing a message.

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use serde::{Serialize, Serializer};

/// One JSON value on one line, without a newline at its end.
pub(crate) fn compact(message: &impl Serialize) -> Vec<u8> {
    match serde_json::to_vec(message) {
        Ok(bytes) => bytes,
        Err(error) => unreachable!("a message has only strings, numbers and maps of them: {error}"),
    }
}

/// Bytes that stand on the wire as base64 (RFC 4648 §4, with padding).
pub(crate) struct Base64<'a>(pub(crate) &'a [u8]);

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(self.0, &STANDARD))
    }
}

#[cfg(feature = "schemas")]
impl schemars::JsonSchema for Base64<'_> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Base64".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        crate::schemas::base64()
    }
}

pub(crate) fn base64_list(list: &[Vec<u8>]) -> Vec<Base64<'_>> {
    list.iter().map(|bytes| Base64(bytes)).collect()
}
