//! Values that must never be seen: redacted by type, wiped when dropped.

use std::fmt;

use zeroize::Zeroizing;

/// A PIN, password or token. It has no `Display`, its `Debug` shows nothing, and its memory is
/// overwritten when it is dropped, so it cannot reach a log, an error or an answer by accident.
///
/// ```
/// use notary_plugin_sdk::Secret;
///
/// let pin = Secret::new("1234".to_owned());
/// assert_eq!(format!("{pin:?}"), "[redacted]");
/// assert_eq!(pin.expose(), "1234");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes over a secret value.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value itself, for the one call that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
