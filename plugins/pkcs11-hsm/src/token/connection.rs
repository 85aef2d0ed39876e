//! A session with one token, logged in once and opened again when it is lost.

use std::cell::OnceCell;
use std::path::PathBuf;

use cryptoki::error::{Error as CryptokiError, RvError};
use cryptoki::mechanism::MechanismType;
use cryptoki::session::{Session, SessionState, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use serde::{Deserialize, Serialize};

use super::error::TokenError;
use super::info::TokenInfo;
use super::lanes::Lanes;
use super::library::Module;
use super::raw::ContextLogin;
use super::sign::{self, Signing};
use super::slots;
use crate::locator::TokenFilter;
use crate::pin::{Pin, PinSource};

/// Everything that is needed to reach a token. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct TokenAddress {
    /// The module's file.
    pub(crate) module: PathBuf,
    /// The reserved argument of `C_Initialize`, for modules that want one.
    pub(crate) module_arguments: Option<String>,
    /// Which token.
    pub(crate) token: TokenFilter,
    /// How to log in.
    pub(crate) login: Login,
}

/// How to log in to a token that wants it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Login {
    /// Where the PIN is; `None` for tokens that want none, and for readers with a PIN pad.
    pub(crate) pin: Option<PinSource>,
    /// Whether a token that would lock at the next wrong PIN is tried all the same.
    pub(crate) use_last_try: bool,
}

/// A token with an open session.
pub(crate) struct Connection {
    session: Session,
    pin: Option<Pin>,
    slot: Slot,
    token: TokenInfo,
    address: TokenAddress,
    module: Module,
    writable: bool,
    mechanisms: OnceCell<Vec<MechanismType>>,
    /// More sessions, to sign in at the same time.
    pub(super) lanes: Lanes,
}

impl Connection {
    /// Loads the module, finds the token, opens a session and logs in, if the token wants that.
    ///
    /// The session is read-only unless `writable` is set.
    ///
    /// # Errors
    /// [`TokenError`]. A PIN is tried once at most, and not at all if it cannot be right or the token is
    /// locked or about to be.
    pub(crate) fn open(address: TokenAddress, writable: bool) -> Result<Self, TokenError> {
        let module = Module::load(&address.module, address.module_arguments.as_deref())?;
        let (slot, token) = slots::find(&module, &address.token)?;
        let session = open_session(&module, slot, writable, &token)?;
        let pin = log_in(&module, slot, &token, &session, &address.login)?;
        Ok(Self {
            session,
            pin,
            slot,
            token,
            address,
            module,
            writable,
            mechanisms: OnceCell::new(),
            lanes: Lanes::default(),
        })
    }

    /// Runs `operation`, and once more in a new session if the first was lost.
    ///
    /// The PIN that worked before is used again; nobody is asked twice.
    ///
    /// # Errors
    /// The operation's own, or that of the new session.
    pub(crate) fn with_session<T>(
        &mut self,
        mut operation: impl FnMut(&Self) -> Result<T, TokenError>,
    ) -> Result<T, TokenError> {
        match operation(self) {
            Err(error) if error.is_session_loss() => {
                self.reopen().map_err(|second| {
                    if second.is_session_loss() {
                        error
                    } else {
                        second
                    }
                })?;
                operation(self)
            }
            result => result,
        }
    }

    /// A new session in the place of a lost one: at first with the module as it is, and if that does not
    /// help (a network HSM was reset, another node took over) with the module initialised anew.
    fn reopen(&mut self) -> Result<(), TokenError> {
        self.lanes = Lanes::default();
        match self.renew() {
            Err(error) if error.is_session_loss() => {
                self.module
                    .initialise_again(self.address.module_arguments.as_deref())?;
                let (slot, token) = slots::find(&self.module, &self.address.token)?;
                self.slot = slot;
                self.token = token;
                self.mechanisms.take();
                self.renew()
            }
            result => result,
        }
    }

    fn renew(&mut self) -> Result<(), TokenError> {
        let session = open_session(&self.module, self.slot, self.writable, &self.token)?;
        if !is_logged_in(&session)
            && let Some(pin) = &self.pin
        {
            let logged_in = log_in_with(&self.token, &session, &self.address.login, pin);
            if matches!(
                logged_in,
                Err(TokenError::PinRefused { .. } | TokenError::PinLocked(_))
            ) {
                // Somebody changed it meanwhile. Another attempt would only use up tries.
                self.pin = None;
            }
            logged_in?;
        }
        self.session = session;
        Ok(())
    }

    /// The open session.
    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    /// The module.
    pub(crate) fn module(&self) -> &Module {
        &self.module
    }

    /// What the token says about itself.
    pub(crate) fn token(&self) -> &TokenInfo {
        &self.token
    }

    /// The slot that the token is in.
    pub(crate) fn slot(&self) -> Slot {
        self.slot
    }

    /// What signatures need beside a session.
    ///
    /// # Errors
    /// As [`Connection::mechanisms`].
    pub(super) fn signing(&self) -> Result<Signing<'_>, TokenError> {
        Ok(Signing {
            functions: self.module.raw(),
            offered: self.mechanisms()?,
            token: self.token.label(),
            login: match &self.pin {
                Some(pin) => ContextLogin::WithPin(pin),
                None => ContextLogin::AtTheReader,
            },
        })
    }

    /// Another session with the token, which shares the log-in of the first (PKCS#11 §5.6.8); `None` if
    /// the token gives no more, or wants a log-in for each.
    pub(super) fn another_session(&self) -> Option<Session> {
        let session = open_session(&self.module, self.slot, self.writable, &self.token).ok()?;
        (!self.token.wants_login() || is_logged_in(&session)).then_some(session)
    }

    /// Those of [`sign::MECHANISMS`] with which the token signs. It is asked once for each connection, since
    /// the answer may cost a trip to a network HSM.
    ///
    /// # Errors
    /// What the token said.
    pub(crate) fn mechanisms(&self) -> Result<&[MechanismType], TokenError> {
        if let Some(known) = self.mechanisms.get() {
            return Ok(known);
        }
        let functions = self.module.functions();
        let offered = functions
            .get_mechanism_list(self.slot)
            .map_err(TokenError::call("asking for the token's mechanisms"))?;
        let signs = |mechanism: &&MechanismType| {
            // A module that lists a mechanism and cannot describe it gets the benefit of the doubt: signing
            // will tell.
            functions
                .get_mechanism_info(self.slot, **mechanism)
                .map_or(true, |info| info.sign())
        };
        let usable = sign::MECHANISMS
            .iter()
            .filter(|mechanism| offered.contains(mechanism))
            .filter(signs);
        Ok(self.mechanisms.get_or_init(|| usable.copied().collect()))
    }
}

fn open_session(
    module: &Module,
    slot: Slot,
    writable: bool,
    token: &TokenInfo,
) -> Result<Session, TokenError> {
    // Sessions end with C_Finalize. Closing a lost one by its number later could hit a new session, since
    // modules use their numbers again.
    let functions = module.functions();
    let session = if writable {
        functions.open_rw_session_no_drop(slot)
    } else {
        functions.open_ro_session_no_drop(slot)
    };
    session.map_err(|error| match error {
        CryptokiError::Pkcs11(RvError::TokenWriteProtected, _) => {
            TokenError::WriteProtected(token.label().to_owned())
        }
        other => TokenError::call("opening a session")(other),
    })
}

fn is_logged_in(session: &Session) -> bool {
    session.get_session_info().is_ok_and(|info| {
        matches!(
            info.session_state(),
            SessionState::RoUser | SessionState::RwUser
        )
    })
}

/// Logs in if the token wants it, and gives back the PIN for keys that always authenticate.
fn log_in(
    module: &Module,
    slot: Slot,
    token: &TokenInfo,
    session: &Session,
    login: &Login,
) -> Result<Option<Pin>, TokenError> {
    let name = || token.label().to_owned();
    if !token.wants_login() || is_logged_in(session) {
        return login
            .pin
            .as_ref()
            .map(PinSource::read)
            .transpose()
            .map_err(Into::into);
    }
    if token.is_locked() {
        return Err(TokenError::PinLocked(name()));
    }
    if token.is_at_last_try() && !login.use_last_try {
        return Err(TokenError::LastTry(name()));
    }
    let Some(source) = &login.pin else {
        if token.has_pin_pad() {
            let result = session.login(UserType::User, None);
            return login_result(result, token, "the PIN pad", || None).map(|()| None);
        }
        return Err(TokenError::PinWanted(name()));
    };
    if !token.has_user_pin() {
        return Err(TokenError::PinNeverSet(name()));
    }
    let pin = source.read()?;
    check_length(token, source, &pin)?;
    let result = session.login(UserType::User, Some(&AuthPin::new(pin.expose().into())));
    login_result(result, token, &source.to_string(), || {
        module.raw().token_info(slot).ok()
    })?;
    Ok(Some(pin))
}

fn log_in_with(
    token: &TokenInfo,
    session: &Session,
    login: &Login,
    pin: &Pin,
) -> Result<(), TokenError> {
    let from = login
        .pin
        .as_ref()
        .map(PinSource::to_string)
        .unwrap_or_default();
    let result = session.login(UserType::User, Some(&AuthPin::new(pin.expose().into())));
    login_result(result, token, &from, || None)
}

/// A PIN outside the token's own limits would only use up a try.
fn check_length(token: &TokenInfo, source: &PinSource, pin: &Pin) -> Result<(), TokenError> {
    let length = pin.expose().len();
    let (min, max) = token.pin_lengths().into_inner();
    // Some modules leave both at zero.
    if max >= min && max > 0 && !(min..=max).contains(&length) {
        return Err(TokenError::PinLength {
            token: token.label().to_owned(),
            from: source.to_string(),
            min,
            max,
        });
    }
    Ok(())
}

fn login_result(
    result: Result<(), CryptokiError>,
    token: &TokenInfo,
    from: &str,
    look_again: impl FnOnce() -> Option<TokenInfo>,
) -> Result<(), TokenError> {
    let name = || token.label().to_owned();
    match result {
        Ok(()) | Err(CryptokiError::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
        Err(CryptokiError::Pkcs11(
            RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange,
            _,
        )) => Err(TokenError::PinRefused {
            token: name(),
            from: from.to_owned(),
            tries: tries_left(look_again().as_ref()),
        }),
        Err(CryptokiError::Pkcs11(RvError::PinLocked, _)) => Err(TokenError::PinLocked(name())),
        Err(CryptokiError::Pkcs11(RvError::PinExpired, _)) => Err(TokenError::PinExpired(name())),
        Err(CryptokiError::Pkcs11(RvError::UserPinNotInitialized, _)) => {
            Err(TokenError::PinNeverSet(name()))
        }
        Err(other) => Err(TokenError::call("logging in")(other)),
    }
}

/// What the token's flags tell about the tries that are left (PKCS#11 §5.5.4 has no number).
fn tries_left(token: Option<&TokenInfo>) -> &'static str {
    match token {
        Some(info) if info.is_locked() => {
            "it is now locked: unlock it with the security officer's PIN"
        }
        Some(info) if info.is_at_last_try() => "one try is left before it locks",
        Some(info) if info.counts_wrong_pins() => {
            "the token counts wrong tries and may lock after a few"
        }
        _ => "the token does not tell how many tries are left",
    }
}
