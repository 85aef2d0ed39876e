//! Text that is not shown.

use std::fmt;

use zeroize::Zeroizing;

/// A password or token: not shown by `Debug`, wiped from memory when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text, for the one place that has to send it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

#[cfg(test)]
mod tests {
    use crate::Credential;

    #[test]
    fn a_password_is_not_shown() {
        let credential = Credential::from_login("user", "hunter2");
        assert!(!format!("{credential:?}").contains("hunter2"));
    }
}
