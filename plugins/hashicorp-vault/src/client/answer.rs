//! What the server says.

use notary_plugin_sdk::PluginError;
use reqwest::Response;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Call, ServerAddress, refusal};

/// Status and headers, as far as they matter.
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) retry_after: Option<String>,
    date: Option<String>,
}

impl Head {
    pub(super) fn of(response: &Response) -> Self {
        let header = |headers: &HeaderMap, name| {
            let value: Option<&reqwest::header::HeaderValue> = headers.get(name);
            value
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        Self {
            status: response.status().as_u16(),
            retry_after: header(response.headers(), RETRY_AFTER),
            date: header(response.headers(), DATE),
        }
    }
}

#[cfg(test)]
impl Head {
    pub(super) fn with_status(status: u16) -> Self {
        Self {
            status,
            retry_after: None,
            date: None,
        }
    }
}

/// A success.
#[derive(Debug)]
pub(crate) struct Answer {
    body: Body,
    call: String,
    /// The `Date` header.
    pub(crate) date: Option<String>,
    /// The HTTP status: `sys/health` says much with it.
    pub(crate) status: u16,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    request_id: String,
    data: Value,
    auth: Value,
    wrap_info: Value,
}

impl Answer {
    /// Tells a success from a refusal.
    pub(super) fn from_response(
        head: &Head,
        body: &[u8],
        call: &Call,
        address: &ServerAddress,
    ) -> Result<Self, PluginError> {
        let is_health = call.path == "sys/health";
        if !(200..300).contains(&head.status) && !is_health {
            return Err(refusal::meaning(head, body, call, address));
        }
        let body = if is_health {
            let data = serde_json::from_slice(body).unwrap_or_default();
            Body {
                data,
                ..Body::default()
            }
        } else if body.is_empty() {
            Body::default()
        } else {
            serde_json::from_slice(body)
                .map_err(|_| refusal::not_json(head.status, body, call, address))?
        };
        Ok(Self {
            body,
            call: call.to_string(),
            date: head.date.clone(),
            status: head.status,
        })
    }

    /// The `data` of the answer.
    ///
    /// # Errors
    /// `ERROR` where it is not what the API promises; `ACCESS_DENIED` where somebody has to approve first.
    pub(crate) fn data<T: DeserializeOwned>(self) -> Result<T, PluginError> {
        if self.body.data.is_null() && !self.body.wrap_info.is_null() {
            return Err(PluginError::access_denied(format!(
                "{}: the server wants an approval first (control group), which a plugin cannot wait for: let the policy allow this without",
                self.call
            ))
            .with_metadata("requestId", self.body.request_id));
        }
        let Self { body, call, .. } = self;
        Self::member(body.data, &call, &body.request_id)
    }

    /// The `auth` of the answer to a log-in.
    ///
    /// # Errors
    /// `ERROR` where it is not what the API promises.
    pub(crate) fn auth<T: DeserializeOwned>(self) -> Result<T, PluginError> {
        let Self { body, call, .. } = self;
        Self::member(body.auth, &call, &body.request_id)
    }

    fn member<T: DeserializeOwned>(
        value: Value,
        call: &str,
        request_id: &str,
    ) -> Result<T, PluginError> {
        let empty = value.is_null();
        serde_json::from_value(value).map_err(|error| {
            let reason = if empty { "it is empty".to_owned() } else { shape_only(&error) };
            PluginError::error(format!(
                "{call}: the answer is not what the API of Vault promises: {reason}; is something else at this address?"
            ))
            .with_metadata("requestId", request_id)
        })
    }
}

/// What is wrong with the shape. The library's messages quote values, and a value may be a token.
fn shape_only(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.split_once('`') {
        Some((before, rest)) if before.starts_with("missing field") => {
            let name = rest.split('`').next().unwrap_or_default();
            format!("`{name}` is missing")
        }
        _ => "a member has another type".to_owned(),
    }
}
