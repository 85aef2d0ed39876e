//! The ways to log in, and the request that each one is.

use notary_plugin_protocol::ErrorCode;
use notary_plugin_sdk::{Context, PluginError, Secret, Setting, Settings};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::jwt::JwtSource;
use super::token_source::TokenSource;
use super::{HeldToken, credential};
use crate::client::{Call, Client};
use crate::path::VaultPath;
use crate::settings::{
    ADDRESS, AGENT_ADDRESS, AUTH_METHOD, AUTH_MOUNT, AUTH_ROLE, PASSWORD, PASSWORD_FILE, ROLE_ID,
    ROLE_ID_FILE, SECRET_ID, SECRET_ID_FILE, SECRET_ID_WRAPPED, USERNAME,
};

/// How to come by a token.
#[derive(Clone, Debug)]
pub(crate) enum Method {
    /// The user has one.
    Token(TokenSource),
    /// An agent adds its own to each request.
    Agent,
    /// A request to the engine at `mount` gives one.
    LogIn { mount: VaultPath, kind: LogIn },
}

/// A secret id, or the wrapping token that can be exchanged for it once.
#[derive(Clone, Debug)]
pub(crate) enum SecretId {
    Plain(Secret),
    Wrapped {
        wrapping: Secret,
        /// Kept, since a session may have to log in again.
        unwrapped: OnceCell<Secret>,
    },
}

impl SecretId {
    async fn get(&self, client: &Client, context: &Context) -> Result<&Secret, PluginError> {
        match self {
            Self::Plain(secret) => Ok(secret),
            Self::Wrapped {
                wrapping,
                unwrapped,
            } => {
                unwrapped
                    .get_or_try_init(|| unwrap(wrapping, client, context))
                    .await
            }
        }
    }
}

/// The log-ins by request.
#[derive(Clone, Debug)]
pub(crate) enum LogIn {
    AppRole {
        role_id: String,
        secret_id: Option<SecretId>,
    },
    /// Also Kubernetes: the same request.
    Jwt {
        role: Option<String>,
        source: JwtSource,
    },
    /// With the certificate of the TLS connection.
    Certificate { role: Option<String> },
    /// Also LDAP: the same request.
    Password { username: String, password: Secret },
}

impl Method {
    /// The method that is configured, with all it needs, or the one that follows from what is there.
    ///
    /// # Errors
    /// `ACCESS_DENIED` that says what to set where there is no way to log in.
    pub(crate) fn of_settings(settings: &Settings) -> Result<Self, PluginError> {
        let role = settings.get(&AUTH_ROLE).map(str::to_owned);
        let word = settings.get(&AUTH_METHOD);
        let kind = match word.unwrap_or("token") {
            "token" => return Self::token(settings, word.is_some()),
            "agent" => return Ok(Self::Agent),
            "approle" => app_role(settings)?,
            "kubernetes" => LogIn::Jwt {
                role: Some(settings.required(&AUTH_ROLE)?.to_owned()),
                source: JwtSource::of_service_account(settings),
            },
            "jwt" => LogIn::Jwt {
                role,
                source: JwtSource::find(settings)?,
            },
            "cert" => LogIn::Certificate { role },
            _ => LogIn::Password {
                username: user_name(settings)?,
                password: secret(settings, &PASSWORD, &PASSWORD_FILE, "the password")?
                    .ok_or_else(|| missing("NOTATION_VAULT_PASSWORD or `password_file`"))?,
            },
        };
        let mount = settings
            .get(&AUTH_MOUNT)
            .or(word)
            .unwrap_or_default()
            .to_owned();
        let mount = VaultPath::parse(&mount, "the mount of the log-in method")?;
        Ok(Self::LogIn { mount, kind })
    }

    fn token(settings: &Settings, asked_for: bool) -> Result<Self, PluginError> {
        if let Some(source) = TokenSource::find(settings)? {
            return Ok(Self::Token(source));
        }
        let agent = settings.get(&AGENT_ADDRESS).is_some()
            || (settings.get(&ADDRESS)).is_some_and(|address| address.starts_with("unix://"));
        if agent && !asked_for {
            return Ok(Self::Agent);
        }
        Err(PluginError::access_denied(
            "there is no way to log in: set VAULT_TOKEN, log in with `vault login`, or set `auth_method`",
        ))
    }

    /// Gets a token; `None` where an agent adds it.
    ///
    /// # Errors
    /// `ACCESS_DENIED` where the server does not believe us.
    pub(crate) async fn log_in(
        &self,
        client: &Client,
        context: &Context,
    ) -> Result<Option<HeldToken>, PluginError> {
        match self {
            Self::Agent => Ok(None),
            Self::Token(source) => Ok(Some(HeldToken::given(source.read(context).await?))),
            Self::LogIn { mount, kind } => {
                let (suffix, body) = kind.request(client, context).await?;
                let call = Call::write(format!("auth/{mount}/{suffix}"), body);
                let answer = client
                    .send(&call, None, context)
                    .await
                    .map_err(|error| refused(error, mount))?;
                HeldToken::obtained(answer).map(Some)
            }
        }
    }

    /// Extends the life of a token that was obtained.
    pub(crate) async fn renew(
        token: &HeldToken,
        client: &Client,
        context: &Context,
    ) -> Result<HeldToken, PluginError> {
        let call = Call::write("auth/token/renew-self", json!({}));
        let answer = client.send(&call, Some(&token.secret), context).await?;
        HeldToken::obtained(answer)
    }

    /// Whether a token can be had again without a person.
    pub(crate) fn can_repeat(&self) -> bool {
        match self {
            Self::Agent => false,
            // A file or helper may have a new one by now.
            Self::Token(source) => !matches!(source, TokenSource::Variable(_)),
            Self::LogIn { .. } => true,
        }
    }
}

impl std::fmt::Display for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Token(source) => write!(f, "a token from {source}"),
            Self::Agent => f.write_str("an agent that adds its own token"),
            Self::LogIn { mount, kind } => match kind {
                LogIn::AppRole { .. } => write!(f, "AppRole at auth/{mount}"),
                LogIn::Jwt { .. } => write!(f, "a JWT at auth/{mount}"),
                LogIn::Certificate { .. } => write!(f, "a client certificate at auth/{mount}"),
                LogIn::Password { username, .. } => {
                    write!(f, "the password of {username} at auth/{mount}")
                }
            },
        }
    }
}

impl LogIn {
    /// The end of the path, and the body.
    async fn request(
        &self,
        client: &Client,
        context: &Context,
    ) -> Result<(String, Value), PluginError> {
        let login = || "login".to_owned();
        Ok(match self {
            Self::AppRole { role_id, secret_id } => {
                let mut body = json!({ "role_id": role_id });
                if let Some(secret_id) = secret_id {
                    let secret_id = secret_id.get(client, context).await?;
                    body["secret_id"] = secret_id.expose().into();
                }
                (login(), body)
            }
            Self::Jwt { role, source } => {
                let jwt = source.read(context).await?;
                (login(), json!({ "role": role, "jwt": jwt.expose() }))
            }
            Self::Certificate { role } => (login(), json!({ "name": role })),
            Self::Password { username, password } => (
                format!("login/{username}"),
                json!({ "password": password.expose() }),
            ),
        })
    }
}

#[derive(Deserialize)]
struct Unwrapped {
    secret_id: String,
}

/// Exchanges a wrapping token for the secret id in it. It works once: if somebody else was first, the secret
/// id is known to them, and the user must hear of it.
async fn unwrap(
    wrapping: &Secret,
    client: &Client,
    context: &Context,
) -> Result<Secret, PluginError> {
    let call = Call::write("sys/wrapping/unwrap", json!({})).once();
    let answer = client.send(&call, Some(wrapping), context).await;
    let answer = answer.map_err(|error| match error.code() {
        ErrorCode::ValidationError | ErrorCode::AccessDenied => PluginError::access_denied(
            "the wrapped secret id cannot be unwrapped: it has expired or was unwrapped before; if not by you, somebody else has it, so destroy the secret id and make a new one",
        ),
        _ => error,
    })?;
    let unwrapped: Unwrapped = answer.data()?;
    Ok(Secret::new(unwrapped.secret_id))
}

/// A log-in that was refused with whatever status says who we are not.
fn refused(error: PluginError, mount: &VaultPath) -> PluginError {
    let not_mounted = error.message().contains("no engine is mounted");
    match error.code() {
        ErrorCode::ValidationError if !not_mounted && error.metadata().contains_key("path") => {
            let changed = PluginError::access_denied(error.message());
            error
                .metadata()
                .iter()
                .fold(changed, |changed, (name, value)| {
                    changed.with_metadata(name, value)
                })
        }
        _ => error,
    }
    .context(format!("the log-in at auth/{mount} failed"))
}

fn app_role(settings: &Settings) -> Result<LogIn, PluginError> {
    let role_id = match settings.path(&ROLE_ID_FILE) {
        Some(path) => credential::from_file(path, "the role id")?
            .expose()
            .to_owned(),
        None => settings.required(&ROLE_ID)?.to_owned(),
    };
    let given = secret(settings, &SECRET_ID, &SECRET_ID_FILE, "the secret id")?;
    let secret_id = match (given, settings.flag(&SECRET_ID_WRAPPED)) {
        (None, true) => return Err(missing("NOTATION_VAULT_SECRET_ID or `secret_id_file`")),
        (Some(wrapping), true) => Some(SecretId::Wrapped {
            wrapping,
            unwrapped: OnceCell::new(),
        }),
        (given, false) => given.map(SecretId::Plain),
    };
    Ok(LogIn::AppRole { role_id, secret_id })
}

fn user_name(settings: &Settings) -> Result<String, PluginError> {
    let name = settings.required(&USERNAME)?;
    // One segment of the path: an account is not called `../admin`.
    let path = VaultPath::parse(name, "the user name")?;
    if path.as_str().contains('/') || path.as_str() != name {
        return Err(PluginError::validation(format!(
            "the user name is `{name}`, with a slash"
        )));
    }
    Ok(name.to_owned())
}

fn secret(
    settings: &Settings,
    variable: &Setting,
    file: &Setting,
    what: &str,
) -> Result<Option<Secret>, PluginError> {
    match (settings.secret(variable), settings.path(file)) {
        (Some(secret), _) => Ok(Some(secret.clone())),
        (None, Some(path)) => credential::from_file(path, what).map(Some),
        (None, None) => Ok(None),
    }
}

fn missing(what: &str) -> PluginError {
    PluginError::access_denied(format!("there is nothing to log in with: set {what}"))
}
