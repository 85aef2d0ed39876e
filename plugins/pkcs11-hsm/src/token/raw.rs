//! The calls that `cryptoki` does not offer in the form that is needed here.
//!
//! - `C_SignInit`, a context-specific `C_Login`, `C_Sign`: keys that always authenticate need the
//!   log-in between the two (PKCS#11 §5.6.8), and `cryptoki` makes the two calls in one.
//! - `C_Sign` into a buffer that is large enough: `cryptoki` asks for the length first, which costs a
//!   second trip to a network HSM.
//! - `C_GetTokenInfo`, since `cryptoki` refuses tokens whose clock does not parse.
//! - the reserved argument of `C_Initialize`, which NSS takes its database directory from.

use std::ffi::{CString, c_void};
use std::path::Path;
use std::ptr::NonNull;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Function};
use cryptoki::error::{Rv, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;
use cryptoki::slot::Slot;
use cryptoki_sys::{
    CK_FUNCTION_LIST, CK_MECHANISM, CK_RV, CK_TOKEN_INFO, CK_ULONG, CKU_CONTEXT_SPECIFIC,
};

use super::error::TokenError;
use super::info::TokenInfo;
use crate::pin::Pin;

/// The longest signature of the six key specs is 512 bytes (RSA-4096); the rest is for larger RSA keys,
/// which are refused later with a better message than a full buffer.
const SIGNATURE_CAPACITY: usize = 2048;

/// What a key that always authenticates is unlocked with.
pub(crate) enum ContextLogin<'a> {
    /// The key needs no log-in of its own.
    No,
    /// The PIN is given.
    WithPin(&'a Pin),
    /// The PIN is entered at the reader.
    AtTheReader,
}

/// The function list of a module, for the calls that are made without the wrapper.
pub(crate) struct RawFunctions {
    list: NonNull<CK_FUNCTION_LIST>,
    // Keeps the library loaded for as long as the pointers into it are used.
    _library: cryptoki_sys::Pkcs11,
}

// SAFETY: the list is written once, when the library is loaded, and only read through `&self`. The module is
// initialised with `CKF_OS_LOCKING_OK`, or refuses to be, so that its functions may be called by several
// threads at a time (PKCS#11 §5.4).
unsafe impl Sync for RawFunctions {}

impl RawFunctions {
    /// The functions of the module at `path`, which `cryptoki` has loaded before: the loader hands out
    /// the same library again.
    pub(crate) fn load(path: &Path) -> Result<Self, TokenError> {
        // SAFETY: loading runs the library's constructors, which have run by now.
        let library =
            unsafe { cryptoki_sys::Pkcs11::new(path) }.map_err(|error| TokenError::ModuleLoad {
                path: path.to_owned(),
                reason: error.to_string(),
            })?;
        if library.C_GetFunctionList.is_err() {
            return Err(TokenError::NotPkcs11(path.to_owned()));
        }
        let mut list = std::ptr::null_mut();
        // SAFETY: the symbol exists, and `list` is a valid place for the pointer that it writes.
        let rv = unsafe { library.C_GetFunctionList(&raw mut list) };
        match (Rv::from(rv), NonNull::new(list)) {
            (Rv::Ok, Some(list)) => Ok(Self {
                list,
                _library: library,
            }),
            _ => Err(TokenError::NotPkcs11(path.to_owned())),
        }
    }

    /// Calls `initialize` with initialisation arguments that carry `arguments`, which live as long as
    /// the call.
    pub(crate) fn initialize_with<T>(
        &self,
        arguments: Option<&str>,
        initialize: impl FnOnce(Option<CInitializeArgs>) -> Result<T, TokenError>,
    ) -> Result<T, TokenError> {
        let Some(arguments) = arguments else {
            return initialize(None);
        };
        let text = CString::new(arguments).map_err(|_| TokenError::Broken {
            action: "initialising the module",
            reason: "the module arguments hold a NUL".to_owned(),
        })?;
        let reserved = NonNull::from(text.as_c_str()).cast::<c_void>();
        // SAFETY: modules that take an argument here expect a NUL-terminated string, and copy what they
        // keep of it; it lives until this function returns. It is only passed when the user asks.
        let with = unsafe {
            CInitializeArgs::new_with_reserved(CInitializeFlags::OS_LOCKING_OK, reserved)
        };
        initialize(Some(with))
    }

    /// What the token in a slot says about itself.
    ///
    /// # Errors
    /// The function that failed and its return value.
    pub(crate) fn token_info(&self, slot: Slot) -> Result<TokenInfo, (Function, RvError)> {
        // SAFETY: as in `sign`.
        let list = unsafe { self.list.as_ref() };
        let Some(get_token_info) = list.C_GetTokenInfo else {
            return Err((Function::GetTokenInfo, RvError::FunctionNotSupported));
        };
        let mut info = CK_TOKEN_INFO::default();
        // SAFETY: `info` is a valid place for the structure that the module fills in.
        let rv = unsafe { get_token_info(slot.into(), &raw mut info) };
        check(rv, Function::GetTokenInfo)?;
        Ok(info.into())
    }

    /// Signs `data` in one part.
    ///
    /// # Errors
    /// The function that failed and its return value.
    pub(crate) fn sign(
        &self,
        session: &Session,
        mechanism: &Mechanism<'_>,
        key: ObjectHandle,
        login: &ContextLogin<'_>,
        data: &[u8],
    ) -> Result<Vec<u8>, (Function, RvError)> {
        // SAFETY: the list belongs to the library that `self` keeps loaded, and modules never change it.
        let list = unsafe { self.list.as_ref() };
        let (Some(sign_init), Some(sign)) = (list.C_SignInit, list.C_Sign) else {
            return Err((Function::SignInit, RvError::FunctionNotSupported));
        };
        let mut mechanism: CK_MECHANISM = mechanism.into();
        // SAFETY: session and key are handles that the module gave out and that `Session` keeps open;
        // the mechanism and its parameters live on this frame and the caller's.
        let rv = unsafe { sign_init(session.handle(), &raw mut mechanism, key.handle()) };
        check(rv, Function::SignInit)?;
        self.context_login(session, login)?;

        let length = length_of(data.len())?;
        let mut signature = vec![0_u8; SIGNATURE_CAPACITY];
        let mut written = length_of(signature.len())?;
        // SAFETY: `data` is valid for `length` bytes and not written to, though the type says `*mut`;
        // `signature` is valid for `written` bytes, which the module must not exceed.
        let rv = unsafe {
            sign(
                session.handle(),
                data.as_ptr().cast_mut(),
                length,
                signature.as_mut_ptr(),
                &raw mut written,
            )
        };
        check(rv, Function::Sign)?;
        let written = usize::try_from(written).unwrap_or(usize::MAX);
        signature.truncate(written);
        Ok(signature)
    }

    fn context_login(
        &self,
        session: &Session,
        login: &ContextLogin<'_>,
    ) -> Result<(), (Function, RvError)> {
        let (pin, length) = match login {
            ContextLogin::No => return Ok(()),
            ContextLogin::WithPin(pin) => {
                let pin = pin.expose().as_bytes();
                (pin.as_ptr().cast_mut(), length_of(pin.len())?)
            }
            ContextLogin::AtTheReader => (std::ptr::null_mut(), 0),
        };
        // SAFETY: as in `sign`.
        let list = unsafe { self.list.as_ref() };
        let Some(log_in) = list.C_Login else {
            return Err((Function::Login, RvError::FunctionNotSupported));
        };
        // SAFETY: the PIN is valid for `length` bytes and not written to; NULL with length 0 means the
        // protected authentication path.
        let rv = unsafe { log_in(session.handle(), CKU_CONTEXT_SPECIFIC, pin, length) };
        check(rv, Function::Login)
    }
}

fn check(rv: CK_RV, function: Function) -> Result<(), (Function, RvError)> {
    match Rv::from(rv) {
        Rv::Ok => Ok(()),
        Rv::Error(rv) => Err((function, rv)),
    }
}

fn length_of(length: usize) -> Result<CK_ULONG, (Function, RvError)> {
    CK_ULONG::try_from(length).map_err(|_| (Function::Sign, RvError::DataLenRange))
}
