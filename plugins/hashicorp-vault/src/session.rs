//! A client that is logged in: it keeps its token alive, and gives it back.

use std::rc::Rc;
use std::time::Instant;

use notary_plugin_protocol::ErrorCode;
use notary_plugin_sdk::{Context, PluginError};
use serde_json::json;
use tokio::sync::Mutex;

use crate::client::{Answer, Call, Client, explain_denial};
use crate::login::{Freshness, HeldToken, Method};

/// The server, and who we are there.
pub(crate) struct Session {
    client: Client,
    method: Method,
    /// `None` before the log-in; inside it `None` where an agent adds the token.
    token: Mutex<Option<Option<Rc<HeldToken>>>>,
    /// What the log-out needs, since the SDK closes without a request at hand.
    context: Context,
}

impl Session {
    /// Sets the client up and logs in.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` where the settings cannot work, `ACCESS_DENIED` where the log-in is refused.
    pub(crate) async fn open(context: &Context) -> Result<Self, PluginError> {
        let session = Self {
            client: Client::new(context).await?,
            method: Method::of_settings(context.settings())?,
            token: Mutex::new(None),
            context: context.clone(),
        };
        session.token(context).await?;
        Ok(session)
    }

    /// Sends a request as whoever we are.
    ///
    /// # Errors
    /// What the refusal means. A denial says whether the token is bad or a policy lacks something.
    pub(crate) async fn ask(&self, call: &Call, context: &Context) -> Result<Answer, PluginError> {
        let token = self.token(context).await?;
        let secret = token.as_ref().map(|token| &token.secret);
        let error = match self.client.send(call, secret, context).await {
            Err(error) if is_denial(&error) => error,
            other => return other,
        };
        let Some(token) = token else {
            return Err(error);
        };
        let explained = explain_denial(&self.client, call, &token.secret, error, context).await;
        // A token that ended before its time, or was revoked: once more with a new one.
        if explained.message().contains("does not accept the token") && self.method.can_repeat() {
            self.drop_token(&token).await;
            let fresh = self.token(context).await?;
            let changed = fresh
                .as_ref()
                .is_some_and(|fresh| fresh.secret != token.secret);
            if changed {
                let secret = fresh.as_ref().map(|token| &token.secret);
                return self.client.send(call, secret, context).await;
            }
        }
        Err(explained)
    }

    /// Gives a token back that was obtained for this session.
    pub(crate) async fn close(&self) {
        if let Some(Some(token)) = self.token.lock().await.take()
            && token.is_ours_to_revoke
        {
            let call = Call::write("auth/token/revoke-self", json!({})).once();
            // It ends by itself if this fails.
            let _ = self
                .client
                .send(&call, Some(&token.secret), &self.context)
                .await;
        }
    }

    /// The token that is good now: logs in, renews or replaces it where that is due.
    async fn token(&self, context: &Context) -> Result<Option<Rc<HeldToken>>, PluginError> {
        let mut held = self.token.lock().await;
        let fresh = match held.as_ref() {
            Some(None) => return Ok(None),
            Some(Some(token)) => match token.freshness(Instant::now()) {
                Freshness::Good => return Ok(Some(Rc::clone(token))),
                Freshness::Renew => match Method::renew(token, &self.client, context).await {
                    Ok(renewed) => Some(renewed),
                    Err(_) => self.method.log_in(&self.client, context).await?,
                },
                Freshness::Replace => self.method.log_in(&self.client, context).await?,
            },
            None => self.method.log_in(&self.client, context).await?,
        };
        let fresh = fresh.map(Rc::new);
        *held = Some(fresh.clone());
        Ok(fresh)
    }

    /// Forgets a token that the server does not take, unless another request has replaced it already.
    async fn drop_token(&self, bad: &HeldToken) {
        let mut held = self.token.lock().await;
        let same = matches!(&*held, Some(Some(token)) if token.secret == bad.secret);
        if same {
            *held = None;
        }
    }
}

/// Whether the server itself said no.
fn is_denial(error: &PluginError) -> bool {
    *error.code() == ErrorCode::AccessDenied && error.metadata().contains_key("httpStatus")
}
