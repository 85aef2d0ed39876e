//! The emulator (`ministack`), and plain requests to it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::server_process::{ServerProcess, StartError};
use crate::tools::{ToolMissing, find_python_tool};

/// The region that requests of the set-up are for.
pub const REGION: &str = "eu-west-1";

/// Services that are switched on.
const SERVICES: &str = "kms,sts,iam,ssm,secretsmanager,s3,acm";

/// What kind of server is started.
#[derive(Clone, Copy, Debug, Default)]
pub struct AwsServerOptions {
    /// TLS with a certificate that only [`AwsServer::ca_file`] vouches for.
    pub tls: bool,
    /// Checks signatures of requests and IAM policies of users; the set-up's own requests may do everything.
    pub enforce: bool,
}

/// What a user signs requests with.
#[derive(Clone, Debug)]
pub struct AccessKey {
    /// The access key's id.
    pub id: String,
    /// Its secret.
    pub secret: String,
}

/// Why the emulator could not be started or set up.
#[derive(Debug, thiserror::Error)]
pub enum AwsServerError {
    /// The emulator is not installed.
    #[error(transparent)]
    Missing(#[from] ToolMissing),
    /// A file or process of the set-up failed.
    #[error("{action}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A certificate could not be made.
    #[error("no certificate for the test server")]
    Certificate(#[from] rcgen::Error),
    /// The emulator ended, or did not answer in time.
    #[error("the AWS emulator did not answer; it wrote: {log}")]
    NotReady {
        /// What it wrote.
        log: String,
    },
    /// The emulator could not be asked.
    #[error("{request} got no answer")]
    Http {
        /// The operation.
        request: String,
        /// What went wrong.
        source: reqwest::Error,
    },
    /// The emulator refused a step of the set-up.
    #[error("{request} was answered with {status}: {body}")]
    Refused {
        /// The operation.
        request: String,
        /// The HTTP status.
        status: u16,
        /// What it said.
        body: String,
    },
}

impl From<StartError> for AwsServerError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Io(action, source) => Self::Io { action, source },
            StartError::NotReady(log) => Self::NotReady { log },
        }
    }
}

fn io(action: &'static str) -> impl FnOnce(std::io::Error) -> AwsServerError {
    move |source| AwsServerError::Io { action, source }
}

/// A running emulator on loopback, with nothing in it.
#[derive(Debug)]
pub struct AwsServer {
    process: ServerProcess,
    directory: TempDir,
    tls: bool,
    runtime: Runtime,
    http: reqwest::Client,
}

impl AwsServer {
    /// Starts an emulator over plain HTTP.
    ///
    /// # Errors
    /// [`AwsServerError`] says what is missing or what the emulator wrote.
    pub fn start() -> Result<Self, AwsServerError> {
        Self::start_with(AwsServerOptions::default())
    }

    /// Starts an emulator.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_with(options: AwsServerOptions) -> Result<Self, AwsServerError> {
        let program = find_python_tool("ministack", "ministack")?;
        let directory = TempDir::new().map_err(io("make a directory"))?;
        let mut builder = reqwest::Client::builder().no_proxy();
        if options.tls {
            let pem = write_certificate(&directory)?;
            let roots =
                reqwest::Certificate::from_pem_bundle(pem.as_bytes()).map_err(http("set-up"))?;
            builder = builder.tls_certs_only(roots);
        } else {
            builder = builder.tls_certs_only([]);
        }
        let process = ServerProcess::start(directory.path(), |port| {
            let mut command = Command::new(&program);
            // Without these it listens on every interface, and for MQTT as well.
            command
                .env_clear()
                .env("HOME", directory.path())
                .env("TMPDIR", directory.path())
                .env("PATH", std::env::var_os("PATH").unwrap_or_default())
                .env("BIND_HOST", "127.0.0.1")
                .env("GATEWAY_PORT", port.to_string())
                .env("IOT_MTLS_ENABLED", "0")
                .env("SERVICES", SERVICES);
            if options.enforce {
                command.env("AUTH", "true");
            }
            if options.tls {
                command
                    .env("USE_SSL", "1")
                    .env("MINISTACK_SSL_CERT", directory.path().join("server.pem"))
                    .env("MINISTACK_SSL_KEY", directory.path().join("server.key"));
            }
            Ok(command)
        })?;
        Ok(Self {
            process,
            tls: options.tls,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(io("start a runtime"))?,
            http: builder.build().map_err(http("set-up"))?,
            directory,
        })
    }

    /// `http://127.0.0.1:port`, or `https://…` with TLS.
    #[must_use]
    pub fn address(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}", self.process.port)
    }

    /// The certificate (PEM) that vouches for the emulator, with TLS.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.directory.path().join("server.pem")
    }

    /// Asks KMS: `operation` is the API's name of it, such as `CreateKey`.
    ///
    /// # Errors
    /// [`AwsServerError::Refused`] where the answer is no success.
    pub fn kms(&self, operation: &str, body: &Value) -> Result<Value, AwsServerError> {
        self.call("kms", &format!("TrentService.{operation}"), body)
    }

    /// Asks any service that speaks JSON: `target` is the API's `X-Amz-Target`.
    ///
    /// # Errors
    /// As [`kms`](Self::kms).
    pub fn call(&self, service: &str, target: &str, body: &Value) -> Result<Value, AwsServerError> {
        let request = self
            .http
            .post(self.address())
            .header("X-Amz-Target", target)
            .header("Content-Type", "application/x-amz-json-1.1")
            .body(body.to_string());
        self.send(service, target, request)
    }

    /// Stores an object in S3, and makes its bucket.
    ///
    /// # Errors
    /// As [`kms`](Self::kms).
    pub fn put_object(&self, bucket: &str, key: &str, content: &str) -> Result<(), AwsServerError> {
        let bucket = format!("{}/{bucket}", self.address());
        let place = format!(
            "<CreateBucketConfiguration><LocationConstraint>{REGION}</LocationConstraint></CreateBucketConfiguration>"
        );
        self.send("s3", "CreateBucket", self.http.put(&bucket).body(place))?;
        let object = self.http.put(format!("{bucket}/{key}"));
        self.send("s3", "PutObject", object.body(content.to_owned()))?;
        Ok(())
    }

    /// Makes a user with one policy, and an access key of theirs.
    ///
    /// # Errors
    /// As [`kms`](Self::kms).
    pub fn user(&self, name: &str, policy: &Value) -> Result<AccessKey, AwsServerError> {
        let policy = policy.to_string();
        self.iam("CreateUser", &[("UserName", name)])?;
        let document = [
            ("UserName", name),
            ("PolicyName", "test"),
            ("PolicyDocument", policy.as_str()),
        ];
        self.iam("PutUserPolicy", &document)?;
        let made = self.iam("CreateAccessKey", &[("UserName", name)])?;
        Ok(AccessKey {
            id: element(&made, "AccessKeyId"),
            secret: element(&made, "SecretAccessKey"),
        })
    }

    fn iam(&self, action: &str, parameters: &[(&str, &str)]) -> Result<String, AwsServerError> {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("Version", "2010-05-08");
        form.append_pair("Action", action);
        form.extend_pairs(parameters);
        let request = self
            .http
            .post(self.address())
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(form.finish());
        self.send_text("iam", action, request)
    }

    fn send(
        &self,
        service: &str,
        name: &str,
        request: reqwest::RequestBuilder,
    ) -> Result<Value, AwsServerError> {
        let body = self.send_text(service, name, request)?;
        Ok(serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    fn send_text(
        &self,
        service: &str,
        name: &str,
        request: reqwest::RequestBuilder,
    ) -> Result<String, AwsServerError> {
        // The emulator reads service and region from it, and checks nothing.
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=0"
        );
        self.runtime.block_on(async {
            let answer = request
                .header("Authorization", authorization)
                .send()
                .await
                .map_err(http(name))?;
            let status = answer.status();
            let body = answer.text().await.map_err(http(name))?;
            if !status.is_success() {
                return Err(AwsServerError::Refused {
                    request: name.to_owned(),
                    status: status.as_u16(),
                    body,
                });
            }
            Ok(body)
        })
    }
}

fn http(request: &str) -> impl Fn(reqwest::Error) -> AwsServerError + use<'_> {
    move |source| AwsServerError::Http {
        request: request.to_owned(),
        source,
    }
}

/// The text of the first element of a name.
fn element(xml: &str, name: &str) -> String {
    let inside = xml
        .split_once(&format!("<{name}>"))
        .and_then(|(_, rest)| rest.split_once(&format!("</{name}>")));
    inside.map(|(text, _)| text.to_owned()).unwrap_or_default()
}

/// A certificate that nobody issued, so that only who knows it trusts it.
fn write_certificate(directory: &TempDir) -> Result<String, AwsServerError> {
    let key = KeyPair::generate()?;
    let mut server = CertificateParams::new(["localhost", "127.0.0.1"].map(str::to_owned))?;
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let pem = server.self_signed(&key)?.pem();
    let write = |name: &str, text: &str| {
        fs::write(directory.path().join(name), text).map_err(io("write a certificate"))
    };
    write("server.pem", &pem)?;
    write("server.key", &key.serialize_pem())?;
    Ok(pem)
}
