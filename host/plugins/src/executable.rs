//! A plugin and its commands.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use notary_plugin_protocol::session::{Answer, WarmSessions};
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
use crate::recorded_digest::DigestRecord;
use crate::sanitise::printable_bytes;
use crate::session::{Reply, Sessions};

/// How much of an output that is no JSON a message shows.
const SHOWN_OUTPUT_LEN: usize = 80;

/// An executable that is named and placed like a plugin.
#[derive(Debug, Clone)]
pub struct PluginExecutable {
    name: PluginName,
    path: PathBuf,
    options: RunOptions,
    sessions: Option<Arc<Sessions>>,
}

impl PluginExecutable {
    pub(crate) const fn new(name: PluginName, path: PathBuf, options: RunOptions) -> Self {
        Self {
            name,
            path,
            options,
            sessions: None,
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

    /// Whether the executable is what was installed.
    ///
    /// # Errors
    /// It, or the record, cannot be read.
    pub fn digest_record(&self) -> std::io::Result<DigestRecord> {
        DigestRecord::of(&self.path)
    }

    /// The same plugin, run with other options.
    #[must_use]
    pub fn with_options(mut self, options: RunOptions) -> Self {
        self.options = options;
        self
    }

    /// The same plugin, kept running between commands on the terms that its metadata offers.
    ///
    /// All clones share one process, started for the first command. Commands may be called at the same time; as many
    /// are in flight as the plugin takes, fewer while it says `THROTTLED`. Without a version of the session protocol
    /// that is known here, and whenever a session fails, commands run one-shot as without this.
    #[must_use]
    pub fn with_session(mut self, offer: WarmSessions) -> Self {
        if offer.is_supported() {
            self.sessions = Some(Arc::new(Sessions::on(offer)));
        }
        self
    }

    /// Ends the session in order, so that the plugin logs out; kills it if that takes longer than a command may. A
    /// later command starts another.
    pub async fn end_session(&self) {
        if let Some(sessions) = &self.sessions {
            sessions.end(self.options.deadline).await;
        }
    }

    /// Why commands run one-shot although the plugin offered a session: it could not be started, or it died.
    pub async fn session_given_up(&self) -> Option<String> {
        self.sessions.as_ref()?.given_up().await
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

    /// Runs a command once: in the session if there is one, else as a process of its own.
    async fn run<R: Request>(
        &self,
        request: &R,
        deadline: Duration,
    ) -> Result<R::Response, Failure> {
        let response = match self.answer_of_session(request, deadline).await? {
            Some(Answer::Response(response)) => read_response::<R::Response>(&response)?,
            Some(Answer::Error(error)) => return Err(Failure::Plugin(error)),
            None => self.run_one_shot(request, deadline).await?,
        };
        request.check_answer(&response)?;
        Ok(response)
    }

    async fn answer_of_session<R: Request>(
        &self,
        request: &R,
        deadline: Duration,
    ) -> Result<Option<Answer>, Failure> {
        let Some(sessions) = &self.sessions else {
            return Ok(None);
        };
        let json = request.to_json();
        let reply = sessions.call(
            &self.path,
            &self.options.environment,
            R::COMMAND,
            &json,
            deadline,
        );
        Ok(match reply.await? {
            Reply::Answered(answer) => Some(answer),
            Reply::OneShot => None,
        })
    }

    async fn run_one_shot<R: Request>(
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
        interpret(&output)
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
    read_response(&output.stdout)
}

fn read_response<T: Message>(json: &[u8]) -> Result<T, Failure> {
    T::from_json(json).map_err(|source| Failure::InvalidResponse {
        output: match source.rule {
            Rule::NotJson(_) => beginning(json),
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
