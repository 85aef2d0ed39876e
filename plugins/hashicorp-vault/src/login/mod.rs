//! Logging in: how, and what comes of it.

mod credential;
mod jwt;
mod method;
mod token_source;

pub(crate) use method::Method;

use std::time::{Duration, Instant};

use notary_plugin_sdk::{PluginError, Secret};
use serde::Deserialize;

use crate::client::Answer;

/// A token, and what is known about its end.
#[derive(Debug)]
pub(crate) struct HeldToken {
    pub(crate) secret: Secret,
    lease: Option<Lease>,
    /// Obtained by us and of a kind that can be revoked.
    pub(crate) is_ours_to_revoke: bool,
}

#[derive(Clone, Copy, Debug)]
struct Lease {
    since: Instant,
    length: Duration,
    renewable: bool,
}

/// What is to be done about a token before it is used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Nothing.
    Good,
    /// It can be renewed, and should be.
    Renew,
    /// It ends soon and cannot be renewed.
    Replace,
}

impl HeldToken {
    /// A token that the user gave: nothing is known about its end, and it is not ours.
    fn given(secret: Secret) -> Self {
        Self {
            secret,
            lease: None,
            is_ours_to_revoke: false,
        }
    }

    /// The token of an answer to a log-in or a renewal.
    fn obtained(answer: Answer) -> Result<Self, PluginError> {
        let auth: Auth = answer.auth()?;
        let mfa = auth.mfa_requirement.is_some_and(|demand| !demand.is_null());
        if mfa {
            return Err(PluginError::access_denied(
                "the log-in wants a second factor (MFA), and a plugin has nobody to ask: log in with a method or role without MFA, such as `approle` or `jwt`",
            ));
        }
        if auth.client_token.is_empty() {
            return Err(PluginError::error(
                "the answer to the log-in holds no token",
            ));
        }
        let length = Duration::from_secs(auth.lease_duration);
        Ok(Self {
            secret: Secret::new(auth.client_token),
            // A lease of zero seconds is a token that does not end.
            lease: (!length.is_zero()).then(|| Lease {
                since: Instant::now(),
                length,
                renewable: auth.renewable,
            }),
            is_ours_to_revoke: auth.token_type != "batch",
        })
    }

    /// Whether the token is good for a while. It is renewed after two thirds of its time, as Vault's own
    /// agent does.
    pub(crate) fn freshness(&self, now: Instant) -> Freshness {
        match self.lease {
            Some(lease) if now.saturating_duration_since(lease.since) * 3 > lease.length * 2 => {
                if lease.renewable {
                    Freshness::Renew
                } else {
                    Freshness::Replace
                }
            }
            _ => Freshness::Good,
        }
    }
}

#[derive(Deserialize)]
struct Auth {
    #[serde(default)]
    client_token: String,
    #[serde(default)]
    lease_duration: u64,
    #[serde(default)]
    renewable: bool,
    #[serde(default)]
    token_type: String,
    mfa_requirement: Option<serde_json::Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(seconds: u64, renewable: bool) -> HeldToken {
        HeldToken {
            secret: Secret::new("t".to_owned()),
            lease: Some(Lease {
                since: Instant::now(),
                length: Duration::from_secs(seconds),
                renewable,
            }),
            is_ours_to_revoke: true,
        }
    }

    #[test]
    fn a_token_is_renewed_or_replaced_after_two_thirds_of_its_time() {
        let now = Instant::now();
        for (renewable, after, expected) in [
            (true, 190, Freshness::Good),
            (true, 210, Freshness::Renew),
            (false, 190, Freshness::Good),
            (false, 210, Freshness::Replace),
        ] {
            let token = token(300, renewable);
            assert_eq!(token.freshness(now + Duration::from_secs(after)), expected);
        }
    }

    #[test]
    fn a_token_that_was_given_is_used_as_long_as_the_server_takes_it() {
        let token = HeldToken::given(Secret::new("t".to_owned()));
        let later = Instant::now() + Duration::from_secs(1_000_000);
        assert_eq!(token.freshness(later), Freshness::Good);
    }
}
