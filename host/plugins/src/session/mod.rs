//! The host's side of warm sessions (`docs/design/sessions.md`): one process for many requests.
//!
//! A session is an economy, never a condition: whenever it cannot be had, or ends with a request unanswered, the request
//! runs one-shot as it would without sessions, and only what fails there as well fails.

mod conversation;
mod pace;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use notary_plugin_protocol::session::{Answer, WarmSessions};
use notary_plugin_protocol::{Command, ErrorCode};
use tokio::sync::Mutex;

use self::conversation::{Conversation, Outcome};
use self::pace::Pace;
use crate::environment::PluginEnvironment;
use crate::error::Failure;

/// How many sessions may die with requests unanswered before the rest of the run does without. One death may be an
/// accident of the service behind the plugin; a plugin that dies again and again is faster one-shot.
const MAX_DEATHS: u32 = 3;

/// The sessions of one plugin in one run of the host: at most one at a time, started when it is first needed.
#[derive(Debug)]
pub(crate) struct Sessions {
    pace: Arc<Pace>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    current: Option<Arc<Conversation>>,
    deaths: u32,
    given_up: Option<String>,
}

/// What became of a request in a session.
#[derive(Debug)]
pub(crate) enum Reply {
    /// It was answered.
    Answered(Answer),
    /// Nobody answered, and nobody will: run it one-shot.
    OneShot,
}

impl Sessions {
    /// Sessions on the plugin's terms.
    pub(crate) fn on(terms: WarmSessions) -> Self {
        Self {
            pace: Arc::new(Pace::up_to(terms.max_in_flight)),
            state: Mutex::default(),
        }
    }

    /// Sends a request as soon as the plugin takes one more, and waits for its answer.
    ///
    /// `deadline` counts from the moment of sending. When it has passed the session is killed as a whole, since an
    /// answer that comes later could be taken for another's.
    pub(crate) async fn call(
        &self,
        executable: &Path,
        environment: &PluginEnvironment,
        command: Command,
        request: &[u8],
        deadline: Duration,
    ) -> Result<Reply, Failure> {
        let place = self.pace.place().await;
        let Some(session) = self.session(executable, environment).await else {
            return Ok(Reply::OneShot);
        };
        let Some(answer) = session.send(command, request, place) else {
            return Ok(Reply::OneShot);
        };
        match tokio::time::timeout(deadline, answer).await {
            Ok(Ok(Outcome::Answered(answer))) => {
                self.pace.learn(is_throttled(&answer));
                Ok(Reply::Answered(answer))
            }
            Ok(Ok(Outcome::Died(reason))) => {
                self.mourn(&session, reason).await;
                Ok(Reply::OneShot)
            }
            Ok(Err(_)) => {
                self.mourn(&session, "it ended without a word".to_owned())
                    .await;
                Ok(Reply::OneShot)
            }
            Err(_) => {
                session.kill();
                self.mourn(&session, "it did not answer in time".to_owned())
                    .await;
                Err(Failure::DeadlineExceeded(deadline))
            }
        }
    }

    /// Why this run does without sessions although the plugin offers them, if it does.
    pub(crate) async fn given_up(&self) -> Option<String> {
        self.state.lock().await.given_up.clone()
    }

    /// Ends the session: the plugin answers what is in flight, logs out and exits; after `deadline` it is killed.
    pub(crate) async fn end(&self, deadline: Duration) {
        let current = self.state.lock().await.current.take();
        if let Some(session) = current {
            session.end(deadline).await;
        }
    }

    /// The session that runs, or a new one.
    async fn session(
        &self,
        executable: &Path,
        environment: &PluginEnvironment,
    ) -> Option<Arc<Conversation>> {
        let mut state = self.state.lock().await;
        if state.given_up.is_some() {
            return None;
        }
        if let Some(session) = &state.current
            && session.is_alive()
        {
            return Some(session.clone());
        }
        match Conversation::start(executable, environment).await {
            Ok(session) => {
                let session = Arc::new(session);
                state.current = Some(session.clone());
                Some(session)
            }
            Err(failure) => {
                state.given_up = Some(failure.to_string());
                None
            }
        }
    }

    /// Counts a session that died, once however many requests it took with it.
    async fn mourn(&self, session: &Arc<Conversation>, reason: String) {
        let mut state = self.state.lock().await;
        let is_current = state
            .current
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(current, session));
        if !is_current {
            return;
        }
        state.current = None;
        state.deaths += 1;
        if !session.has_answered() || state.deaths >= MAX_DEATHS {
            state.given_up = Some(reason);
        }
    }
}

fn is_throttled(answer: &Answer) -> bool {
    matches!(answer, Answer::Error(error) if error.code == ErrorCode::Throttled)
}
