//! What a token says about itself.
//!
//! It is read without `cryptoki`'s own type for it, which refuses a token whose clock does not parse; a
//! token without a clock may put anything there, and opencryptoki does.

use cryptoki_sys::{
    CK_FLAGS, CK_TOKEN_INFO, CKF_LOGIN_REQUIRED, CKF_PROTECTED_AUTHENTICATION_PATH,
    CKF_TOKEN_INITIALIZED, CKF_USER_PIN_COUNT_LOW, CKF_USER_PIN_FINAL_TRY,
    CKF_USER_PIN_INITIALIZED, CKF_USER_PIN_LOCKED,
};

/// The parts of `CK_TOKEN_INFO` that matter here.
#[derive(Debug, Clone)]
pub(crate) struct TokenInfo {
    label: String,
    manufacturer: String,
    model: String,
    serial: String,
    flags: CK_FLAGS,
    min_pin: usize,
    max_pin: usize,
}

impl From<CK_TOKEN_INFO> for TokenInfo {
    fn from(info: CK_TOKEN_INFO) -> Self {
        Self {
            label: unpadded(&info.label),
            manufacturer: unpadded(&info.manufacturerID),
            model: unpadded(&info.model),
            serial: unpadded(&info.serialNumber),
            flags: info.flags,
            min_pin: usize::try_from(info.ulMinPinLen).unwrap_or(usize::MAX),
            max_pin: usize::try_from(info.ulMaxPinLen).unwrap_or(usize::MAX),
        }
    }
}

/// Texts are padded with blanks (PKCS#11 §3.2); some modules end them with a NUL.
fn unpadded(text: &[u8]) -> String {
    let end = text
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(text.len());
    let text = text.get(..end).unwrap_or_default();
    String::from_utf8_lossy(text)
        .trim_end_matches(' ')
        .to_owned()
}

impl TokenInfo {
    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    pub(crate) fn manufacturer(&self) -> &str {
        &self.manufacturer
    }

    pub(crate) fn model(&self) -> &str {
        &self.model
    }

    pub(crate) fn serial(&self) -> &str {
        &self.serial
    }

    /// The lengths of a user PIN in bytes.
    pub(crate) fn pin_lengths(&self) -> std::ops::RangeInclusive<usize> {
        self.min_pin..=self.max_pin
    }

    pub(crate) fn is_initialised(&self) -> bool {
        self.has(CKF_TOKEN_INITIALIZED)
    }

    pub(crate) fn wants_login(&self) -> bool {
        self.has(CKF_LOGIN_REQUIRED)
    }

    pub(crate) fn has_user_pin(&self) -> bool {
        self.has(CKF_USER_PIN_INITIALIZED)
    }

    /// Whether the PIN is entered at the token or its reader.
    pub(crate) fn has_pin_pad(&self) -> bool {
        self.has(CKF_PROTECTED_AUTHENTICATION_PATH)
    }

    /// Whether a wrong PIN was entered since the last right one.
    pub(crate) fn counts_wrong_pins(&self) -> bool {
        self.has(CKF_USER_PIN_COUNT_LOW)
    }

    /// Whether the next wrong PIN locks the token.
    pub(crate) fn is_at_last_try(&self) -> bool {
        self.has(CKF_USER_PIN_FINAL_TRY)
    }

    pub(crate) fn is_locked(&self) -> bool {
        self.has(CKF_USER_PIN_LOCKED)
    }

    fn has(&self, flag: CK_FLAGS) -> bool {
        self.flags & flag != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_end_before_their_padding_whichever_it_is() {
        for text in [&b"token   "[..], b"token\0\0\0", b"token\0junk", b"token"] {
            assert_eq!(unpadded(text), "token");
        }
    }
}
