//! The tokens that were reached, each through a worker of its own that stays logged in.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use notary_plugin_protocol::ErrorCode;
use notary_plugin_sdk::{Context, PluginError};

use crate::token::TokenAddress;
use crate::worker::Client;

/// Workers by the token that they are connected to.
#[derive(Default)]
pub(crate) struct Connections {
    states: RefCell<HashMap<TokenAddress, Rc<tokio::sync::Mutex<State>>>>,
}

/// How far we are with one token.
#[derive(Default)]
enum State {
    #[default]
    Unknown,
    Connected(Rc<Client>),
    /// The token refused the log-in. In a warm session, many requests may be under way: none of them may
    /// use up another try.
    Refused(PluginError),
}

impl Connections {
    /// The worker for a token. Requests for one token that come at the same time wait for one log-in.
    ///
    /// # Errors
    /// As [`Client::connect`], and the same once more after a refused log-in.
    pub(crate) async fn worker(
        &self,
        address: &TokenAddress,
        context: &Context,
    ) -> Result<Rc<Client>, PluginError> {
        let state = Rc::clone(self.states.borrow_mut().entry(address.clone()).or_default());
        let mut state = state.lock().await;
        match &*state {
            State::Connected(worker) if worker.is_alive() => return Ok(Rc::clone(worker)),
            State::Refused(error) => return Err(error.clone()),
            State::Connected(_) | State::Unknown => {}
        }
        match Client::connect(address.clone(), false, context.deadline()).await {
            Ok(worker) => {
                let worker = Rc::new(worker);
                *state = State::Connected(Rc::clone(&worker));
                Ok(worker)
            }
            Err(error) => {
                if *error.code() == ErrorCode::AccessDenied {
                    *state = State::Refused(error.clone());
                }
                Err(error)
            }
        }
    }
}
