//! What the tests ask of the server as its administrator: plain requests, independent of the plugin.

use serde_json::Value;
use tokio::runtime::Runtime;

use super::VaultServerError;

/// An HTTP client with a token.
#[derive(Debug)]
pub struct Admin {
    runtime: Runtime,
    http: reqwest::Client,
    base: String,
    token: String,
    namespace: Option<String>,
}

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub struct AdminAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body; `null` where there is none.
    pub body: Value,
}

impl Admin {
    /// A client of the server at `base` (`http://127.0.0.1:8200`) that trusts the certificates in `ca` (PEM).
    ///
    /// # Errors
    /// [`VaultServerError`] where the client cannot be set up.
    pub fn new(base: &str, ca: Option<&str>, token: &str) -> Result<Self, VaultServerError> {
        let http_error = |source| VaultServerError::Http {
            request: "set-up".to_owned(),
            source,
        };
        let roots = match ca {
            Some(pem) => {
                reqwest::Certificate::from_pem_bundle(pem.as_bytes()).map_err(http_error)?
            }
            None => Vec::new(),
        };
        let http = reqwest::Client::builder()
            .tls_certs_only(roots)
            .no_proxy()
            .build()
            .map_err(http_error)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(VaultServerError::io("start a runtime"))?;
        Ok(Self {
            runtime,
            http,
            base: base.to_owned(),
            token: token.to_owned(),
            namespace: None,
        })
    }

    /// The same client in a namespace.
    #[must_use]
    pub fn in_namespace(self, namespace: &str) -> Self {
        Self {
            namespace: Some(namespace.to_owned()),
            ..self
        }
    }

    /// Sends a request and gives the answer, a refusal included.
    ///
    /// # Errors
    /// [`VaultServerError::Http`] where there is no answer.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<AdminAnswer, VaultServerError> {
        self.send_with(method, path, body, None)
    }

    fn send_with(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        wrap_for: Option<&str>,
    ) -> Result<AdminAnswer, VaultServerError> {
        let named = |source| VaultServerError::Http {
            request: format!("{method} {path}"),
            source,
        };
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap_or_default();
        let mut request = self
            .http
            .request(method, format!("{}/v1/{path}", self.base))
            .header("X-Vault-Token", &self.token);
        if let Some(namespace) = &self.namespace {
            request = request.header("X-Vault-Namespace", namespace);
        }
        if let Some(duration) = wrap_for {
            request = request.header("X-Vault-Wrap-TTL", duration);
        }
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        self.runtime.block_on(async {
            let answer = request.send().await.map_err(named)?;
            let status = answer.status().as_u16();
            let bytes = answer.bytes().await.map_err(named)?;
            let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
            Ok(AdminAnswer { status, body })
        })
    }

    /// Writes, and fails unless the server agrees.
    ///
    /// # Errors
    /// [`VaultServerError::Refused`] with what the server says.
    pub fn write(&self, path: &str, body: &Value) -> Result<Value, VaultServerError> {
        self.accepted("POST", path, Some(body))
    }

    /// Reads, and fails unless there is something.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn read(&self, path: &str) -> Result<Value, VaultServerError> {
        self.accepted("GET", path, None)
    }

    /// Deletes, and fails unless the server agrees.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn delete(&self, path: &str) -> Result<Value, VaultServerError> {
        self.accepted("DELETE", path, None)
    }

    fn accepted(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, VaultServerError> {
        Self::agreed(method, path, self.send(method, path, body)?)
    }

    /// Writes, and has the answer wrapped for a duration such as `10m`.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn wrapped(
        &self,
        path: &str,
        body: &Value,
        duration: &str,
    ) -> Result<Value, VaultServerError> {
        let answer = self.send_with("POST", path, Some(body), Some(duration))?;
        Self::agreed("POST", path, answer)
    }

    fn agreed(method: &str, path: &str, answer: AdminAnswer) -> Result<Value, VaultServerError> {
        if (200..300).contains(&answer.status) {
            return Ok(answer.body);
        }
        Err(VaultServerError::Refused {
            request: format!("{method} {path}"),
            status: answer.status,
            body: answer.body.to_string(),
        })
    }
}
