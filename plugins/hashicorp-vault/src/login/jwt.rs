//! Where a JWT comes from: a file, a variable, or GitHub Actions on request.

use std::path::{Path, PathBuf};

use notary_plugin_sdk::{Context, PluginError, Secret, Settings};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::credential::{self, CREDENTIAL_LIMIT};
use crate::settings::{GITHUB_TOKEN, GITHUB_URL, JWT_AUDIENCE, JWT_FILE, JWT_VARIABLE};

/// Where Kubernetes puts the token of a pod's service account.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";
const WHAT: &str = "the JWT";

/// The place that a JWT is read from, each time anew: they live for minutes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum JwtSource {
    File(PathBuf),
    Variable(String),
    GitHub {
        url: String,
        request_token: Secret,
        audience: Option<String>,
    },
}

impl JwtSource {
    /// The source for the method `jwt`.
    pub(super) fn find(settings: &Settings) -> Result<Self, PluginError> {
        if let Some(path) = settings.path(&JWT_FILE) {
            return Ok(Self::File(path.to_owned()));
        }
        if let Some(name) = settings.get(&JWT_VARIABLE) {
            return Ok(Self::Variable(name.to_owned()));
        }
        match (settings.get(&GITHUB_URL), settings.secret(&GITHUB_TOKEN)) {
            (Some(url), Some(token)) => Ok(Self::GitHub {
                url: url.to_owned(),
                request_token: token.clone(),
                audience: settings.get(&JWT_AUDIENCE).map(str::to_owned),
            }),
            _ => Err(PluginError::access_denied(
                "there is no JWT to log in with: set `jwt_file` or `jwt_variable`, or, in GitHub Actions, `permissions: id-token: write`",
            )),
        }
    }

    /// The source for the method `kubernetes`.
    pub(super) fn of_service_account(settings: &Settings) -> Self {
        let file = settings.path(&JWT_FILE);
        Self::File(file.unwrap_or(Path::new(SERVICE_ACCOUNT)).to_owned())
    }

    pub(super) async fn read(&self, context: &Context) -> Result<Secret, PluginError> {
        match self {
            Self::File(path) => credential::from_file(path, WHAT),
            Self::Variable(name) => {
                let origin = format!("the environment variable {name}");
                let value = std::env::var_os(name).unwrap_or_default();
                let bytes = Zeroizing::new(value.into_encoded_bytes());
                credential::from_bytes(&bytes, WHAT, &origin)
            }
            Self::GitHub {
                url,
                request_token,
                audience,
            } => {
                let asked = ask_github(url, request_token, audience.as_deref());
                context.deadline().run(asked).await
            }
        }
    }
}

#[derive(Deserialize)]
struct GitHubAnswer {
    value: String,
}

/// Asks for a JWT of the running job.
async fn ask_github(
    url: &str,
    request_token: &Secret,
    audience: Option<&str>,
) -> Result<Secret, PluginError> {
    let failed = |why: &str| {
        PluginError::access_denied(format!("GitHub Actions gave no JWT to log in with: {why}"))
    };
    let mut url = url::Url::parse(url).map_err(|_| failed("its address is no URL"))?;
    let local = url.host_str() == Some("127.0.0.1");
    if url.scheme() != "https" && !local {
        return Err(failed("its address is not https"));
    }
    if let Some(audience) = audience {
        url.query_pairs_mut().append_pair("audience", audience);
    }
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|_| failed("no connection can be set up"))?;
    let mut response = http
        .get(url)
        .bearer_auth(request_token.expose())
        .send()
        .await
        .map_err(|error| failed(&error.without_url().to_string()))?;
    if !response.status().is_success() {
        return Err(failed(&format!("status {}", response.status().as_u16())));
    }
    let mut body = Zeroizing::new(Vec::new());
    while let Ok(Some(chunk)) = response.chunk().await {
        if body.len() + chunk.len() > CREDENTIAL_LIMIT {
            return Err(failed("the answer is too long"));
        }
        body.extend_from_slice(&chunk);
    }
    let answer: GitHubAnswer =
        serde_json::from_slice(&body).map_err(|_| failed("the answer holds none"))?;
    Ok(Secret::new(answer.value))
}
