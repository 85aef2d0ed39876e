//! A plugin and its commands.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use notary_plugin_protocol::{
    Command, DescribeKeyRequest, DescribeKeyResponse, ErrorResponse, GenerateEnvelopeRequest,
    GenerateEnvelopeResponse, GenerateSignatureRequest, GenerateSignatureResponse,
    GetPluginMetadataRequest, Message, PluginConfig, PluginMetadata, PluginName, Request, Rule,
    VerifySignatureRequest, VerifySignatureResponse,
};
use tokio::time::{Instant, sleep};

use crate::binary::missing_library;
use crate::error::{Failure, PluginProcessError};
use crate::options::RunOptions;
use crate::process::{self, Output};
use crate::sanitise::printable_bytes;

/// How much of an output that is no JSON a message shows.
const SHOWN_OUTPUT_LEN: usize = 80;

/// An executable that is named and placed like a plugin.
#[derive(Debug, Clone)]
pub struct PluginExecutable {
    name: PluginName,
    path: PathBuf,
    options: RunOptions,
}

impl PluginExecutable {
    pub(crate) const fn new(name: PluginName, path: PathBuf, options: RunOptions) -> Self {
        Self {
            name,
            path,
            options,
        }
    }

    /// The plugin's name.
    #[must_use]
    pub const fn name(&self) -> &PluginName {
        &self.name
    }

    /// Where the executable is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The same plugin, run with other options.
    #[must_use]
    pub fn with_options(mut self, options: RunOptions) -> Self {
        self.options = options;
        self
    }

    /// What the plugin is and can do. The name is that of the executable.
    ///
    /// # Errors
    /// If the command fails, the metadata breaks a rule, or the name in it is another.
    pub async fn metadata(
        &self,
        config: &PluginConfig,
    ) -> Result<PluginMetadata, PluginProcessError> {
        let request = GetPluginMetadataRequest {
            plugin_config: config.clone(),
        };
        let metadata = self
            .run(&request, self.options.metadata_deadline)
            .await
            .map_err(|failure| self.failed(Command::GetPluginMetadata, failure))?;
        if metadata.name != self.name {
            let found = metadata.name.to_string();
            return Err(self.failed(Command::GetPluginMetadata, Failure::NameMismatch { found }));
        }
        Ok(metadata)
    }

    /// The key spec of a key. The response has the request's key id.
    ///
    /// # Errors
    /// If the command fails, or its answer is not one to this request.
    pub async fn describe_key(
        &self,
        request: &DescribeKeyRequest,
    ) -> Result<DescribeKeyResponse, PluginProcessError> {
        self.call(request).await
    }

    /// A raw signature. The response has the request's key id and the signing algorithm of its key
    /// spec. Whether the signature verifies is for the caller to find out.
    ///
    /// # Errors
    /// If the command fails, or its answer is not one to this request.
    pub async fn generate_signature(
        &self,
        request: &GenerateSignatureRequest,
    ) -> Result<GenerateSignatureResponse, PluginProcessError> {
        self.call(request).await
    }

    /// A signature envelope of the type that was asked for. What is in it is for the caller to
    /// check.
    ///
    /// # Errors
    /// If the command fails, or its answer is not one to this request.
    pub async fn generate_envelope(
        &self,
        request: &GenerateEnvelopeRequest,
    ) -> Result<GenerateEnvelopeResponse, PluginProcessError> {
        self.call(request).await
    }

    /// The results of checks. Every check that was asked for has one, and every attribute that the
    /// host does not understand was processed.
    ///
    /// # Errors
    /// If the command fails, or its answer is not one to this request. A check that does not pass
    /// is no error.
    pub async fn verify_signature(
        &self,
        request: &VerifySignatureRequest,
    ) -> Result<VerifySignatureResponse, PluginProcessError> {
        self.call(request).await
    }

    /// Runs a command, again as long as the plugin asks for it and the budget lasts.
    async fn call<R: Request>(&self, request: &R) -> Result<R::Response, PluginProcessError> {
        let budget = self.options.retry.budget;
        let start = Instant::now();
        let mut deadline = self.options.deadline;
        let mut repetition = 0;
        let mut asked_to_wait = None;
        loop {
            let failure = match (self.run(request, deadline).await, asked_to_wait) {
                (Ok(response), _) => return Ok(response),
                // The end of the budget is ours; why it was spent is the plugin's to say.
                (Err(Failure::DeadlineExceeded(_)), Some(earlier))
                    if deadline < self.options.deadline =>
                {
                    return Err(self.failed(R::COMMAND, earlier));
                }
                (Err(failure), _) => failure,
            };
            let delay = self.options.retry.delay(repetition);
            let left = budget.saturating_sub(start.elapsed());
            if !may_try_again(&failure) || delay >= left {
                return Err(self.failed(R::COMMAND, failure));
            }
            asked_to_wait = Some(failure);
            sleep(delay).await;
            deadline = self.options.deadline.min(left - delay);
            repetition += 1;
        }
    }

    /// Runs a command once.
    async fn run<R: Request>(
        &self,
        request: &R,
        deadline: Duration,
    ) -> Result<R::Response, Failure> {
        let output = process::run(
            &self.path,
            R::COMMAND.as_str(),
            &request.to_json(),
            &self.options.environment,
            deadline,
        )
        .await?;
        let response = interpret::<R::Response>(&output)?;
        request.check_answer(&response)?;
        Ok(response)
    }

    fn failed(&self, command: Command, failure: Failure) -> PluginProcessError {
        PluginProcessError {
            plugin: self.name.to_string(),
            command,
            executable: self.path.clone(),
            failure: Box::new(failure),
        }
    }
}

const fn may_try_again(failure: &Failure) -> bool {
    matches!(failure, Failure::Plugin(error) if error.code.is_retryable())
}

/// The response of a process that succeeded, or why it did not.
fn interpret<T: Message>(output: &Output) -> Result<T, Failure> {
    if !output.status.success() {
        return Err(failure_of(output));
    }
    T::from_json(&output.stdout).map_err(|source| Failure::InvalidResponse {
        output: match source.rule {
            Rule::NotJson(_) => beginning(&output.stdout),
            _ => String::new(),
        },
        source: Box::new(source),
    })
}

fn beginning(stdout: &[u8]) -> String {
    let start = stdout.get(..SHOWN_OUTPUT_LEN).unwrap_or(stdout);
    let ellipsis = if start.len() < stdout.len() {
        "…"
    } else {
        ""
    };
    format!("{}{ellipsis}", printable_bytes(start))
}

/// Exit code 1 with an error object is the plugin's own word. Everything else is a general failure,
/// and whatever is on standard error is shown with it.
fn failure_of(output: &Output) -> Failure {
    let error = error_object(&output.stderr);
    let stderr = printable_bytes(&output.stderr);
    match (output.status.code(), error) {
        (Some(1), Some(error)) => Failure::Plugin(error),
        (Some(code), error) => match missing_library(&stderr) {
            Some(library) if error.is_none() => Failure::MissingLibrary(library),
            _ => Failure::Exited {
                code,
                error,
                stderr,
            },
        },
        (None, _) => Failure::Killed {
            signal: signal_of(output.status),
            stderr,
        },
    }
}

/// The error object: all of standard error, or its last line after log lines.
fn error_object(stderr: &[u8]) -> Option<ErrorResponse> {
    let whole = ErrorResponse::from_json(stderr).ok();
    whole.or_else(|| {
        let text = stderr.trim_ascii_end();
        let last_line = text.rsplit(|&byte| byte == b'\n').next()?;
        ErrorResponse::from_json(last_line).ok()
    })
}

#[cfg(unix)]
fn signal_of(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.signal().unwrap_or_default()
}

#[cfg(not(unix))]
fn signal_of(_: ExitStatus) -> i32 {
    0
}
